#!/bin/sh
# upkeep - run by the timer at night: makes a verified copy of the database, beside
# it or, for a database server, in StateDirectory=; deletes all copies but the newest
# BACKUPS; then deletes answers older than RETENTION_DAYS.
set -eu
settings=$(sessions settings)
setting() { printf '%s\n' "$settings" | sed -n "s/^$1=//p"; }

database=$(setting DATABASE)
backups=$(setting BACKUPS)
days=$(setting RETENTION_DAYS)

if [ "$backups" -gt 0 ]; then
	case $database in
	postgres*) folder=${STATE_DIRECTORY:-.}/backup end=dump ;;
	*) folder=$(dirname "$database")/backup end=db ;;
	esac
	(umask 077 && mkdir -p "$folder")
	new=$folder/$(date +%F).$end
	sessions backup --force "$new"
	# Remove what a killed backup left, because it also contains tickets.
	find "$folder" -name "????-??-??.$end.tmp*" -exec rm -f {} +
	# The names sort by date.  The new copy stays, even if the clock went
	# back and its name is the oldest.
	find "$folder" -name "????-??-??.$end" ! -name "${new##*/}" | sort -r |
	    tail -n "+$backups" | while IFS= read -r old; do
		rm -f "$old"
	done
fi
# The words of tickets that were deleted or rated otherwise.
sessions knowledge --sweep
[ "$days" -eq 0 ] || sessions purge --older-than "${days}d"

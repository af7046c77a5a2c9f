#!/bin/sh
# upkeep - what the timer does at night: a verified copy of the database beside
# it, or of a server's in StateDirectory=, the newest BACKUPS of them kept; then
# answers of more than RETENTION_DAYS go.
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
	# What one that was killed has left holds tickets, too.
	find "$folder" -name "????-??-??.$end.tmp*" -exec rm -f {} +
	# Their names sort by date.  The one just made stays, also where the
	# clock went back and it has the oldest name.
	find "$folder" -name "????-??-??.$end" ! -name "${new##*/}" | sort -r |
	    tail -n "+$backups" | while IFS= read -r old; do
		rm -f "$old"
	done
fi
[ "$days" -eq 0 ] || sessions purge --older-than "${days}d"

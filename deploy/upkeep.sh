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
	sessions backup --force "$folder/$(date +%F).$end"
	# Their names sort by date.
	find "$folder" -name "????-??-??.$end" | sort -r |
	    tail -n "+$((backups + 1))" | while IFS= read -r old; do
		rm -f "$old"
	done
fi
[ "$days" -eq 0 ] || sessions purge --older-than "${days}d"

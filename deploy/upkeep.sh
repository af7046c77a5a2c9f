#!/bin/sh
# upkeep - what the timer does at night: a verified copy of the database beside
# it, the newest BACKUPS of them kept; then answers of more than RETENTION_DAYS go.
set -eu
settings=$(sessions settings)
setting() { printf '%s\n' "$settings" | sed -n "s/^$1=//p"; }

database=$(setting DATABASE)
backups=$(setting BACKUPS)
days=$(setting RETENTION_DAYS)

if [ "$backups" -gt 0 ]; then
	folder=$(dirname "$database")/backup
	(umask 077 && mkdir -p "$folder")
	sessions backup --force "$folder/$(date +%F).db"
	# Their names sort by date.
	find "$folder" -name '????-??-??.db' | sort -r |
	    tail -n "+$((backups + 1))" | while IFS= read -r old; do
		rm -f "$old"
	done
fi
[ "$days" = 0 ] || sessions purge --older-than "${days}d"

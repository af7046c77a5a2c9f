-- Keeping the database in order.  ?1 of the first ones is a time in seconds
-- since 1970: what is older goes.

-- name: PURGE_COUNT
SELECT count(*) FROM TicketAISessions
WHERE coalesce(UpdatedAt, CreatedAt) <
	strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch');

-- name: PURGE_SESSIONS_NEXT
-- The last of the next ?3 answers behind ?2 that are too old.
SELECT max(Id) FROM (SELECT Id FROM TicketAISessions
	WHERE Id > ?2 AND AiResponse IS NOT NULL AND
	coalesce(UpdatedAt, CreatedAt) <
	strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch')
	ORDER BY Id LIMIT ?3);

-- name: PURGE_SESSIONS
DELETE FROM TicketAISessions
WHERE Id > ?2 AND Id <= ?3 AND AiResponse IS NOT NULL AND
	coalesce(UpdatedAt, CreatedAt) <
	strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch');

-- name: PURGE_UNANSWERED_NEXT
SELECT Id, TicketId FROM TicketAISessions
WHERE Id > ?2 AND AiResponse IS NULL AND
	CreatedAt < strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch')
ORDER BY Id LIMIT 1;

-- name: PURGE_UNANSWERED
DELETE FROM TicketAISessions WHERE Id = ?1 AND AiResponse IS NULL;

-- name: PURGE_TICKETS_NEXT
SELECT max(Id) FROM (SELECT t.Id FROM Tickets AS t
	WHERE t.Id > ?2 AND
	t.CreatedAt < strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch') AND
	NOT EXISTS (SELECT 1 FROM TicketAISessions WHERE TicketId = t.Id)
	ORDER BY t.Id LIMIT ?3);

-- name: PURGE_TICKETS
DELETE FROM Tickets
WHERE Id > ?2 AND Id <= ?3 AND
	CreatedAt < strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch') AND
	NOT EXISTS (SELECT 1 FROM TicketAISessions WHERE TicketId = Tickets.Id);

-- name: VACUUM
VACUUM;

-- name: TEXTS
-- Every text, also those of the schema and the models' names.
SELECT Id, Prompt, AiResponse FROM TicketAISessions
UNION ALL SELECT SessionId, Model, DoneReason FROM TicketAIGenerations
UNION ALL SELECT 0, sql, NULL FROM sqlite_schema;

-- name: TEXTS_OF_TICKET
SELECT Id, Prompt, AiResponse FROM TicketAISessions WHERE TicketId = ?1;

-- name: CHECK_QUICK
PRAGMA quick_check;

-- name: CHECK_FULL
PRAGMA integrity_check;

-- name: CHECK_OWNERS
SELECT "table" || ': row ' || coalesce(rowid, '?') || ' has no ' || parent
FROM pragma_foreign_key_check;

-- name: CENSUS
SELECT (SELECT count(*) FROM Tickets), count(*), sum(AiResponse IS NULL)
FROM TicketAISessions;

-- name: COPY
VACUUM INTO ?1;

-- name: IDENTITY_SET
UPDATE Identity SET Id = ?1;

-- name: IDENTITY_DRAW
UPDATE Identity SET Id = lower(hex(randomblob(16)));

-- name: LAST_ID
-- Ids of sessions are never used twice, not even after an older database
-- has come back.
SELECT seq FROM sqlite_sequence WHERE name = 'TicketAISessions';

-- name: LAST_ID_RAISE
UPDATE sqlite_sequence SET seq = max(seq, ?1)
WHERE name = 'TicketAISessions';

-- name: LAST_ID_ADD
INSERT INTO sqlite_sequence (name, seq) SELECT 'TicketAISessions', ?1
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence
	WHERE name = 'TicketAISessions');

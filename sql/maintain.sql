-- Maintenance.  In the PURGE statements ?1 is a time in seconds since 1970:
-- older rows are deleted.

-- name: PURGE_COUNT
-- An answer stays as long as a question about it.
SELECT count(*) FROM TicketAISessions AS s
WHERE coalesce(UpdatedAt, CreatedAt) <
	strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch') AND
	NOT EXISTS (SELECT 1 FROM TicketAISessions AS q
	WHERE q.TicketId = s.TicketId AND q.FollowsId = s.Id AND
	coalesce(q.UpdatedAt, q.CreatedAt) >=
	strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch'));

-- name: PURGE_SESSIONS_NEXT
-- Up to ?3 answers that are too old and about which there is no question any
-- more, found with the index of times and outside write transactions.
SELECT Id, TicketId FROM TicketAISessions AS s
WHERE ?2 = 0 AND AiResponse IS NOT NULL AND coalesce(UpdatedAt, CreatedAt) <
	strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch') AND
	NOT EXISTS (SELECT 1 FROM TicketAISessions AS q
	WHERE q.TicketId = s.TicketId AND q.FollowsId = s.Id)
LIMIT ?3;

-- name: PURGE_SESSION
DELETE FROM TicketAISessions AS s
WHERE Id = ?2 AND AiResponse IS NOT NULL AND coalesce(UpdatedAt, CreatedAt) <
	strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch') AND
	NOT EXISTS (SELECT 1 FROM TicketAISessions AS q
	WHERE q.TicketId = s.TicketId AND q.FollowsId = s.Id);

-- name: PURGE_UNANSWERED_NEXT
-- The plus signs make SQLite use the index of times.
SELECT Id, TicketId FROM TicketAISessions
WHERE +Id > ?2 AND AiResponse IS NULL AND coalesce(UpdatedAt, CreatedAt) <
	strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch')
ORDER BY +Id LIMIT ?3;

-- name: PURGE_UNANSWERED
DELETE FROM TicketAISessions WHERE Id = ?1 AND AiResponse IS NULL;

-- name: PURGE_TICKETS_NEXT
SELECT t.Id, t.Id FROM Tickets AS t
WHERE t.Id > ?2 AND
	t.CreatedAt < strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch') AND
	NOT EXISTS (SELECT 1 FROM TicketAISessions WHERE TicketId = t.Id)
ORDER BY t.Id LIMIT ?3;

-- name: PURGE_TICKET
DELETE FROM Tickets
WHERE Id = ?2 AND
	CreatedAt < strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch') AND
	NOT EXISTS (SELECT 1 FROM TicketAISessions WHERE TicketId = Tickets.Id);

-- name: VACUUM
VACUUM;

-- name: TEXTS
-- All texts, also those of the schema and the models' names.
SELECT Id, Prompt, AiResponse FROM TicketAISessions
UNION ALL SELECT SessionId, Model, DoneReason FROM TicketAIGenerations
UNION ALL SELECT 0, sql, NULL FROM sqlite_schema;

-- name: TEXTS_OF_TICKET
SELECT Id, Prompt, AiResponse FROM TicketAISessions WHERE TicketId = ?1;

-- name: TEXTS_OF_THREADS
-- What schema 1 does not have: of a ticket, or (0) of all, with the names.
SELECT Id, Instruction, ModelText, iif(?1 = 0, Author, NULL)
FROM TicketAISessions WHERE ?1 = 0 OR TicketId = ?1;

-- name: TEXTS_OF_COSTS
SELECT SessionId, UserName, Server FROM TicketAIGenerations WHERE ?1 = 0;

-- name: TEXTS_OF_RATINGS
-- Of a ticket, or (0) of all, with the users.
SELECT SessionId, Comment, iif(?1 = 0, UserName, NULL) FROM TicketAIRatings
WHERE ?1 = 0 OR
	SessionId IN (SELECT Id FROM TicketAISessions WHERE TicketId = ?1);

-- name: TEXTS_OF_SOURCES
SELECT SessionId, Name, Title, Url, Text FROM TicketAISources;

-- name: USER_HIDE
-- A user's ratings lose their words and count no more (Good is NULL), and the
-- user's name (?1) becomes a hash (?2): so they are found again if what follows
-- is interrupted.
UPDATE OR REPLACE TicketAIRatings
SET UserName = ?2, Good = NULL, Reason = NULL, Comment = NULL
WHERE UserName = ?1;

-- name: USER_HIDE_AUTHOR
-- The user's answers stay, without the name.
UPDATE TicketAISessions SET Author = ?2 WHERE Author = ?1;

-- name: USER_HIDE_ASKER
UPDATE TicketAIGenerations SET UserName = ?2 WHERE UserName = ?1;

-- name: USER_DELETE
DELETE FROM TicketAIRatings WHERE UserName = ?2;

-- name: USER_DELETE_AUTHOR
UPDATE TicketAISessions SET Author = '' WHERE Author = ?2;

-- name: USER_DELETE_ASKER
UPDATE TicketAIGenerations SET UserName = NULL WHERE UserName = ?2;

-- name: USER_LEFT
SELECT (SELECT count(*) FROM TicketAIRatings WHERE UserName IN (?1, ?2)) +
	(SELECT count(*) FROM TicketAISessions WHERE Author IN (?1, ?2)) +
	(SELECT count(*) FROM TicketAIGenerations WHERE UserName IN (?1, ?2));

-- name: CHECK_QUICK
PRAGMA quick_check;

-- name: CHECK_FULL
PRAGMA integrity_check;

-- name: CHECK_OWNERS
SELECT "table" || ': row ' || coalesce(rowid, '?') || ' has no ' || parent
FROM pragma_foreign_key_check;

-- name: CHECK_RATINGS
SELECT 'TicketAIRatings: row ' || SessionId || ' has no TicketAISessions'
FROM TicketAIRatings
WHERE SessionId NOT IN (SELECT Id FROM TicketAISessions);

-- name: CHECK_SOURCES
SELECT 'TicketAISources: row ' || SessionId || ' has no TicketAISessions'
FROM TicketAISources
WHERE SessionId NOT IN (SELECT Id FROM TicketAISessions
	WHERE AiResponse IS NOT NULL);

-- name: CHECK_THREADS
-- Reads the rows themselves, because an index may be damaged.
SELECT 'TicketAISessions: row ' || q.Id || ' follows ' || q.FollowsId ||
	', which is no answer of its ticket'
FROM TicketAISessions AS q NOT INDEXED
LEFT JOIN TicketAISessions AS s ON s.Id = q.FollowsId
WHERE q.FollowsId IS NOT NULL AND (s.TicketId IS NOT q.TicketId OR
	s.FollowsId IS NOT NULL OR s.AiResponse IS NULL);

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
-- Session ids are never reused, not even after an older database was restored.
SELECT seq FROM sqlite_sequence WHERE name = 'TicketAISessions';

-- name: LAST_ID_RAISE
UPDATE sqlite_sequence SET seq = max(seq, ?1)
WHERE name = 'TicketAISessions';

-- name: LAST_ID_ADD
INSERT INTO sqlite_sequence (name, seq) SELECT 'TicketAISessions', ?1
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence
	WHERE name = 'TicketAISessions');

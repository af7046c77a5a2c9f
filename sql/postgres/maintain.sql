-- Maintenance, as sql/maintain.sql.  In the PURGE statements $1 is a time in
-- seconds since 1970: older rows are deleted.

-- name: PURGE_COUNT
-- An answer stays as long as a question about it.
SELECT count(*) FROM TicketAISessions AS s
WHERE coalesce(UpdatedAt, CreatedAt) < utc(to_timestamp($1)) AND
	NOT EXISTS (SELECT FROM TicketAISessions AS q WHERE q.FollowsId = s.Id
	AND coalesce(q.UpdatedAt, q.CreatedAt) >= utc(to_timestamp($1)));

-- name: PURGE_SESSIONS
-- Deletes up to $3 answers after $2 that are too old and about which there is
-- no question any more, found with the index of times; skips rows that another
-- transaction is deleting.
WITH Gone AS (DELETE FROM TicketAISessions WHERE Id IN (
	SELECT Id FROM TicketAISessions AS s
	WHERE Id > $2 AND AiResponse IS NOT NULL AND
	coalesce(UpdatedAt, CreatedAt) < utc(to_timestamp($1)) AND
	NOT EXISTS (SELECT FROM TicketAISessions AS q
	WHERE q.FollowsId = s.Id)
	LIMIT $3 FOR UPDATE SKIP LOCKED)
	RETURNING Id)
SELECT coalesce(max(Id), 0), count(*) FROM Gone;

-- name: PURGE_UNANSWERED_NEXT
SELECT Id, TicketId FROM TicketAISessions
WHERE Id > $2 AND AiResponse IS NULL AND
	coalesce(UpdatedAt, CreatedAt) < utc(to_timestamp($1))
ORDER BY Id LIMIT 1;

-- name: PURGE_UNANSWERED
-- How many were deleted; -1: a generation runs for it on some machine.
WITH Lives AS MATERIALIZED (SELECT run_lives($2) AS Runs),
Gone AS (DELETE FROM TicketAISessions
	WHERE Id = $1 AND AiResponse IS NULL AND (SELECT Runs FROM Lives) = 0
	RETURNING Id)
SELECT CASE WHEN Runs = 0 THEN (SELECT count(*) FROM Gone) ELSE -1 END
FROM Lives;

-- name: PURGE_TICKETS
SELECT last, deleted FROM tickets_purge(utc(to_timestamp($1)), $2, $3);

-- name: TICKETS_ARE_OURS
SELECT tickets_are_ours()::int;

-- name: LOCK
-- Takes a lock for a backup or restore until the connection ends, if it is
-- free.  Turns idle timeouts off: the connection is silent while the tools run.
SELECT pg_try_advisory_lock(ticketchat.lock_key($1, ''))::int,
	(SELECT set_config(name, '0', false) FROM pg_settings
	WHERE name = 'idle_session_timeout');

-- name: LOCK_GATE
-- Keeps runs from beginning until the connection ends; waits for those that are
-- just beginning.
SELECT pg_advisory_lock(ticketchat.lock_key('gate', ''));

-- name: FORGET
-- Whether the ticket existed, or -1 if something still runs for it.
WITH Lives AS MATERIALIZED (SELECT run_lives($1) AS Runs),
Ended AS (DELETE FROM TicketAIRuns
	WHERE TicketId = $1 AND (SELECT Runs FROM Lives) = 0)
SELECT CASE WHEN Runs = 0 THEN ticket_delete($1)::int ELSE -1 END FROM Lives;

-- name: TRANSACTION
-- The number of a transaction behind all that was changed until now.
SELECT pg_current_xact_id()::text;

-- name: VACUUM
-- A transaction that may still see a row keeps the row, and its number among
-- the oldest ones.
VACUUM (FULL, FREEZE) ticketchat.TicketAISessions,
	ticketchat.TicketAIGenerations, ticketchat.TicketAIRuns,
	ticketchat.TicketAIRatings, ticketchat.TicketAISources,
	ticketchat.Documents, ticketchat.Passages, ticketchat.PassageIndex,
	ticketchat.PassageWords, ticketchat.Asked;

-- name: VACUUMED
-- Whether transaction $1 is older than all rows that are left.
SELECT bool_and(age(relfrozenxid) < age(($1 % 4294967296)::text::xid))::int
FROM pg_class WHERE oid IN ('TicketAISessions'::regclass,
	'TicketAIGenerations'::regclass, 'TicketAIRuns'::regclass,
	'TicketAIRatings'::regclass, 'TicketAISources'::regclass,
	'Documents'::regclass, 'Passages'::regclass, 'PassageIndex'::regclass,
	'PassageWords'::regclass, 'Asked'::regclass);

-- name: FORGET_USER
-- Runs that have not ended are nobody's turn from now on.  The user's answers
-- stay, and carry a blank instead of the name until the tables are rewritten:
-- so they are found again if that is interrupted.
WITH Gone AS (UPDATE TicketAIRuns SET UserName = '' WHERE UserName = $1),
Unrated AS (DELETE FROM TicketAIRatings WHERE UserName = $2),
Hidden AS (UPDATE TicketAISessions SET Author = ' ' WHERE Author IN ($1, $2)),
Unasked AS (UPDATE TicketAIGenerations SET UserName = ' '
	WHERE UserName IN ($1, $2))
SELECT 1;

-- name: USER_WRITTEN
-- How many rows of the large tables carry the blank.
SELECT (SELECT count(*) FROM TicketAISessions WHERE Author = ' ') +
	(SELECT count(*) FROM TicketAIGenerations WHERE UserName = ' ');

-- name: USER_CLEAR
WITH Cleared AS (UPDATE TicketAISessions SET Author = '' WHERE Author = ' ')
UPDATE TicketAIGenerations SET UserName = NULL WHERE UserName = ' ';

-- name: VACUUM_RUNS
VACUUM (FULL, FREEZE) ticketchat.TicketAIRuns, ticketchat.TicketAIRatings,
	ticketchat.Documents, ticketchat.Passages, ticketchat.PassageIndex,
	ticketchat.PassageWords, ticketchat.Asked;

-- name: VACUUMED_RUNS
SELECT bool_and(age(relfrozenxid) < age(($1 % 4294967296)::text::xid))::int
FROM pg_class WHERE oid IN ('TicketAIRuns'::regclass,
	'TicketAIRatings'::regclass, 'Documents'::regclass,
	'Passages'::regclass, 'PassageIndex'::regclass,
	'PassageWords'::regclass, 'Asked'::regclass);

-- name: USER_LEFT
SELECT (SELECT count(*) FROM TicketAIRuns WHERE UserName = $1) +
	(SELECT count(*) FROM TicketAIRatings WHERE UserName = $2) +
	(SELECT count(*) FROM TicketAISessions WHERE Author IN ($1, $2)) +
	(SELECT count(*) FROM TicketAIGenerations WHERE UserName IN ($1, $2)) +
	(SELECT count(*) FROM RateLimits
	WHERE Key IN ($3, 'open:' || $3, 'rate:' || $3, 'write:' || $3));

-- name: VACUUM_RATES
VACUUM FULL ticketchat.RateLimits;

-- name: TEXTS
SELECT Id, Prompt, AiResponse FROM TicketAISessions
UNION ALL SELECT SessionId, Model, DoneReason FROM TicketAIGenerations;

-- name: TEXTS_OF_TICKET
SELECT Id, Prompt, AiResponse FROM TicketAISessions WHERE TicketId = $1;

-- name: TEXTS_OF_THREADS
-- Of a ticket, or (0) of all, with the names.
SELECT Id, Instruction, ModelText, CASE $1 WHEN 0 THEN Author END
FROM TicketAISessions WHERE $1 = 0 OR TicketId = $1;

-- name: TEXTS_OF_COSTS
SELECT SessionId, UserName, Server FROM TicketAIGenerations WHERE $1 = 0;

-- name: TEXTS_OF_RATINGS
-- Of a ticket, or (0) of all, with the users.
SELECT SessionId, Comment, CASE $1 WHEN 0 THEN UserName END
FROM TicketAIRatings
WHERE $1 = 0 OR
	SessionId IN (SELECT Id FROM TicketAISessions WHERE TicketId = $1);

-- name: TEXTS_OF_SOURCES
SELECT SessionId, Name, Title, Url, Text FROM TicketAISources;

-- name: CHECK
SELECT 'the encoding is ' || current_setting('server_encoding') ||
	', not UTF8' WHERE current_setting('server_encoding') <> 'UTF8'
UNION ALL
SELECT 'TicketAISessions: row ' || Id || ' has no Tickets'
FROM TicketAISessions AS s
WHERE NOT EXISTS (SELECT FROM Tickets WHERE Id = s.TicketId)
UNION ALL
SELECT 'TicketAIGenerations: row ' || SessionId || ' has no TicketAISessions'
FROM TicketAIGenerations
WHERE NOT EXISTS (SELECT FROM TicketAISessions WHERE Id = SessionId)
UNION ALL
SELECT 'TicketAIRatings: row ' || SessionId || ' has no TicketAISessions'
FROM TicketAIRatings
WHERE NOT EXISTS (SELECT FROM TicketAISessions WHERE Id = SessionId)
UNION ALL
SELECT 'TicketAISources: row ' || SessionId || ' has no TicketAISessions'
FROM TicketAISources
WHERE NOT EXISTS (SELECT FROM TicketAISessions
	WHERE Id = SessionId AND AiResponse IS NOT NULL)
UNION ALL
SELECT 'TicketAISessions: row ' || q.Id || ' follows ' || q.FollowsId ||
	', which is no answer of its ticket'
FROM TicketAISessions AS q
LEFT JOIN TicketAISessions AS s ON s.Id = q.FollowsId
WHERE q.FollowsId IS NOT NULL AND (s.TicketId IS DISTINCT FROM q.TicketId OR
	s.FollowsId IS NOT NULL OR s.AiResponse IS NULL)
UNION ALL
SELECT 'ids of sessions up to ' || max(Id) || ' will be used twice'
FROM TicketAISessions, TicketAISessions_Id_seq
GROUP BY last_value, is_called
HAVING max(Id) > last_value OR (max(Id) = last_value AND NOT is_called);

-- name: CHECK_READ
-- Reads every byte of every text; fails at a damaged one.
SELECT count(hashtext(Prompt)) + count(hashtext(AiResponse)) +
	count(hashtext(Instruction)) + count(hashtext(ModelText)) +
	count(hashtext(Author))
FROM TicketAISessions;

-- name: CENSUS
SELECT (SELECT count(*) FROM Tickets), count(*),
	count(*) FILTER (WHERE AiResponse IS NULL)
FROM TicketAISessions;

-- name: IDENTITY_SET
UPDATE Identity SET Id = $1;

-- name: IDENTITY_DRAW
UPDATE Identity SET Id = replace(gen_random_uuid()::text, '-', '');

-- name: LAST_IDS
-- Ids of sessions and runs are never reused, not even after an older database
-- was restored.
SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END,
	CASE WHEN r.is_called THEN r.last_value ELSE 0 END
FROM TicketAISessions_Id_seq AS s, TicketAIRunNumbers AS r;

-- name: LAST_IDS_RAISE
-- 0: none.  Nobody may draw an id meanwhile.
SELECT CASE WHEN $1 > 0 THEN setval('TicketAISessions_Id_seq',
	greatest(s.last_value, $1)) END,
	CASE WHEN $2 > 0 THEN setval('TicketAIRunNumbers',
	greatest(r.last_value, $2)) END
FROM TicketAISessions_Id_seq AS s, TicketAIRunNumbers AS r;

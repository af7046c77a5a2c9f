-- Every statement that the service runs on PostgreSQL, by name; longer ones
-- are functions of 001_init.sql.  Parameters are numbered in the order in which
-- lib/postgres/ binds them.

-- name: OPEN
-- What a connection needs to know of us; sent with the question for the
-- version, in one go.  A machine that dies is noticed in half a minute.
SET search_path = ticketchat, public;
SET tcp_keepalives_idle = 10;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3;
SET tcp_user_timeout = 25000;
SET lock_timeout = 5000;
SET idle_in_transaction_session_timeout = 60000;
SET client_min_messages = warning;

-- name: VERSION
SELECT Version FROM SchemaVersion;

-- name: ANSWER_BY_TICKET
-- The newest answer of a ticket, and how many it has; whether it
-- was cut at its limit.
SELECT Id, Prompt, AiResponse, coalesce(UpdatedAt, CreatedAt),
	(SELECT count(AiResponse) FROM TicketAISessions WHERE TicketId = $1),
	(SELECT count(*) FROM TicketAIGenerations WHERE SessionId = Id
	AND DoneReason = 'length')
FROM TicketAISessions
WHERE TicketId = $1 AND AiResponse IS NOT NULL
ORDER BY Id DESC LIMIT 1;

-- name: ANSWER_BY_SESSION
SELECT Id, Prompt, AiResponse, coalesce(UpdatedAt, CreatedAt),
	(SELECT count(AiResponse) FROM TicketAISessions WHERE TicketId = $2),
	(SELECT count(*) FROM TicketAIGenerations WHERE SessionId = Id
	AND DoneReason = 'length'),
	(SELECT count(AiResponse) FROM TicketAISessions WHERE TicketId = $2
	AND Id <= $1)
FROM TicketAISessions
WHERE Id = $1 AND TicketId = $2 AND AiResponse IS NOT NULL;

-- name: ANSWER_BY_VERSION
-- The ticket's n-th answer, counted from 1, the oldest.
SELECT Id, Prompt, AiResponse, coalesce(UpdatedAt, CreatedAt),
	(SELECT count(AiResponse) FROM TicketAISessions WHERE TicketId = $1),
	(SELECT count(*) FROM TicketAIGenerations WHERE SessionId = Id
	AND DoneReason = 'length'),
	$2
FROM TicketAISessions
WHERE TicketId = $1 AND AiResponse IS NOT NULL
ORDER BY Id LIMIT 1 OFFSET $2 - 1;

-- name: NEWEST_ANSWER
SELECT coalesce(max(Id), 0) FROM TicketAISessions
WHERE TicketId = $1 AND AiResponse IS NOT NULL;

-- name: TICKET_EXISTS
SELECT count(*) FROM Tickets WHERE Id = $1;

-- name: SESSION_BEGIN
SELECT session_begin($1, $2, $3 <> 0);

-- name: SESSION_ANSWER
SELECT session_answer($1, $2, $3, $4, $5, $6, ARRAY[$7, $8, $9, $10, $11,
	$12, $13, $14]);

-- name: SESSION_OF_TEXT
-- Answers of a ticket whose text may be the one of the hash $2, newest first,
-- with their text where they have no hash.
SELECT Id, CASE WHEN TextHash IS NULL THEN Prompt END FROM TicketAISessions
WHERE TicketId = $1 AND AiResponse IS NOT NULL AND
	coalesce(TextHash = $2, true)
ORDER BY Id DESC;

-- name: IDENTITY
SELECT Id, Secret FROM Identity;

-- name: TICKET_DELETE
SELECT ticket_delete($1)::int;

-- name: USE_TICKETS
SELECT use_tickets($1::text::regclass, $2::text::name);

-- name: RATE_TAKE
SELECT rate_take($1, $2, $3);

-- name: RATE_FORGET
DELETE FROM RateLimits WHERE Key = $1;

-- name: TICKET_TAKE
SELECT ticket_take($1, $2, $3, $4);

-- name: TICKET_LISTEN
SELECT ticket_listen($1);

-- name: TICKET_HELD
-- A key of 64 bits is two numbers there.
SELECT count(*) FROM pg_locks, lock_key('ticket', $1::text) AS key
WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND
	classid = (key >> 32 & 4294967295)::oid AND
	objid = (key & 4294967295)::oid AND
	database = (SELECT oid FROM pg_database
		WHERE datname = current_database());

-- name: SLOT_TAKE
SELECT server, coalesce(lock, 0)
FROM slot_take($1::text::text[], $2::text::int[], $3::int, nullif($4, 0));

-- name: SLOT_GIVE
SELECT pg_advisory_unlock($1);

-- name: GIVE_ALL
SELECT pg_advisory_unlock_all();

-- name: PUBLISH
-- What is new goes into the table, its number to those who listen.  Again the
-- same, after a connection was lost, adds nothing.
WITH f AS (INSERT INTO TicketAIFrames (SessionId, Run, Seq, Lines, Status)
	VALUES ($2, $3, $4, $5, $6) ON CONFLICT DO NOTHING)
SELECT pg_notify('ticketchat_' || $1, ($4::bigint)::text);

-- name: FRAMES
SELECT Run, Seq, Lines, Status FROM TicketAIFrames
WHERE SessionId = $1 AND (Run > $2 OR (Run = $2 AND Seq > $3))
ORDER BY Run, Seq;

-- name: FRAMES_DELETE
DELETE FROM TicketAIFrames WHERE SessionId = $1 AND Run = $2;

-- name: SAY
SELECT pg_notify('ticketchat_' || $1, $2);

-- name: MIGRATE_LOCK
SELECT pg_advisory_xact_lock(hashtextextended('ticketchat migrate', 0));

-- name: MIGRATED
SELECT count(*) FROM pg_tables
WHERE schemaname = 'ticketchat' AND tablename = 'schemaversion';

-- name: PROBE_LOCK
SELECT pg_try_advisory_lock($1)::int;

-- name: PROBE_LISTEN
LISTEN ticketchat_probe;

-- name: PROBE_SAY
NOTIFY ticketchat_probe;

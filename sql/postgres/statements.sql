-- All statements that the service runs on PostgreSQL, by name; longer ones are
-- functions of 001_init.sql and 002_identity.sql.  Parameters are numbered in
-- the order in which lib/store/postgres/ binds them.  `again' after a name
-- means that the statement may be repeated safely when the connection was lost
-- and it is not known whether it was executed.

-- name: BEGIN
-- Independent of the role's defaults; a standby refuses it.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;

-- name: LIMITS
-- For this transaction: $1 milliseconds for a statement, $2 for a lock.
SELECT set_config('search_path', 'ticketchat, public', true),
	set_config('statement_timeout', $1::text, true),
	set_config('lock_timeout', $2::text, true),
	set_config('idle_in_transaction_session_timeout', '5000', true);

-- name: BEGIN_LONG
-- For several statements of an administrator, without time limits.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL search_path = ticketchat, public;
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = 5000;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL client_min_messages = warning;

-- name: COMMIT
COMMIT;

-- name: ROLLBACK
ROLLBACK;

-- name: GREET
-- The version of the schema, and which server this is.
SELECT Version, (SELECT system_identifier FROM pg_control_system()),
	left(pg_walfile_name(pg_current_wal_lsn()), 8),
	(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint
FROM ticketchat.SchemaVersion;

-- name: VERSION
SELECT Version FROM SchemaVersion;

-- name: ANSWER_BY_TICKET again
-- The newest answer of a ticket, how many the ticket has, and whether this one
-- was cut at the token limit.  Then, as below: the number of this one (NULL:
-- the newest), what it follows, who wrote it, and the hint that it was written
-- with.
SELECT Id, Prompt, AiResponse, coalesce(UpdatedAt, CreatedAt),
	(SELECT count(AiResponse) FROM TicketAISessions WHERE TicketId = $1
	AND FollowsId IS NULL),
	(SELECT count(*) FROM TicketAIGenerations WHERE SessionId = Id
	AND DoneReason IN ('length', 'content_filter')),
	NULL, NULL, Author, Instruction
FROM TicketAISessions
WHERE TicketId = $1 AND FollowsId IS NULL AND AiResponse IS NOT NULL
ORDER BY Id DESC LIMIT 1;

-- name: ANSWER_BY_SESSION again
-- A question's version is that of the answer it is about.
SELECT Id, Prompt, AiResponse, coalesce(UpdatedAt, CreatedAt),
	(SELECT count(AiResponse) FROM TicketAISessions WHERE TicketId = $2
	AND FollowsId IS NULL),
	(SELECT count(*) FROM TicketAIGenerations WHERE SessionId = s.Id
	AND DoneReason IN ('length', 'content_filter')),
	(SELECT count(AiResponse) FROM TicketAISessions WHERE TicketId = $2
	AND FollowsId IS NULL AND Id <= coalesce(s.FollowsId, $1)),
	FollowsId, Author, Instruction
FROM TicketAISessions AS s
WHERE Id = $1 AND TicketId = $2 AND AiResponse IS NOT NULL;

-- name: ANSWER_BY_VERSION again
-- The ticket's n-th answer; the oldest is 1.
SELECT Id, Prompt, AiResponse, coalesce(UpdatedAt, CreatedAt),
	(SELECT count(AiResponse) FROM TicketAISessions WHERE TicketId = $1
	AND FollowsId IS NULL),
	(SELECT count(*) FROM TicketAIGenerations WHERE SessionId = Id
	AND DoneReason IN ('length', 'content_filter')),
	$2, NULL, Author, Instruction
FROM TicketAISessions
WHERE TicketId = $1 AND FollowsId IS NULL AND AiResponse IS NOT NULL
ORDER BY Id LIMIT 1 OFFSET $2 - 1;

-- name: NEWEST_ANSWER again
SELECT coalesce(max(Id), 0) FROM TicketAISessions
WHERE TicketId = $1 AND FollowsId IS NULL AND AiResponse IS NOT NULL;

-- name: TICKET_EXISTS again
SELECT count(*) FROM Tickets WHERE Id = $1;

-- name: SESSION_BEGIN again
SELECT session_begin($1, $2, $3 <> 0);

-- name: THREAD_NEXT again
-- The next answered question about an answer ($2) of a ticket ($1) after the
-- session $3; columns as in ANSWER_BY_SESSION.
SELECT Id, Prompt, AiResponse, coalesce(UpdatedAt, CreatedAt), 0, 0, 0,
	FollowsId, NULL, NULL
FROM TicketAISessions
WHERE TicketId = $1 AND FollowsId = $2 AND Id > $3 AND AiResponse IS NOT NULL
ORDER BY Id LIMIT 1;

-- name: THREAD_READ again
-- As THREAD_NEXT, but with what the model got in place of the question.
SELECT Id, coalesce(ModelText, Prompt), AiResponse,
	coalesce(UpdatedAt, CreatedAt), 0, 0, 0, FollowsId, NULL, NULL
FROM TicketAISessions
WHERE TicketId = $1 AND FollowsId = $2 AND Id > $3 AND AiResponse IS NOT NULL
ORDER BY Id LIMIT 1;

-- name: THREAD_QUESTIONS again
SELECT Id, CASE WHEN AiResponse IS NOT NULL THEN Prompt END
FROM TicketAISessions
WHERE TicketId = $1 AND FollowsId = $2 ORDER BY Id DESC;

-- name: ROOT again
-- What the model reads of an answer to be asked about.
SELECT Prompt, AiResponse, Instruction, ModelText FROM TicketAISessions
WHERE Id = $2 AND TicketId = $1 AND FollowsId IS NULL AND
	AiResponse IS NOT NULL;

-- name: QUESTION_ADD
SELECT question_begin($1, $2, $3);

-- name: QUESTION_DELETE again
DELETE FROM TicketAISessions
WHERE Id = $1 AND FollowsId IS NOT NULL AND AiResponse IS NULL;

-- name: SESSION_ANSWER again
SELECT session_answer($1, $2, $3, $4, $5, $6, ARRAY[$7, $8, $9, $10, $11,
	$12, $13, $14], ARRAY[$15, $16, $17, $18, $19], $20);

-- name: SOURCES again
-- The notes that the model was given for a session's answer.
SELECT N, PassageId, Name, Title, Url, TicketId, Text, Cited::int
FROM TicketAISources WHERE SessionId = $1 ORDER BY N;

-- name: TEXTS_NEAR
-- All texts of a ticket, in which the word of its fences must not occur.
SELECT Id, Prompt, AiResponse, Instruction, ModelText FROM TicketAISessions
WHERE TicketId = $1
UNION ALL SELECT SessionId, Comment, NULL, NULL, NULL FROM TicketAIRatings
WHERE SessionId IN (SELECT Id FROM TicketAISessions WHERE TicketId = $1);

-- name: LAST_SERVER
-- The model server of the ticket's newest answer; also a question's.
SELECT g.Server FROM TicketAIGenerations AS g
JOIN TicketAISessions AS s ON s.Id = g.SessionId
WHERE s.TicketId = $1 ORDER BY g.SessionId DESC LIMIT 1;

-- name: SESSION_OF_TEXT again
-- Answers of a ticket whose text may have the hash $2, newest first; with their
-- text if they have no hash.
SELECT Id, CASE WHEN TextHash IS NULL THEN Prompt END FROM TicketAISessions
WHERE TicketId = $1 AND FollowsId IS NULL AND AiResponse IS NOT NULL AND
	coalesce(TextHash = $2, true)
ORDER BY Id DESC;

-- name: RATE again
SELECT good, bad FROM session_rate($1, $2, $3 <> 0, nullif($4, ''),
	nullif($5, ''));

-- name: WRITE again
SELECT verdict, session, version FROM session_write($1, $2, $3, $4, $5);

-- name: IDENTITY again
SELECT Id, Secret FROM Identity;

-- name: TICKET_DELETE
SELECT ticket_delete($1)::int;

-- name: USE_TICKETS
SELECT use_tickets($1::text::regclass, $2::text::name);

-- name: RATE_TAKE again
SELECT rate_take($1, $2, $3, $4);

-- name: RATE_FORGET again
DELETE FROM RateLimits WHERE Key = $1;

-- name: RUN_BEGIN again
SELECT verdict, me, session, place, got, next_ms, theirs
FROM run_begin($1, $11, $2, $3, $4 <> 0, $5, $6, $7 <> 0, $8::int,
	$9::text[], $10::int[], $12, $13);

-- name: RUN_RENEW again
SELECT verdict, stop, place, got, next_ms, others::int
FROM run_renew($1, $2, $3, $4, $5 <> 0, $6::text[], $7::int[]);

-- name: RUN_SAVE
SELECT verdict, versions FROM run_save($1, $2, $3, $4,
	nullif($5, ''), $6, $7, $8,
	ARRAY[$9, $10, $11, $12, $13, $14, $15, $16],
	ARRAY[$17, $18, $19, $20, $21], $22);

-- name: RUN_END
SELECT run_end($1, $2, $3);

-- name: RUN_WATCH again
SELECT run_watch($1, $2, $3 <> 0);

-- name: RUN_STOP again
SELECT run_stop($1, '');

-- name: RUN_STOP_ALL again
SELECT run_stop($1, NULL);

-- name: RUN_STOP_ONE again
SELECT run_stop($1, $2);

-- name: RUN_IS again
-- Whether a run for the ticket is active; its lease may expire while it is
-- being saved.
SELECT count(*) FROM TicketAIRuns
WHERE TicketId = $1 AND Subject = '' AND Ended IS NULL AND Until >
	clock_timestamp() - CASE State WHEN 'saving' THEN interval '60 s'
	ELSE interval '0 s' END;

-- name: RUN_CLOSE again
SELECT run_close($1, $2::int);

-- name: RUN_LIVES
SELECT run_lives($1);

-- name: RUNS again
-- The active runs of all nodes, oldest first.
SELECT TicketId AS ticket, SessionId AS session, State AS state, Node AS node,
	utc(Began) AS began
FROM TicketAIRuns
WHERE Ended IS NULL AND Until > clock_timestamp()
ORDER BY Run;

-- name: RUNS_END_ALL
UPDATE TicketAIRuns SET Ended = 'interrupted', Server = NULL
WHERE Ended IS NULL;

-- name: MIGRATE_LOCK
SELECT pg_advisory_xact_lock(hashtextextended('ticketchat migrate', 0));

-- name: OLD_PATIENCE
-- Waits $1 milliseconds for a lock.  If the server can check connections, it
-- stops waiting when the client is gone.
SELECT set_config('lock_timeout', $1::text, true),
	(SELECT set_config(name, '1000', true) FROM pg_settings
	WHERE name = 'client_connection_check_interval' AND
		version() LIKE '%linux%');

-- name: OLD_LOCK
-- Every generation of 0.1 shares this lock; none begins while we wait for it.
SELECT pg_advisory_xact_lock(lock_key('all', ''));

-- name: OLD_RUNS
SELECT count(DISTINCT pid) FROM pg_locks
WHERE locktype = 'advisory' AND granted AND mode = 'ShareLock' AND
	objsubid = 1 AND database = (SELECT oid FROM pg_database
	WHERE datname = current_database()) AND
	(classid::bigint << 32 | objid::bigint) = lock_key('all', '');

-- name: OLD_STOP
-- Tells generations of 0.1 to stop: those in the queue, which hold only their
-- ticket's lock, or, with $1, all of them.
WITH Held AS MATERIALIZED (SELECT pid AS Pid,
	classid::bigint << 32 | objid::bigint AS Key,
	count(*) OVER (PARTITION BY pid) AS Locks
	FROM pg_locks WHERE locktype = 'advisory' AND granted AND
	mode = 'ExclusiveLock' AND database = (SELECT oid FROM pg_database
	WHERE datname = current_database()))
SELECT pg_notify('ticketchat_' || TicketId, 'stop')
FROM (SELECT DISTINCT TicketId FROM TicketAISessions
	WHERE AiResponse IS NULL) AS s
JOIN Held ON Key = lock_key('ticket', TicketId::text)
WHERE $1 <> 0 OR Locks = 1;

-- name: MIGRATED
SELECT count(*) FROM pg_tables
WHERE schemaname = 'ticketchat' AND tablename = 'schemaversion';

-- name: RESET_PATH
SET search_path TO DEFAULT;

-- name: RIGHTS
-- Rights that the role needs but does not have; NULL: it has all.
SELECT string_agg(p || ' ' || name, ', ' ORDER BY name, p) FROM (
	SELECT p, relname
	FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'])
		AS p
	WHERE relnamespace = 'ticketchat'::regnamespace AND relkind = 'r' AND
		relname <> 'schemaversion' AND
		NOT has_table_privilege(pg_class.oid, p)
	UNION ALL
	SELECT 'USAGE', relname FROM pg_class
	WHERE relnamespace = 'ticketchat'::regnamespace AND CASE relkind
		WHEN 'S' THEN NOT has_sequence_privilege(oid, 'USAGE') END
	UNION ALL
	SELECT 'EXECUTE', proname FROM pg_proc
	WHERE pronamespace = 'ticketchat'::regnamespace AND
		NOT has_function_privilege(oid, 'EXECUTE')) AS Missing (p, name);

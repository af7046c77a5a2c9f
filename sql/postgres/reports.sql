-- The administrator's reports, as sql/reports.sql.  $1 is the argument of the
-- report, $2 the most rows, $3 by what it groups.

-- name: LIST
-- The newest session of each ticket, newest first; no questions.
SELECT s.TicketId AS ticket, s.Id AS session, s.CreatedAt AS created,
	s.UpdatedAt AS answered, octet_length(s.AiResponse) AS bytes,
	g.Model AS model, g.AnswerTokens AS tokens
FROM TicketAISessions AS s
LEFT JOIN TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE s.Id = (SELECT max(n.Id) FROM TicketAISessions AS n
	WHERE n.TicketId = s.TicketId AND n.FollowsId IS NULL)
ORDER BY s.Id DESC LIMIT $2;

-- name: SHOW
-- The newest sessions of a ticket ($1), oldest first, each with the questions
-- about it (whose `prompt' is the question) behind it.
SELECT s.TicketId AS ticket, s.Id AS session, s.FollowsId AS follows,
	s.CreatedAt AS created, s.UpdatedAt AS answered, s.Author AS author,
	s.Instruction AS instruction, g.Model AS model, g.DoneReason AS reason,
	g.PromptTokens AS prompt_tokens, g.AnswerTokens AS answer_tokens,
	g.QueuedMs AS queued_ms, g.FirstTokenMs AS first_token_ms,
	g.TotalMs AS total_ms,
	(SELECT count(*) FROM TicketAIRatings
		WHERE SessionId = s.Id AND Good) AS good,
	(SELECT count(*) FROM TicketAIRatings
		WHERE SessionId = s.Id AND NOT Good) AS bad,
	s.Prompt AS prompt, s.ModelText AS model_text, s.AiResponse AS response
FROM TicketAISessions AS s
LEFT JOIN TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE s.TicketId = $1 AND coalesce(s.FollowsId, s.Id) IN (SELECT n.Id
	FROM TicketAISessions AS n WHERE n.TicketId = $1 AND
	n.FollowsId IS NULL ORDER BY n.Id DESC LIMIT $2)
ORDER BY coalesce(s.FollowsId, s.Id), s.Id;

-- name: EVENT
-- What DONE_COMMAND gets of a session ($1) that is an answer and no question.
SELECT s.TicketId AS "ticketId", s.Id AS "sessionId",
	(SELECT count(*) FROM TicketAISessions AS v
		WHERE v.TicketId = s.TicketId AND v.Id <= s.Id AND
		v.FollowsId IS NULL AND v.AiResponse IS NOT NULL) AS version,
	s.Prompt AS prompt, s.AiResponse AS response, g.Model AS model,
	s.Author AS author
FROM TicketAISessions AS s
LEFT JOIN TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE s.Id = $1 AND s.FollowsId IS NULL AND s.AiResponse IS NOT NULL
LIMIT $2;

-- name: SHOW_SOURCES
-- The notes that the model was given for the sessions that SHOW has.
SELECT s.TicketId AS ticket, s.Id AS session, s.FollowsId AS follows, g.N AS n,
	g.Cited::int AS cited, g.Title AS title, nullif(g.Url, '') AS url,
	g.TicketId AS from_ticket, g.Name AS name, g.Text AS note
FROM TicketAISources AS g
JOIN TicketAISessions AS s ON s.Id = g.SessionId
WHERE s.TicketId = $1 AND coalesce(s.FollowsId, s.Id) IN (SELECT n.Id
	FROM TicketAISessions AS n WHERE n.TicketId = $1 AND
	n.FollowsId IS NULL ORDER BY n.Id DESC LIMIT $2)
ORDER BY coalesce(s.FollowsId, s.Id), s.Id, g.N;

-- name: HISTORY
-- The sessions of a ticket ($1) but its questions, newest first.  `version' is
-- the number with which a client can request an answer.
SELECT CASE WHEN s.AiResponse IS NOT NULL THEN count(s.AiResponse) OVER (
		ORDER BY s.Id) END AS version,
	s.Id AS session, s.CreatedAt AS created, s.UpdatedAt AS answered,
	s.Author AS author, g.Model AS model, g.AnswerTokens AS tokens,
	octet_length(s.AiResponse) AS bytes,
	(SELECT count(q.AiResponse) FROM TicketAISessions AS q
		WHERE q.TicketId = s.TicketId AND q.FollowsId = s.Id)
		AS asked,
	btrim(substr(s.AiResponse, 1, 200), chr(9) || chr(10) || chr(13) ||
		' ') AS words
FROM TicketAISessions AS s
LEFT JOIN TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE s.TicketId = $1 AND s.FollowsId IS NULL
ORDER BY s.Id DESC LIMIT $2;

-- name: STATS
-- What the answers of the last $1 days (0: all), those to questions among them,
-- have cost: by day ($3 = 1), by model (2), by system prompt (3), or in total
-- (0).  `noted' were given notes, `citing' cite one.
WITH Costs AS (
	SELECT CASE $3 WHEN 1 THEN substr(s.UpdatedAt, 1, 10)
		WHEN 2 THEN g.Model WHEN 3 THEN g.PromptHash END
		COLLATE "C" AS By,
		g.PromptTokens, g.AnswerTokens, g.FirstTokenMs, g.TotalMs,
		(SELECT count(*) FROM TicketAIRatings
			WHERE SessionId = g.SessionId AND Good) AS Liked,
		(SELECT count(*) FROM TicketAIRatings
			WHERE SessionId = g.SessionId AND NOT Good) AS Disliked,
		EXISTS (SELECT FROM TicketAISources
			WHERE SessionId = g.SessionId) AS Noted,
		EXISTS (SELECT FROM TicketAISources
			WHERE SessionId = g.SessionId AND Cited) AS Citing
	FROM TicketAIGenerations AS g
	JOIN TicketAISessions AS s ON s.Id = g.SessionId
	WHERE $1 = 0 OR s.UpdatedAt >= utc(clock_timestamp() -
		$1 * interval '24 hours')),
Ranked AS (
	SELECT *, count(*) OVER (PARTITION BY By) AS N,
		row_number() OVER (PARTITION BY By ORDER BY FirstTokenMs) AS F,
		row_number() OVER (PARTITION BY By ORDER BY TotalMs) AS T
	FROM Costs)
SELECT By AS by, count(*) AS answers,
	sum(least(PromptTokens, 1000000000000000))::bigint AS prompt_tokens,
	sum(least(AnswerTokens, 1000000000000000))::bigint AS answer_tokens,
	max(CASE F WHEN (N + 1) / 2 THEN FirstTokenMs END)
		AS first_token_ms_median,
	max(CASE F WHEN (N * 95 + 99) / 100 THEN FirstTokenMs END)
		AS first_token_ms_p95,
	max(CASE T WHEN (N + 1) / 2 THEN TotalMs END) AS total_ms_median,
	max(CASE T WHEN (N * 95 + 99) / 100 THEN TotalMs END) AS total_ms_p95,
	sum(least(TotalMs, 1000000000000000))::bigint AS total_ms,
	sum(Liked)::bigint AS good, sum(Disliked)::bigint AS bad,
	count(*) FILTER (WHERE Noted) AS noted,
	count(*) FILTER (WHERE Citing) AS citing
FROM Ranked
GROUP BY By
ORDER BY CASE $3 WHEN 1 THEN By END DESC NULLS LAST, answers DESC,
	By NULLS FIRST LIMIT $2;

-- What only the log knows: a temporary table for one report.

-- name: ASKS_CREATE
CREATE TEMP TABLE Asks (
	Day	text COLLATE "C" NOT NULL,
	Name	text COLLATE "C" NOT NULL,
	Outcome	text NOT NULL
);

-- name: ASKS_COPY
COPY pg_temp.Asks FROM STDIN;

-- name: ASKS
SELECT Day AS day, Name AS "user", count(*) AS asks,
	count(*) FILTER (WHERE Outcome = 'cached') AS cached,
	count(*) FILTER (WHERE Outcome = 'error') AS errors
FROM pg_temp.Asks
WHERE $1 = 0 OR Day >= substr(utc(clock_timestamp() -
	$1 * interval '24 hours'), 1, 10)
GROUP BY Day, Name
ORDER BY Day DESC, asks DESC, Name LIMIT $2;

-- name: SEARCH
-- What contains the words $1, best match first.  Only the beginning of a long
-- text is searched: see plain().
WITH Found AS (
	SELECT s.Id, s.TicketId, s.FollowsId, s.Prompt, s.AiResponse,
		s.UpdatedAt, s.CreatedAt, q, ts_rank(s.Words, q, 1) AS rank
	FROM words_query($1) AS q, TicketAISessions AS s
	WHERE s.Words @@ q
	ORDER BY rank DESC, s.Id LIMIT $2)
SELECT TicketId AS ticket, CASE WHEN AiResponse IS NOT NULL THEN
		(SELECT count(n.AiResponse) FROM TicketAISessions AS n
		WHERE n.TicketId = f.TicketId AND n.FollowsId IS NULL AND
		n.Id <= coalesce(f.FollowsId, f.Id)) END AS version,
	CASE WHEN FollowsId IS NULL THEN 'answer' ELSE 'question' END AS kind,
	coalesce(UpdatedAt, CreatedAt) AS date,
	snippet(Prompt, coalesce(AiResponse, ''), q) AS snippet
FROM Found AS f
ORDER BY rank DESC, Id;

-- name: METRICS
-- Families in the order of handlers/metrics.c, each with the suffix of
-- its name, the value of its label, and its own value.  What is no gauge counts
-- deleted generations, too.
WITH Bounds (Label, Ms) AS (VALUES ('0.25', 250), ('0.5', 500), ('1', 1000),
	('2.5', 2500), ('5', 5000), ('10', 10000), ('30', 30000),
	('60', 60000), ('120', 120000), ('300', 300000), ('600', 600000),
	('+Inf', NULL)),
-- Sessions without a cost: not answered, or imported.
Rest AS MATERIALIZED (
	SELECT AiResponse IS NOT NULL AS Answered FROM TicketAISessions AS s
	WHERE NOT EXISTS (SELECT FROM TicketAIGenerations
		WHERE SessionId = s.Id)),
Models AS MATERIALIZED (
	SELECT Model COLLATE "C" AS Model, count(*) AS Answers,
		sum(least(PromptTokens, 1000000000000000)) AS P, sum(least(AnswerTokens, 1000000000000000)) AS A
	FROM TicketAIGenerations GROUP BY 1),
Metrics (N, Family, Suffix, Label, Value, Part) AS (
SELECT 1, 'tickets', '', NULL, count(*)::text, 0 FROM Tickets
UNION ALL
SELECT 2, 'sessions_started_total', '', NULL, CASE WHEN is_called
	THEN last_value ELSE 0 END::text, 0 FROM TicketAISessions_Id_seq
UNION ALL
SELECT 3, 'sessions_unanswered', '', NULL, count(*)::text, 0
FROM Rest WHERE NOT Answered
UNION ALL
SELECT 4, 'answers', '', Model, Answers::text, 0 FROM Models
UNION ALL
SELECT 5, 'answers', '', '', count(*)::text, 0 FROM Rest WHERE Answered
UNION ALL
SELECT 6, 'prompt_tokens', '', Model, P::text, 0 FROM Models
UNION ALL
SELECT 7, 'answer_tokens', '', Model, A::text, 0 FROM Models
UNION ALL
SELECT 8, 'first_token_seconds', '_bucket', Label,
	((SELECT count(*) FROM TicketAIGenerations
	WHERE Ms IS NULL OR FirstTokenMs <= Ms) +
	(SELECT coalesce(sum(t.Value), 0) FROM Totals AS t
	WHERE Name = 'generations' AND (Ms IS NULL OR t.Label <= Ms)))::text, Ms
FROM Bounds
UNION ALL
SELECT 9, 'first_token_seconds', '_sum', NULL,
	to_char((coalesce(sum(least(FirstTokenMs, 1000000000000000)), 0) +
	(SELECT coalesce(sum(t.Value), 0) FROM Totals AS t
	WHERE Name = 'first_token_ms')) / 1000.0,
	'FM999999999999999990.099'), 0 FROM TicketAIGenerations
UNION ALL
SELECT 10, 'first_token_seconds', '_count', NULL, (count(*) +
	(SELECT coalesce(sum(t.Value), 0) FROM Totals AS t
	WHERE Name = 'generations'))::text, 0
FROM TicketAIGenerations
UNION ALL
SELECT 11, 'newest_answer_timestamp_seconds', '', NULL,
	coalesce((SELECT floor(extract(epoch FROM UpdatedAt::timestamptz))
	FROM TicketAISessions
	WHERE AiResponse IS NOT NULL ORDER BY Id DESC LIMIT 1), 0)::text, 0
UNION ALL
SELECT 12, 'schema_version', '', NULL, Version::text, 0 FROM SchemaVersion
UNION ALL
SELECT 13, 'database_bytes', '', NULL, our_bytes()::text, 0)
SELECT Family, Suffix, Label, Value FROM Metrics
ORDER BY N, Part NULLS LAST, Label COLLATE "C" LIMIT $2;

-- name: HEAD
-- What `sessions doctor' checks.
SELECT current_setting('server_version') AS version,
	current_setting('server_encoding') AS encoding,
	(pg_is_in_recovery() OR current_setting('transaction_read_only') =
	'on')::int AS read_only,
	(SELECT sum(numbackends) FROM pg_stat_database)::bigint AS connections,
	current_setting('max_connections')::bigint -
	current_setting('superuser_reserved_connections')::bigint AS most,
	our_bytes() AS bytes
LIMIT $2;

-- name: AGES
-- When the oldest and the newest saved answer were made, in seconds since 1970;
-- 0: there is none.
SELECT coalesce((SELECT floor(extract(epoch FROM coalesce(UpdatedAt,
	CreatedAt)::timestamptz)) FROM TicketAISessions
	WHERE AiResponse IS NOT NULL ORDER BY Id LIMIT 1), 0)::bigint AS first,
	coalesce((SELECT floor(extract(epoch FROM coalesce(UpdatedAt,
	CreatedAt)::timestamptz)) FROM TicketAISessions
	WHERE AiResponse IS NOT NULL ORDER BY Id DESC LIMIT 1), 0)::bigint
	AS newest
LIMIT $2;

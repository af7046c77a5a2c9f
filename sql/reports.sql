-- The administrator's reports.  ?1 is the argument of the report, ?2 the most
-- rows.  `sessions' prints the column names.

-- name: SOURCES_NONE
-- For the reports, where no note was ever given.
CREATE TEMP TABLE IF NOT EXISTS TicketAISources (SessionId INTEGER,
	N INTEGER, PassageId INTEGER, Name TEXT, Title TEXT, Url TEXT,
	TicketId INTEGER, Text TEXT, Cited INTEGER);

-- name: LIST
-- The newest session of each ticket, newest first; no questions.
SELECT s.TicketId AS ticket, s.Id AS session, s.CreatedAt AS created,
	s.UpdatedAt AS answered, length(CAST(s.AiResponse AS BLOB)) AS bytes,
	g.Model AS model, g.AnswerTokens AS tokens
FROM TicketAISessions AS s
LEFT JOIN TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE s.Id = (SELECT max(n.Id) FROM TicketAISessions AS n
	WHERE n.TicketId = s.TicketId AND n.FollowsId IS NULL)
ORDER BY s.Id DESC LIMIT ?2;

-- name: SHOW
-- The newest sessions of a ticket (?1), oldest first, each with the questions
-- about it (whose `prompt' is the question) behind it.
SELECT s.TicketId AS ticket, s.Id AS session, s.FollowsId AS follows,
	s.CreatedAt AS created, s.UpdatedAt AS answered, s.Author AS author,
	s.Instruction AS instruction, g.Model AS model, g.DoneReason AS reason,
	g.PromptTokens AS prompt_tokens, g.AnswerTokens AS answer_tokens,
	g.QueuedMs AS queued_ms, g.FirstTokenMs AS first_token_ms,
	g.TotalMs AS total_ms,
	(SELECT count(*) FROM TicketAIRatings
		WHERE SessionId = s.Id AND Good = 1) AS good,
	(SELECT count(*) FROM TicketAIRatings
		WHERE SessionId = s.Id AND Good = 0) AS bad,
	s.Prompt AS prompt, s.ModelText AS model_text, s.AiResponse AS response
FROM TicketAISessions AS s
LEFT JOIN TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE s.TicketId = ?1 AND coalesce(s.FollowsId, s.Id) IN (SELECT n.Id
	FROM TicketAISessions AS n WHERE n.TicketId = ?1 AND
	n.FollowsId IS NULL ORDER BY n.Id DESC LIMIT ?2)
ORDER BY coalesce(s.FollowsId, s.Id), s.Id;

-- name: EVENT
-- What DONE_COMMAND gets of a session (?1) that is an answer and no question.
SELECT s.TicketId AS "ticketId", s.Id AS "sessionId",
	(SELECT count(*) FROM TicketAISessions AS v
		WHERE v.TicketId = s.TicketId AND v.Id <= s.Id AND
		v.FollowsId IS NULL AND v.AiResponse IS NOT NULL) AS version,
	s.Prompt AS prompt, s.AiResponse AS response, g.Model AS model,
	s.Author AS author
FROM TicketAISessions AS s
LEFT JOIN TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE s.Id = ?1 AND s.FollowsId IS NULL AND s.AiResponse IS NOT NULL
LIMIT ?2;

-- name: SHOW_SOURCES
-- The notes that the model was given for the sessions that SHOW has.
SELECT s.TicketId AS ticket, s.Id AS session, s.FollowsId AS follows, g.N AS n,
	g.Cited AS cited, g.Title AS title, nullif(g.Url, '') AS url,
	g.TicketId AS from_ticket, g.Name AS name, g.Text AS note
FROM TicketAISources AS g
JOIN TicketAISessions AS s ON s.Id = g.SessionId
WHERE s.TicketId = ?1 AND coalesce(s.FollowsId, s.Id) IN (SELECT n.Id
	FROM TicketAISessions AS n WHERE n.TicketId = ?1 AND
	n.FollowsId IS NULL ORDER BY n.Id DESC LIMIT ?2)
ORDER BY coalesce(s.FollowsId, s.Id), s.Id, g.N;

-- name: HISTORY
-- The sessions of a ticket (?1) but its questions, newest first.  `version' is
-- the number with which a client can request an answer.
SELECT CASE WHEN s.AiResponse IS NOT NULL THEN count(s.AiResponse) OVER (
		ORDER BY s.Id) END AS version,
	s.Id AS session, s.CreatedAt AS created, s.UpdatedAt AS answered,
	s.Author AS author, g.Model AS model, g.AnswerTokens AS tokens,
	length(CAST(s.AiResponse AS BLOB)) AS bytes,
	(SELECT count(q.AiResponse) FROM TicketAISessions AS q
		WHERE q.TicketId = s.TicketId AND q.FollowsId = s.Id)
		AS asked,
	trim(substr(s.AiResponse, 1, 200), char(9, 10, 13, 32)) AS words
FROM TicketAISessions AS s
LEFT JOIN TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE s.TicketId = ?1 AND s.FollowsId IS NULL
ORDER BY s.Id DESC LIMIT ?2;

-- name: STATS
-- What the answers of the last ?1 days (0: all), those to questions among them,
-- have cost: by day (?3 = 1), by model (2), by system prompt (3), or in total
-- (0).  `noted' were given notes, `citing' cite one.
WITH Costs AS (
	SELECT CASE ?3 WHEN 1 THEN substr(s.UpdatedAt, 1, 10)
		WHEN 2 THEN g.Model WHEN 3 THEN g.PromptHash END AS By,
		g.PromptTokens, g.AnswerTokens, g.FirstTokenMs, g.TotalMs,
		(SELECT count(*) FROM TicketAIRatings
			WHERE SessionId = g.SessionId AND Good = 1) AS Liked,
		(SELECT count(*) FROM TicketAIRatings
			WHERE SessionId = g.SessionId AND Good = 0) AS Disliked,
		EXISTS (SELECT 1 FROM TicketAISources
			WHERE SessionId = g.SessionId) AS Noted,
		EXISTS (SELECT 1 FROM TicketAISources
			WHERE SessionId = g.SessionId AND Cited) AS Citing
	FROM TicketAIGenerations AS g
	JOIN TicketAISessions AS s ON s.Id = g.SessionId
	WHERE ?1 = 0 OR s.UpdatedAt >= strftime('%Y-%m-%dT%H:%M:%fZ', 'now',
		'-' || ?1 || ' days')),
Ranked AS (
	SELECT *, count(*) OVER (PARTITION BY By) AS N,
		row_number() OVER (PARTITION BY By ORDER BY FirstTokenMs) AS F,
		row_number() OVER (PARTITION BY By ORDER BY TotalMs) AS T
	FROM Costs)
SELECT By AS by, count(*) AS answers, sum(min(PromptTokens, 1000000000000000)) AS prompt_tokens,
	sum(min(AnswerTokens, 1000000000000000)) AS answer_tokens,
	max(CASE F WHEN (N + 1) / 2 THEN FirstTokenMs END)
		AS first_token_ms_median,
	max(CASE F WHEN (N * 95 + 99) / 100 THEN FirstTokenMs END)
		AS first_token_ms_p95,
	max(CASE T WHEN (N + 1) / 2 THEN TotalMs END) AS total_ms_median,
	max(CASE T WHEN (N * 95 + 99) / 100 THEN TotalMs END) AS total_ms_p95,
	sum(min(TotalMs, 1000000000000000)) AS total_ms,
	sum(Liked) AS good, sum(Disliked) AS bad,
	sum(Noted) AS noted, sum(Citing) AS citing
FROM Ranked
GROUP BY By
ORDER BY iif(?3 = 1, By, NULL) DESC, answers DESC, By LIMIT ?2;

-- What only the log knows: a temporary table of the connection, filled line by
-- line for one report.

-- name: ASKS_CREATE
CREATE TEMP TABLE Asks (
	Day	TEXT NOT NULL,
	User	TEXT NOT NULL,
	Asks	INTEGER NOT NULL DEFAULT 0,
	Cached	INTEGER NOT NULL DEFAULT 0,
	Errors	INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (Day, User)
) STRICT, WITHOUT ROWID;

-- name: ASKS_BEGIN
-- One transaction for all rows; it ends with the connection.
BEGIN;

-- name: ASKS_ADD
INSERT INTO temp.Asks (Day, User, Asks, Cached, Errors)
VALUES (?1, ?2, 1, ?3 = 'cached', ?3 = 'error')
ON CONFLICT DO UPDATE SET Asks = Asks + 1, Cached = Cached + excluded.Cached,
	Errors = Errors + excluded.Errors;

-- name: ASKS
SELECT Day AS day, User AS user, Asks AS asks, Cached AS cached,
	Errors AS errors
FROM temp.Asks
WHERE ?1 = 0 OR Day >= date('now', '-' || ?1 || ' days')
ORDER BY Day DESC, Asks DESC, User LIMIT ?2;

-- Words in all texts: an index made for one search, which ends with the
-- connection, so that the service has no index to update.  The texts are not
-- copied.

-- name: FTS5_API
-- FTS5 writes its interface to the pointer.
SELECT fts5(?1);

-- name: SEARCH_TEXTS
CREATE TEMP VIEW Texts AS
SELECT Id, Prompt, AiResponse FROM main.TicketAISessions;

-- name: SEARCH_CREATE
CREATE VIRTUAL TABLE temp.Words USING fts5(Prompt, AiResponse,
	content='Texts', content_rowid='Id',
	tokenize='folded');

-- name: SEARCH_LAST
SELECT max(Id) FROM main.TicketAISessions;

-- name: SEARCH_NEXT
-- The last of the next 2,000 sessions after ?1.
SELECT max(Id) FROM (SELECT Id FROM main.TicketAISessions WHERE Id > ?1
	ORDER BY Id LIMIT 2000);

-- name: SEARCH_FILL
INSERT INTO temp.Words (rowid, Prompt, AiResponse)
SELECT Id, Prompt, AiResponse FROM main.TicketAISessions
WHERE Id > ?1 AND Id <= ?2;

-- name: SEARCH
-- What matches the FTS5 query ?1, best match first.
SELECT s.TicketId AS ticket,
	iif(s.AiResponse IS NULL, NULL, (SELECT count(n.AiResponse)
		FROM main.TicketAISessions AS n
		WHERE n.TicketId = s.TicketId AND n.FollowsId IS NULL AND
		n.Id <= coalesce(s.FollowsId, s.Id))) AS version,
	iif(s.FollowsId IS NULL, 'answer', 'question') AS kind,
	coalesce(s.UpdatedAt, s.CreatedAt) AS date,
	snippet(Words, -1, '', '', '…', 16) AS snippet
FROM temp.Words
JOIN main.TicketAISessions AS s ON s.Id = Words.rowid
WHERE Words MATCH ?1
ORDER BY rank LIMIT ?2;

-- name: METRICS
-- Families in the order of handlers/metrics.c, each with the suffix of
-- its name, the value of its label, and its own value.  What is no gauge counts
-- deleted generations, too (sql/totals.sql).
WITH Bounds (Label, Ms) AS (VALUES ('0.25', 250), ('0.5', 500), ('1', 1000),
	('2.5', 2500), ('5', 5000), ('10', 10000), ('30', 30000),
	('60', 60000), ('120', 120000), ('300', 300000), ('600', 600000),
	('+Inf', NULL)),
-- Sessions without a cost: not answered, or imported.  They are few, and their
-- index entries suffice; looking at all rows would read the whole file.
Rest (Answered) AS MATERIALIZED (
	SELECT AiResponse IS NOT NULL FROM TicketAISessions
	WHERE Id IN (SELECT Id FROM TicketAISessions
		EXCEPT SELECT SessionId FROM TicketAIGenerations))
SELECT 'tickets', '', NULL, count(*) FROM Tickets
UNION ALL
SELECT 'sessions_started_total', '', NULL, coalesce(max(seq), 0)
FROM sqlite_sequence WHERE name = 'TicketAISessions'
UNION ALL
SELECT 'sessions_unanswered', '', NULL, count(*) FROM Rest WHERE NOT Answered
UNION ALL
SELECT * FROM (SELECT 'answers', '', Model, count(*)
FROM TicketAIGenerations GROUP BY Model)
UNION ALL
SELECT 'answers', '', '', count(*) FROM Rest WHERE Answered
UNION ALL
SELECT * FROM (SELECT 'prompt_tokens', '', Model, sum(min(PromptTokens, 1000000000000000))
FROM TicketAIGenerations GROUP BY Model)
UNION ALL
SELECT * FROM (SELECT 'answer_tokens', '', Model, sum(min(AnswerTokens, 1000000000000000))
FROM TicketAIGenerations GROUP BY Model)
UNION ALL
SELECT 'first_token_seconds', '_bucket', Label,
	(SELECT count(*) FROM TicketAIGenerations
	WHERE Ms IS NULL OR FirstTokenMs <= Ms) +
	(SELECT coalesce(sum(Value), 0) FROM Totals
	WHERE Name = 'generations' AND (Ms IS NULL OR Totals.Label <= Ms))
FROM Bounds
UNION ALL
SELECT 'first_token_seconds', '_sum', NULL,
	(coalesce(sum(min(FirstTokenMs, 1000000000000000)), 0) +
	(SELECT coalesce(sum(Value), 0) FROM Totals
	WHERE Name = 'first_token_ms')) / 1000.0 FROM TicketAIGenerations
UNION ALL
SELECT 'first_token_seconds', '_count', NULL, count(*) +
	(SELECT coalesce(sum(Value), 0) FROM Totals WHERE Name = 'generations')
FROM TicketAIGenerations
UNION ALL
SELECT 'newest_answer_timestamp_seconds', '', NULL,
	coalesce((SELECT strftime('%s', UpdatedAt) FROM TicketAISessions
	WHERE AiResponse IS NOT NULL ORDER BY Id DESC LIMIT 1), 0)
UNION ALL
SELECT 'schema_version', '', NULL, user_version FROM pragma_user_version
LIMIT ?2;

-- name: HEAD
-- Whether the file is ours, and its journal mode.
SELECT iif(application_id = 0x7469636b, 'ours', application_id),
	(SELECT journal_mode FROM pragma_journal_mode)
FROM pragma_application_id LIMIT ?2;

-- name: AGES
-- When the oldest and the newest saved answer were made, in seconds since 1970;
-- 0: there is none.
SELECT coalesce((SELECT strftime('%s', coalesce(UpdatedAt, CreatedAt))
	FROM TicketAISessions WHERE AiResponse IS NOT NULL
	ORDER BY Id LIMIT 1), '0'),
	coalesce((SELECT strftime('%s', coalesce(UpdatedAt, CreatedAt))
	FROM TicketAISessions WHERE AiResponse IS NOT NULL
	ORDER BY Id DESC LIMIT 1), '0')
LIMIT ?2;

-- Export and import of sessions, as sql/transfer.sql.

-- name: EXPORT
-- All fields of lib/store/record.h, of what was made or answered since the time
-- $1 (seconds since 1970), and the answers that these questions are about.  A
-- question without an answer holds nothing.  Another application's tickets only
-- if they have a session.
SELECT t.Id AS ticket, t.CreatedAt AS ticket_created, s.Id AS session,
	s.CreatedAt AS created, s.UpdatedAt AS answered, s.Prompt AS prompt,
	s.AiResponse AS response, g.Model AS model, g.DoneReason AS reason,
	g.PromptTokens AS prompt_tokens, g.AnswerTokens AS answer_tokens,
	g.QueuedMs AS queued_ms, g.FirstTokenMs AS first_token_ms,
	g.TotalMs AS total_ms, g.LoadMs AS load_ms, g.PromptMs AS prompt_ms,
	g.AnswerMs AS answer_ms, s.FollowsId AS follows,
	s.Instruction AS instruction, s.Author AS author,
	s.ModelText AS model_text, g.PromptHash AS prompt_hash,
	g.UserName AS asked_by, g.Server AS server
FROM Tickets AS t
LEFT JOIN TicketAISessions AS s ON s.TicketId = t.Id AND
	(s.FollowsId IS NULL OR s.AiResponse IS NOT NULL)
LEFT JOIN TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE (s.Id IS NOT NULL OR t.CreatedAt IS NOT NULL) AND ($1 = 0 OR
	coalesce(s.UpdatedAt, s.CreatedAt, t.CreatedAt) >=
	utc(to_timestamp($1)) OR
	EXISTS (SELECT FROM TicketAISessions AS q
	WHERE q.FollowsId = s.Id AND q.AiResponse IS NOT NULL AND
	coalesce(q.UpdatedAt, q.CreatedAt) >= utc(to_timestamp($1))))
ORDER BY t.Id, s.Id LIMIT $2;

-- name: EXPORT_RATINGS
-- What people think of the answers that EXPORT has.
SELECT s.TicketId AS ticket, r.SessionId AS rates, r.UserName AS user,
	r.Good::int AS good, r.Reason AS why, r.Comment AS comment,
	r.RatedAt AS rated
FROM TicketAIRatings AS r
JOIN TicketAISessions AS s ON s.Id = r.SessionId
WHERE $1 = 0 OR coalesce(s.UpdatedAt, s.CreatedAt) >=
	utc(to_timestamp($1))
ORDER BY s.TicketId, s.Id, r.UserName LIMIT $2;

-- name: EXPORT_SOURCES
-- The notes that the model was given for the answers that EXPORT has.
SELECT s.TicketId AS ticket, g.SessionId AS given, g.N AS n, g.Name AS name,
	g.Title AS title, nullif(g.Url, '') AS url, g.TicketId AS from_ticket,
	g.Text AS note, g.Cited::int AS cited
FROM TicketAISources AS g
JOIN TicketAISessions AS s ON s.Id = g.SessionId
WHERE $1 = 0 OR coalesce(s.UpdatedAt, s.CreatedAt) >=
	utc(to_timestamp($1))
ORDER BY s.TicketId, s.Id, g.N LIMIT $2;

-- name: IMPORT_CREATE
-- The line that a session came from; then the fields of enum record_field.  A
-- ticket without a session has a line, too.
CREATE TEMP TABLE Incoming (
	Line		bigint NOT NULL,
	Ticket		bigint NOT NULL,
	TicketCreated	text COLLATE "C",
	Session		bigint,
	Created		text COLLATE "C",
	Answered	text COLLATE "C",
	Prompt		text,
	Response	text,
	Model		text,
	Reason		text,
	PromptTokens	bigint,
	AnswerTokens	bigint,
	QueuedMs	bigint,
	FirstTokenMs	bigint,
	TotalMs		bigint,
	LoadMs		bigint,
	PromptMs	bigint,
	AnswerMs	bigint,
	Follows		bigint,
	Instruction	text,
	Author		text COLLATE "C",
	ModelText	text,
	PromptHash	text,
	AskedBy		text COLLATE "C",
	Server		text,
	Rates		bigint,		-- of a rating, which has no Session
	UserName	text COLLATE "C",
	Good		int,
	Why		text,
	Comment		text,
	Rated		text COLLATE "C",
	Given		bigint,		-- of a source, which has none, either
	N		bigint,
	Name		text,
	Title		text,
	Url		text,
	FromTicket	bigint,
	Note		text,
	Cited		int,
	TextHash	text
);

-- name: IMPORT_COPY
COPY pg_temp.Incoming FROM STDIN;

-- name: IMPORT_ANALYZE
ANALYZE pg_temp.Incoming (Line, Ticket, Session);

-- name: IMPORT_TWICE
-- The first session that occurs a second time, and its line.
SELECT min(Line), Session FROM (
	SELECT Line, Session, row_number() OVER (PARTITION BY Session
		ORDER BY Line) AS N
	FROM pg_temp.Incoming WHERE Session IS NOT NULL) AS i
WHERE N > 1
GROUP BY Session ORDER BY 1 LIMIT 1;

-- name: IMPORT_STRANGERS
-- The first ticket that is not in the other application's table, and its line.
SELECT Line, Ticket FROM pg_temp.Incoming AS i
WHERE NOT tickets_are_ours() AND
	coalesce(Rates, Given) IS NULL AND
	NOT EXISTS (SELECT FROM Tickets AS t WHERE t.Id = i.Ticket)
ORDER BY Line LIMIT 1;

-- name: IMPORT_LOCK
-- Keeps others from drawing ids.
LOCK TABLE TicketAISessions IN SHARE ROW EXCLUSIVE MODE;

-- name: IMPORT_CONFLICTS
-- Ids that belong to other sessions here.
SELECT i.Line, i.Session
FROM pg_temp.Incoming AS i
JOIN TicketAISessions AS s ON s.Id = i.Session
LEFT JOIN TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE (s.TicketId, s.CreatedAt, s.UpdatedAt, s.Prompt, s.AiResponse,
	g.Model, g.DoneReason, g.PromptTokens, g.AnswerTokens, g.QueuedMs,
	g.FirstTokenMs, g.TotalMs, g.LoadMs, g.PromptMs, g.AnswerMs,
	s.FollowsId, s.Instruction) IS DISTINCT FROM
	(i.Ticket, i.Created, i.Answered, i.Prompt, i.Response,
	i.Model, i.Reason, i.PromptTokens, i.AnswerTokens, i.QueuedMs,
	i.FirstTokenMs, i.TotalMs, i.LoadMs, i.PromptMs, i.AnswerMs,
	i.Follows, i.Instruction)
ORDER BY i.Line;

-- name: IMPORT_STRAYS
-- The first question about what is no answer of its ticket, here or in the
-- file, and its line.
SELECT i.Line, i.Session FROM pg_temp.Incoming AS i
WHERE i.Follows IS NOT NULL AND NOT EXISTS (SELECT FROM pg_temp.Incoming AS r
	WHERE r.Session = i.Follows AND r.Ticket = i.Ticket AND
	r.Follows IS NULL AND r.Response IS NOT NULL) AND
	NOT EXISTS (SELECT FROM TicketAISessions AS s
	WHERE s.Id = i.Follows AND s.TicketId = i.Ticket AND
	s.FollowsId IS NULL AND s.AiResponse IS NOT NULL)
ORDER BY i.Line LIMIT 1;

-- name: MERGE_TICKETS
INSERT INTO Tickets (Id, CreatedAt)
SELECT Ticket, coalesce(min(TicketCreated), min(Created),
	utc(clock_timestamp()))
FROM pg_temp.Incoming WHERE coalesce(Rates, Given) IS NULL GROUP BY Ticket
ON CONFLICT DO NOTHING;

-- name: MERGE_SESSIONS
INSERT INTO TicketAISessions (Id, TicketId, Prompt, AiResponse,
	CreatedAt, UpdatedAt, TextHash, FollowsId, Instruction, Author,
	ModelText)
SELECT Session, Ticket, Prompt, Response, Created, Answered, TextHash,
	Follows, Instruction, Author, ModelText
FROM pg_temp.Incoming AS i
WHERE Session IS NOT NULL AND NOT EXISTS (
	SELECT FROM TicketAISessions WHERE Id = i.Session)
ORDER BY Session;

-- name: MERGE_COSTS
INSERT INTO TicketAIGenerations (SessionId, Model, DoneReason,
	PromptTokens, AnswerTokens, QueuedMs, FirstTokenMs, TotalMs, LoadMs,
	PromptMs, AnswerMs, PromptHash, UserName, Server)
SELECT Session, Model, Reason, PromptTokens, AnswerTokens, QueuedMs,
	FirstTokenMs, TotalMs, LoadMs, PromptMs, AnswerMs, PromptHash, AskedBy,
	Server
FROM pg_temp.Incoming AS i
WHERE Model IS NOT NULL AND NOT EXISTS (
	SELECT FROM TicketAIGenerations WHERE SessionId = i.Session);

-- name: MERGE_RATINGS
-- Those whose answer is here; what a user says here counts more.
INSERT INTO TicketAIRatings (SessionId, UserName, Good, Reason, Comment,
	RatedAt)
SELECT i.Rates, i.UserName, i.Good <> 0, i.Why, i.Comment, i.Rated
FROM pg_temp.Incoming AS i
JOIN TicketAISessions AS s ON s.Id = i.Rates AND s.TicketId = i.Ticket
WHERE s.AiResponse IS NOT NULL
ON CONFLICT DO NOTHING;

-- name: MERGE_SOURCES
-- Those of answers that have none here.
INSERT INTO TicketAISources (SessionId, N, Name, Title, Url, TicketId, Text,
	Cited)
SELECT i.Given, i.N, i.Name, i.Title, coalesce(i.Url, ''), i.FromTicket,
	i.Note, i.Cited <> 0
FROM pg_temp.Incoming AS i
JOIN TicketAISessions AS s ON s.Id = i.Given AND s.TicketId = i.Ticket
WHERE s.AiResponse IS NOT NULL AND NOT EXISTS (SELECT
	FROM TicketAISources AS g WHERE g.SessionId = i.Given)
ON CONFLICT DO NOTHING;

-- name: IMPORT_COUNT
SELECT count(*) FROM pg_temp.Incoming WHERE Session IS NOT NULL;

-- name: IMPORT_LAST
SELECT coalesce(max(Session), 0) FROM pg_temp.Incoming;

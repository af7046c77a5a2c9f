-- Export and import of sessions.

-- name: EXPORT
-- All fields of lib/store/record.h, of what was made or answered since the time
-- ?1 (seconds since 1970), and the answers that these questions are about.  A
-- question without an answer holds nothing.
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
WHERE ?1 = 0 OR coalesce(s.UpdatedAt, s.CreatedAt, t.CreatedAt) >=
	strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch') OR
	EXISTS (SELECT 1 FROM TicketAISessions AS q
	WHERE q.TicketId = t.Id AND q.FollowsId = s.Id AND
	q.AiResponse IS NOT NULL AND coalesce(q.UpdatedAt, q.CreatedAt) >=
	strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch'))
ORDER BY t.Id, s.Id LIMIT ?2;

-- name: EXPORT_RATINGS
-- What people think of the answers that EXPORT has.
SELECT s.TicketId AS ticket, r.SessionId AS rates, r.UserName AS user,
	r.Good AS good, r.Reason AS why, r.Comment AS comment,
	r.RatedAt AS rated
FROM TicketAIRatings AS r
JOIN TicketAISessions AS s ON s.Id = r.SessionId
WHERE r.Good IS NOT NULL AND (?1 = 0 OR
	coalesce(s.UpdatedAt, s.CreatedAt) >=
	strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch'))
ORDER BY s.TicketId, s.Id, r.UserName LIMIT ?2;

-- name: EXPORT_SOURCES
-- The notes that the model was given for the answers that EXPORT has.
SELECT s.TicketId AS ticket, g.SessionId AS given, g.N AS n, g.Name AS name,
	g.Title AS title, nullif(g.Url, '') AS url, g.TicketId AS from_ticket,
	g.Text AS note, g.Cited AS cited
FROM TicketAISources AS g
JOIN TicketAISessions AS s ON s.Id = g.SessionId
WHERE ?1 = 0 OR coalesce(s.UpdatedAt, s.CreatedAt) >=
	strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch')
ORDER BY s.TicketId, s.Id, g.N LIMIT ?2;

-- Import: sessions are gathered in a temporary table and merged in one
-- transaction.

-- name: IMPORT_CREATE
-- The line of the file (or the number of the row) that a session came from;
-- then the fields of enum record_field.  A ticket without a session has a line,
-- too.
CREATE TEMP TABLE IF NOT EXISTS Incoming (
	Line		INTEGER PRIMARY KEY,
	Ticket		INTEGER NOT NULL,
	TicketCreated	TEXT,
	Session		INTEGER UNIQUE,
	Created		TEXT,
	Answered	TEXT,
	Prompt		TEXT,
	Response	TEXT,
	Model		TEXT,
	Reason		TEXT,
	PromptTokens	INTEGER,
	AnswerTokens	INTEGER,
	QueuedMs	INTEGER,
	FirstTokenMs	INTEGER,
	TotalMs		INTEGER,
	LoadMs		INTEGER,
	PromptMs	INTEGER,
	AnswerMs	INTEGER,
	Follows		INTEGER,
	Instruction	TEXT,
	Author		TEXT,
	ModelText	TEXT,
	PromptHash	TEXT,
	AskedBy		TEXT,
	Server		TEXT,
	Rates		INTEGER,	-- of a rating, which has no Session
	UserName	TEXT,
	Good		INTEGER,
	Why		TEXT,
	Comment		TEXT,
	Rated		TEXT,
	Given		INTEGER,	-- of a source, which has none, either
	N		INTEGER,
	Name		TEXT,
	Title		TEXT,
	Url		TEXT,
	FromTicket	INTEGER,
	Note		TEXT,
	Cited		INTEGER,
	TextHash	TEXT
) STRICT;

-- name: IMPORT_INDEX
CREATE INDEX IF NOT EXISTS temp.Incoming_Ticket ON Incoming (Ticket, Created);

-- name: IMPORT_ADD
INSERT INTO temp.Incoming VALUES (?39, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,
	?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
	?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37,
	?38, ?40);

-- name: IMPORT_CONFLICTS
-- Ids that belong to other sessions here.
SELECT i.Line, i.Session
FROM temp.Incoming AS i
JOIN main.TicketAISessions AS s ON s.Id = i.Session
LEFT JOIN main.TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE (s.TicketId, s.CreatedAt, s.UpdatedAt, s.Prompt, s.AiResponse,
	g.Model, g.DoneReason, g.PromptTokens, g.AnswerTokens, g.QueuedMs,
	g.FirstTokenMs, g.TotalMs, g.LoadMs, g.PromptMs, g.AnswerMs,
	s.FollowsId, s.Instruction) IS NOT
	(i.Ticket, i.Created, i.Answered, i.Prompt, i.Response,
	i.Model, i.Reason, i.PromptTokens, i.AnswerTokens, i.QueuedMs,
	i.FirstTokenMs, i.TotalMs, i.LoadMs, i.PromptMs, i.AnswerMs,
	i.Follows, i.Instruction)
ORDER BY i.Line;

-- name: IMPORT_STRAYS
-- The first question about what is no answer of its ticket, here or in the
-- file, and its line.
SELECT i.Line, i.Session FROM temp.Incoming AS i
WHERE i.Follows IS NOT NULL AND NOT EXISTS (SELECT 1 FROM temp.Incoming AS r
	WHERE r.Session = i.Follows AND r.Ticket = i.Ticket AND
	r.Follows IS NULL AND r.Response IS NOT NULL) AND
	NOT EXISTS (SELECT 1 FROM main.TicketAISessions AS s
	WHERE s.Id = i.Follows AND s.TicketId = i.Ticket AND
	s.FollowsId IS NULL AND s.AiResponse IS NOT NULL)
ORDER BY i.Line LIMIT 1;

-- name: ORIGINAL_KNOWN
-- What an earlier run imported from the original service.
DELETE FROM temp.Incoming AS i
WHERE EXISTS (SELECT 1 FROM main.TicketAISessions AS s
	WHERE s.TicketId = i.Ticket AND s.CreatedAt = i.Created AND
	s.Prompt = i.Prompt AND s.AiResponse IS i.Response);

-- name: ORIGINAL_LATE
-- Tickets that were answered here after what would be imported: ids give the
-- order of a history, and an old answer must not become the newest.
SELECT i.Ticket, i.Ticket FROM temp.Incoming AS i
WHERE i.Created <= (SELECT max(s.CreatedAt) FROM main.TicketAISessions AS s
	WHERE s.TicketId = i.Ticket)
GROUP BY i.Ticket;

-- name: ORIGINAL_LATE_DELETE
DELETE FROM temp.Incoming WHERE Ticket IN (
	SELECT i.Ticket FROM temp.Incoming AS i
	WHERE i.Created <= (SELECT max(s.CreatedAt)
		FROM main.TicketAISessions AS s
		WHERE s.TicketId = i.Ticket));

-- name: ORIGINAL_RENUMBER
-- If an id of a ticket is in use or too low, all its sessions get new ids.
UPDATE temp.Incoming SET Session = NULL WHERE Ticket IN (
	SELECT i.Ticket FROM temp.Incoming AS i
	WHERE EXISTS (SELECT 1 FROM main.TicketAISessions AS s
		WHERE s.Id = i.Session) OR
	i.Session < (SELECT max(s.Id) FROM main.TicketAISessions AS s
		WHERE s.TicketId = i.Ticket));

-- name: MERGE_TICKETS
INSERT INTO main.Tickets (Id, CreatedAt)
SELECT Ticket, coalesce(min(TicketCreated), min(Created),
	strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
FROM temp.Incoming WHERE coalesce(Rates, Given) IS NULL GROUP BY Ticket
ON CONFLICT DO NOTHING;

-- name: MERGE_SESSIONS
-- New ids are above all ids that are imported.
INSERT INTO main.TicketAISessions (Id, TicketId, Prompt, AiResponse,
	CreatedAt, UpdatedAt, TextHash, FollowsId, Instruction, Author,
	ModelText)
SELECT Session, Ticket, Prompt, Response, Created, Answered, TextHash,
	Follows, Instruction, Author, ModelText
FROM temp.Incoming
WHERE Created IS NOT NULL AND NOT EXISTS (
	SELECT 1 FROM main.TicketAISessions WHERE Id = Session)
ORDER BY Session IS NULL, Session, Line;

-- name: MERGE_COSTS
INSERT INTO main.TicketAIGenerations (SessionId, Model, DoneReason,
	PromptTokens, AnswerTokens, QueuedMs, FirstTokenMs, TotalMs, LoadMs,
	PromptMs, AnswerMs, PromptHash, UserName, Server)
SELECT Session, Model, Reason, PromptTokens, AnswerTokens, QueuedMs,
	FirstTokenMs, TotalMs, LoadMs, PromptMs, AnswerMs, PromptHash, AskedBy,
	Server
FROM temp.Incoming
WHERE Model IS NOT NULL AND NOT EXISTS (
	SELECT 1 FROM main.TicketAIGenerations WHERE SessionId = Session);

-- name: MERGE_RATINGS
-- Those whose answer is here; what a user says here counts more.
INSERT INTO main.TicketAIRatings (SessionId, UserName, Good, Reason, Comment,
	RatedAt)
SELECT i.Rates, i.UserName, i.Good, i.Why, i.Comment, i.Rated
FROM temp.Incoming AS i
JOIN main.TicketAISessions AS s ON s.Id = i.Rates AND s.TicketId = i.Ticket
WHERE s.AiResponse IS NOT NULL
ON CONFLICT DO NOTHING;

-- name: MERGE_SOURCES_COUNT
SELECT count(*) FROM temp.Incoming WHERE Given IS NOT NULL;

-- name: MERGE_SOURCES
-- Those of answers that have none here.
INSERT INTO main.TicketAISources (SessionId, N, Name, Title, Url, TicketId,
	Text, Cited)
SELECT i.Given, i.N, i.Name, i.Title, coalesce(i.Url, ''), i.FromTicket,
	i.Note, i.Cited
FROM temp.Incoming AS i
JOIN main.TicketAISessions AS s ON s.Id = i.Given AND s.TicketId = i.Ticket
WHERE s.AiResponse IS NOT NULL AND NOT EXISTS (SELECT 1
	FROM main.TicketAISources AS g WHERE g.SessionId = i.Given)
ON CONFLICT DO NOTHING;

-- name: ORIGINAL_TICKETS
-- The original service's tables, in its own database.  Entity Framework Core
-- writes times as 2024-05-01 12:34:56.789, in UTC or followed by an offset.
-- What is not a time becomes an empty text, which is refused.  Fractions are
-- cut to three digits, because SQLite 3.46 would round them up.  If its Tickets
-- have no CreatedAt, the name refers to the outer one.
SELECT o.Id, iif(o.Created IS NULL, NULL, coalesce(
	strftime('%Y-%m-%dT%H:%M:%fZ', CASE
	WHEN o.Created LIKE '____-__-__%' AND
		date(substr(o.Created, 1, 10)) = substr(o.Created, 1, 10)
	THEN iif(substr(o.Created, 20, 4) GLOB '.[0-9][0-9][0-9]',
		substr(o.Created, 1, 23) ||
		ltrim(substr(o.Created, 24), '0123456789'), o.Created)
	END), ''))
FROM (SELECT t.Id AS Id, (SELECT CreatedAt FROM Tickets AS i
		WHERE i.Id = t.Id) AS Created
	FROM (SELECT Id FROM Tickets) AS t,
		(SELECT NULL AS CreatedAt) AS outside) AS o
ORDER BY o.Id;

-- name: ORIGINAL_SESSIONS
-- A blank answer counts as none.
SELECT s.TicketId, NULL, s.Id,
	coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', CASE
		WHEN s.CreatedAt LIKE '____-__-__%' AND
			date(substr(s.CreatedAt, 1, 10)) = substr(s.CreatedAt, 1, 10)
		THEN iif(substr(s.CreatedAt, 20, 4) GLOB '.[0-9][0-9][0-9]',
			substr(s.CreatedAt, 1, 23) ||
			ltrim(substr(s.CreatedAt, 24), '0123456789'),
			s.CreatedAt)
		END), ''),
	iif(s.UpdatedAt IS NULL OR s.Answer IS NULL, NULL,
		coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', CASE
		WHEN s.UpdatedAt LIKE '____-__-__%' AND
			date(substr(s.UpdatedAt, 1, 10)) = substr(s.UpdatedAt, 1, 10)
		THEN iif(substr(s.UpdatedAt, 20, 4) GLOB '.[0-9][0-9][0-9]',
			substr(s.UpdatedAt, 1, 23) ||
			ltrim(substr(s.UpdatedAt, 24), '0123456789'),
			s.UpdatedAt)
		END), '')),
	s.Prompt, s.Answer
FROM (SELECT *, CASE
	WHEN trim(AiResponse, char(9, 10, 13, 32)) <> '' THEN AiResponse END
	AS Answer FROM TicketAISessions) AS s
ORDER BY s.Id;

-- name: IMPORT_COUNT
SELECT count(*) FROM temp.Incoming WHERE Created IS NOT NULL;

-- Export and import of sessions.

-- name: EXPORT
-- All fields of lib/store/record.h, of what was made or answered since the time
-- ?1 (seconds since 1970).
SELECT t.Id AS ticket, t.CreatedAt AS ticket_created, s.Id AS session,
	s.CreatedAt AS created, s.UpdatedAt AS answered, s.Prompt AS prompt,
	s.AiResponse AS response, g.Model AS model, g.DoneReason AS reason,
	g.PromptTokens AS prompt_tokens, g.AnswerTokens AS answer_tokens,
	g.QueuedMs AS queued_ms, g.FirstTokenMs AS first_token_ms,
	g.TotalMs AS total_ms, g.LoadMs AS load_ms, g.PromptMs AS prompt_ms,
	g.AnswerMs AS answer_ms
FROM Tickets AS t
LEFT JOIN TicketAISessions AS s ON s.TicketId = t.Id
LEFT JOIN TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE ?1 = 0 OR coalesce(s.UpdatedAt, s.CreatedAt, t.CreatedAt) >=
	strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch')
ORDER BY t.Id, s.Id LIMIT ?2;

-- name: EXPORT_RATINGS
-- What people think of the answers that EXPORT has.
SELECT s.TicketId AS ticket, r.SessionId AS rates, r.UserName AS user,
	r.Good AS good, r.Reason AS why, r.Comment AS comment,
	r.RatedAt AS rated
FROM TicketAIRatings AS r
JOIN TicketAISessions AS s ON s.Id = r.SessionId
WHERE ?1 = 0 OR coalesce(s.UpdatedAt, s.CreatedAt) >=
	strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch')
ORDER BY s.TicketId, s.Id, r.UserName LIMIT ?2;

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
	Rates		INTEGER,	-- of a rating, which has no Session
	UserName	TEXT,
	Good		INTEGER,
	Why		TEXT,
	Comment		TEXT,
	Rated		TEXT,
	TextHash	TEXT
) STRICT;

-- name: IMPORT_INDEX
CREATE INDEX IF NOT EXISTS temp.Incoming_Ticket ON Incoming (Ticket, Created);

-- name: IMPORT_ADD
INSERT INTO temp.Incoming VALUES (?24, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,
	?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
	?25);

-- name: IMPORT_CONFLICTS
-- Ids that belong to other sessions here.
SELECT i.Line, i.Session
FROM temp.Incoming AS i
JOIN main.TicketAISessions AS s ON s.Id = i.Session
LEFT JOIN main.TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE (s.TicketId, s.CreatedAt, s.UpdatedAt, s.Prompt, s.AiResponse,
	g.Model, g.DoneReason, g.PromptTokens, g.AnswerTokens, g.QueuedMs,
	g.FirstTokenMs, g.TotalMs, g.LoadMs, g.PromptMs, g.AnswerMs) IS NOT
	(i.Ticket, i.Created, i.Answered, i.Prompt, i.Response,
	i.Model, i.Reason, i.PromptTokens, i.AnswerTokens, i.QueuedMs,
	i.FirstTokenMs, i.TotalMs, i.LoadMs, i.PromptMs, i.AnswerMs)
ORDER BY i.Line;

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
FROM temp.Incoming WHERE Rates IS NULL GROUP BY Ticket
ON CONFLICT DO NOTHING;

-- name: MERGE_SESSIONS
-- New ids are above all ids that are imported.
INSERT INTO main.TicketAISessions (Id, TicketId, Prompt, AiResponse,
	CreatedAt, UpdatedAt, TextHash)
SELECT Session, Ticket, Prompt, Response, Created, Answered, TextHash
FROM temp.Incoming
WHERE Created IS NOT NULL AND NOT EXISTS (
	SELECT 1 FROM main.TicketAISessions WHERE Id = Session)
ORDER BY Session IS NULL, Session, Line;

-- name: MERGE_COSTS
INSERT INTO main.TicketAIGenerations (SessionId, Model, DoneReason,
	PromptTokens, AnswerTokens, QueuedMs, FirstTokenMs, TotalMs, LoadMs,
	PromptMs, AnswerMs)
SELECT Session, Model, Reason, PromptTokens, AnswerTokens, QueuedMs,
	FirstTokenMs, TotalMs, LoadMs, PromptMs, AnswerMs
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

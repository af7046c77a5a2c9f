-- Sessions on their way out and in.

-- name: EXPORT
-- Everything, as lib/store/record.h has it: what was made or answered from the
-- time ?1 on, in seconds since 1970.
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

-- Taking sessions in: they are gathered in a table of this connection's own,
-- then merged in one transaction.

-- name: IMPORT_CREATE
-- The line (of the file, or the how manieth) that a session came from; the
-- rest as in enum record_field.  A ticket that has no session has a line too.
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
-- Ids that are somebody else's here.
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
-- What came from the original service in an earlier run.
DELETE FROM temp.Incoming AS i
WHERE EXISTS (SELECT 1 FROM main.TicketAISessions AS s
	WHERE s.TicketId = i.Ticket AND s.CreatedAt = i.Created AND
	s.Prompt = i.Prompt AND s.AiResponse IS i.Response);

-- name: ORIGINAL_LATE
-- Tickets whose history here goes on after what would come: ids are the
-- order of a history, and an old answer must not become the newest one.
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
-- Where an id of a ticket is taken, or too low, all its ids are new.
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
-- Ids of our own come behind all that are kept.
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
-- The original service's own tables, in its database.  Entity Framework Core
-- writes times as 2024-05-01 12:34:56.789, in UTC, or with an offset behind;
-- what is no time becomes an empty text, which is refused.  More than three
-- digits of a second are cut, for SQLite 3.46 would round them up.  Where its
-- Tickets have no CreatedAt, the name finds the one outside.
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
-- An answer that shows nothing is none.
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

-- All statements that the service runs, by name.  Parameters are numbered in
-- the order in which lib/store/sqlite/store.c binds them.

-- name: ANSWER_BY_TICKET
-- The newest answer of a ticket, how many the ticket has, and whether this one
-- was cut at the token limit.
SELECT Id, Prompt, AiResponse, coalesce(UpdatedAt, CreatedAt),
	(SELECT count(AiResponse) FROM TicketAISessions WHERE TicketId = ?1),
	DoneReason = 'length'
FROM TicketAISessions LEFT JOIN TicketAIGenerations ON SessionId = Id
WHERE TicketId = ?1 AND AiResponse IS NOT NULL
ORDER BY Id DESC LIMIT 1;

-- name: ANSWER_BY_SESSION
SELECT Id, Prompt, AiResponse, coalesce(UpdatedAt, CreatedAt),
	(SELECT count(AiResponse) FROM TicketAISessions WHERE TicketId = ?2),
	EXISTS (SELECT 1 FROM TicketAIGenerations WHERE SessionId = Id
	AND DoneReason = 'length'),
	(SELECT count(AiResponse) FROM TicketAISessions WHERE TicketId = ?2
	AND Id <= ?1)
FROM TicketAISessions
WHERE Id = ?1 AND TicketId = ?2 AND AiResponse IS NOT NULL;

-- name: SESSION_OF_VERSION
-- The session of the ticket's n-th answer; the oldest is 1.
SELECT Id FROM TicketAISessions
WHERE TicketId = ?1 AND AiResponse IS NOT NULL
ORDER BY Id LIMIT 1 OFFSET ?2 - 1;

-- name: VERSIONS
SELECT count(AiResponse) FROM TicketAISessions
WHERE TicketId = (SELECT TicketId FROM TicketAISessions WHERE Id = ?1);

-- name: NEWEST_ANSWER
SELECT max(Id) FROM TicketAISessions
WHERE TicketId = ?1 AND AiResponse IS NOT NULL;

-- name: TICKET_EXISTS
SELECT 1 FROM Tickets WHERE Id = ?1;

-- name: TICKET_ADD
INSERT INTO Tickets (Id) VALUES (?1) ON CONFLICT DO NOTHING;

-- name: SESSION_OF_TEXT
-- Answers of a ticket whose text may have the hash ?2, newest first; with their
-- text if they have no hash.
SELECT Id, CASE WHEN TextHash IS NULL THEN Prompt END FROM TicketAISessions
WHERE TicketId = ?1 AND AiResponse IS NOT NULL AND
	coalesce(TextHash = ?2, true)
ORDER BY Id DESC;

-- name: SESSION_REUSE
-- The newest row of the ticket, if it has no answer.
SELECT Id FROM TicketAISessions
WHERE Id = (SELECT max(Id) FROM TicketAISessions WHERE TicketId = ?1)
AND AiResponse IS NULL;

-- name: SESSION_ADD
-- The text is saved with the answer: a question that fails leaves no text.
INSERT INTO TicketAISessions (TicketId, Prompt) VALUES (?1, '')
RETURNING Id;

-- name: SESSION_ANSWER
UPDATE TicketAISessions SET Prompt = ?2, TextHash = ?3, AiResponse = ?4,
	UpdatedAt = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE Id = ?1 AND AiResponse IS NULL;

-- name: SESSION_IS
-- Whether a session holds this same answer: 1, another answer: 2.
SELECT iif(Prompt = ?2 AND AiResponse = ?3, 1, 2) FROM TicketAISessions
WHERE Id = ?1 AND AiResponse IS NOT NULL;

-- name: RATE
-- A user's rating of a session; repeating the same one changes nothing.
INSERT INTO TicketAIRatings (SessionId, UserName, Good, Reason, Comment,
	RatedAt)
SELECT Id, ?2, ?3, nullif(?4, ''), nullif(?5, ''),
	strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
FROM TicketAISessions WHERE Id = ?1
ON CONFLICT DO UPDATE SET Good = excluded.Good, Reason = excluded.Reason,
	Comment = excluded.Comment, RatedAt = excluded.RatedAt
WHERE (Good, Reason, Comment) IS NOT
	(excluded.Good, excluded.Reason, excluded.Comment);

-- name: RATINGS_GOOD
-- How many users rated a session as good.
SELECT count(*) FROM TicketAIRatings WHERE SessionId = ?1 AND Good = 1;

-- name: RATINGS_BAD
SELECT count(*) FROM TicketAIRatings WHERE SessionId = ?1 AND Good = 0;

-- name: IDENTITY
SELECT Id, Secret FROM Identity;

-- name: GENERATION_ADD
INSERT INTO TicketAIGenerations (SessionId, Model, DoneReason, PromptTokens,
	AnswerTokens, QueuedMs, FirstTokenMs, TotalMs, LoadMs, PromptMs,
	AnswerMs)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11);

-- name: TICKET_DELETE
DELETE FROM Tickets WHERE Id = ?1;

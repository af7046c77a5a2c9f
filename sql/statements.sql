-- All statements that the service runs, by name.  Parameters are numbered in
-- the order in which lib/store/sqlite/store.c binds them.

-- name: ANSWER_BY_TICKET
-- The newest answer of a ticket, how many the ticket has, and whether this one
-- was cut at the token limit.  Then, as below: the number of this one (NULL:
-- the newest), what it follows, who wrote it, and the hint that it was written
-- with.
SELECT Id, Prompt, AiResponse, coalesce(UpdatedAt, CreatedAt),
	(SELECT count(AiResponse) FROM TicketAISessions WHERE TicketId = ?1
	AND FollowsId IS NULL),
	DoneReason IN ('length', 'content_filter'),
	NULL, NULL, Author, Instruction
FROM TicketAISessions LEFT JOIN TicketAIGenerations ON SessionId = Id
WHERE TicketId = ?1 AND FollowsId IS NULL AND AiResponse IS NOT NULL
ORDER BY Id DESC LIMIT 1;

-- name: ANSWER_BY_SESSION
-- A question's version is that of the answer it is about.
SELECT Id, Prompt, AiResponse, coalesce(UpdatedAt, CreatedAt),
	(SELECT count(AiResponse) FROM TicketAISessions WHERE TicketId = ?2
	AND FollowsId IS NULL),
	EXISTS (SELECT 1 FROM TicketAIGenerations WHERE SessionId = s.Id
	AND DoneReason IN ('length', 'content_filter')),
	(SELECT count(AiResponse) FROM TicketAISessions WHERE TicketId = ?2
	AND FollowsId IS NULL AND Id <= coalesce(s.FollowsId, ?1)),
	FollowsId, Author, Instruction
FROM TicketAISessions AS s
WHERE Id = ?1 AND TicketId = ?2 AND AiResponse IS NOT NULL;

-- name: SESSION_OF_VERSION
-- The session of the ticket's n-th answer; the oldest is 1.
SELECT Id FROM TicketAISessions
WHERE TicketId = ?1 AND FollowsId IS NULL AND AiResponse IS NOT NULL
ORDER BY Id LIMIT 1 OFFSET ?2 - 1;

-- name: VERSIONS
SELECT count(AiResponse) FROM TicketAISessions
WHERE TicketId = (SELECT TicketId FROM TicketAISessions WHERE Id = ?1)
AND FollowsId IS NULL;

-- name: NEWEST_ANSWER
SELECT max(Id) FROM TicketAISessions
WHERE TicketId = ?1 AND FollowsId IS NULL AND AiResponse IS NOT NULL;

-- name: TICKET_EXISTS
SELECT 1 FROM Tickets WHERE Id = ?1;

-- name: TICKET_ADD
INSERT INTO Tickets (Id) VALUES (?1) ON CONFLICT DO NOTHING;

-- name: SESSION_OF_TEXT
-- Answers of a ticket whose text may have the hash ?2, newest first; with their
-- text if they have no hash.
SELECT Id, CASE WHEN TextHash IS NULL THEN Prompt END FROM TicketAISessions
WHERE TicketId = ?1 AND FollowsId IS NULL AND AiResponse IS NOT NULL AND
	coalesce(TextHash = ?2, true)
ORDER BY Id DESC;

-- name: SESSION_REUSE
-- The newest row of the ticket that is no question, if it has no answer; only
-- its time stays.
UPDATE TicketAISessions SET Prompt = '', TextHash = NULL, Instruction = NULL,
	Author = NULL, ModelText = NULL, UpdatedAt = NULL
WHERE Id = (SELECT max(Id) FROM TicketAISessions
	WHERE TicketId = ?1 AND FollowsId IS NULL)
AND AiResponse IS NULL
RETURNING Id;

-- name: SESSION_ADD
-- The text is saved with the answer: a question that fails leaves no text.
INSERT INTO TicketAISessions (TicketId, Prompt) VALUES (?1, '')
RETURNING Id;

-- name: THREAD_NEXT
-- The next answered question about an answer (?2) of a ticket (?1) after the
-- session ?3; columns as in ANSWER_BY_SESSION.
SELECT Id, Prompt, AiResponse, coalesce(UpdatedAt, CreatedAt), 0, 0, 0,
	FollowsId, NULL, NULL
FROM TicketAISessions
WHERE TicketId = ?1 AND FollowsId = ?2 AND Id > ?3 AND AiResponse IS NOT NULL
ORDER BY Id LIMIT 1;

-- name: THREAD_READ
-- As THREAD_NEXT, but with what the model got in place of the question.
SELECT Id, coalesce(ModelText, Prompt), AiResponse,
	coalesce(UpdatedAt, CreatedAt), 0, 0, 0, FollowsId, NULL, NULL
FROM TicketAISessions
WHERE TicketId = ?1 AND FollowsId = ?2 AND Id > ?3 AND AiResponse IS NOT NULL
ORDER BY Id LIMIT 1;

-- name: THREAD_QUESTIONS
SELECT Id, iif(AiResponse IS NULL, NULL, Prompt) FROM TicketAISessions
WHERE TicketId = ?1 AND FollowsId = ?2 ORDER BY Id DESC;

-- name: ROOT
-- What the model reads of an answer to be asked about.
SELECT Prompt, AiResponse, Instruction, ModelText FROM TicketAISessions
WHERE Id = ?2 AND TicketId = ?1 AND FollowsId IS NULL AND
	AiResponse IS NOT NULL;

-- name: QUESTION_ADD
-- A row for a question about an answer (?2) of a ticket (?1), unless that has
-- been asked ?3 questions.
INSERT INTO TicketAISessions (TicketId, Prompt, FollowsId)
SELECT ?1, '', ?2
WHERE EXISTS (SELECT 1 FROM TicketAISessions WHERE Id = ?2 AND
	TicketId = ?1 AND FollowsId IS NULL AND AiResponse IS NOT NULL) AND
	(SELECT count(*) FROM TicketAISessions
	WHERE TicketId = ?1 AND FollowsId = ?2) < ?3
RETURNING Id;

-- name: QUESTION_DELETE
DELETE FROM TicketAISessions
WHERE Id = ?1 AND FollowsId IS NOT NULL AND AiResponse IS NULL;

-- name: SESSION_ANSWER
UPDATE TicketAISessions SET Prompt = ?2, TextHash = ?3, AiResponse = ?4,
	Instruction = nullif(?5, ''), Author = NULL, ModelText = nullif(?6, ''),
	UpdatedAt = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE Id = ?1 AND AiResponse IS NULL;

-- name: SESSION_IS
-- Whether a session holds this same answer: 1, another answer: 2.
SELECT iif(Prompt = ?2 AND AiResponse = ?3, 1, 2) FROM TicketAISessions
WHERE Id = ?1 AND AiResponse IS NOT NULL;

-- name: SOURCES
-- The notes that the model was given for a session's answer.
SELECT N, PassageId, Name, Title, Url, TicketId, Text, Cited
FROM TicketAISources WHERE SessionId = ?1 ORDER BY N;

-- name: SOURCE_ADD
-- A note of a solved ticket only while that ticket has an answer, or an imported
-- answer has the note: it may have been forgotten since the note was given.
INSERT INTO TicketAISources (SessionId, N, PassageId, Name, Title, Url,
	TicketId, Text, Cited)
SELECT ?1, ?2, nullif(?3, 0), ?4, ?5, ?6, nullif(?7, 0), ?8, ?9
WHERE ?7 = 0 OR EXISTS (SELECT 1 FROM TicketAISessions WHERE TicketId = ?7 AND
	FollowsId IS NULL AND AiResponse IS NOT NULL) OR
	EXISTS (SELECT 1 FROM TicketAISources WHERE TicketId = ?7);

-- name: SOURCES_COPY
-- Those of the answer ?2 for the answer ?1, which cites the numbers whose bits
-- are set in ?3.
INSERT INTO TicketAISources (SessionId, N, PassageId, Name, Title, Url,
	TicketId, Text, Cited)
SELECT ?1, N, PassageId, Name, Title, Url, TicketId, Text, ?3 >> N & 1
FROM TicketAISources WHERE SessionId = ?2;

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

-- name: WRITTEN_IS
-- Whether an answer was written by this author with this very text.
SELECT 1 FROM TicketAISessions
WHERE Id = ?1 AND Author = ?2 AND AiResponse = ?3;

-- name: ANSWER_IS
-- Whether a session is an answer of the ticket, and no question.
SELECT 1 FROM TicketAISessions WHERE Id = ?1 AND TicketId = ?2 AND
	FollowsId IS NULL AND AiResponse IS NOT NULL;

-- name: WRITE
-- A person's answer in place of the answer ?1.
INSERT INTO TicketAISessions (TicketId, Prompt, TextHash, ModelText, Author,
	AiResponse, UpdatedAt)
SELECT TicketId, Prompt, TextHash, ModelText, ?2, ?3,
	strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
FROM TicketAISessions WHERE Id = ?1
RETURNING Id;

-- name: IDENTITY
SELECT Id, Secret FROM Identity;

-- name: GENERATION_ADD
INSERT INTO TicketAIGenerations (SessionId, Model, DoneReason, PromptTokens,
	AnswerTokens, QueuedMs, FirstTokenMs, TotalMs, LoadMs, PromptMs,
	AnswerMs, PromptHash, UserName, Server)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, nullif(?12, ''),
	nullif(?13, ''), nullif(?14, ''));

-- name: TEXTS_NEAR
-- All texts of a ticket, in which the word of its fences must not occur.
SELECT Id, Prompt, AiResponse, Instruction, ModelText FROM TicketAISessions
WHERE TicketId = ?1
UNION ALL SELECT SessionId, Comment, NULL, NULL, NULL FROM TicketAIRatings
WHERE SessionId IN (SELECT Id FROM TicketAISessions WHERE TicketId = ?1);

-- name: LAST_SERVER
-- The model server of the ticket's newest answer; also a question's.
SELECT Server FROM TicketAIGenerations WHERE SessionId IN (
	SELECT Id FROM TicketAISessions WHERE TicketId = ?1)
ORDER BY SessionId DESC LIMIT 1;

-- name: TICKET_DELETE
DELETE FROM Tickets WHERE Id = ?1;

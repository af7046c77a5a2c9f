-- What `sessions report' reads.  ?1 is how many days there are, today (UTC) the
-- last of them, ?2 the most rows.  The rows are counted by the reader, so that a
-- large database needs little memory.  Rows are read in the order of their ids,
-- from the first one that may count on: in the order of their times each would
-- be on another page.

-- name: REPORT_ANSWERS
-- All answers, those to questions among them: the day, whether it answers a
-- question, the author, and what it cost.
SELECT substr(coalesce(s.UpdatedAt, s.CreatedAt), 1, 10) AS day,
	s.FollowsId IS NOT NULL AS follows, s.Author AS author,
	g.Model AS model, g.PromptHash AS prompt,
	min(g.QueuedMs + g.FirstTokenMs, 1000000000) AS wait_ms,
	min(g.TotalMs, 1000000000) AS total_ms,
	min(g.PromptTokens, 1000000000) AS prompt_tokens,
	min(g.AnswerTokens, 1000000000) AS answer_tokens
FROM TicketAISessions AS s
LEFT JOIN TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE s.Id >= (SELECT min(+Id) FROM TicketAISessions
		WHERE coalesce(UpdatedAt, CreatedAt) >=
		date('now', '-' || (?1 - 1) || ' days')) AND
	+coalesce(s.UpdatedAt, s.CreatedAt) >=
	date('now', '-' || (?1 - 1) || ' days') AND s.AiResponse IS NOT NULL
LIMIT ?2;

-- name: REPORT_RATINGS
-- All ratings of such answers: the answer's day, its author, what wrote it, and
-- the rating.
SELECT substr(coalesce(s.UpdatedAt, s.CreatedAt), 1, 10) AS day,
	s.Author AS author, g.Model AS model, g.PromptHash AS prompt,
	r.Good AS good, r.Reason AS reason
FROM TicketAIRatings AS r
CROSS JOIN TicketAISessions AS s ON s.Id = r.SessionId
LEFT JOIN TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE r.Good IS NOT NULL AND
	r.SessionId >= (SELECT min(+Id) FROM TicketAISessions
		WHERE coalesce(UpdatedAt, CreatedAt) >=
		date('now', '-' || (?1 - 1) || ' days')) AND
	+coalesce(s.UpdatedAt, s.CreatedAt) >=
	date('now', '-' || (?1 - 1) || ' days')
LIMIT ?2;

-- name: REPORT_SOURCES
-- The notes that the model was given: name, title, and whether its answer cited
-- the note.  A person's answer only has a copy of them.  Each note once: GROUP BY
-- would sort all of them in memory.
SELECT x.Name AS name, x.Title AS title, x.Cited OR EXISTS (SELECT 1
	FROM TicketAISources AS y WHERE y.SessionId = x.SessionId AND
	y.Cited AND y.Name = x.Name) AS cited
FROM TicketAISessions AS s
CROSS JOIN TicketAISources AS x ON x.SessionId = s.Id
WHERE s.Id >= (SELECT min(+Id) FROM TicketAISessions
		WHERE coalesce(UpdatedAt, CreatedAt) >=
		date('now', '-' || (?1 - 1) || ' days')) AND
	+coalesce(s.UpdatedAt, s.CreatedAt) >=
	date('now', '-' || (?1 - 1) || ' days') AND s.AiResponse IS NOT NULL AND
	s.Author IS NULL AND NOT EXISTS (SELECT 1 FROM TicketAISources AS y
	WHERE y.SessionId = x.SessionId AND y.Name = x.Name AND
	(y.Title, y.N) < (x.Title, x.N))
LIMIT ?2;

-- name: REPORT_DOCUMENTS
-- All that was learnt and still counts.
SELECT Name AS name, Title AS title FROM Documents LIMIT ?2;

-- name: REPORT_UNFITTED
-- The tickets whose newest answer by the model was given no note, newest first,
-- since there are notes.
SELECT s.TicketId AS ticket,
	substr(coalesce(s.UpdatedAt, s.CreatedAt), 1, 10) AS day,
	substr(s.Prompt, 1, 300) AS words
FROM TicketAISessions AS s
CROSS JOIN TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE s.Id >= (SELECT min(+Id) FROM TicketAISessions
		WHERE coalesce(UpdatedAt, CreatedAt) >=
		date('now', '-' || (?1 - 1) || ' days')) AND
	+coalesce(s.UpdatedAt, s.CreatedAt) >=
	date('now', '-' || (?1 - 1) || ' days') AND
	s.AiResponse IS NOT NULL AND s.FollowsId IS NULL AND
	NOT EXISTS (SELECT 1 FROM TicketAISessions AS n WHERE
		n.TicketId = s.TicketId AND n.Id > s.Id AND
		n.FollowsId IS NULL AND n.AiResponse IS NOT NULL AND
		n.Author IS NULL) AND
	(s.Id >= (SELECT min(SessionId) FROM TicketAISources) OR
	s.UpdatedAt >= (SELECT min(LearnedAt) FROM Documents)) AND
	NOT EXISTS (SELECT 1 FROM TicketAISources WHERE SessionId = s.Id)
ORDER BY s.Id DESC LIMIT ?2;

-- What an administrator asks.  ?1 is what a report is about, ?2 how many rows
-- it has at most; the names of its columns are what `sessions' prints.

-- name: LIST
-- The newest session of each ticket, newest first.
SELECT s.TicketId AS ticket, s.Id AS session, s.CreatedAt AS created,
	s.UpdatedAt AS answered, length(CAST(s.AiResponse AS BLOB)) AS bytes,
	g.Model AS model, g.AnswerTokens AS tokens
FROM TicketAISessions AS s
LEFT JOIN TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE s.Id = (SELECT max(n.Id) FROM TicketAISessions AS n
	WHERE n.TicketId = s.TicketId)
ORDER BY s.Id DESC LIMIT ?2;

-- name: SHOW
-- The sessions of a ticket (?1), the newest of them, oldest first.
SELECT s.TicketId AS ticket, s.Id AS session, s.CreatedAt AS created,
	s.UpdatedAt AS answered, g.Model AS model, g.DoneReason AS reason,
	g.PromptTokens AS prompt_tokens, g.AnswerTokens AS answer_tokens,
	g.QueuedMs AS queued_ms, g.FirstTokenMs AS first_token_ms,
	g.TotalMs AS total_ms, s.Prompt AS prompt, s.AiResponse AS response
FROM TicketAISessions AS s
LEFT JOIN TicketAIGenerations AS g ON g.SessionId = s.Id
WHERE s.Id IN (SELECT n.Id FROM TicketAISessions AS n WHERE n.TicketId = ?1
	ORDER BY n.Id DESC LIMIT ?2)
ORDER BY s.Id;

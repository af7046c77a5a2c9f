-- The original service's two tables, with the same names, and a table with the
-- cost of each generation.  Can be loaded by the sqlite3 shell, too.  Times are
-- ISO 8601 in UTC.

PRAGMA application_id = 0x7469636b;	-- "tick"

CREATE TABLE Tickets (
	Id		INTEGER PRIMARY KEY CHECK (Id > 0),
	CreatedAt	TEXT NOT NULL
			DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

-- A row for each generation that was begun; a question that failed is begun
-- again in the same row.  Ids are never reused, because viewers wait for a
-- certain id.
CREATE TABLE TicketAISessions (
	Id		INTEGER PRIMARY KEY AUTOINCREMENT,
	TicketId	INTEGER NOT NULL
			REFERENCES Tickets (Id) ON DELETE CASCADE,
	Prompt		TEXT NOT NULL,	-- the ticket's text, alone
	AiResponse	TEXT,		-- NULL until the answer is complete
	CreatedAt	TEXT NOT NULL
			DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	UpdatedAt	TEXT		-- when the answer was kept
) STRICT;

CREATE INDEX TicketAISessions_TicketId ON TicketAISessions (TicketId, Id);

CREATE TABLE TicketAIGenerations (
	SessionId	INTEGER PRIMARY KEY
			REFERENCES TicketAISessions (Id) ON DELETE CASCADE,
	Model		TEXT NOT NULL,
	DoneReason	TEXT NOT NULL,
	PromptTokens	INTEGER NOT NULL,
	AnswerTokens	INTEGER NOT NULL,
	QueuedMs	INTEGER NOT NULL,	-- waiting for a slot
	FirstTokenMs	INTEGER NOT NULL,	-- from the request on
	TotalMs		INTEGER NOT NULL,	-- from the request on
	LoadMs		INTEGER NOT NULL,	-- these three as Ollama
	PromptMs	INTEGER NOT NULL,	-- tells them
	AnswerMs	INTEGER NOT NULL
) STRICT;

-- The sqlite3 shell does not enforce foreign keys, so it does not cascade.
CREATE TRIGGER Tickets_Deleted AFTER DELETE ON Tickets BEGIN
	DELETE FROM TicketAISessions WHERE TicketId = OLD.Id;
END;

CREATE TRIGGER TicketAISessions_Deleted AFTER DELETE ON TicketAISessions BEGIN
	DELETE FROM TicketAIGenerations WHERE SessionId = OLD.Id;
END;

PRAGMA user_version = 1;

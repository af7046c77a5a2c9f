-- What distinguishes one database from another, and one text from another.

-- One row: a random name, which RUN_DIR/identity holds, too, and the key of
-- TextHash, which leaves the database only in copies.  Both are hexadecimal.
CREATE TABLE Identity (
	Id	TEXT NOT NULL,
	Secret	TEXT NOT NULL
) STRICT;
INSERT INTO Identity (Id, Secret)
VALUES (lower(hex(randomblob(16))), lower(hex(randomblob(16))));

-- FollowsId is NULL in the rows of the ticket's answers.  A question about an
-- answer is a row of the same ticket with the answer's id, and its Prompt is
-- the question.  Instruction is the hint that an answer was written with,
-- Author the user who wrote the answer in place of the model, ModelText the
-- text that the model got where it differs from Prompt.
ALTER TABLE TicketAISessions ADD COLUMN FollowsId INTEGER;
ALTER TABLE TicketAISessions ADD COLUMN Instruction TEXT;
ALTER TABLE TicketAISessions ADD COLUMN Author TEXT;
ALTER TABLE TicketAISessions ADD COLUMN ModelText TEXT;

-- The hash of the prompt's same-text form (lib/text/text.h).  NULL if there is
-- no answer, and in rows of schema 1, whose texts are compared instead.
ALTER TABLE TicketAISessions ADD COLUMN TextHash TEXT;

-- A hash of the system prompt, who asked (as in TicketAIRatings), and the model
-- server.
ALTER TABLE TicketAIGenerations ADD COLUMN PromptHash TEXT;
ALTER TABLE TicketAIGenerations ADD COLUMN UserName TEXT;
ALTER TABLE TicketAIGenerations ADD COLUMN Server TEXT;

-- One index finds a ticket's rows, its answers in their order, and the
-- questions about an answer: the Id is the end of every index.  Partial indexes
-- would cost each chat, which parses the schema, 3 % more.
DROP INDEX TicketAISessions_TicketId;
CREATE INDEX TicketAISessions_TicketId ON TicketAISessions (TicketId, FollowsId);

-- A question's text is saved with its answer, not before.
UPDATE TicketAISessions SET Prompt = '' WHERE AiResponse IS NULL;

-- For finding what is too old without reading all rows.
CREATE INDEX TicketAISessions_Time
ON TicketAISessions (coalesce(UpdatedAt, CreatedAt));

-- What people think of an answer: each user's latest rating.  UserName is the
-- user of the token, or a hash of the address.  Every chat parses the schema,
-- and constraints like those of the other tables would cost it twice as much;
-- the trigger below deletes what belongs to a session.
CREATE TABLE TicketAIRatings (SessionId INTEGER, UserName TEXT, Good INTEGER,
Reason TEXT, Comment TEXT, RatedAt TEXT, PRIMARY KEY (SessionId, UserName))
STRICT, WITHOUT ROWID;

-- What belongs to a session, and the questions about it.  A trigger does not
-- start itself, so that the second one starts the first for each question.
DROP TRIGGER TicketAISessions_Deleted;
CREATE TRIGGER TicketAISessions_Deleted AFTER DELETE ON TicketAISessions BEGIN
	DELETE FROM TicketAIGenerations WHERE SessionId = OLD.Id;
	DELETE FROM TicketAIRatings WHERE SessionId = OLD.Id;
END;
CREATE TRIGGER TicketAISessions_Thread AFTER DELETE ON TicketAISessions BEGIN
	DELETE FROM TicketAISessions
	WHERE TicketId = OLD.TicketId AND FollowsId = OLD.Id;
END;

PRAGMA user_version = 2;

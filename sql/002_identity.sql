-- What distinguishes one database from another, and one text from another.

-- One row: a random name, which RUN_DIR/identity holds, too, and the key of
-- TextHash, which leaves the database only in copies.  Both are hexadecimal.
CREATE TABLE Identity (
	Id	TEXT NOT NULL,
	Secret	TEXT NOT NULL
) STRICT;
INSERT INTO Identity (Id, Secret)
VALUES (lower(hex(randomblob(16))), lower(hex(randomblob(16))));

-- The hash of the prompt's same-text form (lib/text/text.h).  NULL if there is
-- no answer, and in rows of schema 1, whose texts are compared instead.
ALTER TABLE TicketAISessions ADD COLUMN TextHash TEXT;

-- A question's text is saved with its answer, not before.
UPDATE TicketAISessions SET Prompt = '' WHERE AiResponse IS NULL;

-- For finding what is too old without reading all rows.
CREATE INDEX TicketAISessions_Time
ON TicketAISessions (coalesce(UpdatedAt, CreatedAt));

-- What people think of an answer: each user's latest rating.  UserName is the
-- user of the token, or a hash of the address.  Every chat parses the schema, and
-- constraints like those of the other tables would cost it twice as much; the
-- trigger below deletes what belongs to a session.
CREATE TABLE TicketAIRatings (SessionId INTEGER, UserName TEXT, Good INTEGER,
Reason TEXT, Comment TEXT, RatedAt TEXT, PRIMARY KEY (SessionId, UserName))
STRICT, WITHOUT ROWID;

DROP TRIGGER TicketAISessions_Deleted;
CREATE TRIGGER TicketAISessions_Deleted AFTER DELETE ON TicketAISessions BEGIN
	DELETE FROM TicketAIGenerations WHERE SessionId = OLD.Id;
	DELETE FROM TicketAIRatings WHERE SessionId = OLD.Id;
END;

PRAGMA user_version = 2;

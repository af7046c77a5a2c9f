-- What tells one database from another, and one text from another.

-- One row: a random name, which RUN_DIR/identity holds too, and the key of
-- TextHash, which leaves the database in copies of it alone.  Hexadecimal.
CREATE TABLE Identity (
	Id	TEXT NOT NULL,
	Secret	TEXT NOT NULL
) STRICT;
INSERT INTO Identity (Id, Secret)
VALUES (lower(hex(randomblob(16))), lower(hex(randomblob(16))));

-- Of the prompt's same-text form (lib/text/text.h); NULL where there is no
-- answer, and in rows of schema 1, whose texts are compared.
ALTER TABLE TicketAISessions ADD COLUMN TextHash TEXT;

-- A question's text is kept with its answer, and not before.
UPDATE TicketAISessions SET Prompt = '' WHERE AiResponse IS NULL;

-- By it what is too old is found without reading what is not.
CREATE INDEX TicketAISessions_Time
ON TicketAISessions (coalesce(UpdatedAt, CreatedAt));

-- What people think of an answer: each user's last word.
CREATE TABLE TicketAIRatings (
	SessionId	INTEGER NOT NULL
			REFERENCES TicketAISessions (Id) ON DELETE CASCADE,
	UserName	TEXT NOT NULL,	-- of the token, or a hash of the address
	Good		INTEGER NOT NULL CHECK (Good IN (0, 1)),
	Reason		TEXT,
	Comment		TEXT,
	RatedAt		TEXT NOT NULL
			DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	PRIMARY KEY (SessionId, UserName)
) STRICT, WITHOUT ROWID;

DROP TRIGGER TicketAISessions_Deleted;
CREATE TRIGGER TicketAISessions_Deleted AFTER DELETE ON TicketAISessions BEGIN
	DELETE FROM TicketAIGenerations WHERE SessionId = OLD.Id;
	DELETE FROM TicketAIRatings WHERE SessionId = OLD.Id;
END;

PRAGMA user_version = 2;

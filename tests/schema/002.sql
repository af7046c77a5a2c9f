-- A database of schema 2 as its programs wrote it: what sqlite3's .dump says, and
-- the two numbers that it leaves out.
PRAGMA application_id = 1953063787;
PRAGMA user_version = 2;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE Tickets (
	Id		INTEGER PRIMARY KEY CHECK (Id > 0),
	CreatedAt	TEXT NOT NULL
			DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
INSERT INTO Tickets VALUES(42,'2026-11-23T18:26:12.760Z');
INSERT INTO Tickets VALUES(43,'2026-11-23T18:26:13.008Z');
INSERT INTO Tickets VALUES(44,'2026-11-23T18:26:13.038Z');
CREATE TABLE TicketAISessions (
	Id		INTEGER PRIMARY KEY AUTOINCREMENT,
	TicketId	INTEGER NOT NULL
			REFERENCES Tickets (Id) ON DELETE CASCADE,
	Prompt		TEXT NOT NULL,	-- the ticket's text, alone
	AiResponse	TEXT,		-- NULL until the answer is complete
	CreatedAt	TEXT NOT NULL
			DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	UpdatedAt	TEXT		-- when the answer was kept
, FollowsId INTEGER, Instruction TEXT, Author TEXT, ModelText TEXT, TextHash TEXT) STRICT;
INSERT INTO TicketAISessions VALUES(1,42,'printer jam',replace('Reinicie a impressora.\n','\n',char(10)),'2026-11-23T18:26:12.760Z','2026-11-23T18:26:12.774Z',NULL,NULL,NULL,NULL,'0efb29cd2b45fb9d4112da12e2e219f6');
INSERT INTO TicketAISessions VALUES(2,42,'printer jam again',replace('Reinicie a impressora.\n','\n',char(10)),'2026-11-23T18:26:12.982Z','2026-11-23T18:26:13.002Z',NULL,NULL,NULL,NULL,'588127ae983378af2b94f275e2d8d3f1');
INSERT INTO TicketAISessions VALUES(3,43,'A impressora não imprime',replace('Reinicie a impressora.\n','\n',char(10)),'2026-11-23T18:26:13.008Z','2026-11-23T18:26:13.027Z',NULL,NULL,NULL,NULL,'dc2657b5d0772f84a65586e4386c6a09');
INSERT INTO TicketAISessions VALUES(4,44,'',NULL,'2026-11-23T18:26:13.038Z',NULL,NULL,NULL,NULL,NULL,NULL);
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
, PromptHash TEXT, UserName TEXT, Server TEXT) STRICT;
INSERT INTO TicketAIGenerations VALUES(1,'gemma3:270m','stop',18,6,0,0,0,191,505,240,NULL,NULL,NULL);
INSERT INTO TicketAIGenerations VALUES(2,'gemma3:270m','stop',18,6,4,4,4,191,505,240,NULL,NULL,NULL);
INSERT INTO TicketAIGenerations VALUES(3,'gemma3:270m','stop',18,6,0,1,1,191,505,240,NULL,NULL,NULL);
CREATE TABLE Identity (
	Id	TEXT NOT NULL,
	Secret	TEXT NOT NULL
) STRICT;
INSERT INTO Identity VALUES('a622fc162bd9f8aa937f72f0ebd25cac','e5a9ea301995348f505375245b782b77');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('TicketAISessions',4);
CREATE TRIGGER Tickets_Deleted AFTER DELETE ON Tickets BEGIN
	DELETE FROM TicketAISessions WHERE TicketId = OLD.Id;
END;
CREATE TABLE TicketAIRatings (SessionId INTEGER, UserName TEXT, Good INTEGER,
Reason TEXT, Comment TEXT, RatedAt TEXT, PRIMARY KEY (SessionId, UserName))
STRICT, WITHOUT ROWID;
INSERT INTO TicketAIRatings VALUES(1,'ana',1,NULL,NULL,'2026-11-23T12:20:00.000Z');
INSERT INTO TicketAIRatings VALUES(1,'bob',0,'wrong','Não é isso.','2026-11-23T12:21:00.000Z');
CREATE INDEX TicketAISessions_TicketId ON TicketAISessions (TicketId, FollowsId);
CREATE TRIGGER TicketAISessions_Deleted AFTER DELETE ON TicketAISessions BEGIN
	DELETE FROM TicketAIGenerations WHERE SessionId = OLD.Id;
	DELETE FROM TicketAIRatings WHERE SessionId = OLD.Id;
END;
CREATE INDEX TicketAISessions_Time
ON TicketAISessions (coalesce(UpdatedAt, CreatedAt));
CREATE TRIGGER TicketAISessions_Thread AFTER DELETE ON TicketAISessions BEGIN
	DELETE FROM TicketAISessions
	WHERE TicketId = OLD.TicketId AND FollowsId = OLD.Id;
END;
COMMIT;

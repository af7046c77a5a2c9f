-- The team's knowledge, and which notes an answer was given.  Every chat parses
-- the schema, so these tables are made by the first process that needs them
-- (store_knowledge_make): a database of schema 2 may have all of them or none.

-- name: KNOWLEDGE_THERE
SELECT count(*) FROM sqlite_schema WHERE name = 'TicketAISources';

-- name: KNOWLEDGE_CREATE
-- In one transaction.
--
-- A document is a file or a solved ticket.  Source is what was learnt when it
-- was found: a path, `-', or `answers'.  Question is the text of the solved
-- ticket: its words find the passages.  TicketId and SessionId are those of an
-- answer of this database; when the session is gone the document counts no
-- more, and a sweep removes it.
--
-- Passages holds the texts, PassageIndex their folded words with blanks between
-- them (lib/knowledge/terms.h).  Ids are not used again, because TicketAISources
-- names them.  Asked has the answers that cited a passage, and whose tickets'
-- words find it, too.  No trigger writes to PassageIndex: a connection that
-- does not trust the schema refuses such a trigger.
--
-- TicketAISources has the notes that an answer was given, as they were sent.
-- PassageId is NULL if they come from KNOWLEDGE_COMMAND.  They go with the
-- answer, and with the last answer of the solved ticket whose words they are.
CREATE TABLE IF NOT EXISTS Documents (
	Id		INTEGER PRIMARY KEY AUTOINCREMENT,
	Name		TEXT NOT NULL UNIQUE,
	Source		TEXT NOT NULL,
	Hash		TEXT NOT NULL,
	Title		TEXT NOT NULL,
	Url		TEXT NOT NULL,
	Question	TEXT,
	TicketId	INTEGER,
	SessionId	INTEGER,
	LearnedAt	TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS Passages (
	Id		INTEGER PRIMARY KEY AUTOINCREMENT,
	DocumentId	INTEGER NOT NULL,
	Title		TEXT NOT NULL,
	Text		TEXT NOT NULL,
	Hash		TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS Passages_DocumentId ON Passages (DocumentId);
CREATE VIRTUAL TABLE IF NOT EXISTS PassageIndex USING fts5 (title, body, asked,
	tokenize = "unicode61 remove_diacritics 0 categories 'L* N* Co M*'");
CREATE TABLE IF NOT EXISTS PassageFold (Version INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS Asked (
	PassageId	INTEGER NOT NULL,
	SessionId	INTEGER NOT NULL,
	PRIMARY KEY (PassageId, SessionId)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS TicketAISources (
	SessionId	INTEGER NOT NULL,
	N		INTEGER NOT NULL,
	PassageId	INTEGER,
	Name		TEXT NOT NULL,
	Title		TEXT NOT NULL,
	Url		TEXT NOT NULL,
	TicketId	INTEGER,
	Text		TEXT NOT NULL,
	Cited		INTEGER NOT NULL,
	PRIMARY KEY (SessionId, N)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS TicketAISources_TicketId
ON TicketAISources (TicketId) WHERE TicketId IS NOT NULL;
CREATE TRIGGER IF NOT EXISTS TicketAISources_Deleted
AFTER DELETE ON TicketAISessions BEGIN
	DELETE FROM TicketAISources WHERE SessionId = OLD.Id;
	DELETE FROM TicketAISources WHERE TicketId = OLD.TicketId AND
		NOT EXISTS (SELECT 1 FROM TicketAISessions
		WHERE TicketId = OLD.TicketId AND FollowsId IS NULL AND
		AiResponse IS NOT NULL);
END;

-- name: KNOWLEDGE_READ
-- What follows sees one state of the database.
BEGIN;

-- name: KNOWLEDGE_READ_END
ROLLBACK;

-- name: PASSAGES_COUNT
SELECT count(*) FROM Passages;

-- name: WORD
-- Visits the passages that hold a word: visit_passages is a function of ours.
SELECT visit_passages(PassageIndex) FROM PassageIndex
WHERE PassageIndex MATCH '"' || ?1 || '"' LIMIT 1;

-- name: CANDIDATES
-- A passage with its words.  What a deleted answer has left counts no more.
SELECT i.rowid, i.title, i.body, i.asked
FROM PassageIndex AS i
JOIN Passages AS p ON p.Id = i.rowid
JOIN Documents AS d ON d.Id = p.DocumentId
WHERE i.rowid = ?1 AND (d.SessionId IS NULL OR
	EXISTS (SELECT 1 FROM TicketAISessions WHERE Id = d.SessionId));

-- name: PASSAGE
SELECT d.Name, p.Title, d.Url, p.Text, d.TicketId, d.Question
FROM Passages AS p JOIN Documents AS d ON d.Id = p.DocumentId WHERE p.Id = ?1;

-- name: FOLD_VERSION
SELECT Version FROM PassageFold;

-- name: FOLD_CLEAR
DELETE FROM PassageFold;

-- name: FOLD_SET
INSERT INTO PassageFold (Version) VALUES (?1);

-- name: DOCUMENT_FIND
SELECT Id, Hash, Source, ?2 FROM Documents WHERE Name = ?1;

-- name: DOCUMENT_PUT
INSERT INTO Documents (Name, Source, Hash, Title, Url, Question, TicketId,
	SessionId, LearnedAt)
VALUES (?1, ?2, ?3, ?4, ?5, nullif(?6, ''), nullif(?7, 0), nullif(?8, 0),
	strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
ON CONFLICT (Name) DO UPDATE SET Source = excluded.Source,
	Hash = excluded.Hash, Title = excluded.Title, Url = excluded.Url,
	Question = excluded.Question, TicketId = excluded.TicketId,
	SessionId = excluded.SessionId, LearnedAt = excluded.LearnedAt
-- No answer replaces a note that has its name.
WHERE excluded.SessionId IS NULL OR Documents.Source = excluded.Source
RETURNING Id;

-- name: DOCUMENT_PASSAGES
SELECT Id, Hash, ?2 FROM Passages WHERE DocumentId = ?1 ORDER BY Id;

-- name: DOCUMENT_DELETE
DELETE FROM Documents WHERE Id = ?1;

-- name: PASSAGE_ADD
INSERT INTO Passages (DocumentId, Title, Text, Hash) VALUES (?1, ?2, ?3, ?4)
RETURNING Id;

-- name: PASSAGE_MOVE
UPDATE Passages SET DocumentId = ?2 WHERE Id = ?1;

-- name: PASSAGE_DELETE
DELETE FROM Passages WHERE Id = ?1;

-- name: PASSAGE_UNASK
DELETE FROM Asked WHERE PassageId = ?1;

-- name: INDEX_ADD
INSERT INTO PassageIndex (rowid, title, body, asked) VALUES (?1, ?2, ?3, ?4);

-- name: INDEX_DELETE
DELETE FROM PassageIndex WHERE rowid = ?1;

-- name: INDEX_OPTIMIZE
-- Until this runs, the words of deleted passages stay in the file.
INSERT INTO PassageIndex (PassageIndex) VALUES ('optimize');

-- name: INDEX_MERGE
-- Merges some pages of the index; negative: of all of its parts.
INSERT INTO PassageIndex (PassageIndex, rank) VALUES ('merge', ?1);

-- name: INDEX_CHECK
INSERT INTO PassageIndex (PassageIndex, rank) VALUES ('integrity-check', 1);

-- name: INDEX_REBUILD
-- From the words that the table itself holds.
INSERT INTO PassageIndex (PassageIndex) VALUES ('rebuild');

-- name: PASSAGES_NEXT
-- The next passages behind ?1, for indexing all of them anew.
SELECT Id FROM Passages WHERE Id > ?1 ORDER BY Id LIMIT ?2;

-- name: DOCUMENTS_OF
-- The documents of a source behind the id ?2.
SELECT Id, Name FROM Documents WHERE Source = ?1 AND Id > ?2
ORDER BY Id LIMIT ?3;

-- name: SOURCE_BESIDE
-- A slash is followed by a zero in the order of characters.
SELECT Source FROM Documents WHERE (Name = ?1 OR
	(Name > ?1 || '/' AND Name < ?1 || '0')) AND
	Source <> ?2 AND substr(Source, 1, 1) = '/' LIMIT 1;

-- name: SOURCE_MOVE
UPDATE Documents SET Source = ?2 WHERE Source = ?1;

-- name: SOME_TITLES
-- At most ?1 of all documents, evenly among them.
SELECT Name, Title FROM Documents WHERE Id % max(1,
	((SELECT count(*) FROM Documents) + ?1 - 1) / ?1) = 0
ORDER BY Id LIMIT ?1;

-- name: DOCUMENT_OF_SESSION
SELECT Id FROM Documents WHERE SessionId = ?1;

-- name: ASKED_ADD
-- Only where passage and answer are there.
INSERT INTO Asked (PassageId, SessionId)
SELECT p.Id, s.Id FROM Passages AS p, TicketAISessions AS s
WHERE p.Id = ?1 AND s.Id = ?2 AND s.AiResponse IS NOT NULL
ON CONFLICT DO NOTHING;

-- name: ASKED_OF_SESSION
SELECT PassageId FROM Asked WHERE SessionId = ?1 ORDER BY PassageId;

-- name: ASKED_DELETE
DELETE FROM Asked WHERE PassageId = ?1 AND SessionId = ?2;

-- name: ASKED_TEXTS
-- The tickets whose words find a passage, the newest first.
SELECT s.Prompt FROM Asked AS a JOIN TicketAISessions AS s ON s.Id = a.SessionId
WHERE a.PassageId = ?1 ORDER BY a.SessionId DESC LIMIT 64;

-- name: ORPHANS_ASKED
SELECT PassageId, SessionId FROM Asked WHERE SessionId NOT IN
	(SELECT Id FROM TicketAISessions) ORDER BY 1, 2 LIMIT ?1;

-- name: ORPHANS_SOURCES
-- Notes of solved tickets that have no answer any more.
SELECT t.SessionId, t.N FROM TicketAISources AS t
WHERE t.TicketId IS NOT NULL AND NOT EXISTS (SELECT 1 FROM TicketAISessions
	WHERE TicketId = t.TicketId AND FollowsId IS NULL AND
	AiResponse IS NOT NULL) ORDER BY 1, 2 LIMIT ?1;

-- name: SOURCE_DELETE
DELETE FROM TicketAISources WHERE SessionId = ?1 AND N = ?2;

-- name: ORPHANS_DOCUMENTS
SELECT Id FROM Documents WHERE SessionId IS NOT NULL AND SessionId NOT IN
	(SELECT Id FROM TicketAISessions) ORDER BY 1 LIMIT ?1;

-- name: ORPHANS_PASSAGES
-- Also rows of the index without their passage; its table of sizes is quicker to
-- read than all its words.
SELECT Id FROM Passages WHERE DocumentId NOT IN (SELECT Id FROM Documents)
UNION SELECT id FROM PassageIndex_docsize WHERE id NOT IN
	(SELECT Id FROM Passages) LIMIT ?1;

-- name: ORPHANS_INDEX
-- Passages without their row in the index.
SELECT Id FROM Passages WHERE Id NOT IN (SELECT id FROM PassageIndex_docsize)
LIMIT ?1;

-- name: SOURCES_PURGE
-- What answers were given loses the texts of these documents (?1: ids with
-- commas between them), those of earlier passages included.
UPDATE TicketAISources SET Text = '' WHERE Text <> '' AND (Name IN
	(SELECT Name FROM Documents WHERE Id IN
	(SELECT value FROM json_each('[' || ?1 || ']'))) OR PassageId IN
	(SELECT Id FROM Passages WHERE DocumentId IN
	(SELECT value FROM json_each('[' || ?1 || ']'))));

-- name: KNOWLEDGE
-- All documents, with how often their passages were given to answers, and
-- cited; by the name, because passages change and answers are imported.
SELECT d.Name AS name, d.Title AS title, d.Url AS url, d.TicketId AS ticket,
	d.LearnedAt AS learned, (SELECT count(*) FROM Passages AS p
	WHERE p.DocumentId = d.Id) AS passages, coalesce(g.Given, 0) AS given,
	coalesce(g.Cited, 0) AS cited
FROM Documents AS d
LEFT JOIN (SELECT Name, count(*) AS Given, sum(Cited) AS Cited
	FROM TicketAISources GROUP BY Name) AS g ON g.Name = d.Name
ORDER BY d.Name LIMIT ?2;

-- name: GOOD_ANSWERS
-- Answers behind ?1 that people wrote or that more people find good than bad,
-- the newest such answer of each ticket.  Ratings of a user who is being
-- forgotten (Good is NULL) count no more.
WITH Good AS NOT MATERIALIZED (SELECT s.Id, s.TicketId, s.Prompt, s.AiResponse
	FROM TicketAISessions AS s
	WHERE s.FollowsId IS NULL AND s.AiResponse IS NOT NULL AND
	(SELECT total(iif(Good, 1, -1)) + 0.5 * (s.Author IS NOT NULL)
	FROM TicketAIRatings WHERE SessionId = s.Id AND Good IS NOT NULL) > 0 AND
	NOT EXISTS (SELECT 1 FROM TicketAIGenerations AS g
	WHERE g.SessionId = s.Id AND
	g.DoneReason IN ('length', 'content_filter')))
SELECT a.Id, a.TicketId, a.Prompt, a.AiResponse FROM Good AS a
WHERE a.Id > ?1 AND NOT EXISTS (SELECT 1 FROM Good AS n
	WHERE n.TicketId = a.TicketId AND n.Id > a.Id)
ORDER BY a.Id LIMIT ?2;

-- name: GOOD_ANSWER
-- The same of the answer ?1, with ?2 only if people wrote it; a newer answer of
-- its ticket does not count unless it is as good.
WITH Good AS MATERIALIZED (SELECT s.Id, s.TicketId, s.Prompt, s.AiResponse
	FROM TicketAISessions AS s
	WHERE s.TicketId = (SELECT TicketId FROM TicketAISessions WHERE Id = ?1)
	AND s.Id >= ?1 AND s.FollowsId IS NULL AND s.AiResponse IS NOT NULL AND
	(?2 = 0 OR s.Author IS NOT NULL) AND
	(SELECT total(iif(Good, 1, -1)) + 0.5 * (s.Author IS NOT NULL)
	FROM TicketAIRatings WHERE SessionId = s.Id AND Good IS NOT NULL) > 0 AND
	NOT EXISTS (SELECT 1 FROM TicketAIGenerations AS g
	WHERE g.SessionId = s.Id AND
	g.DoneReason IN ('length', 'content_filter')))
SELECT Id, TicketId, Prompt, AiResponse FROM Good
WHERE Id = ?1 AND Id = (SELECT max(Id) FROM Good);

-- name: TEACHERS
-- The answers behind ?1 that taught something.
SELECT SessionId FROM Documents WHERE SessionId > ?1
UNION SELECT SessionId FROM Asked WHERE SessionId > ?1 ORDER BY 1 LIMIT ?2;

-- name: CITED_PASSAGES
-- Which passages an answer cited.
SELECT t.PassageId FROM TicketAISources AS t JOIN Passages AS p
ON p.Id = t.PassageId WHERE t.SessionId = ?1 AND t.Cited ORDER BY 1;

-- name: TEXTS_OF_KNOWLEDGE
-- All that was learnt, with its words.
SELECT 0, Name, Title, Url, Question FROM Documents
UNION ALL SELECT 0, Title, Text, NULL, NULL FROM Passages
UNION ALL SELECT 0, title, body, asked, NULL FROM PassageIndex;

-- name: KNOWLEDGE_LEFT
-- What is left of a forgotten ticket.
SELECT (SELECT count(*) FROM Documents WHERE TicketId = ?1) +
	(SELECT count(*) FROM TicketAISources WHERE TicketId = ?1) +
	(SELECT count(*) FROM Asked WHERE SessionId NOT IN
	(SELECT Id FROM TicketAISessions));

-- name: CHECK_KNOWLEDGE
-- Those of a document that is not above 0 are being learnt, or will be swept.
SELECT 'Passages: row ' || Id || ' has no Documents' FROM Passages
WHERE DocumentId > 0 AND DocumentId NOT IN (SELECT Id FROM Documents);

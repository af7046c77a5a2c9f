-- The team's knowledge, as sql/knowledge.sql.

-- name: KNOWLEDGE_READ
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- name: KNOWLEDGE_TIME
-- A look-up that takes longer is given up.
SET LOCAL statement_timeout = 5000;

-- name: KNOWLEDGE_LOCK
-- One writer at a time: words are counted in rows that all of them change.
SELECT pg_advisory_xact_lock(lock_key('knowledge', ''));

-- name: PASSAGES_COUNT again
SELECT count(*) FROM Passages;

-- name: WORDS again
-- How many passages hold each of the words in $1, in their order.
SELECT coalesce(w.Docs, 0)
FROM unnest(string_to_array($1, ' ') COLLATE "C") WITH ORDINALITY AS t (Word, N)
LEFT JOIN PassageWords AS w ON w.Word = t.Word ORDER BY t.N;

-- name: CANDIDATES again
-- The $4 passages with the most value among those that hold one of the first $1
-- words.  $2 are the words, each as a tsquery, $3 their values.  The index finds
-- the passages of each word (OFFSET 0: not otherwise), so that only the best
-- ones are read.
SELECT i.Id, i.Title, i.Body, i.Asked
FROM (SELECT h.Id, sum(q.V) AS V
	FROM ROWS FROM (unnest(string_to_array($2, ' ')::tsquery[]),
		unnest(string_to_array($3, ' ')::float8[]))
		WITH ORDINALITY AS q (T, V, N)
	CROSS JOIN LATERAL (SELECT Id FROM PassageIndex
		WHERE Terms @@ q.T OFFSET 0) AS h
	GROUP BY h.Id HAVING min(q.N) <= $1 ORDER BY V DESC, h.Id) AS b
JOIN PassageIndex AS i ON i.Id = b.Id
JOIN Passages AS p ON p.Id = b.Id
JOIN Documents AS d ON d.Id = p.DocumentId
WHERE d.SessionId IS NULL OR
	EXISTS (SELECT FROM TicketAISessions WHERE Id = d.SessionId)
ORDER BY b.V DESC, b.Id LIMIT $4;

-- name: PASSAGE again
SELECT d.Name, p.Title, d.Url, p.Text, d.TicketId, d.Question
FROM Passages AS p JOIN Documents AS d ON d.Id = p.DocumentId WHERE p.Id = $1;

-- name: FOLD_VERSION again
SELECT Version FROM PassageFold;

-- name: FOLD_CLEAR
DELETE FROM PassageFold;

-- name: FOLD_SET
INSERT INTO PassageFold (Version) VALUES ($1);

-- name: DOCUMENTS_FIND again
-- Those of the names in $1, an array in JSON, with their numbers from 0 on.
-- Each is found by the index (OFFSET 0: not by reading all of them).
SELECT d.Id, d.Hash, d.Source, n.N - 1
FROM json_array_elements_text($1::json) WITH ORDINALITY AS n (Name, N)
CROSS JOIN LATERAL (SELECT Id, Hash, Source FROM Documents
	WHERE Name = n.Name COLLATE "C" OFFSET 0) AS d;

-- name: DOCUMENTS_PUT
-- $1 has the documents, in JSON.  Returns their passages, too.
WITH Given AS (SELECT * FROM json_to_recordset($1::json) AS g (n bigint,
	name text, source text, hash text, title text, url text, question text,
	ticket bigint, session bigint)),
Put AS (INSERT INTO Documents (Name, Source, Hash, Title, Url, Question,
	TicketId, SessionId, LearnedAt)
SELECT name, source, hash, title, url, nullif(question, ''),
	nullif(ticket, 0), nullif(session, 0), utc(clock_timestamp())
FROM Given ORDER BY n
ON CONFLICT (Name) DO UPDATE SET Source = excluded.Source,
	Hash = excluded.Hash, Title = excluded.Title, Url = excluded.Url,
	Question = excluded.Question, TicketId = excluded.TicketId,
	SessionId = excluded.SessionId, LearnedAt = excluded.LearnedAt
WHERE excluded.SessionId IS NULL OR Documents.Source = excluded.Source
RETURNING Id, Name)
SELECT p.Id, p.Hash, g.n, d.Id FROM Put AS d
JOIN Given AS g ON g.name = d.Name
LEFT JOIN LATERAL (SELECT Id, Hash FROM Passages WHERE DocumentId = d.Id
	OFFSET 0) AS p ON true ORDER BY g.n, p.Id;

-- name: DOCUMENT_PASSAGES again
SELECT Id, Hash, $2 FROM Passages WHERE DocumentId = $1 ORDER BY Id;

-- name: DOCUMENT_DELETE
DELETE FROM Documents WHERE Id = $1;

-- name: PASSAGES_ADD
-- $1 has the passages with their words, in JSON: many together, so that a word is
-- counted once for all of them.
WITH Added AS (SELECT nextval(pg_get_serial_sequence('passages', 'id')) AS Id,
	a.* FROM json_to_recordset($1::json) AS a (document bigint, title text,
	text text, hash text, head text, body text, asked text)),
Texts AS (INSERT INTO Passages (Id, DocumentId, Title, Text, Hash)
	OVERRIDING SYSTEM VALUE
	SELECT Id, document, title, text, hash FROM Added)
INSERT INTO PassageIndex (Id, Title, Body, Asked, Terms)
SELECT Id, head, body, asked, array_to_tsvector(array_remove(string_to_array(
	head || ' ' || body || ' ' || asked, ' '), '')) FROM Added;

-- name: PASSAGE_MOVE
UPDATE Passages SET DocumentId = $2 WHERE Id = $1;

-- name: PASSAGE_DELETE
WITH Words AS (DELETE FROM PassageIndex WHERE Id = $1),
Lent AS (DELETE FROM Asked WHERE PassageId = $1)
DELETE FROM Passages WHERE Id = $1;

-- name: INDEX_PUT
INSERT INTO PassageIndex (Id, Title, Body, Asked, Terms)
VALUES ($1, $2, $3, $4, array_to_tsvector(array_remove(string_to_array(
	$2 || ' ' || $3 || ' ' || $4, ' '), '')))
ON CONFLICT (Id) DO UPDATE SET Title = excluded.Title, Body = excluded.Body,
	Asked = excluded.Asked, Terms = excluded.Terms;

-- name: INDEX_OPTIMIZE
VACUUM ticketchat.Documents, ticketchat.Passages, ticketchat.PassageIndex,
	ticketchat.PassageWords, ticketchat.Asked;

-- name: INDEX_MERGE
-- What was changed costs each look-up until then.
VACUUM (ANALYZE) ticketchat.Documents, ticketchat.Passages,
	ticketchat.PassageIndex, ticketchat.PassageWords;

-- name: INDEX_CHECK again
-- Words whose number is wrong.
SELECT count(*) FROM (SELECT word, ndoc FROM ts_stat(
	'SELECT Terms FROM ticketchat.PassageIndex')) AS s
FULL JOIN (SELECT Word, Docs FROM PassageWords WHERE Docs <> 0) AS w
ON w.Word = s.word WHERE w.Docs IS DISTINCT FROM s.ndoc;

-- name: INDEX_CLEAR
DELETE FROM PassageWords;

-- name: INDEX_REBUILD
INSERT INTO PassageWords (Word, Docs) SELECT word, ndoc
FROM ts_stat('SELECT Terms FROM ticketchat.PassageIndex');

-- name: PASSAGES_NEXT again
SELECT Id FROM Passages WHERE Id > $1 ORDER BY Id LIMIT $2;

-- name: DOCUMENTS_OF again
SELECT Id, Name FROM Documents WHERE Source = $1 AND Id > $2
ORDER BY Id LIMIT $3;

-- name: SOURCE_BESIDE again
-- A slash is followed by a zero in the order of characters.
SELECT Source FROM Documents WHERE (Name = $1 OR
	(Name > $1 || '/' AND Name < $1 || '0')) AND
	Source <> $2 AND substr(Source, 1, 1) = '/' LIMIT 1;

-- name: SOURCE_MOVE
UPDATE Documents SET Source = $2 WHERE Source = $1;

-- name: SOME_TITLES again
SELECT Name, Title FROM Documents WHERE Id % greatest(1,
	((SELECT count(*) FROM Documents) + $1 - 1) / $1) = 0
ORDER BY Id LIMIT $1;

-- name: DOCUMENT_OF_SESSION again
SELECT Id FROM Documents WHERE SessionId = $1;

-- name: ASKED_ADD
INSERT INTO Asked (PassageId, SessionId)
SELECT p.Id, s.Id FROM Passages AS p, TicketAISessions AS s
WHERE p.Id = $1 AND s.Id = $2 AND s.AiResponse IS NOT NULL
ON CONFLICT DO NOTHING;

-- name: ASKED_OF_SESSION again
SELECT PassageId FROM Asked WHERE SessionId = $1 ORDER BY PassageId;

-- name: ASKED_DELETE
DELETE FROM Asked WHERE PassageId = $1 AND SessionId = $2;

-- name: ASKED_TEXTS again
SELECT s.Prompt FROM Asked AS a JOIN TicketAISessions AS s ON s.Id = a.SessionId
WHERE a.PassageId = $1 ORDER BY a.SessionId DESC LIMIT 64;

-- name: ORPHANS_ASKED again
SELECT PassageId, SessionId FROM Asked AS a WHERE NOT EXISTS
	(SELECT FROM TicketAISessions WHERE Id = a.SessionId)
ORDER BY 1, 2 LIMIT $1;

-- name: ORPHANS_SOURCES again
-- Notes of solved tickets that have no answer any more.
SELECT t.SessionId, t.N FROM TicketAISources AS t
WHERE t.TicketId IS NOT NULL AND NOT EXISTS (SELECT FROM TicketAISessions
	WHERE TicketId = t.TicketId AND FollowsId IS NULL AND
	AiResponse IS NOT NULL) ORDER BY 1, 2 LIMIT $1;

-- name: SOURCE_DELETE
DELETE FROM TicketAISources WHERE SessionId = $1 AND N = $2;

-- name: ORPHANS_DOCUMENTS again
SELECT Id FROM Documents AS d WHERE SessionId IS NOT NULL AND NOT EXISTS
	(SELECT FROM TicketAISessions WHERE Id = d.SessionId)
ORDER BY 1 LIMIT $1;

-- name: ORPHANS_PASSAGES again
SELECT Id FROM Passages AS p WHERE NOT EXISTS
	(SELECT FROM Documents WHERE Id = p.DocumentId)
UNION SELECT Id FROM PassageIndex AS i WHERE NOT EXISTS
	(SELECT FROM Passages WHERE Id = i.Id) LIMIT $1;

-- name: ORPHANS_INDEX again
SELECT Id FROM Passages AS p WHERE NOT EXISTS
	(SELECT FROM PassageIndex WHERE Id = p.Id) LIMIT $1;

-- name: SOURCES_PURGE again
UPDATE TicketAISources SET Text = '' WHERE Text <> '' AND (Name IN
	(SELECT Name FROM Documents WHERE
	Id = ANY (string_to_array($1, ',')::bigint[])) OR PassageId IN
	(SELECT Id FROM Passages WHERE
	DocumentId = ANY (string_to_array($1, ',')::bigint[])));

-- name: KNOWLEDGE again
SELECT d.Name AS name, d.Title AS title, d.Url AS url, d.TicketId AS ticket,
	d.LearnedAt AS learned, (SELECT count(*) FROM Passages AS p
	WHERE p.DocumentId = d.Id) AS passages, coalesce(g.Given, 0) AS given,
	coalesce(g.Cited, 0) AS cited
FROM Documents AS d
LEFT JOIN (SELECT Name, count(*) AS Given,
	count(*) FILTER (WHERE Cited) AS Cited
	FROM TicketAISources GROUP BY Name) AS g ON g.Name = d.Name
ORDER BY d.Name LIMIT $2;

-- name: GOOD_ANSWERS again
WITH Good AS NOT MATERIALIZED (SELECT s.Id, s.TicketId, s.Prompt, s.AiResponse
	FROM TicketAISessions AS s
	WHERE s.FollowsId IS NULL AND s.AiResponse IS NOT NULL AND
	(SELECT coalesce(sum(CASE WHEN r.Good THEN 1 ELSE -1 END), 0)
	FROM TicketAIRatings AS r WHERE SessionId = s.Id) +
	CASE WHEN s.Author IS NOT NULL THEN 0.5 ELSE 0 END > 0 AND
	NOT EXISTS (SELECT FROM TicketAIGenerations AS g
	WHERE g.SessionId = s.Id AND
	g.DoneReason IN ('length', 'content_filter')))
SELECT a.Id, a.TicketId, a.Prompt, a.AiResponse FROM Good AS a
WHERE a.Id > $1 AND NOT EXISTS (SELECT FROM Good AS n
	WHERE n.TicketId = a.TicketId AND n.Id > a.Id)
ORDER BY a.Id LIMIT $2;

-- name: GOOD_ANSWER again
WITH Good AS (SELECT s.Id, s.TicketId, s.Prompt, s.AiResponse
	FROM TicketAISessions AS s
	WHERE s.TicketId = (SELECT TicketId FROM TicketAISessions WHERE Id = $1)
	AND s.Id >= $1 AND s.FollowsId IS NULL AND s.AiResponse IS NOT NULL AND
	($2 = 0 OR s.Author IS NOT NULL) AND
	(SELECT coalesce(sum(CASE WHEN r.Good THEN 1 ELSE -1 END), 0)
	FROM TicketAIRatings AS r WHERE SessionId = s.Id) +
	CASE WHEN s.Author IS NOT NULL THEN 0.5 ELSE 0 END > 0 AND
	NOT EXISTS (SELECT FROM TicketAIGenerations AS g
	WHERE g.SessionId = s.Id AND
	g.DoneReason IN ('length', 'content_filter')))
SELECT Id, TicketId, Prompt, AiResponse FROM Good
WHERE Id = $1 AND Id = (SELECT max(Id) FROM Good);

-- name: TEACHERS again
SELECT SessionId FROM Documents WHERE SessionId > $1
UNION SELECT SessionId FROM Asked WHERE SessionId > $1 ORDER BY 1 LIMIT $2;

-- name: CITED_PASSAGES again
SELECT t.PassageId FROM TicketAISources AS t JOIN Passages AS p
ON p.Id = t.PassageId WHERE t.SessionId = $1 AND t.Cited ORDER BY 1;

-- name: TEXTS_OF_KNOWLEDGE again
-- All that was learnt, with its words.
SELECT 0, Name, Title, Url, Question FROM Documents
UNION ALL SELECT 0, Title, Text, NULL, NULL FROM Passages
UNION ALL SELECT 0, title, body, asked, NULL FROM PassageIndex;

-- name: KNOWLEDGE_LEFT again
-- What is left of a forgotten ticket.
SELECT (SELECT count(*) FROM Documents WHERE TicketId = $1) +
	(SELECT count(*) FROM TicketAISources WHERE TicketId = $1) +
	(SELECT count(*) FROM Asked WHERE SessionId NOT IN
	(SELECT Id FROM TicketAISessions));

-- name: CHECK_KNOWLEDGE again
-- Those of a document that is not above 0 are being learnt, or will be swept.
SELECT 'Passages: row ' || Id || ' has no Documents' FROM Passages AS p
WHERE DocumentId > 0 AND
	NOT EXISTS (SELECT FROM Documents WHERE Id = p.DocumentId);

-- What deleted generations had counted, so that counters never fall while
-- somebody watches them.  Every chat parses the schema, so this is made by the
-- first request for /metrics (store_totals_make): a database of schema 2 may
-- have it or not.

-- name: TOTALS_THERE
SELECT count(*) FROM sqlite_schema WHERE name = 'Totals';

-- name: TOTALS_NONE
-- For the metrics, where nobody counts.
CREATE TEMP TABLE IF NOT EXISTS Totals (Name TEXT, Label INTEGER,
	Value INTEGER);

-- name: TOTALS_CREATE
-- In one transaction.  Label is the upper bound of FirstTokenMs in the
-- histogram of METRICS.
CREATE TABLE IF NOT EXISTS Totals (
	Name	TEXT NOT NULL,
	Label	INTEGER NOT NULL,
	Value	INTEGER NOT NULL,
	PRIMARY KEY (Name, Label)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO Totals (Name, Label, Value)
WITH Bounds (Ms) AS (VALUES (250), (500), (1000), (2500), (5000), (10000),
	(30000), (60000), (120000), (300000), (600000), (9223372036854775807))
SELECT 'generations', Ms, 0 FROM Bounds
UNION ALL
SELECT 'first_token_ms', Ms, 0 FROM Bounds;
CREATE TRIGGER IF NOT EXISTS TicketAIGenerations_Deleted
AFTER DELETE ON TicketAIGenerations BEGIN
	UPDATE Totals SET Value = Value + iif(Name = 'generations', 1,
		min(OLD.FirstTokenMs, 1000000000000000))
	WHERE Label = (SELECT min(Label) FROM Totals
		WHERE Label >= OLD.FirstTokenMs);
END;

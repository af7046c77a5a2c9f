-- The rate limit (GCRA) is in a small database in RUN_DIR, which may get lost.
-- Times are microseconds of the monotonic clock.

-- name: RATE_CREATE
CREATE TABLE IF NOT EXISTS RateLimits (
	Key	TEXT PRIMARY KEY,
	Tat	INTEGER NOT NULL	-- when the next one would be on time
) STRICT, WITHOUT ROWID;

-- name: RATE_TAKE
-- ?1 key, ?2 now, ?3 interval, ?4 how early a generation may be.  Returns a row
-- if it is allowed.  The second condition handles a clock that went back (a
-- reboot).
INSERT INTO RateLimits (Key, Tat) VALUES (?1, ?2 + ?3)
ON CONFLICT (Key) DO UPDATE
SET Tat = CASE WHEN Tat > ?2 + ?4 + ?3 THEN ?2 + ?3
	ELSE max(Tat, ?2) + ?3 END
WHERE Tat <= ?2 + ?4 OR Tat > ?2 + ?4 + ?3
RETURNING Tat;

-- name: RATE_WHEN
SELECT Tat FROM RateLimits WHERE Key = ?1;

-- name: RATE_SWEEP
DELETE FROM RateLimits WHERE Tat < ?1;

-- name: RATE_FORGET
DELETE FROM RateLimits WHERE Key = ?1;

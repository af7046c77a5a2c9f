-- sql/002_identity.sql for PostgreSQL, and an index for `sessions search'.  It
-- may find its own table and functions there already: a restore of a database
-- of schema 1 leaves them.

-- Alone: who answers in schema 1 holds it too, and would keep a text that is
-- emptied here.
DO $$
BEGIN
	IF NOT pg_try_advisory_xact_lock(lock_key('all', '')) THEN
		RAISE 'a generation runs on one of the machines: wait for it, '
			'or stop the service';
	END IF;
END
$$;

CREATE TABLE IF NOT EXISTS Identity (
	Id	text NOT NULL,
	Secret	text NOT NULL
);
INSERT INTO Identity (Id, Secret)
SELECT replace(gen_random_uuid()::text, '-', ''), left(encode(sha256(
	convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')),
	'hex'), 32)
WHERE NOT EXISTS (SELECT FROM Identity);

UPDATE TicketAISessions SET Prompt = '' WHERE AiResponse IS NULL;

CREATE INDEX TicketAISessions_Time
ON TicketAISessions (coalesce(UpdatedAt, CreatedAt));

-- The words of a session.  A lexeme of none lies between: no phrase goes over
-- it.  Names are whole, as a copy is loaded without a search_path; two texts
-- whose words do not fit together (1 MB) are found by their beginnings, so that
-- an answer is never refused for them.
CREATE OR REPLACE FUNCTION session_words(prompt text, response text)
RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN to_tsvector('ticketchat.words', ticketchat.plain(prompt)) ||
		$v$' ':1$v$::tsvector || to_tsvector('ticketchat.words',
		ticketchat.plain(coalesce(response, '')));
EXCEPTION WHEN program_limit_exceeded THEN
	RETURN to_tsvector('ticketchat.words', ticketchat.plain(left(prompt,
		20000))) || $v$' ':1$v$::tsvector ||
		to_tsvector('ticketchat.words', ticketchat.plain(left(coalesce(
		response, ''), 20000)));
END
$$;

ALTER TABLE TicketAISessions ADD COLUMN TextHash text,
	ADD COLUMN Words tsvector
	GENERATED ALWAYS AS (session_words(Prompt, AiResponse)) STORED;
ALTER TABLE TicketAISessions ALTER Words SET STATISTICS 0;
CREATE INDEX TicketAISessions_Words ON TicketAISessions USING gin (Words);

-- A session to be answered: the newest one of the ticket if it has no answer,
-- else a new one.  -1: there is no such ticket; 0: it has been answered since
-- `seen', look again.
DROP FUNCTION IF EXISTS session_begin(bigint, text, bigint, boolean);
CREATE OR REPLACE FUNCTION session_begin(ticket bigint, seen bigint,
	existing boolean) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	newest	bigint;
	answer	bigint;
BEGIN
	-- A row without an answer need not outlive a power cut.
	PERFORM set_config('synchronous_commit', 'off', true);
	-- A restore has it alone; so has ticket_take.
	PERFORM pg_advisory_xact_lock_shared(lock_key('all', ''));
	PERFORM pg_advisory_xact_lock(lock_key('begin', ticket::text));
	SELECT max(Id), max(Id) FILTER (WHERE AiResponse IS NOT NULL)
	INTO newest, answer FROM TicketAISessions WHERE TicketId = ticket;
	IF answer > seen THEN
		RETURN 0;
	END IF;
	IF NOT EXISTS (SELECT FROM Tickets WHERE Id = ticket) THEN
		IF existing THEN
			RETURN -1;
		END IF;
		INSERT INTO Tickets (Id) VALUES (ticket)
		ON CONFLICT DO NOTHING;
	END IF;
	IF newest IS NULL OR newest = answer THEN
		INSERT INTO TicketAISessions (TicketId, Prompt)
		VALUES (ticket, '') RETURNING Id INTO newest;
	END IF;
	RETURN newest;
END
$$;

-- A ticket for one generation, as long as its connection lives: the number of
-- the run, which is `again' if that was ours before, with a slot; 0: another
-- one has it; -1: the session is answered, or gone.
DROP FUNCTION IF EXISTS ticket_take(bigint, bigint, text, bigint, bigint);
CREATE OR REPLACE FUNCTION ticket_take(ticket bigint, session bigint,
	again bigint, slot bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM ticket_listen(ticket);
	-- The transaction's, until nothing can fail any more.
	IF NOT pg_try_advisory_xact_lock_shared(lock_key('all', '')) THEN
		RAISE 'a restore runs';
	END IF;
	IF NOT pg_try_advisory_xact_lock(lock_key('ticket', ticket::text)) THEN
		RETURN 0;
	END IF;
	IF NOT EXISTS (SELECT FROM TicketAISessions
		WHERE Id = session AND TicketId = ticket AND AiResponse IS NULL)
	THEN
		RETURN -1;
	END IF;
	-- What one that died has left; and others long ago.
	IF again = 0 THEN
		DELETE FROM TicketAIFrames WHERE SessionId = session OR
			At < clock_timestamp() - interval '1 day';
	END IF;
	PERFORM pg_advisory_lock_shared(lock_key('all', ''));
	PERFORM pg_advisory_lock(lock_key('ticket', ticket::text));
	IF again = 0 THEN
		RETURN nextval('TicketAIRuns');
	END IF;
	PERFORM pg_try_advisory_lock(slot) WHERE slot <> 0;
	RETURN again;
END
$$;

-- Keeps a text and its answer, with what it cost; tells how many answers the
-- ticket has now.  0: somebody has deleted the session; -1: it has another
-- answer.  Doing it twice keeps it once.
DROP FUNCTION IF EXISTS session_answer(bigint, text, text, text, bigint[]);
CREATE OR REPLACE FUNCTION session_answer(session bigint, body text,
	hash text, response text, model text, reason text, n bigint[])
RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	UPDATE TicketAISessions SET Prompt = body, TextHash = hash,
		AiResponse = response, UpdatedAt = utc(clock_timestamp())
	WHERE Id = session AND AiResponse IS NULL;
	IF FOUND THEN
		INSERT INTO TicketAIGenerations VALUES (session, model, reason,
			n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8]);
	ELSIF EXISTS (SELECT FROM TicketAISessions WHERE Id = session AND
		(Prompt, AiResponse) <> (body, response))
	THEN
		RETURN -1;
	END IF;
	RETURN (SELECT count(AiResponse) FROM TicketAISessions
		WHERE TicketId = (SELECT TicketId FROM TicketAISessions
			WHERE Id = session));
END
$$;

UPDATE SchemaVersion SET Version = 2;

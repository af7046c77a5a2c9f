-- sql/002_identity.sql for PostgreSQL, an index for `sessions search', and rows
-- with a lease in place of the locks of version 0.1.  Its tables and functions
-- may already exist, because a restore of a database of schema 1 keeps them.

-- Run this step alone: generations of schema 1 hold this lock, too, and would
-- restore a text that is emptied here.
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

-- A text in which each character of a script without spaces stands between two
-- characters 1, which no word has: so any part of a run can be searched for.  The
-- scripts are those of fold_spaceless (lib/text/fold.c).
CREATE OR REPLACE FUNCTION spaced(t text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT regexp_replace(t, '([' ||
		chr(3585) || '-' || chr(3839) ||
		chr(4096) || '-' || chr(4255) ||
		chr(6016) || '-' || chr(6143) ||
		chr(11904) || '-' || chr(12287) ||
		chr(12293) || '-' || chr(40959) ||
		chr(44032) || '-' || chr(55215) ||
		chr(63744) || '-' || chr(64255) ||
		chr(65382) || '-' || chr(65439) ||
		chr(131072) || '-' || chr(262143) ||
		'])', chr(1) || chr(92) || '1' || chr(1), 'g')
$$;

-- As in schema 1, but full-width forms, half-width kana and ligatures become the
-- usual characters, as lib/text/fold.c does it; unaccent does the rest.
CREATE OR REPLACE FUNCTION plain(t text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT translate(ticketchat.spaced(normalize(left(t, 200000), NFKC)),
		'!"#$%&()*+,-./:;<=>?@[]^_`{|}~' || chr(39) || chr(92) ||
		chr(9) || chr(10) || chr(13) || chr(1), repeat(' ', 41))
$$;

-- The part of a session that matches a query, with `…' where text is left out.
CREATE OR REPLACE FUNCTION snippet(prompt text, response text, q tsquery)
RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
	whole	text := spaced(left(CASE WHEN to_tsvector('words',
			plain(response)) @@ q THEN response ELSE prompt END,
			200000));
	piece	text := ts_headline('words', whole, q,
			'StartSel="", StopSel="", MinWords=15, MaxWords=16, '
			'ShortWord=0');
BEGIN
	RETURN CASE WHEN starts_with(whole, piece) THEN '' ELSE '…' END ||
		replace(piece, chr(1), '') ||
		CASE WHEN right(whole, length(piece)) = piece THEN ''
		ELSE '…' END;
END
$$;

-- The words of a session.  An empty lexeme separates prompt and response, so
-- that no phrase matches across both.  Names are qualified, because a copy is
-- loaded without a search_path.  If the words of both texts do not fit together
-- (1 MB), only their beginnings are indexed, so that saving never fails because
-- of the index.
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

-- The columns are explained in sql/002_identity.sql.  FollowsId is no foreign
-- key, because a restore of a database of schema 1 drops the primary key; a
-- trigger below deletes the questions about an answer.
ALTER TABLE TicketAISessions ADD COLUMN TextHash text,
	ADD COLUMN FollowsId bigint,
	ADD COLUMN Instruction text,
	ADD COLUMN Author text COLLATE "C",
	ADD COLUMN ModelText text,
	ADD COLUMN Words tsvector
	GENERATED ALWAYS AS (session_words(Prompt, AiResponse)) STORED;
ALTER TABLE TicketAISessions ALTER Words SET STATISTICS 0,
	ALTER Instruction SET STATISTICS 0, ALTER Author SET STATISTICS 0,
	ALTER ModelText SET STATISTICS 0;
CREATE INDEX TicketAISessions_Thread ON TicketAISessions (FollowsId)
WHERE FollowsId IS NOT NULL;
CREATE INDEX TicketAISessions_Answer ON TicketAISessions (TicketId, Id)
WHERE FollowsId IS NULL;
ALTER TABLE TicketAIGenerations ADD COLUMN PromptHash text,
	ADD COLUMN UserName text COLLATE "C",
	ADD COLUMN Server text;
ALTER TABLE TicketAIGenerations ALTER UserName SET STATISTICS 0;
CREATE INDEX TicketAISessions_Words ON TicketAISessions USING gin (Words);

-- What 0.1 used for a generation: locks of a connection, and frames for other
-- machines.
DROP FUNCTION IF EXISTS session_begin(bigint, text, bigint, boolean);
DROP FUNCTION IF EXISTS ticket_listen(bigint);
DROP FUNCTION IF EXISTS ticket_take(bigint, bigint, text, bigint, bigint);
DROP FUNCTION IF EXISTS session_answer(bigint, text, text, text, bigint[]);
DROP FUNCTION IF EXISTS slot_take(text[], integer[], integer, bigint);
DROP TABLE IF EXISTS TicketAIFrames;

-- 0.1 used the table's name for the sequence.  If the table exists already, so
-- does the sequence with the new name.
DO $$
BEGIN
	IF EXISTS (SELECT FROM pg_class WHERE relname = 'ticketairuns' AND
		relkind = 'S' AND relnamespace = 'ticketchat'::regnamespace)
	THEN
		ALTER SEQUENCE TicketAIRuns RENAME TO TicketAIRunNumbers;
	END IF;
END
$$;
CREATE SEQUENCE IF NOT EXISTS TicketAIRunNumbers;

-- A generation that is queued, runs, or has just ended.  It belongs to its
-- owner until the lease expires; the owner's connection holds no state.  There
-- is no foreign key, so that a DELETE elsewhere neither locks a run nor waits
-- for one.
CREATE TABLE IF NOT EXISTS TicketAIRuns (
	Run		bigint PRIMARY KEY
			DEFAULT nextval('TicketAIRunNumbers'),
	TicketId	bigint NOT NULL,
	Subject		text COLLATE "C" NOT NULL,	-- '': the answer
	About		text COLLATE "C" NOT NULL DEFAULT '',	-- hashes of
							-- text and instruction
	SessionId	bigint NOT NULL,
	Owner		text COLLATE "C" NOT NULL,	-- random, new for each
							-- try
	State		text NOT NULL DEFAULT 'queued',	-- running, saving
	Server		text COLLATE "C",	-- NULL: no slot
	Stop		boolean NOT NULL DEFAULT false,
	Until		timestamptz NOT NULL,	-- end of the lease
	Ended		text,			-- done, or the code of the
						-- error
	UserName	text COLLATE "C" NOT NULL,	-- a hash: who waits in
							-- the queue
	Node		text COLLATE "C" NOT NULL,	-- the machine's name
	Began		timestamptz NOT NULL,
	Turn		bigint,		-- number: when it became the first of
					-- its user
	Viewers		boolean NOT NULL,	-- its own node has viewers
	Watched		timestamptz	-- when another node last had viewers
	-- No index has a column that changes often, so that updates are HOT.
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 500,
	autovacuum_vacuum_scale_factor = 0);
CREATE UNIQUE INDEX IF NOT EXISTS TicketAIRuns_One
ON TicketAIRuns (TicketId, Subject) WHERE Ended IS NULL;

-- Beat is when a node last called.  After an outage, leases that were valid at
-- Line stay valid until Grace.  Closed says why the gate is closed.
CREATE TABLE IF NOT EXISTS TicketAIBeat (
	One		boolean PRIMARY KEY DEFAULT true CHECK (One),
	Beat		timestamptz NOT NULL,
	Line		timestamptz NOT NULL,
	Grace		timestamptz NOT NULL,
	Closed		text,
	ClosedUntil	timestamptz
) WITH (fillfactor = 10);
INSERT INTO TicketAIBeat
VALUES (true, clock_timestamp(), clock_timestamp(), '-infinity', NULL, NULL)
ON CONFLICT DO NOTHING;

-- Returns the time, the range of Until in which a lease is valid, and why the
-- gate is closed.  If no node called for 5 s (an outage, or the clock was set),
-- the leases that were valid before stay valid for 6 s more.
CREATE OR REPLACE FUNCTION run_clock(OUT t timestamptz, OUT low timestamptz,
	OUT high timestamptz, OUT gate text)
LANGUAGE plpgsql AS $$
DECLARE
	b	TicketAIBeat;
	gap	boolean;
BEGIN
	SELECT * INTO b FROM TicketAIBeat;
	t := clock_timestamp();
	gap := t NOT BETWEEN b.Beat - interval '1 s' AND
		b.Beat + interval '5 s';
	IF gap THEN
		b.Line := CASE WHEN b.Beat < b.Grace THEN b.Line
			ELSE b.Beat END;
		b.Grace := t + interval '6 s';
	END IF;
	-- A caller that cannot write the row still uses the new values.
	IF gap OR t > b.Beat + interval '1 s' THEN
		UPDATE TicketAIBeat SET Beat = t, Line = b.Line,
			Grace = b.Grace
		WHERE One = (SELECT One FROM TicketAIBeat WHERE Beat = b.Beat
			FOR UPDATE SKIP LOCKED);
	END IF;
	low := CASE WHEN t < b.Grace THEN least(b.Line, t) ELSE t END;
	high := CASE WHEN t < b.Grace THEN 'infinity'
		ELSE t + interval '17 s' END;
	gate := CASE WHEN b.ClosedUntil > t THEN b.Closed END;
END
$$;

-- Counts one against a rate limit.  Returns 0, or the microseconds until the
-- next is allowed.  A repeated call with the same `own' is not counted again,
-- unless another owner was counted in between.
ALTER TABLE RateLimits ADD COLUMN IF NOT EXISTS Owner text COLLATE "C";
DROP FUNCTION IF EXISTS rate_take(text, bigint, bigint);
CREATE OR REPLACE FUNCTION rate_take(name text, step bigint, early bigint,
	own text) RETURNS bigint
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
DECLARE
	now	bigint;
	tat_	bigint;
	last	text;
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	PERFORM pg_advisory_xact_lock(lock_key('rate', name));
	now := extract(epoch FROM clock_timestamp()) * 1000000;
	SELECT Tat, Owner INTO tat_, last FROM RateLimits WHERE Key = name;
	IF last = own THEN
		RETURN 0;
	END IF;
	-- The second condition handles a clock that went back.
	tat_ := CASE WHEN tat_ IS NULL OR tat_ > now + early + step THEN now
		ELSE greatest(tat_, now) END;
	IF tat_ > now + early THEN
		RETURN tat_ - early - now;
	END IF;
	INSERT INTO RateLimits (Key, Tat, Owner) VALUES (name, tat_ + step, own)
	ON CONFLICT (Key) DO UPDATE SET Tat = excluded.Tat,
		Owner = excluded.Owner;
	-- Skips rows that another call is deleting.
	DELETE FROM RateLimits WHERE Key IN (SELECT Key FROM RateLimits
		WHERE Tat < now LIMIT 100 FOR UPDATE SKIP LOCKED);
	RETURN 0;
END
$$;

-- Gives a waiting run a slot if more slots are free than active runs go before
-- it; else returns its place.  Watched runs go first (for 10 minutes, as in
-- lib/store/slot.h), then users take turns, then by number.  `waiting' is how
-- many others wait, not counting those for whom a slot is free.  The caller has
-- taken the lock `slots' and has read the clock after that.
CREATE OR REPLACE FUNCTION run_turn(my bigint, t timestamptz, low timestamptz,
	high timestamptz, servers text[], slots int[],
	OUT place int, OUT got text, OUT next_ms int, OUT waiting int)
LANGUAGE plpgsql AS $$
DECLARE
	taken	text[];
	used	int;
	round	bigint;
	free	int := 0;
	share	float := 1;
BEGIN
	-- Class 0 has a slot; a Turn is less than any Key without one.
	WITH Live AS (
		SELECT Run, UserName, Server,
			CASE WHEN State <> 'queued' AND Run <> my THEN 0
			WHEN Viewers OR Watched > t - interval '10 s' OR
				Began <= t - interval '600 s' THEN 1
			ELSE 2 END AS Class,
			coalesce(Turn, Run + (1::bigint << 62)) AS Key
		FROM TicketAIRuns WHERE Ended IS NULL AND State <> 'saving' AND
			(Run = my OR Until BETWEEN low AND high)),
	Placed AS (
		SELECT Run, Server, Class, Key, row_number() OVER (
			PARTITION BY UserName ORDER BY Class, Key) AS Round
		FROM Live)
	SELECT max(m.Round), count(*) FILTER (WHERE p.Class > 0 AND
		(p.Class, p.Round, p.Key) <= (m.Class, m.Round, m.Key)),
		array_agg(p.Server) FILTER (WHERE p.Class = 0),
		count(*) FILTER (WHERE p.Class > 0) - 1
	INTO round, place, taken, waiting
	-- An outer join, so that each row is read once.
	FROM Placed AS m LEFT JOIN Placed AS p ON true WHERE m.Run = my;
	FOR i IN 1..cardinality(servers) LOOP
		used := coalesce(cardinality(array_positions(taken,
			servers[i])), 0);
		free := free + greatest(slots[i] - used, 0);
		IF used < slots[i] AND used / slots[i]::float < share THEN
			share := used / slots[i]::float;
			got := servers[i];
		END IF;
	END LOOP;
	IF place > free THEN
		got := NULL;
	END IF;
	waiting := waiting - free;
	-- All that wait come again at whole seconds, so that only the first of
	-- them finds the caches of the processor cold (a quarter of the time
	-- for the others).  The next call plus 5 s must be less than 17 s
	-- (run_clock).
	next_ms := CASE WHEN got IS NOT NULL THEN 2000
		ELSE 1000 * extract(epoch FROM date_trunc('second',
			t + least(place + 0.5, 11) * interval '1 s') - t) END;
	UPDATE TicketAIRuns SET Server = got,
		State = CASE WHEN got IS NULL THEN 'queued' ELSE 'running' END,
		Turn = CASE WHEN Turn IS NULL AND round = 1
			THEN nextval('TicketAIRunNumbers') ELSE Turn END,
		Until = t + CASE WHEN got IS NOT NULL THEN interval '15 s'
			ELSE next_ms * interval '1 ms' + interval '5 s' END
	WHERE Run = my;
END
$$;

-- Gets a session to be answered: the ticket's newest one that is no question,
-- if it has no answer (only its time stays), else a new one.  Returns -1 if
-- there is no such ticket, 0 if it has an answer newer than `seen'.
CREATE OR REPLACE FUNCTION session_begin(ticket bigint, seen bigint,
	existing boolean) RETURNS bigint
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
DECLARE
	newest	bigint;
	answer	bigint;
BEGIN
	-- A row without an answer may get lost in a power failure.
	PERFORM set_config('synchronous_commit', 'off', true);
	PERFORM pg_advisory_xact_lock(lock_key('begin', ticket::text));
	SELECT max(Id), max(Id) FILTER (WHERE AiResponse IS NOT NULL)
	INTO newest, answer FROM TicketAISessions
	WHERE TicketId = ticket AND FollowsId IS NULL;
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
	ELSE
		-- Unless it is being saved.
		UPDATE TicketAISessions SET Prompt = '', TextHash = NULL,
			Instruction = NULL, Author = NULL, ModelText = NULL,
			UpdatedAt = NULL
		WHERE Id = (SELECT Id FROM TicketAISessions WHERE Id = newest
			AND AiResponse IS NULL FOR NO KEY UPDATE SKIP LOCKED);
	END IF;
	RETURN newest;
END
$$;

-- Makes a session for a question about an answer.  Returns -1 if that is gone,
-- 0 if it has been asked `most' questions.
CREATE OR REPLACE FUNCTION question_begin(ticket bigint, root bigint,
	most bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
DECLARE
	session	bigint;
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	-- Counts and inserts alone.
	PERFORM FROM TicketAISessions WHERE Id = root AND TicketId = ticket AND
		FollowsId IS NULL AND AiResponse IS NOT NULL FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN -1;
	END IF;
	IF (SELECT count(*) FROM TicketAISessions WHERE FollowsId = root) >=
		most
	THEN
		RETURN 0;
	END IF;
	INSERT INTO TicketAISessions (TicketId, Prompt, FollowsId)
	VALUES (ticket, '', root) RETURNING Id INTO session;
	RETURN session;
END
$$;

-- Saves a text and its answer with the cost; `more' is the instruction, what is
-- kept with the cost (the prompt's hash, the user, the server), and what the
-- model got in place of the text; `given' are its sources, as an array in JSON.
-- Returns how many answers the ticket has now, 0 if the session was deleted, -1
-- if it has another answer.  Safe to repeat.
CREATE OR REPLACE FUNCTION session_answer(session bigint, body text,
	hash text, response text, model text, reason text, n bigint[],
	more text[], given text DEFAULT '[]')
RETURNS bigint LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
BEGIN
	UPDATE TicketAISessions SET Prompt = body, TextHash = hash,
		AiResponse = response, UpdatedAt = utc(clock_timestamp()),
		Instruction = nullif(more[1], ''), Author = NULL,
		ModelText = nullif(more[5], '')
	WHERE Id = session AND AiResponse IS NULL;
	IF FOUND THEN
		INSERT INTO TicketAIGenerations (SessionId, Model, DoneReason,
			PromptTokens, AnswerTokens, QueuedMs, FirstTokenMs,
			TotalMs, LoadMs, PromptMs, AnswerMs, PromptHash,
			UserName, Server)
		VALUES (session, model, reason, n[1], n[2], n[3], n[4], n[5],
			n[6], n[7], n[8], nullif(more[2], ''),
			nullif(more[3], ''), nullif(more[4], ''));
		INSERT INTO TicketAISources (SessionId, N, PassageId, Name,
			Title, Url, TicketId, Text, Cited)
		SELECT session, g.n, nullif(g.passage, 0), g.name, g.title,
			g.url, nullif(g.ticket, 0), g.text, g.cited
		FROM json_to_recordset(given::json) AS g (n bigint,
			passage bigint, name text, title text, url text,
			ticket bigint, text text, cited boolean)
		-- Only while the note's ticket has an answer, or an imported
		-- answer has the note; the lock makes a DELETE wait, or waits
		-- for it.
		WHERE g.ticket = 0 OR EXISTS (SELECT FROM TicketAISessions AS s
			WHERE s.TicketId = g.ticket AND s.FollowsId IS NULL AND
				s.AiResponse IS NOT NULL FOR KEY SHARE) OR
			EXISTS (SELECT FROM TicketAISources AS t
			WHERE t.TicketId = g.ticket FOR KEY SHARE);
	ELSE
		-- Update the row, so that this COMMIT, too, waits for a
		-- standby.
		UPDATE TicketAISessions SET UpdatedAt = UpdatedAt
		WHERE Id = session AND Prompt = body AND AiResponse = response;
		IF NOT FOUND AND EXISTS (SELECT FROM TicketAISessions
			WHERE Id = session)
		THEN
			RETURN -1;
		END IF;
	END IF;
	RETURN (SELECT count(AiResponse) FROM TicketAISessions
		WHERE FollowsId IS NULL AND TicketId = (SELECT TicketId
			FROM TicketAISessions WHERE Id = session));
END
$$;

-- Begins a run for a ticket's answer, or for the question `subj' about the
-- answer `seen', which may have `turns' of them.  The verdict is mine, busy
-- (with the other run, its session and what it is about), answered, unknown,
-- thread_full, closed or full.  Repeated by the same owner: the same run.  A
-- row that is locked is being saved: the lock replaces the lease.
CREATE OR REPLACE FUNCTION run_begin(ticket bigint, subj text, own text,
	seen bigint, existing boolean, who text, machine text, here boolean,
	most int, servers text[], slots int[],
	turns bigint DEFAULT 200,
	about_ text DEFAULT '', OUT verdict text, OUT me bigint,
	OUT session bigint, OUT place int, OUT got text, OUT next_ms int,
	OUT theirs text)
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp SET jit = off AS $$
DECLARE
	c	record;
	r	TicketAIRuns;
	locked	boolean := false;
	full_up	boolean := false;
	waiting	int;
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	-- A restore holds this lock from when nothing runs until its ids are
	-- right.
	IF NOT pg_try_advisory_xact_lock_shared(lock_key('gate', '')) THEN
		verdict := 'closed';
		RETURN;
	END IF;
	PERFORM pg_advisory_xact_lock(lock_key('begin', ticket::text));
	c := run_clock();
	IF c.gate IS NOT NULL THEN
		verdict := 'closed';
		RETURN;
	END IF;
	SELECT * INTO r FROM TicketAIRuns WHERE TicketId = ticket AND
		Subject = subj AND Ended IS NULL FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		SELECT * INTO r FROM TicketAIRuns WHERE TicketId = ticket AND
			Subject = subj AND Ended IS NULL;
		locked := FOUND;
	END IF;
	next_ms := 2000;
	IF r.Run IS NOT NULL AND r.Owner <> own THEN
		IF locked OR r.Until BETWEEN c.low AND c.high THEN
			verdict := 'busy';
			me := r.Run;
			session := r.SessionId;
			theirs := r.About;
			RETURN;
		END IF;
		UPDATE TicketAIRuns SET Ended = 'interrupted', Server = NULL,
			Until = c.t WHERE Run = r.Run;
	END IF;
	IF r.Owner IS DISTINCT FROM own THEN
		IF subj = '' THEN
			session := session_begin(ticket, seen, existing);
		ELSIF EXISTS (SELECT FROM TicketAIRuns AS d
			JOIN TicketAISessions AS s ON s.Id = d.SessionId
			WHERE d.TicketId = ticket AND d.Subject = subj AND
			d.Ended = 'done' AND s.AiResponse IS NOT NULL)
		THEN
			session := 0;	/* by another node, just now */
		ELSE
			session := question_begin(ticket, seen, turns);
			full_up := session = 0;
		END IF;
		IF session <= 0 THEN
			verdict := CASE WHEN full_up THEN 'thread_full'
				WHEN session = 0 THEN 'answered'
				ELSE 'unknown' END;
			RETURN;
		END IF;
		INSERT INTO TicketAIRuns (TicketId, Subject, SessionId, Owner,
			Until, UserName, Node, Began, Viewers, About)
		VALUES (ticket, subj, session, own, c.t + interval '6 s', who,
			machine, c.t, here, about_) RETURNING * INTO r;
		DELETE FROM TicketAIRuns WHERE Run IN (
			SELECT Run FROM TicketAIRuns WHERE Until < c.low -
				CASE WHEN Ended IS NULL THEN interval '1 hour'
				ELSE interval '60 s' END
			LIMIT 100 FOR UPDATE SKIP LOCKED);
	ELSE
		most := NULL;	/* it had a place before */
	END IF;
	verdict := 'mine';
	me := r.Run;
	session := r.SessionId;
	got := r.Server;
	IF NOT locked THEN	/* what it is told now must hold for a lease */
		SELECT n.place, n.got, n.next_ms, n.waiting
		INTO place, got, next_ms, waiting
		FROM run_renew(me, own, r.State, r.Server, here, servers,
			slots) AS n;
	END IF;
	IF got IS NULL AND waiting >= most THEN
		UPDATE TicketAIRuns SET Ended = 'queue_full', Until = c.t
		WHERE Run = me;
		verdict := 'full';
	END IF;
END
$$;

-- A question's row does not outlive a run that ended without an answer.
CREATE OR REPLACE FUNCTION run_over() RETURNS trigger
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
BEGIN
	DELETE FROM TicketAISessions WHERE Id = NEW.SessionId AND
		FollowsId IS NOT NULL AND AiResponse IS NULL;
	RETURN NULL;
END
$$;
DROP TRIGGER IF EXISTS TicketAIRuns_Over ON TicketAIRuns;
CREATE TRIGGER TicketAIRuns_Over AFTER UPDATE OF Ended ON TicketAIRuns
FOR EACH ROW WHEN (NEW.Subject <> '' AND NEW.Ended <> 'done')
EXECUTE FUNCTION run_over();

-- Renews the lease.  The verdict is mine, over (with the code in stop), or gone
-- if there is no such row.  `want' is queued (gives a slot up, or takes one in
-- turn), running (on the server `used'), move (to one of these servers with a
-- free slot) or saving (gives the slot up).  others: another node has viewers;
-- waiting: as in run_turn.
CREATE OR REPLACE FUNCTION run_renew(me bigint, own text, want text,
	used text, here boolean, servers text[], slots int[],
	OUT verdict text, OUT stop text, OUT place int, OUT got text,
	OUT next_ms int, OUT others boolean, OUT waiting int)
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp SET jit = off AS $$
DECLARE
	c	record;
	r	record;
	turn	record;
	taken	int;
	moved	text;
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	SELECT *, EXISTS (SELECT FROM TicketAISessions WHERE Id = SessionId)
		AS HasSession
	INTO r FROM TicketAIRuns WHERE Run = me AND Owner = own
	FOR NO KEY UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		SELECT * INTO r FROM TicketAIRuns WHERE Run = me AND
			Owner = own;
		-- Being saved: the lock replaces the lease.
		verdict := CASE WHEN FOUND THEN 'mine' ELSE 'gone' END;
		got := r.Server;
		next_ms := 2000;
		RETURN;
	END IF;
	IF r.Ended IS NULL AND NOT r.HasSession THEN
		UPDATE TicketAIRuns SET Ended = 'unknown_ticket',
			Server = NULL WHERE Run = me;
		r.Ended := 'unknown_ticket';
	END IF;
	IF r.Ended IS NOT NULL THEN
		verdict := 'over';
		stop := r.Ended;
		RETURN;
	END IF;
	verdict := 'mine';
	got := r.Server;
	next_ms := 2000;
	IF want = 'queued' THEN
		-- Taken after all other locks.  In a statement of its own,
		-- because the count must not be older than the lock.
		PERFORM pg_advisory_xact_lock(lock_key('slots', ''));
	END IF;
	c := run_clock();
	others := coalesce(r.Watched > c.t - interval '10 s', false);
	stop := CASE WHEN r.Stop THEN 'stopped'
		WHEN c.gate IS NOT NULL AND want <> 'saving'
		THEN 'shutting_down' END;
	IF r.Viewers <> here THEN
		UPDATE TicketAIRuns SET Viewers = here WHERE Run = me;
	END IF;
	IF want = 'queued' THEN
		turn := run_turn(me, c.t, c.low, c.high, servers, slots);
		place := turn.place;
		got := turn.got;
		next_ms := turn.next_ms;
		waiting := turn.waiting;
		RETURN;
	END IF;
	IF want = 'running' AND r.Server = used AND r.Until BETWEEN
		c.t + interval '10 s' AND c.t + interval '17 s'
	THEN
		RETURN;		/* writes nothing */
	END IF;
	IF want = 'move' OR (want = 'running' AND (r.Server IS DISTINCT FROM
		used OR r.Until NOT BETWEEN c.t + interval '5 s' AND
		c.t + interval '17 s'))
	THEN
		-- Late, or on another server: is a slot free there?
		PERFORM pg_advisory_xact_lock(lock_key('slots', ''));
		c := run_clock();
		FOR i IN 1..cardinality(servers) LOOP
			CONTINUE WHEN want = 'running' AND servers[i] <> used;
			SELECT count(*) INTO taken FROM TicketAIRuns
			WHERE Ended IS NULL AND Server = servers[i] AND
				Run <> me AND Until BETWEEN c.low AND c.high;
			IF taken < slots[i] AND moved IS NULL THEN
				moved := servers[i];
			END IF;
		END LOOP;
		IF moved IS NOT NULL THEN
			got := moved;
		ELSIF want = 'running' AND (r.Server IS DISTINCT FROM used OR
			r.Until NOT BETWEEN c.low AND c.high)
		THEN
			-- No: the run must stop, except for saving a complete
			-- answer.
			want := 'saving';
			stop := 'interrupted';
		END IF;
	END IF;
	IF want = 'saving' THEN
		got := NULL;
	END IF;
	UPDATE TicketAIRuns SET Server = got, Until = c.t + interval '15 s',
		State = CASE want WHEN 'saving' THEN want ELSE 'running' END
	WHERE Run = me;
END
$$;

-- Saves an answer.  The verdict is done (with the number of the ticket's
-- answers), lost (another run has the ticket, or another answer is saved) or
-- gone (the session was deleted).  Takes no lock that others need, since its
-- COMMIT may wait long.
CREATE OR REPLACE FUNCTION run_save(me bigint, own text, session bigint,
	body text, hash text, response text, model text, reason text,
	n bigint[], more text[], given text DEFAULT '[]',
	OUT verdict text, OUT versions bigint)
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
BEGIN
	PERFORM FROM TicketAIRuns WHERE Run = me AND Owner = own AND
		SessionId = session AND Ended IS NULL FOR NO KEY UPDATE;
	IF FOUND OR EXISTS (SELECT FROM TicketAISessions WHERE Id = session AND
		Prompt = body AND AiResponse = response)
	THEN
		versions := session_answer(session, body, hash, response,
			model, reason, n, more, given);
		UPDATE TicketAIRuns SET Server = NULL,
			Until = clock_timestamp(), Ended = CASE
			WHEN versions > 0 THEN 'done' ELSE 'interrupted' END
		WHERE Run = me AND Owner = own AND Ended IS NULL;
	END IF;
	verdict := CASE WHEN versions > 0 THEN 'done'
		WHEN EXISTS (SELECT FROM TicketAISessions WHERE Id = session)
		THEN 'lost' ELSE 'gone' END;
END
$$;

CREATE OR REPLACE FUNCTION run_end(me bigint, own text, code text)
RETURNS void LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	UPDATE TicketAIRuns SET Ended = code, Server = NULL,
		Until = clock_timestamp()
	WHERE Run = me AND Owner = own AND Ended IS NULL;
END
$$;

-- What became of another node's run, for viewers here: queued, running, saving;
-- saved; over: begin a new run; gone: the same, but its owner may begin it
-- again first; or the code of its error.  `here': there are viewers.
CREATE OR REPLACE FUNCTION run_watch(me bigint, session bigint,
	here boolean DEFAULT true) RETURNS text
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
DECLARE
	c	record;
	r	TicketAIRuns;
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	c := run_clock();
	-- Read before looking for the answer.
	SELECT * INTO r FROM TicketAIRuns WHERE Run = me;
	IF EXISTS (SELECT FROM TicketAISessions WHERE Id = session AND
		AiResponse IS NOT NULL)
	THEN
		RETURN 'saved';
	END IF;
	IF r.Run IS NULL THEN
		RETURN 'gone';
	ELSIF r.Ended IN ('done', 'interrupted', 'shutting_down') THEN
		RETURN 'over';
	ELSIF r.Ended IS NOT NULL THEN
		RETURN r.Ended;
	END IF;
	IF here AND coalesce(r.Watched < c.t - interval '5 s', true) THEN
		UPDATE TicketAIRuns SET Watched = c.t WHERE Run = (SELECT Run
			FROM TicketAIRuns WHERE Run = me FOR NO KEY UPDATE
			SKIP LOCKED);
	END IF;
	IF r.Until BETWEEN c.low AND c.high THEN
		RETURN r.State;
	END IF;
	-- While the run is being saved, the lock replaces the lease.
	PERFORM FROM TicketAIRuns WHERE Run = me FOR NO KEY UPDATE SKIP LOCKED;
	RETURN CASE WHEN FOUND THEN 'over' ELSE r.State END;
END
$$;

-- Ends a queued run at once and asks a running one to stop: a ticket's answer
-- (''), a question, or (NULL) all of them.  Returns how many.
CREATE OR REPLACE FUNCTION run_stop(ticket bigint, subj text) RETURNS bigint
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
DECLARE
	n	bigint;
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	UPDATE TicketAIRuns SET Stop = true,
		Ended = CASE WHEN State = 'queued' THEN 'stopped' END
	WHERE TicketId = ticket AND Subject = coalesce(subj, Subject) AND
		Ended IS NULL AND State <> 'saving';
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END
$$;

-- Closes the gate for `seconds' from now on (0 opens it).  Returns how many
-- runs are still active.
CREATE OR REPLACE FUNCTION run_close(why text, seconds int) RETURNS bigint
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
DECLARE
	c	record;
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	-- Waits until no run_begin is half done.
	PERFORM pg_advisory_xact_lock(lock_key('gate', ''));
	UPDATE TicketAIBeat SET Closed = why,
		ClosedUntil = clock_timestamp() + seconds * interval '1 s';
	c := run_clock();
	RETURN (SELECT count(*) FROM TicketAIRuns
		WHERE Ended IS NULL AND Until BETWEEN c.low AND c.high);
END
$$;

-- How many runs of a ticket are active or being saved: all of them, or those of
-- one subject.  The lock `begin' keeps others from beginning until the
-- transaction ends.
CREATE OR REPLACE FUNCTION run_lives(ticket bigint, subj text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
DECLARE
	c	record;
BEGIN
	PERFORM pg_advisory_xact_lock(lock_key('begin', ticket::text));
	c := run_clock();
	RETURN (SELECT count(*) FROM TicketAIRuns WHERE TicketId = ticket AND
		Subject = coalesce(subj, Subject) AND
		Ended IS NULL AND (Until BETWEEN c.low AND c.high OR Run NOT IN
		(SELECT Run FROM TicketAIRuns WHERE TicketId = ticket AND
			Ended IS NULL FOR NO KEY UPDATE SKIP LOCKED)));
END
$$;

-- The team's knowledge, and which notes an answer was given: as in
-- sql/knowledge.sql.  PassageIndex has the folded words as texts for the score,
-- and as an array-made tsvector for the search; PassageWords counts the
-- passages that hold a word, because a tsvector has no such number.
CREATE TABLE IF NOT EXISTS Documents (
	Id		bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	Name		text COLLATE "C" NOT NULL UNIQUE,
	Source		text COLLATE "C" NOT NULL,
	Hash		text NOT NULL,
	Title		text NOT NULL,
	Url		text NOT NULL,
	Question	text,
	TicketId	bigint,
	SessionId	bigint,
	LearnedAt	text COLLATE "C" NOT NULL
);
CREATE TABLE IF NOT EXISTS Passages (
	Id		bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	DocumentId	bigint NOT NULL,
	Title		text NOT NULL,
	Text		text NOT NULL,
	Hash		text NOT NULL
);
CREATE INDEX IF NOT EXISTS Passages_DocumentId ON Passages (DocumentId);
CREATE TABLE IF NOT EXISTS PassageIndex (
	Id		bigint PRIMARY KEY,
	Title		text NOT NULL,
	Body		text NOT NULL,
	Asked		text NOT NULL,
	Terms		tsvector NOT NULL
);
CREATE INDEX IF NOT EXISTS PassageIndex_Terms ON PassageIndex USING gin (Terms);
CREATE TABLE IF NOT EXISTS PassageWords (
	Word		text COLLATE "C" PRIMARY KEY,
	Docs		bigint NOT NULL
) WITH (fillfactor = 50);
-- Each word once for all rows of a statement: of two hundred passages most have
-- the common ones.
CREATE OR REPLACE FUNCTION passage_indexed() RETURNS trigger
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
BEGIN
	IF TG_OP <> 'INSERT' THEN
		UPDATE PassageWords AS w SET Docs = w.Docs - g.Docs
		FROM (SELECT t COLLATE "C" AS Word, count(*) AS Docs
			FROM Gone, unnest(tsvector_to_array(Terms)) AS t
			GROUP BY 1) AS g
		WHERE w.Word = g.Word;
		DELETE FROM PassageWords AS w
		USING Gone, unnest(tsvector_to_array(Terms)) AS t
		WHERE w.Word = t AND w.Docs <= 0;
	END IF;
	IF TG_OP <> 'DELETE' THEN
		INSERT INTO PassageWords AS w (Word, Docs)
		SELECT t COLLATE "C", count(*)
		FROM Fresh, unnest(tsvector_to_array(Terms)) AS t GROUP BY 1
		ON CONFLICT (Word) DO UPDATE SET Docs = w.Docs + excluded.Docs;
	END IF;
	RETURN NULL;
END
$$;
DROP TRIGGER IF EXISTS PassageIndex_Words ON PassageIndex;
DROP TRIGGER IF EXISTS PassageIndex_Changed ON PassageIndex;
DROP TRIGGER IF EXISTS PassageIndex_Removed ON PassageIndex;
CREATE TRIGGER PassageIndex_Words AFTER INSERT ON PassageIndex
REFERENCING NEW TABLE AS Fresh EXECUTE FUNCTION passage_indexed();
CREATE TRIGGER PassageIndex_Changed AFTER UPDATE ON PassageIndex
REFERENCING OLD TABLE AS Gone NEW TABLE AS Fresh
EXECUTE FUNCTION passage_indexed();
CREATE TRIGGER PassageIndex_Removed AFTER DELETE ON PassageIndex
REFERENCING OLD TABLE AS Gone EXECUTE FUNCTION passage_indexed();
CREATE TABLE IF NOT EXISTS PassageFold (Version bigint NOT NULL);
CREATE TABLE IF NOT EXISTS Asked (
	PassageId	bigint NOT NULL,
	SessionId	bigint NOT NULL,
	PRIMARY KEY (PassageId, SessionId)
);
DROP TABLE IF EXISTS TicketAISources;
CREATE TABLE TicketAISources (
	SessionId	bigint NOT NULL,
	N		bigint NOT NULL,
	PassageId	bigint,
	Name		text NOT NULL,
	Title		text NOT NULL,
	Url		text NOT NULL,
	TicketId	bigint,
	Text		text NOT NULL,
	Cited		boolean NOT NULL,
	PRIMARY KEY (SessionId, N)
);
CREATE INDEX TicketAISources_TicketId ON TicketAISources (TicketId)
WHERE TicketId IS NOT NULL;

-- What people think of an answer: each user's latest rating.  Nothing here
-- depends on tables and functions of schema 1: a restore of a database of that
-- schema replaces them, and the ratings then belong to no session.
DROP TABLE IF EXISTS TicketAIRatings;
CREATE TABLE TicketAIRatings (
	SessionId	bigint NOT NULL,
	UserName	text COLLATE "C" NOT NULL,
	Good		boolean NOT NULL,
	Reason		text,
	Comment		text,
	RatedAt		text COLLATE "C" NOT NULL,
	PRIMARY KEY (SessionId, UserName)
);
CREATE OR REPLACE FUNCTION session_deleted() RETURNS trigger
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
BEGIN
	DELETE FROM TicketAIRatings WHERE SessionId = OLD.Id;
	DELETE FROM TicketAISources WHERE SessionId = OLD.Id;
	DELETE FROM TicketAISources WHERE TicketId = OLD.TicketId AND
		NOT EXISTS (SELECT FROM TicketAISessions
		WHERE TicketId = OLD.TicketId AND FollowsId IS NULL AND
			AiResponse IS NOT NULL);
	DELETE FROM TicketAISessions WHERE FollowsId = OLD.Id;
	RETURN NULL;
END
$$;
CREATE TRIGGER TicketAISessions_Deleted AFTER DELETE ON TicketAISessions
FOR EACH ROW EXECUTE FUNCTION session_deleted();

-- What deleted generations had counted, so that counters never fall.  Label is the
-- upper bound of FirstTokenMs in the histogram of METRICS.  Whoever deletes adds to
-- a row that nobody else has locked, or makes one: there are as many rows as there
-- ever were deletions at the same time, and none waits for another.
CREATE TABLE IF NOT EXISTS Totals (
	Name	text NOT NULL,
	Label	bigint NOT NULL,
	Value	bigint NOT NULL
);
CREATE OR REPLACE FUNCTION totals_add(what text, bound bigint, more bigint)
RETURNS void
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
BEGIN
	UPDATE Totals SET Value = Value + more
	WHERE ctid = (SELECT ctid FROM Totals
		WHERE Name = what AND Label = bound
		LIMIT 1 FOR UPDATE SKIP LOCKED);
	IF NOT FOUND THEN
		INSERT INTO Totals (Name, Label, Value)
		VALUES (what, bound, more);
	END IF;
END
$$;
CREATE OR REPLACE FUNCTION generation_deleted() RETURNS trigger
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
DECLARE
	bound	bigint;
BEGIN
	SELECT min(Ms) INTO bound FROM unnest(ARRAY[250, 500, 1000, 2500, 5000,
		10000, 30000, 60000, 120000, 300000, 600000,
		9223372036854775807]) AS Ms
	WHERE Ms >= OLD.FirstTokenMs;
	PERFORM totals_add('generations', bound, 1);
	PERFORM totals_add('first_token_ms', bound,
		least(OLD.FirstTokenMs, 1000000000000000));
	RETURN NULL;
END
$$;
DROP TRIGGER IF EXISTS TicketAIGenerations_Deleted ON TicketAIGenerations;
CREATE TRIGGER TicketAIGenerations_Deleted AFTER DELETE ON TicketAIGenerations
FOR EACH ROW EXECUTE FUNCTION generation_deleted();

-- Saves a user's rating of a session, unless it is the same as before.  Returns
-- how many users rated it good and bad; NULL: there is no such session.
CREATE OR REPLACE FUNCTION session_rate(session bigint, who text, is_good
	boolean, why text, words text, OUT good bigint, OUT bad bigint)
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
BEGIN
	PERFORM FROM TicketAISessions WHERE Id = session FOR KEY SHARE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	INSERT INTO TicketAIRatings AS r (SessionId, UserName, Good, Reason,
		Comment, RatedAt)
	VALUES (session, who, is_good, why, words, utc(clock_timestamp()))
	ON CONFLICT (SessionId, UserName) DO UPDATE SET Good = excluded.Good,
		Reason = excluded.Reason, Comment = excluded.Comment,
		RatedAt = excluded.RatedAt
	WHERE (r.Good, r.Reason, r.Comment) IS DISTINCT FROM
		(excluded.Good, excluded.Reason, excluded.Comment);
	SELECT count(*) FILTER (WHERE r.Good), count(*) FILTER (WHERE NOT
		r.Good) INTO good, bad
	FROM TicketAIRatings AS r WHERE SessionId = session;
END
$$;

-- Saves a person's answer as the ticket's next version in place of the answer
-- `want' (0: the newest).  The verdict is done, none (there is no answer),
-- changed (`want' is not the newest), unknown (`want' is no answer of the
-- ticket), running or closed; session and version are those of the newest
-- answer.  Safe to repeat: the newest answer is not replaced by the same text
-- of the same author.  The new answer gets the sources of the other one, and
-- cites the numbers whose bits are set in `cites'.
CREATE OR REPLACE FUNCTION session_write(ticket bigint, want bigint, who text,
	words text, cites bigint DEFAULT 0, OUT verdict text, OUT session bigint,
	OUT version bigint)
LANGUAGE plpgsql SET search_path = ticketchat, pg_temp AS $$
DECLARE
	newest	TicketAISessions;
BEGIN
	IF NOT pg_try_advisory_xact_lock_shared(lock_key('gate', '')) THEN
		verdict := 'closed';
		RETURN;
	ELSIF run_lives(ticket, '') > 0 THEN
		verdict := 'running';
		RETURN;
	END IF;
	-- The lock makes a DELETE of the ticket wait, or waits for it.
	SELECT * INTO newest FROM TicketAISessions
	WHERE TicketId = ticket AND FollowsId IS NULL AND AiResponse IS NOT NULL
	ORDER BY Id DESC LIMIT 1 FOR KEY SHARE;
	session := newest.Id;
	IF session IS NULL THEN
		verdict := 'none';
		RETURN;
	END IF;
	verdict := 'done';
	IF newest.Author = who AND newest.AiResponse = words THEN
		-- Update the row, so that this COMMIT, too, waits for a
		-- standby.
		UPDATE TicketAISessions SET UpdatedAt = UpdatedAt
		WHERE Id = session;
	ELSIF want NOT IN (0, session) THEN
		verdict := CASE WHEN EXISTS (SELECT FROM TicketAISessions
			WHERE Id = want AND TicketId = ticket AND
				FollowsId IS NULL AND AiResponse IS NOT NULL)
			THEN 'changed' ELSE 'unknown' END;
	ELSE
		INSERT INTO TicketAISessions (TicketId, Prompt, TextHash,
			ModelText, Author, AiResponse, UpdatedAt)
		VALUES (ticket, newest.Prompt, newest.TextHash,
			newest.ModelText, who, words, utc(clock_timestamp()))
		RETURNING Id INTO session;
		INSERT INTO TicketAISources (SessionId, N, PassageId, Name,
			Title, Url, TicketId, Text, Cited)
		SELECT session, N, PassageId, Name, Title, Url, TicketId, Text,
			cites >> N::int & 1 = 1
		FROM TicketAISources WHERE SessionId = newest.Id;
	END IF;
	version := (SELECT count(*) FROM TicketAISessions
		WHERE TicketId = ticket AND FollowsId IS NULL AND
			AiResponse IS NOT NULL);
END
$$;

UPDATE SchemaVersion SET Version = 2;

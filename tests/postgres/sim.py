#!/usr/bin/env python3
"""Torture of the runs of sql/postgres/002_identity.sql: nodes, askers, kills,
freezes, cut connections, lost acknowledgements, restarts, jumps of the clock.
Exit code 1: something was wrong, which it prints."""
import asyncio, random, time, re, sys, os, argparse, subprocess, collections, json
import psycopg
ap = argparse.ArgumentParser()
ap.add_argument('--seconds', type=float, default=120)
ap.add_argument('--scale', type=float, default=0.25)
ap.add_argument('--port', type=int, default=55432)      # what the relay leads to
ap.add_argument('--direct', type=int, default=55432)    # the checker's and the faults' own way
ap.add_argument('--cut', type=float, default=0.03)
ap.add_argument('--kill', type=float, default=0.01)
ap.add_argument('--freeze', type=float, default=0.01)
ap.add_argument('--storm', type=float, default=0)       # seconds between terminate storms
ap.add_argument('--restart', type=float, default=0)     # seconds between restarts
ap.add_argument('--mode', default='fast')
ap.add_argument('--down', type=float, default=3)
ap.add_argument('--askers', type=int, default=60)
ap.add_argument('--tickets', type=int, default=60)
ap.add_argument('--gen', type=float, default=6)
ap.add_argument('--noreset', action='store_true')
ap.add_argument('--sql', default='sql/postgres/002_identity.sql')
ap.add_argument('--schema', default='sql/postgres/001_init.sql')
ap.add_argument('--bin', default='/usr/lib/postgresql/15/bin')
ap.add_argument('--user', default='ticketchat')
ap.add_argument('--db', default='tc')
ap.add_argument('--data', default=os.environ.get('PGDATA', ''))  # of the cluster, for restarts
ap.add_argument('--jump', type=float, default=0)        # seconds between jumps of the database's clock, by moving all rows
ap.add_argument('--seed', type=int, default=1)
a = ap.parse_args()
random.seed(a.seed)
S = a.scale
SERVERS, SLOTS = ['gpu1', 'gpu2'], [2, 1]
ARR, ARN = "'{gpu1,gpu2}'", "'{2,1}'"
LEASE = 10 * S          # what an acknowledged renewal surely leaves
RELAY = 25500 + os.getpid() % 2000
stat = collections.Counter(); wrong = []; acked = {}; waits = []; believes = {}; grants = []
bounds = collections.defaultdict(list)
t0 = time.monotonic(); stopping = False
def bad(s):
    wrong.append(s); print('WRONG %.2f %s' % (time.monotonic() - t0, s), flush=True)

# ---- the relay: cuts before or after the server has got the question
async def relay(r, w):
    try: sr, sw = await asyncio.open_connection('127.0.0.1', a.port)
    except OSError: w.close(); return
    async def pump(src, dst, up):
        try:
            while (d := await src.read(65536)):
                if not up and random.random() < a.cut: stat['cut: answer lost'] += 1; break
                if up and random.random() < a.cut / 3: stat['cut: question lost'] += 1; break
                dst.write(d); await dst.drain()
        except OSError: pass
        for x in (w, sw):
            try: x.close()
            except Exception: pass
    await asyncio.gather(pump(r, sw, True), pump(sr, w, False))

def lit(v):
    if v is None: return 'NULL'
    if isinstance(v, bool): return 'true' if v else 'false'
    if isinstance(v, (int, float)): return str(v)
    return "'" + v.replace("'", "''") + "'"
sem = asyncio.Semaphore(16)
class Again(Exception): pass
async def call(f, *args, raw=()):
    """One try: connect, one simple message, leave."""
    al = [x if i in raw else lit(x) for i, x in enumerate(args)]
    sql = ("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = 5000; SET LOCAL lock_timeout = 2000; "
      "SET LOCAL idle_in_transaction_session_timeout = 5000; SELECT * FROM ticketchat.%s(%s); COMMIT" % (f, ','.join(al)))
    c = None
    async with sem:
        try:
            async with asyncio.timeout(6):
                c = await psycopg.AsyncConnection.connect(host='127.0.0.1', port=RELAY, user=a.user, dbname=a.db, autocommit=True,
                    sslmode='disable', connect_timeout=3)
                cur = await c.execute(sql)
                for _ in range(4): cur.nextset()
                row = await cur.fetchone(); names = [d.name for d in cur.description]
                assert cur.nextset()
                stat[f] += 1
                return dict(zip(names, row))
        except (psycopg.Error, OSError, TimeoutError, asyncio.TimeoutError) as e:
            st = getattr(e, 'sqlstate', None)
            stat['error %s %s' % (f, st)] += 1
            if st in ('40P01', '40001', '42883', '42P01', '23505', '42601', '42702'): bad('%s: %s %s' % (f, st, e))
            raise Again()
        finally:
            if c is not None:
                try: c.pgconn.finish()
                except Exception: pass

def hold(own, ticket, server, sent):
    believes[own] = (ticket, server, sent + LEASE)
    now = time.monotonic()
    per = collections.Counter(t for t, s, u in believes.values() if u > now)
    for t, n in per.items():
        if n > 1: bad('two owners believe in ticket %d: %s' % (t, [(o, u - now) for o, (tt, s, u) in believes.items() if tt == t and u > now]))
    per = collections.Counter(s for t, s, u in believes.values() if u > now and s)
    for s, n in per.items():
        if n > SLOTS[SERVERS.index(s)]: bad('server %s has %d believers' % (s, n))

async def begin(ticket, own, seen, user):
    return await call('run_begin', ticket, '', own, seen, False, user, 'node', True, 1000, ARR, ARN, raw=(9, 10))

class Dead(Exception): pass
async def nap(s, own):
    x = random.random()
    if x < a.kill: believes.pop(own, None); stat['killed'] += 1; raise Dead()
    if x < a.kill + a.freeze: stat['frozen'] += 1; await asyncio.sleep(20 * S)
    await asyncio.sleep(s)

async def save(me, own, ticket, session, text):
    until = time.monotonic() + 600 * S
    while True:
        try: v = (await call('run_save', me, own, session, 'body ' + own, 'h', text, 'm', 'stop', "'{1,1,1,1,1,1,1,1}'", "'{}'", raw=(8, 9)))['verdict']
        except Again:
            if time.monotonic() > until or stopping > 1: stat['save: gave up'] += 1; return None
            await asyncio.sleep(random.uniform(0.2, 1) * S); continue
        stat['save: ' + v] += 1
        if v == 'done':
            if acked.setdefault(session, text) != text: bad('session %d acknowledged twice with different texts' % session)
        return v

async def ask(n):
    ticket = random.randint(1, a.tickets); user = random.choice('abcdefgh'); used = None; own = '%016x' % random.getrandbits(64)
    seen = random.choice([0, 0, bounds[ticket][-1] if bounds[ticket] else 0]); asked = time.monotonic()
    while True:
        if stopping > 1: return
        try: b = await begin(ticket, own, seen, user)
        except Again: await asyncio.sleep(0.3 * S); continue
        if b['verdict'] in ('answered', 'closed', 'unknown'):
            stat['begin: ' + b['verdict']] += 1; return
        if b['verdict'] == 'mine': break
        stat['begin: busy'] += 1
        while True:         # somebody else's
            await asyncio.sleep(1 * S)
            if stopping > 1: return
            try: v = (await call('run_watch', b['me'], b['session']))['run_watch']
            except Again: continue
            if v == 'saved': stat['watched: saved'] += 1; return
            if v in ('queued', 'running', 'saving'): continue
            stat['watched: ' + v] += 1
            break
        if v not in ('over', 'gone'): return
        own = '%016x' % random.getrandbits(64)
    me, session, got, nxt = b['me'], b['session'], b['got'], b['next_ms']
    stat['begin: mine'] += 1
    state = 'queued' if got is None else 'running'; last = time.monotonic(); missed = None
    if got: hold(own, ticket, got, last); grants.append((me, last - asked, last))
    used = got; end = last + random.expovariate(1 / a.gen) * S if got else None
    again = 0
    while state == 'queued' or time.monotonic() < end:
        if stopping > 1: believes.pop(own, None); return
        await nap(min(nxt / 1000, max(0, end - time.monotonic()) if end else 99), own)
        if state == 'running' and time.monotonic() >= end: break
        sent = time.monotonic()
        try: r = await call('run_renew', me, own, state, used, True, ARR, ARN, raw=(5, 6))
        except Again: nxt = 500 * S; continue
        if r['verdict'] == 'gone' and again < 3:
            again += 1; stat['renew: gone'] += 1
            try: b = await begin(ticket, own, seen, user)
            except Again: nxt = 500 * S; again -= 1; continue
            if b['verdict'] != 'mine': stat['gone, then ' + b['verdict']] += 1; believes.pop(own, None); return
            me, session = b['me'], b['session']; r = dict(b, stop=None)
        if r['verdict'] != 'mine': stat['renew: %s %s' % (r['verdict'], r['stop'])] += 1; believes.pop(own, None); return
        if r['stop']:
            stat['renew: stop ' + r['stop']] += 1; believes.pop(own, None)
            try: await call('run_end', me, own, r['stop'])
            except Again: pass
            return
        nxt = r['next_ms'] or 1000
        if r['got']:
            hold(own, ticket, r['got'], sent)
            if state == 'queued':
                state = 'running'; used = r['got']; end = sent + random.expovariate(1 / a.gen) * S; grants.append((me, sent - asked, sent))
        else: believes[own] = (ticket, None, sent + 5 * S)
    believes.pop(own, None)
    if random.random() < 0.1:
        try: await call('run_end', me, own, 'upstream'); stat['ended: upstream'] += 1
        except Again: pass
        return
    v = await save(me, own, ticket, session, 'answer of %s' % own)
    if v == 'done':
        bounds[ticket].append(session)
        if random.random() < 0.2:      # its acknowledgement was lost: asks again
            if await save(me, own, ticket, session, 'answer of %s' % own) == 'lost': bad('asked again: lost')

async def asker(n):
    while not stopping:
        try: await ask(n)
        except Dead: pass
        await asyncio.sleep(random.expovariate(1) * S * 4)

q = ("SELECT 'ticket ' || TicketId, count(*) FROM TicketAIRuns, clock_timestamp() t WHERE Ended IS NULL AND Until > t AND Until < t + interval '%g s' GROUP BY TicketId, Subject HAVING count(*) > 1 "
     "UNION ALL SELECT Server, count(*) FROM TicketAIRuns, clock_timestamp() t WHERE Ended IS NULL AND Until > t AND Until < t + interval '%g s' AND Server IS NOT NULL GROUP BY Server "
     "HAVING count(*) > CASE Server WHEN 'gpu1' THEN 2 ELSE 1 END") % (17 * S, 17 * S)
checks = 0; used = [0, 0]
async def checker():
    global checks
    while stopping < 2:
        try:
            async with await psycopg.AsyncConnection.connect(host='127.0.0.1', port=a.direct, user=a.user, dbname=a.db, autocommit=True) as c:
                await c.execute('SET search_path = ticketchat')
                while stopping < 2:
                    for r in await (await c.execute(q)).fetchall(): bad('rows: %s' % (r,))
                    u = await (await c.execute("SELECT count(*) FILTER (WHERE Server IS NOT NULL AND Until > clock_timestamp()), count(*) FILTER (WHERE State = 'queued' AND Until > clock_timestamp()) FROM TicketAIRuns WHERE Ended IS NULL")).fetchone()
                    used[0] += u[0]; used[1] += u[1]
                    checks += 1; await asyncio.sleep(0.04)
        except (psycopg.Error, OSError): await asyncio.sleep(0.2)

async def storms():
    while not stopping:
        await asyncio.sleep(random.uniform(0.5, 1.5) * a.storm)
        try:
            async with await psycopg.AsyncConnection.connect(host='127.0.0.1', port=a.direct, user='postgres', dbname=a.db, autocommit=True) as c:
                for _ in range(20):
                    n = (await (await c.execute("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s AND usename = %s", (a.db, a.user))).fetchone())[0]
                    stat['terminated'] += n; await asyncio.sleep(0.05)
        except (psycopg.Error, OSError): pass

async def jumps():
    while not stopping:
        await asyncio.sleep(random.uniform(0.7, 1.3) * a.jump)
        d = random.choice([-1, 1]) * random.choice([1.5, 6, 20, 3600])
        try:
            async with await psycopg.AsyncConnection.connect(host='127.0.0.1', port=a.direct, user=a.user, dbname=a.db, autocommit=True) as c:
                await c.execute("BEGIN; SET LOCAL lock_timeout = 100; SET LOCAL search_path = ticketchat; LOCK TABLE TicketAIRuns, TicketAIBeat; UPDATE TicketAIRuns SET Until = Until + interval '%g s'; "
                    "UPDATE TicketAIBeat SET Beat = Beat + interval '%g s', Line = Line + interval '%g s', Grace = Grace + interval '%g s'; COMMIT" % ((d,) * 4))
                stat['jumps %+g' % -d] += 1
        except (psycopg.Error, OSError): pass

async def ctl(*args):
    p = await asyncio.create_subprocess_exec('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', a.bin + '/pg_ctl', '-D', a.data, '-l', a.data + '/log', '-w', *args, stdout=subprocess.DEVNULL)
    await p.wait()
async def restarts():
    while not stopping:
        await asyncio.sleep(random.uniform(0.7, 1.3) * a.restart)
        if stopping: return
        await ctl('stop', '-m', a.mode); await asyncio.sleep(random.uniform(0, 2) * a.down); await ctl('start'); stat['restarts'] += 1

async def main():
    global stopping
    if not a.noreset:
        sql = open(a.sql).read()
        if S != 1:
            sql = re.sub(r"interval '(\d+) s'", lambda m: "interval '%g s'" % (float(m[1]) * S), sql)
            for old, new in (("date_trunc('second',", '('), ('THEN 2000', 'THEN %d' % (2000 * S)), (':= 2000', ':= %d' % (2000 * S))):
                assert old in sql
                sql = sql.replace(old, new)
        with psycopg.connect(host='127.0.0.1', port=a.direct, user=a.user, dbname=a.db, autocommit=True) as c:
            c.execute('DROP SCHEMA IF EXISTS ticketchat CASCADE')
            c.execute('BEGIN;' + open(a.schema).read() + sql + 'COMMIT')
    srv = await asyncio.start_server(relay, '127.0.0.1', RELAY, backlog=500)
    ts = [asyncio.create_task(asker(i)) for i in range(a.askers)] + [asyncio.create_task(checker())]
    if a.storm: ts.append(asyncio.create_task(storms()))
    if a.restart: ts.append(asyncio.create_task(restarts()))
    if a.jump: ts.append(asyncio.create_task(jumps()))
    for t in ts: t.add_done_callback(lambda t: not t.cancelled() and t.exception() and bad('task: %r' % t.exception()))
    await asyncio.sleep(a.seconds); stopping = 1; await asyncio.sleep(25 * S + 3); stopping = 2; await asyncio.sleep(8)
    for t in ts: t.cancel()
    await asyncio.sleep(0.5)
    with psycopg.connect(host='127.0.0.1', port=a.direct, user=a.user, dbname=a.db, autocommit=True) as c:
        for s, t in acked.items():
            r = c.execute('SELECT AiResponse, Prompt FROM ticketchat.TicketAISessions WHERE Id = %s', (s,)).fetchone()
            if r is None or r[0] != t or r[1] != 'body ' + t[10:]: bad('acknowledged %d %s, saved %s' % (s, t, r))
        more = c.execute('SELECT count(*) FROM ticketchat.TicketAISessions WHERE AiResponse IS NOT NULL').fetchone()[0]
    # order: who got a slot although an older run, that was granted later, was waiting
    over = 0
    gs = sorted(grants, key=lambda g: g[2])
    for i, (run, w, at) in enumerate(gs):
        over += any(r2 < run and at2 - w2 < at for r2, w2, at2 in gs[i + 1:])
    ws = sorted(w / S for _, w, _ in gs)
    print(json.dumps(stat, indent=0, sort_keys=True))
    print('acknowledged %d, saved %d, grants %d, overtaken by a younger %d, wait p50 %.1f p95 %.1f max %.1f s (unscaled), checks %d, slots used %.2f of 3, queued %.1f, WRONG %d' % (
        len(acked), more, len(gs), over, ws[len(ws) // 2], ws[int(len(ws) * .95)], ws[-1], checks, used[0] / max(1, checks), used[1] / max(1, checks), len(wrong)))
asyncio.run(main())
sys.exit(1 if wrong else 0)

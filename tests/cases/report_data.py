#!/usr/bin/python3
"""report_data.py N DAYS [KIND]: SQL that fills a migrated database with N tickets
of the last DAYS days, for the tests of `sessions report'.  KIND is hostile: names,
titles and texts that are HTML, directions and controls."""
import datetime, random, sys

random.seed(7)
n, days = int(sys.argv[1]), int(sys.argv[2])
hostile = sys.argv[3:] == ["hostile"]
postgres = sys.argv[3:] == ["postgres"]
now = datetime.datetime.now(datetime.timezone.utc)
bad = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;]]>-->\u202egnp.\u200f"
models = ["gemma3:4b", "qwen3:8b", "llama3.2"]
authors = ["maria", "joão", "o'brien", ""]
prompts = ["1f2e3d4c", "99aabbcc"]
notes = [("printers/%03d.md" % i, "Printer %d: paper jam and toner" % i) for i in range(40)]
if hostile:
    models = [bad + m for m in models]
    authors = [bad + a for a in authors] + ["x" * 500]
    notes = [(bad + a, bad + b) for a, b in notes]
reasons = ["wrong", "incomplete", "unsafe", "language", "other", None]
yes, no = ("true", "false") if postgres else ("1", "0")

def q(s):
    return "NULL" if s is None else "'" + s.replace("'", "''") + "'"

out = ["BEGIN;"]
for i, (name, title) in enumerate(notes):
    out.append("INSERT INTO Documents (Name, Source, Hash, Title, Url, LearnedAt) VALUES (%s, '', 'h', %s, '', '2020-01-01T00:00:00.000Z');" % (q(name), q(title)))
generations, ratings, sources, sessions, tickets = [], [], [], [], []
for i in range(1, n + 1):
    at = now - datetime.timedelta(days=random.random() * (days - 1) if days > 1 else 0)
    t = at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    tickets.append("(%d)" % i)
    text = (bad if hostile else "") + "The printer on floor %d is jammed, what now? " % i * 3
    written = i % 25 == 0
    follows = str(i - 1) if i % 10 == 0 and not written and i > 1 else "NULL"
    author = q(authors[i % len(authors)]) if written else "NULL"
    sessions.append("(%d, %d, %s, 'Open it.', '%s', '%s', %s, %s)" % (i, i, q(text), t, t, follows, author))
    if not written:
        generations.append("(%d, %s, 'stop', %d, %d, %d, %d, %d, 0, 0, 0, %s)" % (i, q(models[i % 3]), 300 + i % 700, 100 + i % 300, i % 900, 300 + random.randrange(4000), 9000 + i % 20000, q(prompts[i % 2])))
    if i % 4 == 0:
        good = random.random() < (.9 if i % 3 == 0 else .6)
        ratings.append("(%d, 'u%d', %s, %s, '%s')" % (i, i % 7, yes if good else no, "NULL" if good else q(random.choice(reasons)), t))
    if i % 3:
        for k in range(2):
            a, b = notes[min(int(random.expovariate(.2)), 39)]
            sources.append("(%d, %d, %s, %s, '', %s, %s)" % (i, k + 1, q(a), q(b), q("Open the rear cover. " * 10), yes if random.random() < .4 else no))
def rows(into, values):
    for i in range(0, len(values), 500):
        out.append("INSERT INTO %s VALUES %s;" % (into, ",".join(values[i:i + 500])))
identity = "OVERRIDING SYSTEM VALUE " if postgres else ""
rows("Tickets (Id)", tickets)
def rows2(into, values):
    for i in range(0, len(values), 500):
        out.append("INSERT INTO %s %sVALUES %s;" % (into, identity, ",".join(values[i:i + 500])))
rows2("TicketAISessions (Id, TicketId, Prompt, AiResponse, CreatedAt, UpdatedAt, FollowsId, Author)", sessions)
rows("TicketAIGenerations (SessionId, Model, DoneReason, PromptTokens, AnswerTokens, QueuedMs, FirstTokenMs, TotalMs, LoadMs, PromptMs, AnswerMs, PromptHash)", generations)
rows("TicketAIRatings (SessionId, UserName, Good, Reason, RatedAt)", ratings)
rows("TicketAISources (SessionId, N, Name, Title, Url, Text, Cited)", sources)
out.append("COMMIT;")
sys.stdout.write("\n".join(out) + "\n")

"""How long a technician waits for the first word, by what the model's server has read already: python3 prefix.py TMP.

The server is tests/replay with one slot: reading a byte of a prompt takes READ µs unless the prompt before began with
the same bytes.  What it wrote itself it does not keep, so that a follow-up pays for the answer too; a real server does
keep it.  Prints a table for docs/sizing.md.
"""
import json
import os
import statistics
import subprocess
import sys
import time

READ = 500                      # µs for each byte: some 500 tokens a second
ROUNDS = 3
TICKET = "The printer on the second floor is jammed again. " * 60
TMP = sys.argv[1]


def start():
    """A server that has read nothing, and a database: the settings for chat."""
    work = os.path.join(TMP, "prefix.%d" % time.monotonic_ns())
    os.makedirs(work + "/run", 0o700)
    answer = "Open the rear cover and pull the paper out. " * 5
    with open(work + "/answer", "w") as f:
        for word in answer.split(" "):
            f.write(json.dumps({"response": word + " ", "done": False}) + "\n")
        f.write(json.dumps({"response": "", "done": True}) + "\n")
    server = subprocess.Popen(["build/tests/replay", "--die-with-parent", "--read", str(READ), work + "/answer"],
                              stdout=subprocess.PIPE, text=True)
    env = {"PATH": os.environ["PATH"], "TICKETCHAT_DATABASE": work + "/db", "TICKETCHAT_RUN_DIR": work + "/run",
           "TICKETCHAT_LOG": work + "/log", "TICKETCHAT_WRITE": "on", "OLLAMA_MODEL": "m",
           "OLLAMA_SERVER": "http://127.0.0.1:%s/api/chat" % server.stdout.readline().strip()}
    subprocess.run(["build/bin/sessions", "-c", "/dev/null", "migrate"], env=env, check=True,
                   stdout=subprocess.DEVNULL)
    return server, env


def first(env, ticket, message):
    """ms from the question to its first word."""
    began = time.monotonic()
    with subprocess.Popen(["build/bin/chat", "-c", "/dev/null"], env=dict(env, PATH_INFO="/%d" % ticket),
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as p:
        p.stdin.write(json.dumps(message) + "\n")
        p.stdin.close()
        lines = p.stdout
        line = json.loads(next(lines))
        spent = (time.monotonic() - began) * 1000
        last = [json.loads(s) for s in lines][-1]
    if (line["type"], last["type"]) != ("stream", "done"):
        raise RuntimeError("%s: %s, %s" % (message, line, last))
    return spent


CASES = [
    ("a refresh", {"ticketBody": TICKET, "refresh": True}),
    ("a refresh with an instruction", {"ticketBody": TICKET, "refresh": True,
                                       "instruction": "the customer has Windows 11, answer in English"}),
    ("a question about the answer", {"question": "The light stays red, what now?"}),
]


def main():
    cold, alone, between = [], {}, {}
    for _ in range(ROUNDS):
        for name, message in CASES:
            for results, other in (alone, False), (between, True):
                server, env = start()
                cold.append(first(env, 42, {"ticketBody": TICKET}))
                if other:
                    first(env, 43, {"ticketBody": TICKET.replace("printer", "scanner")})
                results.setdefault(name, []).append(first(env, 42, message))
                server.terminate()
                server.wait()
    whole = statistics.median(cold)
    print("| first word of | nothing generated in between | another ticket in between |\n| --- | --: | --: |")
    print("| the first answer | %.0f ms | – |" % whole)
    for name, _ in CASES:
        a, b = statistics.median(alone[name]), statistics.median(between[name])
        print("| %s | %.0f ms (1/%.0f) | %.0f ms (1/%.1f) |" % (name, a, whole / a, b, whole / b))


main()

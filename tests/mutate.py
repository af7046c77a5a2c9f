#!/usr/bin/python3
"""tests/mutate.py - breaks lib/ at one place after the other, and tells which breaks no test has noticed.

    tests/mutate.py [-n NUMBER] [-s SEED] [-u] [FILE ...]

It copies the checkout, builds the copy, and then, NUMBER times (20 unless given): changes one line of one of the FILEs
(all of lib/ unless given) - turns a comparison, an operator or a condition round, moves a number by one, or deletes a
statement -, builds what the change reaches, and runs the unit tests of the file's room and the cases that concern it
(CASES below; -u: the unit tests only).  A mutant is

    dead         a test failed, or did not end
    the same     the compiler made the same code of it
    nonsense     it does not compile
    a survivor   every test passed: "survived FILE:LINE: OLD -> NEW".  Either a test is missing, or the line is.

The last line is "ok mutate: ..." or, where more than a third has survived, "FAILED mutate: ...".  SEED repeats a run.
"""
import argparse
import glob
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

# The cases of each room, the quick ones first.
CASES = {
    "auth": ["auth"], "base": ["chat", "settings"], "frame": ["chat"], "generation": ["follow", "servers"],
    "json": ["bad-input"], "ollama": ["ollama", "answer"], "request": ["bad-input", "chat"], "sandbox": ["fault"],
    "settings": ["settings"], "store": ["store", "storage"], "text": ["store"], "viewer": ["chat", "follow"],
}
COMPILE, UNIT, CASE = 300, 60, 900      # s, after which it is dead
SWAPS = [(" == ", " != "), (" != ", " == "), (" < ", " <= "), (" <= ", " < "), (" > ", " >= "), (" >= ", " > "),
         (" && ", " || "), (" || ", " && "), (" + ", " - "), (" - ", " + "), (" += ", " -= "), ("++", "--"),
         ("return 1;", "return 0;"), ("return 0;", "return 1;"), ("return -1;", "return 0;")]

ORIGINAL = {}   # of each file that was changed: the code that the compiler makes of it as it is


def mutants(lines):
    """Each (index, new line) that a file may be changed by."""
    body = comment = False
    for i, line in enumerate(lines):
        if line.startswith("{"):
            body = True
        elif line.startswith("}"):
            body = False
        comment = comment or "/*" in line
        code = body and not comment and not line.startswith("#")
        comment = comment and "*/" not in line
        if not code:
            continue
        quotes = [(m.start(), m.end()) for m in re.finditer(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\'', line)]

        def outside(at):
            return not any(a <= at < b for a, b in quotes)

        for old, new in SWAPS:
            for m in re.finditer(re.escape(old), line):
                if outside(m.start()):
                    yield i, line[:m.start()] + new + line[m.end():]
        for m in re.finditer(r"(?<![\w.])\d+(?![\w.])", line):
            if outside(m.start()):
                yield i, line[:m.start()] + str(int(m.group()) + 1) + line[m.end():]
        if m := re.match(r"(\s+(?:\} else )?if \()(.*)(\)( \{)?)$", line):
            yield i, f"{m[1]}!({m[2]}){m[3]}"
        if re.match(r"\t+(\(void\))?[\w>.\[\]-]+ ?(\(.*\)|[-+|&]?= .*);$", line) and not re.match(r"\t+return\b", line):
            yield i, re.match(r"\t+", line).group() + ";"


def run(command, seconds, **more):
    """Whether it ends well, in time."""
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True, **more)
    try:
        return p.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, 9)
        p.wait()
        return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", type=int, default=20)
    parser.add_argument("-s", type=int, default=random.randrange(10**6))
    parser.add_argument("-u", action="store_true")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    tmp = tempfile.mkdtemp(prefix="ticketchat-mutate-")
    try:
        return mutate(options, root, os.path.join(tmp, "tree"))
    finally:
        shutil.rmtree(tmp, ignore_errors=True)


def mutate(options, root, tree):
    shutil.copytree(root, tree, symlinks=True, ignore=shutil.ignore_patterns(".git", "build", "node_modules"))
    if not run(["make", "-s", "-j2", "everything"], 1800, cwd=tree):
        print("FAILED mutate: the copy does not build")
        return 1
    rng = random.Random(options.s)
    files = [os.path.relpath(f, root) for f in options.files] or sorted(
        os.path.relpath(f, root) for f in glob.glob(f"{root}/lib/**/*.c", recursive=True) if "/postgres/" not in f)
    every = []
    for name in files:
        with open(f"{tree}/{name}") as f:
            lines = f.read().split("\n")
        every += [(name, i, new) for i, new in mutants(lines)]
    rng.shuffle(every)
    print(f"{len(every)} mutants of {len(files)} files; {options.n} of them, seed {options.s}", flush=True)
    counts = {"dead": 0, "the same": 0, "nonsense": 0, "survived": 0}
    for name, i, new in every:
        if counts["dead"] + counts["survived"] >= options.n:
            break
        fate, old = live(options, tree, name, i, new)
        counts[fate] += 1
        if fate == "survived":
            print(f"survived {name}:{i + 1}: {old.strip()} -> {new.strip()}", flush=True)
    told = ", ".join(f"{n} {fate}" for fate, n in counts.items())
    good = counts["survived"] * 3 <= counts["dead"] + counts["survived"]
    print(("ok" if good else "FAILED") + f" mutate: {told}")
    return 0 if good else 1


def code_of(tree, name):
    """What the compiler has made of a file, without where it lies."""
    objects = f"{tree}/build/obj/{name[len('lib/'):-2]}"
    for o in (f"{objects}.o", f"{objects}.pic.o"):
        if os.path.exists(o):
            return subprocess.run(["objdump", "-d", "-r", "-s", "-j", ".text", "-j", ".rodata", o],
                                  capture_output=True).stdout
    return None


def live(options, tree, name, i, new):
    """What becomes of a mutant; and the line that it was."""
    path = f"{tree}/{name}"
    with open(path) as f:
        whole = f.read()
    lines = whole.split("\n")
    old = lines[i]
    room = name.split("/")[1]
    before = ORIGINAL.setdefault(name, code_of(tree, name))
    try:
        lines[i] = new
        with open(path, "w") as f:
            f.write("\n".join(lines))
        units = [os.path.basename(f)[:-2] for f in glob.glob(f"{tree}/tests/unit/{room}/t_*.c")]
        if not run(["make", "-s", "-j2", "all"] + [f"build/tests/{u}" for u in units], COMPILE, cwd=tree):
            return "nonsense", old
        if before is not None and code_of(tree, name) == before:
            return "the same", old
        for u in units:
            if not run([f"{tree}/build/tests/{u}"], UNIT, cwd=tree):
                return "dead", old
        for case in [] if options.u else CASES.get(room, []):
            if not run(["bats", f"{tree}/tests/cases/{case}.bats"], CASE, cwd=tree):
                return "dead", old
        return "survived", old
    finally:
        with open(path, "w") as f:
            f.write(whole)


if __name__ == "__main__":
    sys.exit(main())

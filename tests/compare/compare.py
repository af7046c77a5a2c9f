"""The comparison: what this project reads, read by somebody else's parser too.

    /usr/bin/python3 tests/compare/compare.py [-b BUILD] [-s SEED] [-r ROUND] [-t SECONDS] [NAME ...]
    /usr/bin/python3 tests/compare/compare.py [-b BUILD] -x HEX NAME

Each comparison makes up awkward inputs and gives each to both.  Every difference is an error unless it is in the table
WANTED.  A line for each: "ok compare: NAME, N inputs, M of them differ as wanted", or "FAILED compare: NAME" and the first
differences, each with what repeats it: seed and round, which make the same inputs again, and the input in hexadecimal,
which -x gives alone.  A round is some seconds; -t goes on with further rounds until each comparison has had SECONDS.

  json      lib/json            Python's json
  request   lib/request         Python's json, and the fields as websocket.md has them
  messages  lib/message         what json.dumps wrote over several lines is one message again
  chat      chat in a pipe      as request
  text      lib/utf8            Python's decoder
  frames    lib/frame           json.loads of the frames, joined, is the text
  token     lib/token           PyJWT
  login     chat with tokens    PyJWT
  settings  lib/settings        systemd's reader of EnvironmentFile=, from its own library
  times     lib/record          Python's datetime
  transfer  sessions export, import, show --csv, show --json     Python's json and csv

What is quick is asked through build/tests/judge (judge.c), a thin program over the library; chat, login and transfer run
the programs as people do.
"""
import argparse
import base64
import codecs
import collections
import csv
import ctypes
import datetime
import glob
import hashlib
import hmac
import io
import json
import math
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import unicodedata

import jwt
import jwt.api_jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

NONCHARACTERS = {chr(c) for c in range(0xfdd0, 0xfdf0)}
NOW = 1795000000            # judge.c checks tokens at this time, for this ticket
TICKET = 42
LEEWAY = 60                 # seconds, for tokens
TICKET_MAX, TOKEN_MAX, DEPTH_MAX, VALUES_MAX = 2000, 8192, 64, 1024
SHOWN = 3                   # differences of a comparison that are shown

parser = argparse.ArgumentParser()
parser.add_argument("-b", default="build", help="where the programs are built")
parser.add_argument("-s", default=str(random.randrange(10**6)), help="a seed: repeats what was made up")
parser.add_argument("-r", type=int, default=0, help="the first round")
parser.add_argument("-t", type=float, default=0, help="seconds for each comparison; one round unless given")
parser.add_argument("-x", help="one input, in hexadecimal")
parser.add_argument("names", nargs="*")


# ---- what is wanted to differ, and why -------------------------------------------------------------------------------
# Comparison, reason, then "refused": we always refuse such an input, whatever others do; or "good" or "either": what we may
# say where others say otherwise; and whether this is such an input (from what is known of it: see the comparisons).

WANTED = [
    ("json", "a number or a word alone is refused: every message and line is an object", "refused",
     lambda i: i.value_type not in (Pairs, list, str)),
    ("json", "more than 64 brackets within one another are refused, lest somebody makes us recurse or count", "refused",
     lambda i: i.depth > DEPTH_MAX),

    ("token", "crit: RFC 7515 4.1.11 has us refuse what must be understood and is not; PyJWT does not look", "refused",
     lambda t: t.has("header", "crit")),
    ("token", "base64url is read strictly: one token has one spelling (RFC 4648 3.3, 3.5)", "refused",
     lambda t: not t.strict),
    ("token", "a part must be JSON as lib/json reads it, at most 8 deep", "refused",
     lambda t: not t.json),
    ("token", "a name that counts stands there twice: others would take the first or the last one", "refused",
     lambda t: any(t.twice(p, n) for p, n in (("header", "alg"), ("claims", "exp"), ("claims", "nbf"), ("claims", "iss"),
                                              ("claims", "aud"), ("claims", "tid"), ("claims", "sub")))),
    ("token", "exp and nbf are numbers (RFC 7519 2) within 62 bits; PyJWT takes texts and true too", "refused",
     lambda t: any(t.has("claims", n) and seconds_of(t.get("claims", n)) is None for n in ("exp", "nbf"))),
    ("token", "the ticket's claim is this ticket: ours", "refused",
     lambda t: t.has("claims", "tid") and not is_ticket(t.get("claims", "tid"))),
    ("token", "sub is a text (RFC 7519 4.1.2) of at most 127 bytes without NUL, for the log", "refused",
     lambda t: t.has("claims", "sub") and not is_user(t.get("claims", "sub"))),
    ("token", "more than 8,192 bytes: a cap", "refused", lambda t: len(t.text) > TOKEN_MAX),
    ("token", "nbf with a fraction: we round up, PyJWT down", "either",
     lambda t: t.fraction("nbf")),
    ("token", "exp with a fraction: we round up, PyJWT down", "good", lambda t: t.fraction("exp")),
    ("token", "kid that is no text names no key of ours; PyJWT refuses it", "good",
     lambda t: t.has("header", "kid") and type(t.get("header", "kid")) is not str),
    ("token", "b64 without crit has no meaning (RFC 7797 6): the parts are read as base64url; PyJWT stops", "good",
     lambda t: t.has("header", "b64")),
    ("token", "aud may hold something else beside our text; PyJWT refuses the list", "good",
     lambda t: isinstance(t.get("claims", "aud"), list) and "tickets" in t.get("claims", "aud")),

    ("settings", "what will never be a character (U+FFFF) is UTF-8 (Unicode's Corrigendum 9); systemd refuses the file",
     "good", lambda data: any(ord(c) & 0xfffe == 0xfffe or c in NONCHARACTERS for c in data.decode())),

    ("times", "the year 0000 is one for ISO 8601 and SQLite; Python's begin with 1", "good",
     lambda text: text.startswith("0000") and is_time("2000" + text[4:])),
]


def wanted(name, known, ours):
    """The reason for which we and the others differ here, or None."""
    for comparison, reason, says, applies in WANTED:
        if comparison == name and says in (ours, "either") and applies(known):
            return reason
    return None


def unwanted(name, known):
    """The reason for which we must refuse this, or None."""
    return next((reason for comparison, reason, says, applies in WANTED
                 if comparison == name and says == "refused" and applies(known)), None)


# ---- made up: awkward pieces, put together and damaged ---------------------------------------------------------------

WORDS = ["", "a", "type", "ticketBody", "token", "printer jam", "Não imprime", "é", "😀", "日本語", "a\tb", "a\nb", "\r",
         "\r\n", "\0", "\x01", "\x07", "\x1b[2J", "\x7f", "\x85", "\xa0", "\xad", "\u0300", "\u200b", "\u200e",
         "\u2028", "\u2029", "\u202e", "\u2066", "\ufeff", "\ufffd", "\uffff", "\U0010ffff", "\\", "\\\\", '"', "'",
         '\\"', "\"\\\n", ",", ";", "=", "=1+1", "+1", "-1", "@a", "\t=1", "\uff1d1", "=cmd|' /C calc'!A0",
         "</script>", "&lt;", "{}", "[1]", "null", "true", "\\u0000", "%s%n", "$HOME", "`id`", "x" * 63, "y" * 300,
         "…" * 99]
BYTES = [b"\xff", b"\xfe\xff", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xed\xa0\x80",
         b"\xed\xb0\x80", b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf",
         b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xe2\x82",
         b"\xf0\x9f\x98", b"\xc3", b"\x80", b"\xbf", b"\xef\xbb\xbf", b"\0", b"\x7f", b"\xc2\x80", b"\xc2\x85",
         b"\xc2\x9f", b"\xc2\xa0"]
NUMBERS = ["0", "-0", "1", "42", "-1", "1.0", "0.5", "-0.5", "1e5", "1E+5", "1e-5", "1e400", "-1e400", "1795000000.5",
           "4.2e1", "1.7950006e9", "9007199254740993", "4611686018427387903", "4611686018427387904",
           "4611686018427387903.5", "-4611686018427387903", "-4611686018427387904", "9223372036854775807",
           "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551658", "1" * 40,
           "1" * 5000, "0." + "3" * 400, "1e" + "0" * 50 + "1"]
NO_JSON = ["01", "1.", ".5", "+1", "-", "1e", "1e+", "0x10", "1_0", "NaN", "Infinity", "-Infinity", "nan", "True",
           "None", "undefined", "nul", "nulll", "'a'", "//", "/**/", "#", "[1,]", "[,1]", '{"a":1,}', "{a:1}", '{"a"}',
           '{"a":}', '{,}', '"\\x41"', '"\\u12"', '"\\u+123"', '"\\u00G0"', '"\\', '"', '"\\a"', '"\\U0041"', "\f",
           "\v", "\xa0", "\u2028", "\ufeff", "\0", "]", "}", "[", "{", ":", ",", "١", "1١"]
ESCAPES = ["\\u0000", "\\u0041", "\\u00e9", "\\u00E9", "\\ud83d\\ude00", "\\uD83D\\uDE00", "\\ud83d", "\\ude00",
           "\\ude00\\ud83d", "\\ud83d\\u0041", "\\ud83dx", "\\ud83d\\n", "\\ud83d\\ud83d\\ude00", "\\udbff\\udfff",
           "\\uffff", "\\b", "\\f", "\\n", "\\r", "\\t", "\\/", "\\\"", "\\\\"]
SPACE = ["", "", "", "", " ", "\t", "\n", "\r", "\r\n", "  \n\t"]


def word(r):
    """A text of a few awkward words."""
    return "".join(r.choice(WORDS) for _ in range(r.choice((1, 1, 1, 2, 3, 5))))


def json_string(r, text):
    """A spelling of a text in JSON, with some escapes that are not in it."""
    out = []
    for c in text:
        if c in '"\\' or c < " " or r.random() < 0.05:
            out.append(json.dumps(c)[1:-1])
        else:
            out.append(c)
        if r.random() < 0.02:
            out.append(r.choice(ESCAPES))
    if r.random() < 0.15:
        out.append(r.choice(ESCAPES))
    return '"' + "".join(out) + '"'


def json_value(r, deep=0):
    """A spelling of any value in JSON."""
    kind = r.random()
    if deep < 4 and kind < 0.25:
        return spelled(r, "{", [json_string(r, r.choice(WORDS[:8])) + r.choice(SPACE) + ":" + r.choice(SPACE) +
                                json_value(r, deep + 1) for _ in range(r.choice((0, 1, 2, 5)))], "}")
    if deep < 4 and kind < 0.45:
        return spelled(r, "[", [json_value(r, deep + 1) for _ in range(r.choice((0, 1, 2, 5)))], "]")
    if kind < 0.47:
        n = r.choice((1, 7, 8, 9, 62, 63, 64, 65, 66, 300, 5000))
        return "[" * n + r.choice(("", "1", "]")) + "]" * n
    if kind < 0.65:
        return r.choice(NUMBERS)
    if kind < 0.75:
        return r.choice(("true", "false", "null"))
    return json_string(r, word(r))


def spelled(r, begin, items, end):
    return begin + r.choice(SPACE) + (r.choice(SPACE) + "," + r.choice(SPACE)).join(items) + r.choice(SPACE) + end


def damaged(r, data, pieces):
    """Bytes with some of them gone, doubled, moved, flipped, or a piece put in."""
    for _ in range(r.choice((0, 0, 1, 1, 1, 2, 4))):
        a = r.randrange(len(data) + 1)
        b = min(len(data), a + r.choice((1, 1, 1, 2, 5, 20)))
        kind = r.random()
        if kind < 0.4:
            data = data[:a] + r.choice(pieces) + data[a:]
        elif kind < 0.55:
            data = data[:a] + r.choice(pieces) + data[b:]
        elif kind < 0.7:
            data = data[:a] + data[b:]
        elif kind < 0.8:
            data = data[:b] + data[a:]
        elif kind < 0.9:
            data = data[:a] + bytes((r.randrange(256),)) + data[b:]
        else:
            data = data[:a]
    return data


JSON_PIECES = BYTES + [s.encode() for s in NO_JSON + NUMBERS[:20] + ESCAPES +
                       ["true", "false", "null", '"a"', '"a":1', " ", "\n"]]


# ---- what both sides are asked with ----------------------------------------------------------------------------------

class Broken(Exception):
    """A program of ours did what it must never do; the second is the input."""


def judged(mode, inputs, environment=()):
    """The verdicts of build/tests/judge."""
    done = subprocess.run([f"{BUILD}/tests/judge", mode], capture_output=True, env={**CLEAN, **dict(environment)},
                          input=b"".join(struct.pack(">I", len(i)) + i for i in inputs))
    verdicts, at = [], 0
    while at + 4 <= len(done.stdout):
        size, = struct.unpack_from(">I", done.stdout, at)
        verdicts.append(done.stdout[at + 4:at + 4 + size])
        at += 4 + size
    if done.returncode != 0 or len(verdicts) != len(inputs):
        raise Broken(f"judge ended with {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}",
                     inputs[min(len(verdicts), len(inputs) - 1)])
    return verdicts


class Pairs(list):
    """An object's members in their order, with those that stand there twice."""


class Number(str):
    """A number as it is spelled."""


class Bad(Exception):
    pass


def no_constant(word):
    raise Bad(word)


def strict_json(data):
    """A value from bytes as RFC 8259 has it, by Python's json; raises Bad."""
    try:
        return json.loads(data.decode(), object_pairs_hook=Pairs, parse_int=Number, parse_float=Number,
                          parse_constant=no_constant)
    except UnicodeDecodeError:
        raise Bad("EILSEQ") from None
    except (ValueError, RecursionError) as e:
        raise Bad(str(e)) from None


def inside(value):
    """What is in a value, names too."""
    return [x for pair in value for x in pair] if isinstance(value, Pairs) else value if isinstance(value, list) else []


def depth(value):
    """Brackets within one another; without recursion, for which some values are too deep."""
    level, values = 0, [value]
    while values := [x for v in values if isinstance(v, list) for x in (inside(v) or [None])]:
        level += 1
    return level


def count(value):
    """Values and names, which are jsmn's tokens."""
    number, values = 0, [value]
    while values:
        number += len(values)
        values = [x for v in values for x in inside(v)]
    return number


def mended(text):
    """Half a surrogate pair becomes U+FFFD, as everywhere here but in strict readers."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def whole(number):
    """json_int."""
    if not re.fullmatch("-?[0-9]+", number) or len(number) > 30:
        return None
    return int(number) if -2**63 <= int(number) < 2**63 else None


def seconds(number):
    """json_seconds: a NumericDate, rounded up, within 62 bits."""
    n = whole(number)
    if n is not None and n != 2**63 - 1:
        return n if abs(n) <= 2**62 - 1 else None
    d = float(number)
    return math.ceil(d) if -2**62 < d < 2**62 else None


def seconds_of(value):
    return seconds(value) if isinstance(value, Number) else None


class Comparison:
    """One of them: inputs(r) makes some up, compare(inputs) yields (input, the difference or None, the reason why it is
    wanted or None) for each."""

    def judge(self, mode, inputs, environment=()):
        """As compare() for those whose verdict is one word of one input."""
        for i, verdict in zip(inputs, judged(mode, inputs, environment)):
            yield i, *self.look(i, verdict)


# ---- JSON ------------------------------------------------------------------------------------------------------------

class Json(Comparison):
    name = "json"
    NAMES = ("", "a", "type", "é", "😀", '"\\\n')

    def inputs(self, r):
        return [damaged(r, (r.choice(SPACE) + json_value(r, r.choice((0, 0, 4))) + r.choice(SPACE)).encode(), JSON_PIECES)
                for _ in range(5000)]

    def listed(self, value, out):
        """What judge.c writes of a value."""
        here = len(out)
        out.append("")
        if isinstance(value, Pairs):
            places = {}
            for name, member in value:
                self.listed(name, out)
                places[mended(name)] = -2 if mended(name) in places else len(out)
                self.listed(member, out)
            out[here] = "object " + " ".join(str(places.get(n, -1)) for n in self.NAMES)
        elif isinstance(value, list):
            for element in value:
                self.listed(element, out)
            out[here] = f"array {len(value)}"
        elif isinstance(value, Number):
            out[here] = " ".join(["number"] + [str(-2**63 if n is None else n) for n in (whole(value), seconds(value))])
        elif isinstance(value, str):
            out[here] = "string " + mended(value).encode().hex() + (" half" if mended(value) != value else "")
        elif value is None:
            out[here] = "null"
        else:
            out[here] = f"bool {value:d}"
        return out

    def look(self, data, verdict):
        ours = verdict.decode()
        try:
            value = strict_json(data)
        except Bad as e:
            if ours not in ("EINVAL", "EILSEQ", "E2BIG"):
                return f"json: {e}\nours: {ours[:300]}", None
            if data and (ours == "EILSEQ") != (str(e) == "EILSEQ"):
                return f"json: {e}\nours: {ours}", None
            return None, None
        known = argparse.Namespace(depth=depth(value), value_type=type(value))
        if ours in ("EINVAL", "E2BIG", "EILSEQ"):
            return f"json takes it\nours: {ours}", wanted("json", known, "refused")
        if unwanted("json", known) is not None:
            return f"wanted: {unwanted('json', known)}\nours: {ours[:300]}", None
        theirs = "".join(line + "\n" for line in self.listed(value, []))
        if ours != theirs:
            return f"json: {theirs[:300]}\nours: {ours[:300]}", None
        return None, None

    def compare(self, inputs):
        return self.judge("json", inputs)


def blank(text):
    """White space, and what is not seen."""
    return all(unicodedata.category(c) in ("Cc", "Zs", "Zl", "Zp") or c in "\xad\u180e\u200b\u200c\u200d\u200e\u200f\u202a"
               "\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\ufeff" for c in text)


class Request(Comparison):
    name = "request"
    FIELDS = {"type": str, "ticketBody": str, "refresh": bool, "status": bool, "token": str, "lang": str, "version": Number}

    def message(self, r):
        """A message that is nearly good."""
        members = []
        for name in r.sample(sorted(self.FIELDS), r.randrange(4)) + ["ticketBody"] * (r.random() < 0.8) + \
                r.choices(["other", "Type", "ticketbody"], k=r.choice((0, 0, 1))):
            kind = self.FIELDS.get(name, None)
            value = json_value(r, 3) if kind is None or r.random() < 0.07 else r.choice(("true", "false")) if kind is bool \
                else r.choice(NUMBERS[:8] + ["2", "3"]) if kind is Number \
                else json_string(r, r.choice(("stop", "ping", "ask", "")) if name == "type" else word(r))
            members.append(json_string(r, name) + r.choice(SPACE) + ":" + r.choice(SPACE) + value)
            if r.random() < 0.03:
                members.append(members[0])
        if r.random() < 0.02:
            members.append('"x":[' + ",".join(["1"] * r.choice((1000, 1020, 1030))) + "]")
        if r.random() < 0.02:
            members.append('"ticketBody":"' + r.choice("aé") * r.choice((999, 1000, 1001, 1999, 2000, 2001)) + '"')
        r.shuffle(members)
        text = r.choice(("", "", "", "\ufeff", " ")) + spelled(r, "{", members, "}")
        return damaged(r, text.encode(), JSON_PIECES) if r.random() < 0.4 else text.encode()

    def inputs(self, r):
        return [self.message(r) for _ in range(5000)]

    def theirs(self, data):
        """What it asks for, or the codes that may refuse it."""
        try:
            value = strict_json(data[3:] if data.startswith(b"\xef\xbb\xbf") else data)
        except Bad:
            return {"bad_json"}
        if not isinstance(value, Pairs) or depth(value) > DEPTH_MAX or count(value) > VALUES_MAX:
            return {"bad_json"}
        bad, field = set(), {}
        for name, kind in self.FIELDS.items():
            found = [v for n, v in value if n == name]
            if len(found) > 1:
                bad.add("bad_request")
            if found and found[0] is not None:      # null is what others write for a field that is not there
                field[name] = found[0]
                if type(found[0]) is not kind:
                    bad.add("bad_request")
        if bad:
            return bad
        kind, body, token = field.get("type", "ask"), field.get("ticketBody", ""), field.get("token", "")
        if kind not in ("stop", "ping") and "type" in field:
            bad.add("bad_request")
        if "version" in field and (whole(field["version"]) or 0) < 1:
            bad.add("bad_request")
        if mended(token) != token or len(token.encode()) > TOKEN_MAX:
            bad.add("bad_request")
        if kind == "ask":
            if mended(body) != body:
                bad.add("bad_json")
            if len(mended(body).encode()) > TICKET_MAX:
                bad.add("too_large")
            if blank(body) or "\0" in body:
                bad.add("bad_request")
        if bad:
            return bad
        return " ".join((kind, "%d" % field.get("refresh", False), "%d" % field.get("status", False),
                         str(whole(field.get("version", Number("0")))), body.encode().hex() if kind == "ask" else "",
                         token.encode().hex()))

    def look(self, data, verdict):
        theirs, ours = self.theirs(data), verdict.decode()
        if isinstance(theirs, set):
            good = ours.split(" ")[0] in theirs
        else:
            good = ours == theirs
        return None if good else f"json: {theirs}\nours: {ours[:300]}", None

    def compare(self, inputs):
        return self.judge("request", inputs)


class Messages(Comparison):
    name = "messages"

    def value(self, r, deep=0):
        if deep < 3 and r.random() < 0.5:
            return {word(r): self.value(r, deep + 1) for _ in range(r.choice((0, 1, 2, 4)))}
        if deep < 3 and r.random() < 0.5:
            return [self.value(r, deep + 1) for _ in range(r.choice((0, 1, 3)))]
        return r.choice((word(r), word(r), 1, -2.5, True, None))

    def inputs(self, r):
        return [r.choice((b"\n", b"\r\n", b"\n\n", b" \n")).join(
                    json.dumps({"a": self.value(r)}, indent=r.choice((None, None, 0, 2, "\t")),
                               ensure_ascii=r.random() < 0.5).encode() for _ in range(r.choice((1, 2, 5)))) +
                r.choice((b"", b"\n", b"\r\n")) for _ in range(1500)]

    def look(self, data, verdict):
        theirs, at, text = [], 0, data.decode()
        while at < len(text.rstrip()):
            at += len(text) - at - len(text[at:].lstrip(" \r\n\t"))
            value, at = json.JSONDecoder().raw_decode(text, at)
            theirs.append(value)
        try:
            ours = [json.loads(bytes.fromhex(line.decode())) for line in verdict.splitlines()]
        except ValueError as e:
            ours = [f"{e}: {verdict[:300]!r}"]
        return None if ours == theirs else f"json: {theirs!r:.300}\nours: {ours!r:.300}", None

    def compare(self, inputs):
        return self.judge("messages", inputs)


class Place:
    """A directory with a database and its settings, for programs that run as people run them."""

    def __init__(self, **settings):
        self.tmp = tempfile.TemporaryDirectory()
        self.path = self.tmp.name
        os.mkdir(f"{self.path}/run", 0o700)
        with open(f"{self.path}/conf", "w") as f:
            f.writelines(f"{k}={v}\n" for k, v in {
                "DATABASE": f"{self.path}/db", "RUN_DIR": f"{self.path}/run", "LOG": f"{self.path}/log",
                "OLLAMA_SERVER": "http://127.0.0.1:9", "OLLAMA_MODEL": "m", "TICKETS": "existing",
                "MAX_TICKET_BYTES": TICKET_MAX, **settings}.items())
        self.run("sessions", "migrate")

    def run(self, program, *arguments, data=b"", good=(0,), **environment):
        done = subprocess.run([f"{BUILD}/bin/{program}", "-c", f"{self.path}/conf", *arguments], input=data,
                              capture_output=True, env={**CLEAN, **environment})
        if done.returncode not in good:
            raise Broken(f"{program} {' '.join(arguments)} ended with {done.returncode}: "
                         f"{(done.stdout + done.stderr).decode(errors='replace')[-2000:]}", data)
        return done.stdout

    def chat(self, message):
        """The frames that a message gets; there is no ticket, so that a good question is `unknown_ticket'."""
        out = self.run("chat", data=message + b"\n", good=(0, 1), PATH_INFO=f"/api/websocket/chat/{TICKET}")
        return [json.loads(line) for line in out.splitlines()]


class Chat(Request):
    name = "chat"

    def inputs(self, r):
        out = []
        while len(out) < 40:
            message = self.message(r)
            # A message is a line, or a value over several.
            if message.removeprefix(b"\xef\xbb\xbf").strip() and b"\n" not in message and b"\r" not in message:
                out.append(message)
        return out

    def compare(self, inputs):
        place = Place()
        for i in inputs:
            theirs, frames = self.theirs(i), place.chat(i)
            codes = [f.get("code", f["type"]) for f in frames]
            if isinstance(theirs, set):
                good = len(codes) == 1 and codes[0] in theirs
            elif theirs.startswith("ask") and theirs.split(" ")[3] != "0":
                good = codes in (["bad_request"], ["unknown_ticket"])       # a version that is not there
            else:
                good = codes == {"ping": ["pong"], "stop": []}.get(theirs.split(" ")[0], ["unknown_ticket"])
            yield i, None if good else f"json: {theirs}\nours: {frames}", None


# ---- texts -----------------------------------------------------------------------------------------------------------

# Of Python's Cc, what a terminal obeys; tab, line feed, carriage return and the rest of C0 go through.
OBEYED = {0, 5, 7, 8, 0x0b, 0x0c, 0x0e, 0x0f, 0x11, 0x13, 0x18, 0x1a, 0x1b, *range(0x7f, 0xa0)}


def decoded(data):
    """The text, each byte that is none replaced, without a character that is cut at the end."""
    # Python keeps half of an encoded surrogate back for `surrogatepass'.
    half = "\ufffd" * 2 if re.search(rb"\xed[\xa0-\xbf]\Z", data) else ""
    return codecs.getincrementaldecoder("utf-8")("bytewise").decode(data) + half


def bytewise(error):
    return "\ufffd" * (error.end - error.start), error.end


codecs.register_error("bytewise", bytewise)


def random_text(r, most):
    out = []
    for _ in range(r.choice((0, 1, 3, 10, most))):
        kind = r.random()
        out.append(r.choice(BYTES) if kind < 0.25 else bytes((r.randrange(256),)) if kind < 0.35 else
                   chr(r.choice((r.randrange(0x80), r.randrange(0x800), r.randrange(0xe000, 0x10000),
                                 r.randrange(0x10000, 0x110000)))).encode() if kind < 0.6 else r.choice(WORDS).encode())
    return b"".join(out)


class Text(Comparison):
    name = "text"

    def inputs(self, r):
        return [random_text(r, 30) for _ in range(5000)] + [b"", *BYTES]

    def look(self, data, verdict):
        facts, _, ours = verdict.partition(b"\n")
        valid, empty, *cuts = map(int, facts.split())
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = None
        if valid != (text is not None):
            return f"decode: {text!r}\nours: valid {valid}", None
        if empty != (text is not None and blank(text)):
            return f"categories: {text!r}\nours: blank {empty}", None
        if text is not None and [len(data[:i].decode(errors="ignore").encode()) for i in range(len(cuts))] != cuts:
            return f"ours: cuts {cuts}", None
        theirs = "".join("\ufffd" if ord(c) in OBEYED else c for c in decoded(data)).encode()
        return None if ours == theirs else f"decode: {theirs!r}\nours:   {ours!r}", None

    def compare(self, inputs):
        return self.judge("text", inputs)


class Frames(Comparison):
    name = "frames"

    def inputs(self, r):
        return [random_text(r, r.choice((30, 400, 3000))) for _ in range(800)]

    def look(self, data, verdict):
        theirs = "".join("\ufffd" if ord(c) in OBEYED else c for c in decoded(data))
        lines = verdict.split(b"\n")
        if lines.pop() != b"" or any(len(line) >= 4000 for line in lines):
            return f"ours: a frame that does not end, or is too long: {verdict[-300:]!r}", None
        try:
            values = [strict_json(line) for line in lines]
            ours = "".join(dict(v)["content"] for v in values)
        except (Bad, KeyError) as e:
            return f"json: {e}\nours: {verdict[:300]!r}", None
        if any([n for n, _ in v] != ["type", "content"] or dict(v)["type"] != "stream" for v in values):
            return f"ours: {verdict[:300]!r}", None
        return None if ours == theirs else f"decode: {theirs!r:.300}\nours:   {ours!r:.300}", None

    def compare(self, inputs):
        return self.judge("frames", inputs)


# ---- tokens ----------------------------------------------------------------------------------------------------------

def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class Fixed(datetime.datetime):
    """PyJWT's clock."""
    at = NOW

    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(cls.at, tz)


def is_ticket(value):
    return value == str(TICKET)      # as a number or a text


def is_user(value):
    return type(value) is str and mended(value) == value and "\0" not in value and len(value.encode()) <= 127


class Known:
    """What is known of a token."""

    def __init__(self, text):
        self.text = text
        parts = text.split(b".")
        self.strict = len(parts) == 3 and all(re.fullmatch(rb"[A-Za-z0-9_-]*", p) and
                                              b64(base64.urlsafe_b64decode(p + b"==")) == p for p in parts
                                              if len(p) % 4 != 1) and all(len(p) % 4 != 1 for p in parts)
        self.part = {"header": Pairs(), "claims": Pairs()}
        self.json = self.strict
        if not self.strict:
            return
        for name, p in zip(self.part, parts):
            try:
                value = strict_json(base64.urlsafe_b64decode(p + b"=="))
            except Bad:
                value = None
            if isinstance(value, Pairs) and depth(value) <= 8:
                self.part[name] = value
            else:
                self.json = False

    def all(self, part, name):
        return [v for n, v in self.part[part] if n == name]

    def has(self, part, name):
        return self.all(part, name) != []

    def get(self, part, name):
        return (self.all(part, name) or [None])[-1]

    def twice(self, part, name):
        return len(self.all(part, name)) > 1

    def fraction(self, name):
        """Whether this claim has a fraction, and rounding it decides."""
        value = self.get("claims", name)
        return seconds_of(value) is not None and float(value) % 1 != 0 and abs(abs(float(value) - Fixed.at) - LEEWAY) <= 1


class Token(Comparison):
    name = "token"

    def __init__(self):
        self.tmp = tempfile.TemporaryDirectory()
        self.private = {"RS256": rsa.generate_private_key(65537, 2048), "ES256": ec.generate_private_key(ec.SECP256R1()),
                        "other RS256": rsa.generate_private_key(65537, 2048),
                        "other ES256": ec.generate_private_key(ec.SECP256R1())}
        self.secret = {"HS256": b"an uninteresting secret of 32 bytes, or more", "other HS256": b"x" * 40}
        files = {"hs.secret": self.secret["HS256"]}
        for alg in "RS256", "ES256":
            files[alg + ".pem"] = self.private[alg].public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.keys = {"hs": ("HS256", self.secret["HS256"]), "RS256": ("RS256", files["RS256.pem"]),
                     "ES256": ("ES256", files["ES256.pem"])}
        for name, data in files.items():
            with open(os.open(f"{self.tmp.name}/{name}", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
                f.write(data)
        self.settings = {"AUTH": "required", "JWT_KEY_FILE": " ".join(f"{self.tmp.name}/{name}" for name in files),
                         "JWT_ISSUER": "idp", "JWT_AUDIENCE": "tickets", "JWT_TICKET_CLAIM": "tid"}

    def sign(self, by, text):
        alg = by.split()[-1]
        if alg == "HS256":
            return hmac.new(self.secret[by], text, hashlib.sha256).digest()
        if alg == "HS384":      # not offered here
            return hmac.new(self.secret["HS256"], text, hashlib.sha384).digest()
        if alg == "confused":      # the public key as a secret
            return hmac.new(self.keys["RS256"][1], text, hashlib.sha256).digest()
        if alg == "none":
            return b""
        if alg == "RS256":
            return self.private[by].sign(text, padding.PKCS1v15(), hashes.SHA256())
        if alg == "PS256":
            return self.private["RS256"].sign(text, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        der = self.private["ES256" if by == "DER" else by].sign(text, ec.ECDSA(hashes.SHA256()))
        return der if alg == "DER" else b"".join(n.to_bytes(32, "big") for n in decode_dss_signature(der))

    def token(self, r, now, margins):
        """A token that is nearly good."""
        by = r.choice(("HS256",) * 9 + ("ES256",) * 4 +
                      ("RS256", "other HS256", "other ES256", "confused", "none", "HS384", "DER", "PS256"))
        named = {"DER": "ES256", "confused": r.choice(("HS256", "RS256"))}.get(by, by.split()[-1])
        off = lambda: str(now + r.choice(margins))
        odd = lambda *more: json_value(r, 3) if r.random() < 0.08 else r.choice(more)
        header = [("alg", odd(f'"{named}"', *[f'"{named}"'] * 30, '"none"', '"HS256"', '"ES256"', '"hs256"'))]
        claims = [("exp", odd(str(now + 600)) if r.random() < 0.6 else
                   odd(off(), off(), off() + r.choice((".0", ".5", ".999", "e0")), '"' + off() + '"')),
                  ("iss", odd('"idp"') if r.random() < 0.95 else r.choice(('"IDP"', '["idp"]', '"idp\\u0000"', '""'))),
                  ("aud", odd('"tickets"', '"tickets"', '["tickets"]', '["x","tickets"]', '["x"]', '[1,"tickets"]', "[]"))]
        ours = f'"{"hs" if named == "HS256" else named}"'
        for name, value in (("typ", odd('"JWT"')), ("kid", odd(*[ours] * 5, '"hs"', '"RS256"', '"x"', "1")),
                            ("crit", odd('["exp"]', '["b64"]', "[]")), ("b64", odd("false", "true")),
                            ("jwk", '{"kty":"oct","k":"eHg"}'), ("x", json_value(r, 1))):
            if r.random() < (0.3 if name in ("typ", "kid") else 0.04):
                header.append((name, value))
        for name, value in (("nbf", odd(off(), off() + r.choice((".5", ".001")), f'"{now}"')), ("iat", odd(off())),
                            ("sub", odd('"ana"', '"ana"', json_string(r, word(r)),
                                        json_string(r, "u" * r.choice((126, 127, 128))))),
                            ("tid", odd("42", "42", '"42"', "43", "42.0", "-42", '"042"', "4.2e1")),
                            ("x", json_value(r, 1)), ("y", '"' + "z" * r.choice((5000, 7000, 9000)) + '"')):
            if r.random() < (0.02 if name in "xy" else 0.3):
                claims.append((name, value))
        parts = []
        for members in header, claims:
            if r.random() < 0.03:
                members.append(r.choice(members))
            if r.random() < 0.04:
                members.pop(r.randrange(len(members)))
            r.shuffle(members)
            text = spelled(r, "{", [f'"{n}"{r.choice(SPACE)}:{v}' for n, v in members], "}").encode()
            parts.append(b64(damaged(r, text, JSON_PIECES) if r.random() < 0.05 else text))
        text = b".".join(parts)
        text += b"." + b64(self.sign(by, text))
        if r.random() < 0.9:
            return text
        return damaged(r, text, [*map(bytes, zip(b".=A-_+/ \n\0")), b"==", b"\xc3\xa9", text[:9]])

    def inputs(self, r):
        return [self.token(r, NOW, (-61, -60, -59, -1, 0, 1, 59, 60, 61, 600)) for _ in range(2000)]

    def theirs(self, text):
        """The claims, or what PyJWT has against it; as by several keys, of which `kid' names one."""
        why = ""
        try:
            kid = jwt.get_unverified_header(text).get("kid")
        except Exception as e:
            return None, repr(e)
        for name in [kid] if isinstance(kid, str) and kid in self.keys else self.keys:
            alg, key = self.keys[name]
            try:
                return jwt.decode(text, key, algorithms=[alg], issuer="idp", audience="tickets", leeway=LEEWAY,
                                  options={"require": ["exp"], "verify_iat": False}), ""
            except jwt.InvalidAlgorithmError as e:
                why = why or repr(e)
            except Exception as e:      # a TypeError of its own is no acceptance either
                why = repr(e)
        return None, why

    def agree(self, text, accepted, ours):
        """The difference, or None, and the reason why it is wanted."""
        claims, why = self.theirs(text)
        known = Known(text)
        if accepted and unwanted("token", known) is not None:
            return f"wanted: {unwanted('token', known)}\nours: {ours}", None
        if (claims is not None) == accepted:
            return None, None
        return f"PyJWT: {claims or why}\nours: {ours}", wanted("token", known, "good" if accepted else "refused")

    def look(self, text, verdict):
        ours = verdict.decode()
        difference, reason = self.agree(text, ours.startswith("good "), ours)
        if difference is None and ours.startswith("good "):
            claims = self.theirs(text)[0]
            theirs = f"good {math.ceil(claims['exp'])} {claims.get('sub', '').encode().hex()}"
            if ours != theirs:
                difference = f"PyJWT: {theirs}\nours: {ours}"
        return difference, reason

    def compare(self, inputs):
        Fixed.at = NOW
        return self.judge("token", inputs, {f"TICKETCHAT_{k}": v for k, v in self.settings.items()})


class Login(Token):
    name = "login"

    def made(self, place):
        """PyJWT reads what `sessions token' makes."""
        for alg, key in (("HS256", "hs.secret"), ("RS256", "RS256.private"), ("ES256", "ES256.private")):
            if alg in self.private:
                with open(os.open(f"{self.tmp.name}/{key}", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
                    f.write(self.private[alg].private_bytes(
                        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
            for user in "ana", "Zoë 😀", 'a"b\\c', "\u2028\n\t", "u" * 127:
                text = place.run("sessions", "token", "--ticket", str(TICKET), "--user", user,
                                 f"{self.tmp.name}/{key}").strip()
                Fixed.at = int(time.time())
                claims, why = self.theirs(text)
                good = claims is not None and claims["sub"] == user and claims["tid"] == TICKET
                yield text, None if good else f"PyJWT: {why or claims}", None

    def inputs(self, r):
        out = []
        while len(out) < 40:        # nothing that a second of this test would change
            token = self.token(r, int(time.time()), (-900, -600, 600, 900))
            if token.isascii() and token.decode().isprintable():
                out.append(token)
        return out

    def compare(self, inputs):
        place = Place(**self.settings)
        if len(inputs) > 1:
            yield from self.made(place)
        for i in inputs:
            Fixed.at = int(time.time())
            frames = place.chat(json.dumps({"ticketBody": "a", "token": i.decode()}).encode())
            codes = [f.get("code") for f in frames]
            if codes not in (["unauthorized"], ["unknown_ticket"]) and (codes != ["bad_request"] or len(i) <= TOKEN_MAX):
                yield i, f"ours: {frames}", None
            else:
                yield i, *self.agree(i, codes == ["unknown_ticket"], codes)


# ---- settings --------------------------------------------------------------------------------------------------------

class Systemd:
    """systemd's own reader of EnvironmentFile=, and what it leaves out of an environment: as exec_context_load_environment
    of src/core/execute.c calls them."""

    def __init__(self):
        found = [f for d in ("", "*/") for f in glob.glob(f"/usr/lib/{d}systemd/libsystemd-shared-*.so")]
        self.library = ctypes.CDLL(found[0])
        self.library.log_set_max_level(0)       # it would tell what it leaves out
        self.strings = ctypes.POINTER(ctypes.c_char_p)
        self.library.load_env_file.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(self.strings))
        self.library.strv_env_clean_with_callback.argtypes = (self.strings, ctypes.c_void_p, ctypes.c_void_p)
        self.library.strv_env_clean_with_callback.restype = self.strings

    def read(self, data):
        """The variables of a file, or None where the file is refused."""
        fd = os.memfd_create("conf")
        os.write(fd, data)
        strings = self.strings()
        rc = self.library.load_env_file(None, b"/proc/self/fd/%d" % fd, ctypes.byref(strings))
        os.close(fd)
        if rc < 0:
            return None
        strings = self.library.strv_env_clean_with_callback(strings, None, None)
        out, i = {}, 0
        while strings and strings[i] is not None:
            name, _, value = strings[i].partition(b"=")
            out[name.decode()] = value
            i += 1
        return out


class Settings(Comparison):
    name = "settings"
    # Of each kind; texts take nearly everything.
    VALUES = {"PORT": ["8080", "5000"], "ADDRESS": ["127.0.0.1", "localhost ::1", ""], "OLLAMA_MODEL": ["gemma3:270m"],
              "JWT_ISSUER": ["idp", "https://idp.example/a b"], "JWT_AUDIENCE": ["tickets"],
              "OLLAMA_OPTIONS": ['{"seed":1}', '{"stop":["#",";"]}'], "LANGUAGE": ["pt", "en"],
              "JWT_COOKIE": ["", "sid"], "RETENTION_DAYS": ["0", "365"], "OLLAMA_KEEP_ALIVE": ["30m"]}
    PIECES = ["", " ", "\t", "\r", "\n", "\\", "\\\n", "\\n", "'", '"', "''", '""', "'a'", '"a"', "#", ";", " # a",
              "$HOME", "${A}", "`", "=", "A=b", "\nPORT=1", "\v", "\f", "\x01", "\x7f", "\xa0", "\x85", "\u2028",
              "\ufeff", "é", "😀", "export ", "\r\n", "\\ ", "\\'", '\\"', "a b", "~", "*", "%h", "!"]

    def line(self, r):
        key = r.choice(sorted(self.VALUES))
        value = r.choice(self.VALUES[key])
        if r.random() < 0.3:
            key = r.choice(("JWT_ISSUER", "JWT_AUDIENCE", "OLLAMA_MODEL"))
            value = "".join(r.choices(self.PIECES + ["a"], k=3))
        quote = r.choice(("", "", "", '"', "'"))
        if r.random() < 0.04:
            key = r.choice((key.lower(), " " + key, key + " ", "export " + key, "X", "", "PATH"))
        return "".join((r.choice(("", "", "", " ", "\t")), key, "=", r.choice(("", "", " ")), quote, value, quote,
                        r.choice(("", "", " ", "\t", " # a"))))

    def inputs(self, r):
        out = []
        for _ in range(4000):
            lines, keys = [], set()
            for _ in range(r.choice((1, 2, 3, 6))):
                line = self.line(r) if r.random() < 0.75 else r.choice(
                    ("", " ", "# a", "; a", " # a", "#", "# a \\", "\t;a=b", "# PORT=1"))
                key = line.split("=")[0].strip()
                if key not in keys or r.random() < 0.03:
                    lines.append(line)
                keys.add(key)
            data = "".join(line + r.choice(("\n", "\n", "\n", "\r\n", "\n\n")) for line in lines).encode()
            if r.random() < 0.2:
                data = data.rstrip(b"\r\n")
            out.append(damaged(r, data, [p.encode() for p in self.PIECES] + BYTES) if r.random() < 0.5 else data)
        return out

    def look(self, data, verdict):
        if verdict.startswith(b"refused"):
            return None, None
        ours = dict(line.split(b"=", 1) for line in verdict.rstrip(b"\n").split(b"\n"))
        ours = {k.decode(): v for k, v in ours.items()}
        theirs = self.systemd.read(data)
        if theirs is None:
            return f"systemd refuses it\nours: {ours}", wanted("settings", data, "good")
        # An empty value is no value; what is not in the file is the default.
        theirs = {k: v for k, v in theirs.items() if v != b""}
        different = {k: v for k, v in ours.items() if theirs.get(k, self.default.get(k)) != v}
        if set(theirs) - set(ours) or different:
            return f"systemd: {theirs}\nours: {different}", None
        self.read += 1
        return None, None

    def compare(self, inputs):
        self.systemd, self.read = Systemd(), 0
        empty, = judged("settings", [b""])
        self.default = {k.decode(): v for k, v in (line.split(b"=", 1) for line in empty.rstrip(b"\n").split(b"\n"))}
        good = []
        for data, difference, reason in self.judge("settings", inputs):
            good += [data] if difference is None else []
            yield data, difference, reason
        # Some as people run it, with their words for a refusal.
        with tempfile.NamedTemporaryFile() as f:
            for data, verdict in zip(good[:30], judged("settings", good[:30])):
                with open(f.name, "wb") as again:
                    again.write(data)
                done = subprocess.run([f"{BUILD}/bin/sessions", "-c", f.name, "settings"], capture_output=True, env=CLEAN)
                same = done.stdout == verdict if done.returncode == 0 else \
                    done.returncode == 102 and verdict.startswith(b"refused ")
                yield data, None if same else f"sessions settings: {done.stdout + done.stderr!r:.300}", None
        if len(inputs) > 100 and self.read < len(inputs) / 10:
            yield b"", f"only {self.read} of {len(inputs)} files were read at all", None


# ---- sessions --------------------------------------------------------------------------------------------------------

FIELDS = ("ticket", "ticket_created", "session", "created", "answered", "prompt", "response", "model", "reason",
          "prompt_tokens", "answer_tokens", "queued_ms", "first_token_ms", "total_ms", "load_ms", "prompt_ms",
          "answer_ms")


def row(**fields):
    """A session as it is exported."""
    return {**dict.fromkeys(FIELDS), "ticket": 1, "ticket_created": "2026-11-23T12:18:14.398Z", "session": 1,
            "created": "2026-11-23T12:18:14.398Z", "prompt": "a", **fields}


def is_time(text):
    """Whether it has the form of ours, and datetime takes it."""
    found = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?Z", text)
    try:
        return found is not None and len(text) <= 30 and bool(datetime.datetime(*map(int, found.groups()[:6])))
    except ValueError:
        return False


class Times(Comparison):
    name = "times"

    def inputs(self, r):
        out = []
        for _ in range(3000):
            n = lambda width, most: "%0*d" % (width, r.choice(
                (0, 1, 9, 10, most - 1, most, most + 1, r.randrange(10**width))))
            text = f"{n(4, 2026)}-{n(2, 12)}-{n(2, r.choice((28, 29, 30, 31)))}T{n(2, 23)}:{n(2, 59)}:{n(2, 59)}"
            text += r.choice(("", "", ".3", ".398", ".398123", ".1234567890", ".")) + "Z"
            if r.random() < 0.5:
                year = r.choice((1900, 1999, 2000, 2023, 2024, 2100))
                text = f"{year}-{r.randrange(1, 13):02}-{r.randrange(27, 32)}T12:18:14.398Z"
            if r.random() < 0.2:
                text = damaged(r, text.encode(), [*map(bytes, zip(b"09+- TZz:.")), b"+00:00"]).decode(errors="ignore")
            out.append(json.dumps(row(created=text)).encode())
        return out

    def look(self, line, verdict):
        text = json.loads(line)["created"]
        theirs, ours = is_time(text), verdict.decode()
        if (ours == "good") == theirs:
            return None, None
        return f"datetime: {text} is {'good' if theirs else 'none'}\nours: {ours}", \
            wanted("times", text, "good" if ours == "good" else "refused")

    def compare(self, inputs):
        return self.judge("record", inputs)


class Transfer(Comparison):
    name = "transfer"

    def inputs(self, r):
        out = []
        for _ in range(6):
            rows = []
            for n in range(1, 80):
                cost = {name: r.choice((0, 1, 2**63 - 1, r.randrange(10**6))) for name in FIELDS[9:]}
                cost |= {"model": word(r), "reason": r.choice(("stop", "length", word(r)))}
                rows.append(row(session=n, prompt=word(r), response=r.choice((None, word(r), word(r))),
                                answered="2026-11-23T12:18:15Z"))
                if rows[-1]["response"] is None:
                    rows[-1]["answered"] = None
                elif r.random() < 0.7:
                    rows[-1] |= cost
            out.append("".join(json.dumps(x, ensure_ascii=r.random() < 0.5) + "\n" for x in rows).encode())
        return out

    @staticmethod
    def escaped(text):
        """What is meant to keep a spreadsheet from taking a text for a formula."""
        return "'" + text if text[:1] in tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20") else text

    def there_and_back(self, lines):
        rows = [json.loads(line) for line in lines.decode().split("\n")[:-1]]
        for x in rows:
            if x["response"] is None:       # a text is kept for its answer only
                x["prompt"] = ""
        one, two = Place(), Place()
        one.run("sessions", "import", data=lines)
        exported = one.run("sessions", "export")
        again = [json.loads(line) for line in exported.decode().split("\n")[:-1]]
        if again != rows:
            return f"json: {[(a, b) for a, b in zip(again, rows) if a != b][:1]}"
        two.run("sessions", "import", data=exported)
        if two.run("sessions", "export") != exported:
            return "an export of an import is another one"
        said = two.run("sessions", "import", data=exported).decode()
        if said != f"0 sessions and 0 tickets imported, {len(rows)} sessions were here already\n":
            return f"once more: {said}"
        rows = [row | {"good": 0, "bad": 0} for row in rows]      # nobody has rated them
        shown = ("show", "-n", str(len(rows)), "1")
        listed = one.run("sessions", *shown, "--json").decode().split("\n")[:-1]
        if [{k: row.get(k) for k in x} for x, row in zip(map(json.loads, listed), rows)] != [json.loads(x) for x in listed]:
            return "show --json is not what was imported"
        table = list(csv.reader(io.StringIO(one.run("sessions", *shown, "--csv").decode(), newline=""), strict=True))
        for got, want in zip(table[1:], rows, strict=True):
            want = ["" if want.get(n) is None else str(want[n]) if isinstance(want[n], int) else self.escaped(want[n])
                    for n in table[0]]
            if got != want:
                return f"csv: {got}\nwanted: {want}"
        return None

    def compare(self, inputs):
        for i in inputs:
            try:
                yield i, self.there_and_back(i), None
            except (csv.Error, ValueError) as e:
                yield i, repr(e), None


# ---- the run ---------------------------------------------------------------------------------------------------------

COMPARISONS = [Json, Request, Messages, Chat, Text, Frames, Token, Login, Settings, Times, Transfer]


def run(comparison, options):
    """One of them, round after round; prints its line.  Returns whether all was well."""
    end, number, wrong, inputs, reasons = time.monotonic() + options.t, options.r, [], 0, collections.Counter()
    while not wrong:
        r = random.Random(f"{options.s} {comparison.name} {number}")
        made = [bytes.fromhex(options.x)] if options.x is not None else comparison.inputs(r)
        try:
            for data, difference, reason in comparison.compare(made):
                inputs += 1
                reasons[reason] += reason is not None
                if difference is not None and reason is None:
                    wrong.append((data, difference))
        except Broken as e:
            wrong.append((e.args[1], e.args[0]))
        except Exception:
            wrong.append((b"", traceback.format_exc()))
        number += 1
        if time.monotonic() >= end or options.x is not None:
            break
    if not wrong:
        print(f"ok compare: {comparison.name}, {inputs} inputs, {reasons.total()} of them differ as wanted", flush=True)
        return True
    print(f"FAILED compare: {comparison.name}: {len(wrong)} of {inputs} inputs; -s {options.s} -r {number - 1}")
    for data, difference in sorted(wrong, key=lambda w: len(w[0]))[:SHOWN]:
        print(f"    -x {data.hex()} {comparison.name}\n    {data[:300]!r}\n    " + difference.replace("\n", "\n    "),
              flush=True)
    return False


def main(options):
    jwt.api_jwt.datetime = Fixed
    sys.set_int_max_str_digits(0)
    unknown = set(options.names) - {c.name for c in COMPARISONS}
    if unknown or (options.x is not None and len(options.names) != 1):
        sys.exit(f"compare.py: no comparison {' '.join(unknown)}" if unknown else "compare.py: -x needs one NAME")
    good = True
    for c in COMPARISONS:
        if not options.names or c.name in options.names:
            good &= run(c(), options)
    return 0 if good else 1


if __name__ == "__main__":
    OPTIONS = parser.parse_args()
    BUILD = os.path.abspath(OPTIONS.b)
    # Nothing of this shell's may reach the settings.
    CLEAN = {k: v for k, v in os.environ.items() if not re.match("TICKETCHAT_|OLLAMA_|HTTP_", k)}
    sys.exit(main(OPTIONS))

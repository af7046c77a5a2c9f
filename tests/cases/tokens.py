# Makes client messages with tokens, good ones and attacks, for auth.bats.
#
#	tokens.py KEYS ALG good|bad
#
# KEYS is a directory with secret, rsa.pem, ec.pem (private), rsa.pub, ec.pub
# and the like named other.*; ALG, HS256, RS256 or ES256, is what the service
# has its key for.  One message a line; its field "case" tells what is wrong
# with it.  The service wants the issuer idp, the audience tickets, ticket 42.
import base64, hashlib, hmac, json, re, subprocess, sys, time

keys, alg, which = sys.argv[1:4]
now = int(time.time())
claims = {"sub": "ana", "exp": now + 600, "tid": 42, "iss": "idp",
          "aud": "tickets"}
P256_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read(name):
    with open(f"{keys}/{name}", "rb") as f:
        return f.read()


def hs(text, key=None, digest=hashlib.sha256):
    return hmac.new(key if key is not None else read("secret"), text,
                    digest).digest()


def openssl(text, key, *options):
    return subprocess.run(["openssl", "dgst", "-sha256", *options, "-sign",
                           f"{keys}/{key}"], input=text, check=True,
                          capture_output=True).stdout


def rs(text, key="rsa.pem"):
    return openssl(text, key)


def raw(der):
    """r and s of an ECDSA signature, 32 bytes each."""
    n = der[3]
    r, s = der[4:4 + n], der[6 + n:]
    return b"".join(x.lstrip(b"\0").rjust(32, b"\0") for x in (r, s))


def es(text, key="ec.pem"):
    return raw(openssl(text, key))


sign = {"HS256": hs, "RS256": rs, "ES256": es}[alg]


def part(x):
    return b64(x if isinstance(x, bytes) else json.dumps(x).encode())


def token(header={}, body={}, by=None, drop=()):
    """A token; `header' and `body' change the good one's, or replace it."""
    h = {"alg": alg, "typ": "JWT", **header} if isinstance(header, dict) \
        else header
    c = {k: v for k, v in {**claims, **body}.items() if k not in drop} \
        if isinstance(body, dict) else body
    text = f"{part(h)}.{part(c)}".encode()
    return text.decode() + "." + b64((by or sign)(text))


def say(case, text):
    print(json.dumps({"ticketBody": "printer jam", "token": text,
                      "case": case}))


good = token()
head, payload, mark = good.split(".")

if which == "good":
    say("plain", good)
    say("no sub", token(drop=["sub"]))
    say("no tid", token(drop=["tid"]))
    say("tid as text", token(body={"tid": "42"}))
    say("several audiences", token(body={"aud": ["x", "tickets"]}))
    say("just expired", token(body={"exp": now - 5}))
    say("a fraction of a second", token(body={
        "exp": now + 600.5, "nbf": now - 5.25, "iat": now - 5.125}))
    say("dates with an exponent", token(body=(
        '{"exp":%.9fe9,"tid":42,"iss":"idp","aud":"tickets"}' %
        ((now + 600) / 1e9)).encode()))
    say("six hundred groups", token(body={
        "groups": [f"g{i:03}" for i in range(600)]}))
    say("soon valid", token(body={"nbf": now + 30}))
    say("no typ", token(header=b'{"alg":"%s"}' % alg.encode()))
    say("unknown kid", token(header={"kid": "nobody"}))
    say("escapes", token(header=b'{"\\u0061lg":"%s"}' % alg.encode()))
    say("white space", token(body=json.dumps(claims, indent=4).encode()))
    say("other claims", token(body={"x": [{"y": [1]}], "roles": ["a"] * 50}))
    say("five kilobytes", token(body={"x": "y" * 5000}))
    sys.exit()

for name in "none", "None", "NONE", "nOnE", "":
    for end in "", ".", mark:
        say(f"alg {name!r} {end[:1]}", token(header={"alg": name},
            by=lambda t: b"").rstrip(".") + "." + end.lstrip("."))
say("no alg", token(header=b'{"typ":"JWT"}'))
say("alg null", token(header={"alg": None}))
say("alg list", token(header={"alg": [alg]}))
say("alg in small letters", token(header={"alg": alg.lower()}))
say("alg twice", token(header=b'{"alg":"%s","alg":"%s"}' %
                       ((alg.encode(),) * 2)))
for other in "HS256", "RS256", "ES256", "HS384", "HS512", "PS256", "EdDSA":
    if other != alg:
        say(f"our key, alg {other}", token(header={"alg": other}))
for name in "secret", "rsa.pub", "ec.pub":
    for key in read(name), read(name).rstrip(b"\n"), b"":
        if (alg, name) != ("HS256", "secret") or key == b"":
            say(f"HMAC with {name}", token(header={"alg": "HS256"},
                by=lambda t: hs(t, key)))
            say(f"HMAC with {name}, alg {alg}", token(by=lambda t:
                                                      hs(t, key)))
if alg != "RS256":
    say("signed by RSA", token(header={"alg": "RS256"}, by=rs))
if alg != "ES256":
    say("signed by EC", token(header={"alg": "ES256"}, by=es))
other = {"HS256": lambda t: hs(t, read("other.secret")),
         "RS256": lambda t: rs(t, "other.rsa.pem"),
         "ES256": lambda t: es(t, "other.ec.pem")}[alg]
say("signed by another key", token(by=other))
for kid in "secret", "rsa", "ec", "../../../dev/null", "' OR 1", "", "x" * 500:
    say(f"another key, kid {kid[:9]}", token(header={"kid": kid}, by=other))
say("jwk", token(header={"jwk": {"kty": "oct", "k": b64(b"x" * 32)}},
                 by=lambda t: hs(t, b"x" * 32)))
say("jku", token(header={"jku": "http://127.0.0.1:9/", "x5u": "file:///"},
                 by=other))

say("expired", token(body={"exp": now - 62}))
say("no exp", token(drop=["exp"]))
for value in None, True, "never", str(now + 600), now - 62.5, 0, -1, 1e99, \
        2**63, 2**63 - 1, 2**64 + now, [now + 600], {}:
    say(f"exp {value}", token(body={"exp": value}))
say("exp twice", token(body=b'{"exp":%d,"exp":%d,"tid":42,"iss":"idp",'
                       b'"aud":"tickets"}' % (now + 600, now - 600)))
say("nbf in future", token(body={"nbf": now + 700}))
for value in None, "now", now + 690.5, [], True:
    say(f"nbf {value}", token(body={"nbf": value}))
for name, values in (("iss", [None, "", "IDP", "idp ", "idp.evil", 1, ["idp"],
                             ["x", "idp"]]),
                     ("aud", [None, "", [], ["x"], "ticket", {"a": 1}])):
    say(f"no {name}", token(drop=[name]))
    for value in values:
        say(f"{name} {value}", token(body={name: value}))
for value in 43, "43", None, 0, -42, 42.5, "042", " 42", "", [42], True, {}, \
        2**64 + 42:
    say(f"tid {value}", token(body={"tid": value}))
say("sub of another type", token(body={"sub": 5}))
say("sub of 500 bytes", token(body={"sub": "x" * 500}))

flip = {"A": "B"}
say("payload changed", f"{head}.{part({**claims, 'sub': 'root'})}.{mark}")
say("header changed", f"{part({'alg': alg})}.{payload}.{mark}")
for i in 0, len(mark) // 2:
    say(f"signature changed at {i}", f"{head}.{payload}." + mark[:i] +
        flip.get(mark[i], "A") + mark[i + 1:])
say("signature cut", good[:-4])
say("signature cut by one", good[:-1])
say("signature longer", good + "AAAA")
say("no signature", f"{head}.{payload}.")
say("signature doubled", f"{head}.{payload}.{mark}{mark}")
alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
last = alphabet.index(mark[-1])
say("tail bits", good[:-1] + alphabet[last | 1 if last % 2 == 0 else last - 1])
for pad in "=", "==", "%3D", " ", "\n", "\t", "\u00a0":
    say(f"padding {pad!r}", good + pad)
    say(f"padding {pad!r} of the header", f"{head}{pad}.{payload}.{mark}")
say("white space before", " " + good)
say("Bearer", "Bearer " + good)
say("the other alphabet", token(body={"x": "?>~" * 20}).replace(
    "_", "/").replace("-", "+") + "/")
say("a NUL behind", good + "\0")
say("one dot", f"{head}.{payload}")
say("no dot", head)
say("three dots", good + "." + mark)
say("four dots", good + ".." + mark)
say("five parts", ".".join([head, "", payload, "", mark]))
for dots in ".", "..", "...", "a.b.c", "e30.e30.", "e30.e30.e30":
    say(f"only {dots}", dots)
for crit in ["exp"], [], ["b64"], None, "x":
    say(f"crit {crit}", token(header={"crit": crit, "b64": False}))
say("nine kilobytes", token(body={"x": "y" * 9000}))
for name, text in (("no JSON", b"x"), ("an array", b"[]"), ("null", b"null"),
                   ("no UTF-8", b'{"alg":"\xff"}'), ("empty", b""),
                   ("two objects", b"{}{}"), ("deep", b"[" * 2000)):
    say(f"header: {name}", token(header=text))
    say(f"payload: {name}", token(body=text))
text = f"{head}.{payload}".encode()
digest = hashlib.sha256(text).digest()


def marked(case, mark):
    say(case, f"{head}.{payload}.{b64(mark)}")


# The cases of signature tests for JSON Web Signatures (as Wycheproof has them),
# made anew for our keys: numbers out of range, other encodings, other paddings.
if alg == "ES256":
    order = int("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc"
                "632551", 16)
    edges = {"0": 0, "1": 1, "n-1": order - 1, "n": order, "n+1": order + 1,
             "p": P256_PRIME, "all bits": 2**256 - 1}
    for r, x in edges.items():
        for s, y in edges.items():
            marked(f"r {r}, s {s}", x.to_bytes(32, "big") + y.to_bytes(32,
                                                                     "big"))
    good_mark = es(text)
    r, s = good_mark[:32], good_mark[32:]
    for case, value in (
            ("r too large", (int.from_bytes(r, "big") + order).to_bytes(
                33, "big") + b"\0" + s),
            ("s too large", b"\0" + r + (int.from_bytes(s, "big") +
                                         order).to_bytes(33, "big")),
            ("r and s of 33 bytes", b"\0" + r + b"\0" + s),
            ("zeros behind", r + s + b"\0"), ("zeros in front", b"\0" + r + s),
            ("two zeros behind", r + s + b"\0\0"), ("s and r", s + r),
            ("r alone", r), ("r twice", r + r), ("63 bytes", (r + s)[:63]),
            ("65,536 bits", (r + s) * 64)):
        marked(case, value)
    say("DER", token(by=lambda t: openssl(t, "ec.pem")))
    say("96 bytes", f"{head}.{payload}.{b64(bytes(96))}")
if alg == "RS256":
    say("PSS", token(by=lambda t: openssl(t, "rsa.pem", "-sigopt",
                                          "rsa_padding_mode:pss")))
    shown = subprocess.run(["openssl", "rsa", "-in", f"{keys}/rsa.pem",
                            "-noout", "-text"], check=True,
                           capture_output=True, text=True).stdout
    n, d = (int("".join(re.search(name + r":((?:\s+[0-9a-f:]+)+)", shown)[1]
                        .replace(":", "").split()), 16)
            for name in ("modulus", "privateExponent"))
    size = (n.bit_length() + 7) // 8

    def raw_rsa(padded):
        return pow(int.from_bytes(padded, "big"), d, n).to_bytes(size, "big")

    def pad(info, begin=b"\0\1", fill=b"\xff", between=b"\0", end=b""):
        rest = size - len(begin) - len(between) - len(info) - len(end)
        return begin + fill * rest + between + info + end

    sha256 = bytes.fromhex("300d06096086480165030402010500")
    null = bytes.fromhex("300b0609608648016503040201")
    octets = b"\x04\x20" + digest
    info = b"\x30\x31" + sha256 + octets
    assert raw_rsa(pad(info)) == rs(text)
    sha512 = bytes.fromhex("300d06096086480165030402030500")
    sha1 = bytes.fromhex("300906052b0e03021a0500")
    for case, padded in (
            ("length in long form", pad(b"\x30\x81\x31" + sha256 + octets)),
            ("length with a zero", pad(b"\x30\x82\0\x31" + sha256 + octets)),
            ("length 50", pad(b"\x30\x32" + sha256 + octets)),
            ("length 48", pad(b"\x30\x30" + sha256 + octets)),
            ("length 2^32+49", pad(b"\x30\x85\1\0\0\0\x31" + sha256 +
                                   octets)),
            ("length without end", pad(b"\x30\x80" + sha256 + octets +
                                       b"\0\0")),
            ("another tag", pad(b"\x31\x31" + sha256 + octets)),
            ("no sequence", pad(sha256 + octets)),
            ("no NULL", pad(b"\x30\x2f" + null + octets)),
            ("NULL in long form", pad(b"\x30\x32\x30\x0e" + sha256[2:13] +
                                      b"\x05\x81\0" + octets)),
            ("NULL too long", pad(b"\x30\x33\x30\x0f" + sha256[2:13] +
                                  b"\x05\x02\0\0" + octets)),
            ("digest as constructed", pad(b"\x30\x33" + sha256 +
                                          b"\x24\x22" + octets)),
            ("digest of 31 bytes", pad(b"\x30\x30" + sha256 + b"\x04\x1f" +
                                       digest[:31])),
            ("digest and a zero", pad(b"\x30\x32" + sha256 + b"\x04\x21" +
                                      digest + b"\0")),
            ("SHA-512's name", pad(b"\x30\x31" + sha512 + octets)),
            ("SHA-1", pad(b"\x30\x21" + sha1 + b"\x04\x14" +
                          hashlib.sha1(text).digest())),
            ("only the digest", pad(digest)),
            ("garbage behind", pad(info, end=b"\0" * 20)),
            ("garbage in the sequence", pad(b"\x30\x33" + sha256 + octets +
                                            b"\5\0")),
            ("eight bytes of padding, then garbage", b"\0\1" + b"\xff" * 8 +
             b"\0" + info + b"x" * (size - 11 - len(info))),
            ("padding for encryption", pad(info, begin=b"\0\2")),
            ("padding of zeros", pad(info, begin=b"\0\0", fill=b"\0")),
            ("padding with another byte", pad(info, fill=b"\xfe")),
            ("no zero before it", pad(info, between=b"")),
            ("a byte in front", pad(info, begin=b"\1\1"))):
        if int.from_bytes(padded, "big") < n:
            marked(case, raw_rsa(padded))
    value = int.from_bytes(rs(text), "big")
    for case, v in (("0", 0), ("1", 1), ("n-1", n - 1), ("n", n),
                    ("not reduced", value + n)):
        marked(f"signature {case}", v.to_bytes(size + 1, "big")[
            0 if v >> (8 * size) else 1:])
    marked("zero in front", b"\0" + rs(text))
    marked("zero behind", rs(text) + b"\0")

# Writes what is no secret, in many disguises, for auth.bats.
#
#	disguises.py KEYS CASES OUT
#
# KEYS is a directory with rsa.pem, ec.pem (private), rsa.pub, ec.pub; CASES
# holds jwt-key.*; OUT gets the files.  A line for each of them says its name
# and what must become of it: `used' (as the public key that it is),
# `refused', or `undeclared': refused as long as nobody says that it is a secret,
# since it is packed in a way that nobody unpacks.
import base64, gzip, json, os, subprocess, sys, zlib

keys, cases, out = sys.argv[1:4]


def read(name):
    with open(f"{keys}/{name}", "rb") as f:
        return f.read()


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, check=True,
                          capture_output=True).stdout


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def write(name, data, fate="refused"):
    data = data if isinstance(data, bytes) else data.encode()
    fd = os.open(f"{out}/{name}", os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    os.write(fd, data)
    os.close(fd)
    print(name, fate)


def dump(data):
    """As xxd writes it."""
    lines = (data[i:i + 16] for i in range(0, len(data), 16))
    return "".join(f"{i * 16:08x}: {line.hex(' ', -2)}  " +
                   "".join(chr(c) if 32 < c < 127 else "." for c in line) +
                   "\n" for i, line in enumerate(lines))


def jwk(name, private=False, **more):
    """A key of KEYS as a JWK, by what openssl prints of it."""
    der = openssl("pkey", "-in", f"{keys}/{name}", "-pubout", "-outform", "DER")
    if name == "ec.pem":
        key = {"kty": "EC", "crv": "P-256", "x": b64(der[-64:-32]),
               "y": b64(der[-32:])}
    else:
        n = openssl("rsa", "-in", f"{keys}/{name}", "-noout", "-modulus")
        key = {"kty": "RSA", "e": "AQAB",
               "n": b64(bytes.fromhex(n.decode().split("=")[1].strip()))}
    if private:
        key["d"] = b64(b"\x11" * 32)
    return {**key, **more}


pem, ec = read("rsa.pub"), read("ec.pub")
der = openssl("pkey", "-pubin", "-in", f"{keys}/rsa.pub", "-outform", "DER")
ec_der = openssl("pkey", "-pubin", "-in", f"{keys}/ec.pub", "-outform", "DER")
pkcs1 = openssl("rsa", "-pubin", "-in", f"{keys}/rsa.pub", "-RSAPublicKey_out",
                "-outform", "DER")
pkcs1_pem = openssl("rsa", "-pubin", "-in", f"{keys}/rsa.pub",
                    "-RSAPublicKey_out")
certificate = openssl("req", "-x509", "-key", f"{keys}/rsa.pem", "-subj",
                      "/CN=x")
certificate_der = openssl("x509", "-outform", "DER", data=certificate)
body = b"".join(pem.splitlines(True)[1:-1])
rsa_jwk, ec_jwk = jwk("rsa.pem"), jwk("ec.pem")
blob = b"\0\0\0\x07ssh-rsa" + der[-270:]
ssh = b"ssh-rsa " + base64.b64encode(blob) + b" idp@example\n"

# A public key in PEM, and what may stand around it.
for name, key in ("rsa", pem), ("ec", ec):
    write(f"plain-{name}", key, "used")
    write(f"comment-{name}", b"# the identity provider, key 2026\n" + key,
          "used")
    write(f"blank-{name}", b"\n \t\n" + key, "used")
    write(f"bag-{name}", b"Bag Attributes\n    friendlyName: idp\n"
          b"Key Attributes: <No Attributes>\n" + key + b"\nbehind it\n", "used")
    write(f"crlf-{name}", key.replace(b"\n", b"\r\n"), "used")
    write(f"twins-{name}", key + key, "used")
with open(f"{cases}/jwt-key.comment.pem", "rb") as f:
    write("case.comment", f.read(), "used")
with open(f"{cases}/jwt-key.der", "rb") as f:
    write("case.der", f.read())
write("text", openssl("pkey", "-pubin", "-in", f"{keys}/rsa.pub", "-text"),
      "used")

# Public keys otherwise.
for name, data in (("spki", der), ("ec-spki", ec_der), ("pkcs1", pkcs1),
                   ("certificate", certificate_der)):
    write(f"der-{name}", data)
    write(f"der-{name}-line", b"\n" + data + b"\n")
    write(f"der-{name}-comment", b"# key\n" + data)
    write(f"der-{name}-short", data[:-20])
    write(f"base64-{name}", base64.b64encode(data))
    write(f"base64-lines-{name}", base64.encodebytes(data))
    write(f"base64-comment-{name}", b"# key:\n" + base64.encodebytes(data))
    write(f"base64url-{name}", b64(data) + "\n")
    write(f"base64-twice-{name}", base64.b64encode(base64.encodebytes(data)))
    write(f"hex-{name}", data.hex())
    write(f"hex-colons-{name}", data.hex(":").upper() + "\n")
    write(f"hex-dashes-{name}", data.hex("-"))
    write(f"hex-list-{name}", "0x" + data.hex(",").replace(",", ", 0x"))
    write(f"hex-capitals-{name}", "{0X" + data.hex(",").replace(",", ",0X"))
    write(f"hex-escapes-{name}", '"\\x' + data.hex(",").replace(",", "\\x"))
    write(f"hex-dump-{name}", dump(data))
for name, data in (("pem", pem), ("ec", ec), ("certificate", certificate),
                   ("ssh", ssh), ("jwk", json.dumps(rsa_jwk).encode())):
    write(f"base64-{name}-text", base64.b64encode(data))
    write(f"bom-{name}", b"\xef\xbb\xbf" + data)
    for code in "utf-16", "utf-16-le", "utf-16-be":
        write(f"{code}-{name}", data.decode().encode(code))
write("certificate", certificate)
write("certificate-and-key", pem + certificate)
write("pkcs1", pkcs1_pem)
write("private-rsa", read("rsa.pem"))
write("private-ec", read("ec.pem"))
write("private-and-public", pem + read("rsa.pem"))
write("body", body)
write("body-end", body + b"-----END PUBLIC KEY-----\n")
write("no-end", b"".join(pem.splitlines(True)[:-1]))
write("one-line", pem.replace(b"\n", b"\\n"))
write("no-lines", pem.replace(b"\n", b""))
write("indented", b"".join(b"  " + line for line in pem.splitlines(True)))
write("dashes", pem.replace(b"-----", b"---- "))
write("long-dashes", pem.decode().replace("-----", "\u2014\u2014"))
write("small-letters", pem.replace(b"BEGIN PUBLIC KEY", b"begin public key"))
write("ssh", ssh)
write("ssh-options", b'# keys\nfrom="10.0.0.1" ' + ssh)
write("ssh-ed25519", b"ssh-ed25519 " + base64.b64encode(
    b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + b"x" * 32) + b"\n")
write("ssh2", b'---- BEGIN SSH2 PUBLIC KEY ----\n' +
      base64.encodebytes(blob) + b"---- END SSH2 PUBLIC KEY ----\n")
write("ssh-blob", base64.b64encode(blob))
write("xml", "<RSAKeyValue><Modulus>" + base64.b64encode(der[33:289]).decode() +
      "</Modulus><Exponent>AQAB</Exponent></RSAKeyValue>")

# In what nobody unpacks.
ed_der = openssl("pkey", "-pubout", "-outform", "DER",
                 data=openssl("genpkey", "-algorithm", "ed25519"))


def base(data, digits):
    n, text = int.from_bytes(data, "big"), ""
    while n:
        n, rest = divmod(n, len(digits))
        text = digits[rest] + text
    return text


for name, data in (("spki", der), ("ec-spki", ec_der), ("ed", ed_der),
                   ("certificate", certificate_der), ("pem", pem),
                   ("ec-pem", ec), ("jwk", json.dumps(ec_jwk).encode())):
    text = {"base32": base64.b32encode(data),
            "base32-small": base64.b32encode(data).lower(),
            "base32-groups": " ".join(
                base64.b32encode(data).decode()[i:i + 4]
                for i in range(0, len(data) * 2, 4)),
            "base32-lines": base64.b32encode(data)[:64] + b"\n" +
            base64.b32encode(data)[64:] + b"\n",
            "base32-hex": base64.b32hexencode(data),
            "base85": base64.b85encode(data),
            "ascii85": base64.a85encode(data),
            "ascii85-lines": base64.a85encode(data, wrapcol=40, adobe=True),
            "decimal": ", ".join(map(str, data)),
            "decimal-blanks": " ".join(map(str, data)),
            "decimal-list": "[" + ",".join(map(str, data)) + "]x",
            "number": str(int.from_bytes(data, "big")),
            "octal": "".join(f"\\{c:03o}" for c in data),
            "octal-list": " ".join(f"{c:#o}" for c in data),
            "octal-dump": " ".join(f"{c:03o}" for c in data),
            "binary": "".join(f"{c:08b}" for c in data),
            "gzip": gzip.compress(data), "zlib": zlib.compress(data),
            "gzip-base64": base64.b64encode(gzip.compress(data)),
            "gzip-hex": gzip.compress(data).hex() * (len(data) > 45) +
            gzip.compress(data).hex(),
            "hex-back": data[::-1].hex() * (1 if len(data) > 64 else 2),
            "percent": "".join(f"%{c:02x}" for c in data),
            "quoted": "".join(f"={c:02X}" for c in data)}
    for how, packed in text.items():
        write(f"{how}-{name}", packed, "undeclared")
for name, key in (("rsa", pem), ("certificate", certificate)):
    lines = key.splitlines(True)
    write(f"{name}-second-line-on", b"".join(lines[2:-1]), "undeclared")
    write(f"{name}-second-line-on-joined", b"".join(lines[2:-1]).replace(
        b"\n", b""), "undeclared")
write("ec-second-line", ec.splitlines(True)[2], "undeclared")
write("point-base64", base64.b64encode(ec_der[-65:]) + b"\n", "undeclared")
write("point-vapid", b64(ec_der[-65:]), "undeclared")

# JWK and JWKS.
enc = jwk("rsa.pem", use="enc", kid="enc")
for name, key, alg in ("rsa", rsa_jwk, "RS256"), ("ec", ec_jwk, "ES256"):
    write(f"jwk-{name}", json.dumps(key), "used")
    write(f"jwk-{name}.json", "\n" + json.dumps({**key, "kid": "k", "use": "sig",
          "alg": alg, "key_ops": ["verify"], "x5t": "x"}, indent=2), "used")
    write(f"jwks-{name}", json.dumps({"keys": [enc, key]}), "used")
    write(f"jwk-{name}-private", json.dumps({**key, "d": "AAAA"}))
    write(f"jwks-{name}-private", json.dumps({"keys": [key,
                                                       {**key, "d": "AAAA"}]}))
    write(f"jwk-{name}-enc", json.dumps({**key, "use": "enc"}))
    write(f"jwk-{name}-use", json.dumps({**key, "use": ["sig"]}))
    write(f"jwk-{name}-ops", json.dumps({**key, "key_ops": ["encrypt"]}))
    write(f"jwk-{name}-ops-text", json.dumps({**key, "key_ops": "verify"}))
    write(f"jwk-{name}-alg", json.dumps({**key, "alg": "HS256"}))
    write(f"jwk-{name}-alg-null", json.dumps({**key, "alg": None}))
    write(f"jwk-{name}-list", json.dumps([key]))
    write(f"jwk-{name}-comment", "// key\n" + json.dumps(key))
    write(f"jwk-{name}-broken", json.dumps(key)[:-1])
    write(f"jwk-{name}-quotes", json.dumps(key).replace('"', "'"))
    write(f"jwk-{name}-twice", '{"kty":"EC",' + json.dumps(key)[1:])
    write(f"jwk-{name}-kid", json.dumps({**key, "kid": 7}))
    write(f"jwks-{name}-enc", json.dumps({"keys": [{**key, "use": "enc"}]}))
    write(f"jwk-{name}-and-set", json.dumps({**key, "keys": [key]}))
write("jwk-oct", json.dumps({"kty": "oct", "k": b64(b"x" * 32)}))
write("jwks-oct", json.dumps({"keys": [rsa_jwk, {"kty": "oct",
                                                 "k": b64(b"x" * 32)}]}))
write("jwk-confused", json.dumps({**rsa_jwk, "kty": "oct"}))
write("jwk-exponent", json.dumps({**rsa_jwk, "e": "AQ"}))
write("jwk-short", json.dumps({**rsa_jwk, "n": rsa_jwk["n"][:170]}))
write("jwk-padding", json.dumps({**rsa_jwk, "e": "AQAB=="}))
write("jwk-no-e", json.dumps({k: v for k, v in rsa_jwk.items() if k != "e"}))
write("jwk-off-curve", json.dumps({**ec_jwk, "y": ec_jwk["x"]}))
write("jwk-384", json.dumps({**ec_jwk, "crv": "P-384"}))
write("jwk-x-short", json.dumps({**ec_jwk, "x": b64(b"x" * 31)}))
write("jwk-okp", json.dumps({"kty": "OKP", "crv": "Ed25519",
                             "x": b64(b"x" * 32)}))
write("jwks-empty", '{"keys":[]}')
write("jwks-no-list", json.dumps({"keys": rsa_jwk}))
write("json", '{"secret":"0123456789abcdef0123456789abcdef"}')
write("large.json", json.dumps({"keys": [rsa_jwk] * 33}))

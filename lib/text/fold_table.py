"""Writes fold_table.h from Python's Unicode data; run by hand, not by make.

	python3 lib/text/fold_table.py >lib/text/fold_table.h
"""
import unicodedata

LAST = 0x10FFFF
# Letters that Unicode does not decompose.
MORE = {"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d", "ħ": "h",
        "ŧ": "t", "ŋ": "n", "ĸ": "k", "ſ": "s", "ς": "σ"}
# Invisible characters within words, and the marks that are dropped.
GONE = [0x00AD, 0x034F, 0x2060, 0xFEFF] + list(range(0x0300, 0x0370)) + list(range(0xFE00, 0xFE10))


def without_spaces(o):
    return (0x0E01 <= o <= 0x0EFF or 0x1780 <= o <= 0x17FF or 0x1000 <= o <= 0x109F
            or 0x2E80 <= o <= 0x9FFF and not 0x3000 <= o <= 0x3004 or 0xAC00 <= o <= 0xD7AF or 0xF900 <= o <= 0xFAFF
            or 0xFF66 <= o <= 0xFF9F or 0x20000 <= o <= 0x3FFFF)


def fold(c):
    out = ""
    for x in unicodedata.normalize("NFKC", c).lower():
        for y in x if without_spaces(ord(x)) else unicodedata.normalize("NFD", x):
            if ord(y) not in GONE:
                out += MORE.get(y, y)
    return out


def categories():
    """(first, last, kind) of letters, numbers and marks"""
    rows = []
    for o in range(LAST + 1):
        c = chr(o)
        name = unicodedata.category(c)
        kind = "FOLD_DIGIT" if name == "Nd" else {"L": "FOLD_LETTER", "N": "FOLD_LETTER", "M": "FOLD_MARK"}.get(name[0])
        if kind is None or o in GONE:
            continue
        if rows and rows[-1][1] == o - 1 and rows[-1][2] == kind:
            rows[-1][1] = o
        else:
            rows.append([o, o, kind])
    return rows


def maps():
    """(first, last, step, to) of characters that become one other, and {character: text} of the others"""
    single, texts = {}, {}
    for o in range(LAST + 1):
        if 0xD800 <= o <= 0xDFFF or 0xAC00 <= o <= 0xD7AF:
            continue
        f = fold(chr(o))
        if f == chr(o):
            continue
        if len(f) == 1:
            single[o] = ord(f)
        else:
            texts[o] = f
    rows, o = [], 0
    while o <= LAST:
        if o not in single:
            o += 1
            continue
        best = (1, 0)
        for step in (0, 1):
            n = 1
            while o + n in single and single[o + n] == single[o] + step * n:
                n += 1
            best = max(best, (n, step))
        n = 2
        while o + n in single and single[o + n] == single[o] + n and o + n - 1 not in single and o + n - 1 not in texts:
            n += 2
        if n - 1 > best[0]:
            best = (n - 1, 2)
        rows.append((o, o + best[0] - 1, best[1], single[o]))
        o += best[0]
    return rows, texts


def literal(text):
    """A string of C."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return '"%s"' % text
    octal = ["\\%03o" % b for b in text.encode()]
    return '"%s"' % '"\n\t    "'.join("".join(octal[i:i + 14]) for i in range(0, len(octal), 14))


def pack(entries):
    """As many on a line as fit."""
    line = "\t"
    for e in entries:
        # A tab is eight columns.
        if len(line) > 1 and 7 + len(line) + 1 + len(e) > 80:
            print(line)
            line = "\t"
        line += (" " if len(line) > 1 else "") + e
    print(line)


def main():
    rows, texts = maps()
    print("/*\n * The tables of fold.c, made by fold_table.py from Unicode %s.\n */\n"
          % unicodedata.unidata_version)
    print("static const struct {\n\tuint32_t\tfirst, last;\n\tenum fold_kind\tkind;\n} fold_kinds[] = {")
    pack("{ 0x%x, 0x%x, %s }," % tuple(row) for row in categories())
    print("};\n")
    print("/* What becomes one other character: `to' (step 0), what is as far behind\n"
          "   `to' as the character is behind `first' (1), or the same for every second\n"
          "   character only (2). */")
    print("static const struct {\n\tuint32_t\tfirst, last, to;\n\tint\t\tstep;\n} fold_singles[] = {")
    pack("{ 0x%x, 0x%x, 0x%x, %d }," % (first, last, to, step) for first, last, step, to in rows)
    print("};\n")
    print("/* What becomes several characters, or none. */")
    print("static const struct {\n\tuint32_t\tfrom;\n\tconst char\t*to;\n} fold_texts[] = {")
    pack("{ 0x%x, %s }," % (o, literal(f)) for o, f in sorted(texts.items()))
    print("};")


main()

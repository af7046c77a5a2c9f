"""Writes fold_table.h from Python's Unicode data; run by hand, not by make.

	python3 lib/text/fold_table.py >lib/text/fold_table.h
"""
import unicodedata

# fold.c itself knows ASCII.
FIRST, LAST = 0x80, 0x10FFFF
ROW = 27    # bytes of a row of fold_runs
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


def kinds():
    """Where letters, numbers, marks and other characters begin: the character, and behind it, in two bits, the kind"""
    rows, before = [FIRST << 2], 0
    for o in range(FIRST, LAST + 1):
        name = unicodedata.category(chr(o))
        kind = 0 if o in GONE else 2 if name == "Nd" else {"L": 1, "N": 1, "M": 3}.get(name[0], 0)
        if kind != before:
            rows.append(o << 2 | kind)
            before = kind
    return rows


def maps():
    """{character: text} of those that become something else"""
    out = {}
    for o in range(FIRST, LAST + 1):
        if not (0xD800 <= o <= 0xDFFF or 0xAC00 <= o <= 0xD7AF) and fold(chr(o)) != chr(o):
            out[o] = fold(chr(o))
    return out


def share(texts):
    """A text that contains all of them."""
    pool = ""
    for text in sorted(set(texts), key=lambda t: (-len(t), t)):
        if text not in pool:
            pool += text[max(n for n in range(len(text)) if pool.endswith(text[:n])):]
    return pool


def runs(to):
    """(first, count, step, to) of {character: number}, and the list for those of step 3, in the fewest bytes"""
    chars = sorted(to)
    best = [(0, None)] * (len(chars) + 1)
    for i in range(len(chars) - 1, -1, -1):
        first, tries = chars[i], []
        for step, every in ((0, 1), (1, 1), (2, 2)):
            n = 1
            while i + n < len(chars) and chars[i + n] == first + n * every and \
                    to[chars[i + n]] == to[first] + (n * every if step else 0):
                n += 1
            tries += [(ROW + best[i + k][0], (step, k)) for k in range(1, n + 1)]
        size = ROW
        for k in range(i, min(i + 1500, len(chars))):
            if k > i and chars[k] - chars[k - 1] > 6:
                break
            for c in range(chars[k - 1] + 1 if k > i else first, chars[k] + 1):
                size += len("0x%x, " % to.get(c, c))
            tries.append((size + best[k + 1][0], (3, k + 1 - i)))
        best[i] = min(tries)
    rows, listed, i = [], [], 0
    while i < len(chars):
        step, n = best[i][1]
        first, last = chars[i], chars[i + n - 1]
        rows.append((first, last + 1 - first, step, len(listed) if step == 3 else to[first]))
        if step == 3:
            listed += [to.get(c, c) for c in range(first, last + 1)]
        i += n
    return rows, listed


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


def numbers(name, words, rows):
    print("%s\nstatic const uint32_t %s[] = {" % (words, name))
    pack("0x%x," % n for n in rows)
    print("};\n")


def main():
    folded = maps()
    pool = share(f for f in folded.values() if len(f) > 1)
    rows, listed = runs({o: ord(f) if len(f) == 1 else len(f) << 24 | pool.index(f) if f else 0
                         for o, f in folded.items()})
    print("/*\n * The tables of fold.c, made by fold_table.py from Unicode %s.\n */\n" % unicodedata.unidata_version)
    numbers("fold_kinds", "/* Where characters of a kind begin: the character, and the kind in the last two\n"
            "   bits. */", kinds())
    print("""/*
 * What becomes something else: all of a run the same, `to' (step 0); each what
 * is as far behind `to' as the character is behind `first' (1), or every second
 * one only (2); or each its own, which stands in fold_listed from `to' on (3).
 */
static const struct fold_run {
	uint32_t	first, count, step, to;
} fold_runs[] = {""")
    pack("{ 0x%x, %d, %d, %s }," % (*row[:3], row[3] if row[2] == 3 else "0x%x" % row[3]) for row in rows)
    print("};\n")
    numbers("fold_listed", "/* A character; or how many, in the highest byte, and from where in fold_pool;\n"
            "   or 0: none. */", listed)
    numbers("fold_pool", "/* What becomes several characters, one upon the other. */", map(ord, pool))


main()

// web/ticket-chat-markdown.js in a real Chromium, under the strictest policy that it promises to work with.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { tests as specification } from "commonmark-spec";
import { openBrowser } from "./browser.mjs";
import { ROOT } from "./documentation.mjs";
import { until } from "./service.mjs";

const HERE = `${ROOT}/tests/web/markdown`;
const MODULE = "ticket-chat-markdown.js";
const POLICY = "require-trusted-types-for 'script'; trusted-types 'none'; style-src 'self'";
const source = readFileSync(`${ROOT}/web/${MODULE}`, "utf8");
const awkward = readFileSync(`${HERE}/awkward.txt`, "utf8").split(/^%%\n/m).slice(1).filter(Boolean);

let browser;
let page;
before(async () => {
  browser = await openBrowser();
  browser.pages.set(`/${MODULE}`, source);
  browser.pages.set("/page.js", readFileSync(`${HERE}/page.js`, "utf8"));
  browser.pages.set("/markdown.html", `<!doctype html><meta charset="utf-8"><title>test</title>
    <meta http-equiv="Content-Security-Policy" content="${POLICY}"><script type="module" src="/page.js"></script>`);
  page = await open();
});
after(() => browser?.stop());

/** A tab that remembers what a page can do to the outside. */
async function open() {
  const page = await browser.tab("/markdown.html");
  await page.waitForFunction(() => window.ready);
  page.outside = [];
  page.on("request", (request) => page.outside.push(`request ${request.url()}`));
  page.on("dialog", (dialog) => {
    page.outside.push(`dialog ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("popup", () => page.outside.push("popup"));
  page.on("framenavigated", (frame) => page.outside.push(`navigated to ${frame.url()}`));
  return page;
}

/** Nothing got out of the page so far. */
async function assertQuiet() {
  assert.deepEqual(await page.evaluate(() => new Promise((resolve) => setTimeout(() => resolve(window.violations), 100))), []);
  assert.deepEqual(page.outside, []);
  assert.deepEqual(page.problems, []);
}

/** Pseudo-random numbers below n, the same for the same seed (mulberry32). */
function random(seed) {
  return (n) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

const everywhere = (text) => Array.from({ length: text.length + 1 }, (_, i) => i);
const feed = (text, cuts = [text.length]) => page.evaluate(([text, cuts]) => window.feed(text, cuts), [text, cuts]);

describe("examples", () => {
  const examples = readFileSync(`${HERE}/examples.txt`, "utf8").split(/^={3,}/m).slice(1);
  let group;
  for (const example of examples) {
    const [, name, markdown, html] = /^(.*)\n([^]*?)\n=>\n([^]*?)\n*$/.exec(example);
    group = name.trim() || group;
    const ways = /^unfinished/.test(group) ? [false] : /^whole/.test(group) ? [true] : [false, true];
    test(name.trim() || `${group}, again`, async () => {
      for (const whole of ways) {
        const got = await page.evaluate(([text, whole]) => window.render(text, whole), [markdown, whole]);
        assert.equal(got, html.replaceAll(">\n<", "><"), whole ? "whole" : "being written");
      }
      const { wrong } = await feed(markdown, everywhere(markdown));
      assert.deepEqual(wrong, []);
    });
  }

  test("lines that end as on Windows", async () => {
    assert.equal(await page.evaluate((text) => window.render(text), "a\r\nb\r\n\r\n```\r\nc\r\n```\r\nd\r\n"),
      "<p>a<br>b</p><pre><code>c</code></pre><p>d</p>");
    for (const text of ["a\rb", "a\r\nb", "a\r", "a\r\r\nb"])
      assert.equal((await feed(text, everywhere(text))).whole.replace(/(<.*?>)+/g, " ").trim(), text.includes("b") ? "a b" : "a");
  });

  test("nothing turns the direction of writing", async () => {
    const got = await page.evaluate((text) => window.render(text),
      "\u202ea\u202c [\u2067b\u200f\u2069](https://example.com) `\u202dc\u061c`");
    assert.equal(got, '<p>a <a href="https://example.com/">b<bdi> (example.com)</bdi></a> <code>c</code></p>');
  });

  test("it is small, and has no way from text to HTML", () => {
    assert.ok(gzipSync(source, { level: 9 }).length <= 7168, `${gzipSync(source, { level: 9 }).length} bytes`);
    assert.ok(source.split("\n").length < 450);
    assert.doesNotMatch(source, /HTML\b(?! stays)|DOMParser|createContextualFragment|document\.write|\beval\b|\bFunction\b|import|\.style\b/);
    assert.equal(source.match(/createElement/g).length, 1);
  });
});

describe("awkward texts", () => {
  test("what this page watches for is seen", async (t) => {
    const page = await open();
    t.after(() => page.context().close());
    const offences = await page.evaluate(() => {
      const { box } = window.view();
      for (const tag of ["img", "a", "font"]) box.append(document.createElement(tag));
      box.firstChild.src = "https://evil.example/pixel.png";
      setTimeout(() => alert(1));
      box.children[1].href = "javascript:alert(1)";
      try {
        box.innerHTML = "<b>";
      } catch {
        // as it should be
      }
      return window.offences(box);
    });
    assert.equal(offences[0], "<IMG>");
    assert.equal(offences[1], "<a href=javascript:alert(1)>");
    assert.equal(offences.at(-1), "<FONT>");
    await until("the request", () => page.outside.includes("request https://evil.example/pixel.png"));
    await until("the dialog", () => page.outside.includes("dialog 1"));
    await until("the violation", async () =>
      String(await page.evaluate(() => window.violations)) === "require-trusted-types-for");
  });

  for (const [i, text] of awkward.entries()) {
    test(`text ${i + 1} of awkward.txt: ${text.slice(0, 50).split("\n")[0]}`, async () => {
      const whole = await feed(text);
      assert.deepEqual(whole.wrong, []);
      const { html, wrong } = await feed(text, everywhere(text));
      assert.deepEqual(wrong, []);
      assert.equal(html, whole.html);
      await assertQuiet();
    });
  }

  test("all of them after one another, in one view", async () => {
    const wrong = await page.evaluate((texts) => {
      const { box, update } = window.view();
      return texts.flatMap((text) => {
        update(text);
        return window.offences(box);
      });
    }, [...awkward, "", ...awkward]);
    assert.deepEqual(wrong, []);
    await assertQuiet();
  });

  const deep = {
    quotes: "> ".repeat(3000) + "w0",
    lists: "- ".repeat(3000) + "w0",
    "numbered lists": "1. ".repeat(3000) + "w0",
    "lists by lines": Array.from({ length: 300 }, (_, i) => `${"  ".repeat(i)}- w${i}`).join("\n"),
    "quotes by lines": Array.from({ length: 300 }, (_, i) => `${">".repeat(i)} w${i}`).join("\n"),
    emphasis: " *a _b **c __d ~~e".repeat(500) + " w0 " + "e~~ d__ c** b_ a* ".repeat(500),
    "unclosed emphasis": " *a _b **c __d ~~e".repeat(500) + "w0",
    brackets: "[".repeat(3000) + "w0" + "](https://example.com)".repeat(3000),
    pictures: "![".repeat(3000) + "w0" + "](https://example.com)".repeat(3000),
  };
  for (const [name, text] of Object.entries(deep)) {
    test(`deep nesting: ${name}`, async () => {
      const { text: shown, wrong } = await feed(text);
      assert.deepEqual(wrong, []);
      for (const [word] of text.matchAll(/w\d+/g)) assert.match(shown, new RegExp(`${word}(?!\\d)`));
      await assertQuiet();
    });
  }

  test("any string of UTF-16", async () => {
    const below = random(1);
    for (let n = 0; n < 200; n++) {
      const kind = [0x80, 0x100, 0x3000, 0x10000][below(4)];
      const text = String.fromCharCode(...Array.from({ length: 200 }, () => below(3) ? below(kind) : below(0x80)));
      const { wrong } = await feed(text, [0, 1 + below(100), 101 + below(99), text.length]);
      assert.deepEqual(wrong, [], JSON.stringify(text));
    }
    await assertQuiet();
  });
});

describe("random Markdown", () => {
  const URLS = ["https://example.com/", "http://a.example/b_(c)", "mailto:d@example.com", "javascript:alert(1)", "https://u:p@a.example"];
  const TOKENS = [
    "\n", "\n", "\n\n", "\n\n", " ", " ", "  ", "    ", "\t", "*", "**", "***", "_", "__", "~~", "`", "``",
    "\n```\n", "\n```js\n", "\n~~~\n", "\n# ", "\n## ", "#", "\n- ", "\n- ", "\n  - ", "\n    * ", "\n+ ", "\n1. ",
    "\n2) ", "\n   3. ", "\n> ", "> ", "\n>", "\n---\n", "\n***\n", "-", "\n| ", " | ", " |\n|---|---|\n| ",
    "|:-:|", "\\|", "[", "]", "](", ")", "![", "(", "](https://example.com)", "\\", "\\*", "<", ">", "<b>", "</b>",
    "&amp;", "!", "\r\n", ".", ":", "=", "é", "🖨️", ...URLS
  ];

  /** About as many words as tokens; each word is there once. */
  function write(seed) {
    const below = random(seed);
    const parts = Array.from({ length: 1 + below(60) }, (_, i) => below(2) ? `w${i}` : TOKENS[below(TOKENS.length)]);
    return parts.join(below(3) ? "" : " ");
  }

  /** The words of a text but for those that name the language of code. */
  const words = (text) => text.replace(/((```|~~~)[^\n`]*)$/gm, (info) => info.replace(/w\d+/g, "")).match(/w\d+/g) ?? [];

  for (let seed = 0; seed < 2000; seed += 500) {
    test(`seeds ${seed} to ${seed + 499}`, async () => {
      const texts = Array.from({ length: 500 }, (_, i) => write(seed + i));
      const below = random(seed);
      const jobs = texts.map((text) => {
        const cuts = everywhere(text);
        return [text, [cuts.slice(-1), cuts, cuts.filter((cut) => cut === text.length || !below(9))]];
      });
      const results = await page.evaluate((jobs) =>
        jobs.map(([text, ways]) => ways.map((cuts) => window.feed(text, cuts))), jobs);
      for (const [i, [whole, ...pieces]] of results.entries()) {
        const about = `seed ${seed + i}: ${JSON.stringify(texts[i])}`;
        for (const { html, whole: closed, wrong } of [whole, ...pieces]) {
          assert.deepEqual(wrong, [], about);
          assert.equal(html, whole.html, about);
          assert.equal(closed, whole.whole, about);
        }
        const shown = whole.text.match(/w\d+/g) ?? [];
        assert.deepEqual(words(texts[i]).filter((word) => !shown.includes(word)), [], `${about} shows as ${whole.html}`);
      }
      await assertQuiet();
    });
  }

  test("another text replaces the one before, whatever both are", async () => {
    const texts = Array.from({ length: 300 }, (_, i) => write(i));
    const [one, each] = await page.evaluate((texts) => {
      const { box, update } = window.view();
      return [texts.map((text) => (update(text), box.innerHTML)), texts.map((text) => window.feed(text, [text.length]).html)];
    }, texts);
    assert.deepEqual(one, each);
  });
});

/* The examples of CommonMark's specification (0.31.2) that are shown otherwise here, and why. */
const DEVIATIONS = {
  "no code by indentation: models indent steps, and an indented line is a step": [
    1, 2, 3, 5, 6, 7, 18, 36, 48, 49, 69, 70, 85, 87, 100, 107, 110, 111, 112, 114, 115, 116, 117, 118, 134, 137, 225, 231, 236,
    238, 252, 253, 254, 257, 264, 270, 271, 272, 273, 274, 276, 278, 286, 287, 288, 289, 290, 313],
  "a tab, and a different indentation, nest a list": [8, 9, 297, 311, 312],
  "a line below a line makes no heading of it: --- is a rule wherever it stands, === is text": [
    59, 80, 81, 82, 83, 84, 86, 89, 90, 91, 93, 95, 96, 102, 103, 141, 300],
  "a quote ends with the line without >": [232, 233, 247, 250, 251, 292, 293],
  "a mark with nothing behind it is a character": [79, 239, 280, 284],
  "a list may begin in a paragraph with any number": [304],
  "HTML is text": [21, 31, 308, 309, 344, 475, 476, 477, 642, 643],
  "< and > around an address stay": [20, 346, 480, 481],
  "links have whole addresses, no titles, and are not defined elsewhere": [22, 23, 32, 33, 317, 404, 419, 422, 433, 473, 474],
  "five entities and the hard space are characters, no others": [25, 26, 27, 34, 37, 38, 39, 40],
  "what stands behind a fence and is no name or attribute is shown": [24, 143, 144, 146],
  "spaces at the ends of lines do not count, in code neither": [334, 335, 336, 337, 640],
  "a star at the begin of a line is an item": [353],
  "5*6*78 is a multiplication": [356],
  "** stands beside punctuation: **Note:**text": [380, 392],
  "strong stands outside of emphasis": [416, 467],
  "a mark is closed by the same mark only: what does not match is seen": [408, 409, 427, 442, 443, 454, 455],
  "four marks and more are no emphasis, but a password or a line to fill in": [417, 426, 445, 447, 457, 459, 464, 465, 466, 468],
};
const UNSUPPORTED = ["HTML blocks", "Raw HTML", "Link reference definitions", "Links", "Images", "Autolinks"]; // examples.txt has them

test("the examples of CommonMark, but for the deviations", async () => {
  const examples = specification.filter(({ section }) => !UNSUPPORTED.includes(section));
  const plain = (html) => html.replace(/<\/?p>|<br>|\n| (start|data-language|aria-label|class)="[^"]*"/g, "");
  const wanted = (html) => plain(html.replaceAll("→", "\t").replace(/<(br|hr) \/>/g, "<$1>").replaceAll("&quot;", '"')
    .replace(/<(\/?)h(\d)>/g, (_, end, level) => `<${end}h${Math.min(Number(level) + 2, 6)}>`).replaceAll("\xa0", "&nbsp;"));
  const shown = await page.evaluate((texts) => texts.map((text) => window.render(text, true)),
    examples.map(({ markdown }) => markdown.replaceAll("→", "\t")));
  const listed = Object.values(DEVIATIONS).flat();
  assert.equal(new Set(listed).size, listed.length);
  assert.ok(examples.length > 400);
  for (const [i, { number, markdown, html }] of examples.entries()) {
    const about = `${number}: ${JSON.stringify(markdown)}`;
    if (listed.includes(number)) assert.notEqual(plain(shown[i]), wanted(html), `${about} deviates no more`);
    else assert.equal(plain(shown[i]), wanted(html), about);
  }
});

describe("a whole text", () => {
  const cases = readdirSync(`${HERE}/whole`).flatMap((name) => {
    const text = readFileSync(`${HERE}/whole/${name}`, "utf8");
    const texts = name.endsWith(".ndjson") ? [text.trim().split("\n").map((line) => JSON.parse(line).response).join("")]
      : text.split(/^---8<---\n/m);
    return texts.map((text, i) => [`${name} ${i + 1}`, text]);
  });
  const ALPHABET = [..."*_`[]()<>\\|#-+.1 \n\r&~\t", ..."*_`\n\\", "a", "b", "é", "xy", "Z", "9", "\n\n", "\r\n"];
  const WORDS = ["**", "__", "~~", "](", "![", "\\_", "\\*", "\n|---|\n", "- ", "1. ", "> ", "# ", "\n```\n", "~~~\n", "```markdown\n",
    "<br>", "&gt;", "&amp;", "C:\\", "\\\\fs\\", "DOMAIN\\_svc", "http://h.x/", "mailto:a@b", " END", "🙂"];
  const TEXTS = Number(process.env.MARKDOWN_TEXTS ?? 4000); // how many random ones; 20,000 and more now and then

  const WRAPPED = /^\s*(?:`{3,}|~{3,})markdown/;
  /* Blanks at the end of code that has no end are not seen. */
  const untailed = (html) => html.replace(/\s+(?=(<\/[a-z]+>)*$)/, "");
  const withoutEnd = (html) => untailed(html.replace(/<p>END<\/p>$|END(?=(<\/[a-z]+>)+$)/, ""));

  /** Both ways to say that nothing more comes: it is so, or something stands far behind it. */
  async function assertClosed(texts, about) {
    const results = await page.evaluate((texts) => texts.map((text) => {
      const { box, update } = window.view();
      update(`${text}\n\nEND`, { whole: true });
      const more = box.innerHTML;
      update(text, { whole: true });
      const count = (tags) => box.querySelectorAll(tags).length;
      const info = [...box.querySelectorAll("pre")].map((pre) => pre.dataset.language ?? "").join("");
      return { more, alone: box.innerHTML, shown: box.textContent, info, links: count("a"), blocks: count("ul, ol, hr, pre, table, h3, h4, h5, h6, blockquote"),
        marks: 2 * count("em") + 4 * count("strong"), tildes: 4 * count("del"), code: count("code") };
    }), texts);
    for (const [i, { more, alone, shown, info, links, blocks, marks, tildes, code }] of results.entries()) {
      const text = texts[i];
      const where = `${about(i)}: ${JSON.stringify(text)} shows as ${alone}`;
      assert.equal(withoutEnd(more), untailed(alone), where);
      if (links) continue; // their addresses are not all in the text
      const letters = (s) => (s.replace(/<br\/?>|&(gt|amp);/g, "").match(/[\p{L}🙂]/gu) ?? []).sort().join("");
      assert.equal(letters(shown + info), letters(text.replace(WRAPPED, "")), where);
      if (blocks) continue; // nor are their marks
      const lost = (...marks) => marks.reduce((sum, mark) => sum + text.split(mark).length - shown.split(mark).length, 0);
      assert.equal(lost("*", "_"), marks, where);
      assert.equal(lost("~"), tildes, where);
      assert.ok(WRAPPED.test(text) || (lost("`") >= 2 * code && (code || !lost("`"))), where);
      for (const mark of /&(gt|amp);/.test(text) ? "[]()#-+.19|" : "[]()<>#-+.19&|") assert.equal(lost(mark), 0, `${mark} in ${where}`);
      assert.ok(lost("\\") <= (text.match(/\\[!-/:-@[-`{-~\r\n]/g) ?? []).length, where);
    }
  }

  for (const [name, text] of cases) {
    test(`${name} is closed, and so is each beginning of it`, async () => {
      await assertClosed([text], () => name);
      const beginnings = everywhere(text).map((end) => text.slice(0, end));
      const { more, alone } = await page.evaluate((texts) => Object.fromEntries(["more", "alone"].map((way) =>
        [way, texts.map((text) => window.render(way === "more" ? `${text}\n\nEND` : text, true))])), beginnings);
      for (const [i, html] of alone.entries())
        assert.equal(withoutEnd(more[i]), untailed(html), JSON.stringify(beginnings[i]));
    });
  }

  for (let seed = 0; seed < TEXTS; seed += 1000) {
    test(`random texts, seeds ${seed} to ${seed + 999}`, async () => {
      const texts = Array.from({ length: 1000 }, (_, i) => {
        const below = random(seed + i);
        const alphabet = i % 4 < 2 ? ALPHABET : [...ALPHABET, ...WORDS];
        return Array.from({ length: 1 + below(i % 2 ? 12 : 60) }, () => alphabet[below(alphabet.length)]).join("");
      });
      await assertClosed(texts, (i) => `seed ${seed + i}`);
    });
  }

  test("once it is whole a text may still grow, or be another one", async () => {
    const html = await page.evaluate(() => {
      const { box, update } = window.view();
      return [["a *b", true], ["a *b* c", false], ["a **b", true], ["a **b", false], ["d *", true]]
        .map(([text, whole]) => (update(text, { whole }), box.innerHTML));
    });
    assert.deepEqual(html, ["<p>a *b</p>", "<p>a <em>b</em> c</p>", "<p>a **b</p>", "<p>a <strong>b</strong></p>", "<p>d *</p>"]);
  });
});

test("what was in the container before is gone", async () => {
  const left = await page.evaluate(() => {
    const { box, update } = window.view();
    update("a\n\nb");
    const again = window.view(box);
    const gone = box.childNodes.length;
    again.update("c");
    return [gone, box.innerHTML];
  });
  assert.deepEqual(left, [0, "<p>c</p>"]);
});

describe("while it grows", () => {
  const BEGINNING = "First **words** here, [a link](https://example.com).\n\n| a | b |\n|---|---|\n| c | d |\n\n- one\n- two";

  test("a selection and the focus stay, in what is finished and in what is not", async () => {
    for (const [text, focus, next] of [
      ["words", "a", "\n\nMore\n\nand more"], // finished
      ["c", "[role=region]", "\n- three\n\nMore"], // going to be
      ["one", "[role=region]", "\n- three\n  - four\n\nMore"], // not finished
      ["two", "a", " and\nmore"], // it grows itself
    ]) {
      const seen = await page.evaluate(([beginning, text, focus, next]) => {
        const { box, update } = window.view();
        update(beginning);
        const nodes = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
        while (nodes.nextNode().data !== text);
        const selection = box.getRootNode().getSelection();
        selection.setBaseAndExtent(nodes.currentNode, 0, nodes.currentNode, text.length);
        const element = box.querySelector(focus);
        element.focus();
        for (let i = 1; i <= next.length; i++) update(beginning + next.slice(0, i));
        return [selection.toString(), box.getRootNode().activeElement === element, box.textContent.length > text.length];
      }, [BEGINNING, text, focus, next]);
      assert.deepEqual(seen, [text, true, true], text);
    }
  });

  test("each piece costs the same, however much is finished", async () => {
    const [few, many] = await page.evaluate((block) => [10, 1000].map((n) => {
      const { update } = window.view();
      const text = block.repeat(n);
      for (let end = block.length; end < text.length; end += block.length) update(text.slice(0, end));
      let calls = 0;
      const { exec } = RegExp.prototype;
      RegExp.prototype.exec = function (...args) {
        calls++;
        return exec.apply(this, args);
      };
      update(`${text}One more.`);
      RegExp.prototype.exec = exec;
      return calls;
    }), `${BEGINNING}\n\nThe end.\n\n`);
    assert.ok(few > 10, `it counts: ${few}`);
    assert.ok(many <= few, `${few} steps after 10, ${many} after 1000`);
  });
});

describe("time is in proportion to length", () => {
  const PARTS = [
    "*", "**a", "*a", " *a", "*a ", "a* ", "_a ", "_", "~", "~~a ", "`", "`a``", "[", "]", "[a", "[]", "[](", "](",
    "[a](b ", "[[a](b)", "[*a", "![", "[a](a \"", "[a](<", "[a](https://example.com/)", "[a](\\(", "(", ")", "!",
    "\\", "<", "<b>", "&", "#", " #", "# #", "\n# a", ">", "> ", "\n>", "-", "- ", "-\t", "- a\n", "\n- a",
    "\n  - a", "- a\n\n", "1. ", "1.\n", "1) a\n  ", "+", "=", "|", "|-", "a|", "|a\n", "a|b\n-|-\n", "|\n-\n",
    "\\|", "```\n", "~~~a\n", "\n", " ", "  \n", "\t", "\r", "\r\n", "a", "a ", "a\n", "a\n\n", "1", "é", "\u202e",
    "\0", "\ud800", "http://", "http://a ", "http://(a", "http://a.", "https://a(", "mailto:", "h", "***a** ",
    "_*", "*_", "` ``", "[`", "\n    ", "0\n", "---\n", "\n***a", "``\\", "\\```**."
  ];
  const LENGTH = 50_000;
  const GROWTH = 6; // a square would grow 36 times

  async function assertLinear(...text) {
    let figures;
    for (let attempt = 0; attempt < 4; attempt++) { // others use this machine as well
      figures = await page.evaluate(([text, short, long]) => [window.time(...text, short), window.time(...text, long)],
        [text, LENGTH, LENGTH * GROWTH]);
      if (figures[1] < 1000 + figures[0] * GROWTH * 2) return;
    }
    assert.fail(`${figures} ms`);
  }

  for (const part of PARTS) test(JSON.stringify(part), () => assertLinear("", part, ""));

  // Long runs of one thing, within another.
  for (const [before, part, after] of [
    ["a", "`", "b"], ["a` ", "a", "`"], ["a", "``\\", "\n\nb"], ["a`", " ", "`"], ["[a](https://a", "a", ")"],
    ["[a](https://a", "(", ")"], ["https://a", ")", ""], ["https://", "!", ""], ["mailto:", "(a)", "a"],
    ["# a", " #", " a"], ["# a", " ", "#a"], ["# a", "#", "a"], ["-", " -", "a"], ["- -", " ", "a"],
    ["- ", "\t", "a"], ["```", "a", "`"], ["```", " ", "`"], ["```\n", "`", "a"], ["a|b\n-|-\n", "|", "a"],
    ["a|", " ", "|\n"], ["a\n", ":-", "|"], ["[", "a", "](https://a)"], ["*", "a ", "*"], ["_a", "_ a", "_"],
    ["> ", " >", "a"], ["1", "1", ". a"], ["a", "\\", "*"]
  ]) {
    test([before, part, after].map((text) => JSON.stringify(text)).join(", many times "), () => assertLinear(before, part, after));
  }

  test("runs of backticks of all lengths", async () => {
    const times = await page.evaluate(() => [500, 1500].map((n) =>
      window.time(Array.from({ length: n }, (_, i) => `${"`".repeat(i + 1)}a`).join(" "), "", "", 0)));
    assert.ok(times[1] < 500 + times[0] * 9 * 3, `${times} ms`);
  });

  test("a table with many columns and many rows", async () => {
    const time = await page.evaluate(() => window.time(`${"a|".repeat(5000)}a\n${"-|".repeat(5000)}-\n`, "a|\n", "", 15_000));
    assert.ok(time < 20_000, `${time} ms`);
  });
});

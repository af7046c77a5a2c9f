// The page of `sessions report` in a real Chromium: light, dark, on a phone, printed; as axe reads it; with nothing in the
// database, with hostile names. tests/cases/report.bats has the figures.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";
import { CHROMIUM, FLAGS } from "./browser.mjs";
import { ROOT } from "./documentation.mjs";
import { accessible, look, PHONE } from "./sight.mjs";

const SCREENSHOTS = process.env.SCREENSHOTS ?? join(tmpdir(), "ticketchat-screenshots");
const LANGUAGES = ["pt-BR", "en", "es"];

let browser, folder;
before(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  folder = mkdtempSync(join(tmpdir(), "ticketchat-report-"));
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
});
after(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true });
});

/** The page about a database that data(…) filled; the file's path. */
function report(name, lang, ...data) {
  const database = join(folder, `${name}.db`), file = join(folder, `${name}-${lang}.html`);
  const env = { PATH: process.env.PATH, TICKETCHAT_DATABASE: database };
  const sessions = (...args) => execFileSync(`${ROOT}/build/bin/sessions`, ["-c", "/dev/null", ...args], { env, maxBuffer: 1 << 26 });
  sessions("migrate");
  if (data.length > 0) {
    const knowledge = readFileSync(`${ROOT}/sql/knowledge.sql`, "utf8").split("-- name: KNOWLEDGE_CREATE")[1].split("-- name:")[0];
    const rows = execFileSync("/usr/bin/python3", [`${ROOT}/tests/cases/report_data.py`, ...data.map(String)], { maxBuffer: 1 << 26 });
    execFileSync("sqlite3", [database], { input: `${knowledge}\n${rows}` });
  }
  writeFileSync(file, sessions("report", "--lang", lang));
  return file;
}

/** A tab with the page, and what it asked for and complained of. */
async function open(t, file, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  page.problems = [];
  page.on("console", (message) => page.problems.push(message.text()));
  page.on("pageerror", (error) => page.problems.push(String(error)));
  page.on("dialog", (dialog) => { page.problems.push(dialog.message()); dialog.dismiss(); });
  page.on("request", (request) => { if (request.url() !== `file://${file}`) page.problems.push(request.url()); });
  await page.goto(`file://${file}`);
  return page;
}

describe("the report", () => {
  for (const lang of LANGUAGES)
    test(`${lang}: light, dark, on a phone, printed; axe finds nothing`, async (t) => {
      const file = report("some", lang, ...(lang === LANGUAGES[0] ? [2000, 30] : []));
      const page = await open(t, file);
      assert.equal(await page.evaluate(() => document.documentElement.lang), lang);
      await look(page, `report-${lang}`);
      await page.screenshot({ path: `${SCREENSHOTS}/report-${lang}-whole.png`, fullPage: true });
      const phone = await open(t, file, PHONE);
      await look(phone, `report-${lang}-phone`);
      await phone.screenshot({ path: `${SCREENSHOTS}/report-${lang}-phone-whole.png`, fullPage: true });
      await page.emulateMedia({ media: "print", colorScheme: "dark" });
      await page.screenshot({ path: `${SCREENSHOTS}/report-${lang}-print.png`, fullPage: true });
      assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
      const pdf = await page.pdf({ path: `${SCREENSHOTS}/report-${lang}.pdf`, format: "A4" });
      assert.ok(pdf.length > 10_000);
      assert.deepEqual(page.problems, []);
    });

  test("each chart has a title that names it, and its numbers as a table", async (t) => {
    const page = await open(t, report("some", "en"));
    const charts = await page.locator("main section").evaluateAll((all) => all.map((section) => ({
      title: section.querySelector("h2").textContent,
      named: [...section.querySelectorAll("svg[role=img]")].map((svg) => document.getElementById(svg.getAttribute("aria-labelledby"))?.textContent),
      rows: section.querySelectorAll("tbody tr").length,
      heads: [...section.querySelectorAll("thead th")].every((th) => th.scope === "col" && th.textContent.trim() !== ""),
    })));
    assert.equal(charts.length, 10);
    for (const { title, named, rows, heads } of charts) {
      assert.ok(rows > 0 && heads, title);
      assert.ok(named.every((name) => name === title), title);
    }
    assert.equal(charts.filter(({ named }) => named.length === 1).length, 8);
    // No text of a chart hangs out of it.
    const out = await page.locator("main svg[role=img] text").evaluateAll((all) => all.filter((text) => {
      const box = text.getBBox(), view = text.ownerSVGElement.viewBox.baseVal;
      return box.x < 0 || box.x + box.width > view.width + 1 || box.y < 0 || box.y + box.height > view.height + 1;
    }).map((text) => text.textContent));
    assert.deepEqual(out, []);
  });

  test("an empty database, and one day", async (t) => {
    const empty = await open(t, report("empty", "en"));
    await look(empty, "report-empty");
    assert.match(await empty.locator("main").innerText(), /Nothing in this period/);
    const day = await open(t, report("day", "en", 20, 1));
    await look(day, "report-day");
    assert.deepEqual([...empty.problems, ...day.problems], []);
  });

  test("hostile names, titles and texts are text, and change nothing around them", async (t) => {
    for (const options of [{}, PHONE]) {
      const page = await open(t, report("hostile", "en", ...(options === PHONE ? [] : [300, 10, "hostile"])), options);
      await accessible(page, "hostile");
      await look(page, options === PHONE ? "report-hostile-phone" : "report-hostile");
      assert.equal(await page.locator("script, img, a, link, iframe").count(), 0);
      assert.match(await page.locator("main").innerText(), /<script>alert\(1\)<\/script><img src=x onerror=alert\(2\)>"'&amp;/);
      assert.doesNotMatch(await page.content(), /[\u202a-\u202e\u2066-\u2069\u200e\u200f]/);
      assert.deepEqual(page.problems, []);
    }
  });
});

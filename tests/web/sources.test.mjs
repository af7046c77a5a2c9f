// The notes that the model was given, in <ticket-chat>: the list under the answer, and the links to it. In a real Chromium, in
// front of a scripted service.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sourceWords } from "../../web/ticket-chat-sources.js";
import { words } from "../../web/ticket-chat-words.js";
import { openDesk, openDesks } from "./desk.mjs";
import { until } from "./service.mjs";
import { accessible, look, PHONE } from "./sight.mjs";

const w = sourceWords("en");
const cached = { type: "cached", response: "Open the *rear* cover [1], then **[3]** or `[2]`.\n\n```\n[2]\n```\n\nNot [4] nor [2].",
  message: "Kept.", createdAt: "2026-11-23T11:30:00Z", session: 7 };
const sources = [
  { n: 1, title: "Paper jam in the rear tray", url: "https://wiki.example/printers/7", cited: true },
  { n: 2, title: "Ticket 17", ticket: 17, cited: false },
  { n: 3, title: "Tóner – \u202eגבוה", url: "http://wiki.example/3", ticket: 18, cited: true },
];
const turn = { type: "turn", session: 8, question: "And now?", response: "Turn it off [2], see [9].", createdAt: cached.createdAt };
const done = { type: "done", session: 7 };
const say4 = (frames) => (say) => frames.forEach(say);

let browser;
before(async () => {
  browser = await openDesks();
  browser.pages.set("/sources.html", `<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title>
    <meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
    <main><h1>Help desk</h1><input aria-label="search"></main><script type="module" src="/ticket-chat.js"></script>`);
});
after(() => browser?.stop());

async function open(t, frames = [cached, { type: "sources", sources }, turn, done], { add, ...options } = {}) {
  const tab = await openDesk(browser, t, typeof frames === "function" ? frames : say4(frames), { path: "/sources.html", ...options });
  tab.loaded = [];
  tab.page.on("request", (request) => tab.loaded.push(new URL(request.url()).pathname));
  tab.inside = (selector) => tab.page.locator(`ticket-chat ${selector}`);
  tab.links = () => tab.inside(".answer a").evaluateAll((all) => all.map((a) => [a.textContent, a.getAttribute("href"), a.ariaLabel]));
  await tab.add(add);
  await tab.told("done");
  return tab;
}

test("the list says what was given and what is cited; each cited [n] is a link to its source, in the thread as well", async (t) => {
  const tab = await open(t);
  await tab.inside(".source").first().waitFor();
  assert.equal(tab.fake.questions[0].sources, true);
  assert.deepEqual(await tab.inside(".sources li").allInnerTexts(), [
    "[1] Paper jam in the rear tray (wiki.example)", "[2] Ticket 17 – not cited", "[3] Tóner – גבוה (wiki.example) · ticket 18"]);
  assert.deepEqual(await tab.inside(".sources a").evaluateAll((all) => all.map(({ href, target, rel }) => [href, target, rel])),
    [1, 3].map((n) => [sources[n - 1].url, "_blank", "noopener noreferrer nofollow"]));
  const two = ["[2]", "#source-2", w.source(2, "Ticket 17")];
  assert.deepEqual(await tab.links(), [["[1]", sources[0].url, w.source(1, sources[0].title)],
    ["[3]", sources[2].url, w.source(3, "Tóner – גבוה")], two, two]);
  assert.match(await tab.answer(), /^Open the rear cover \[1\], then \[3\] or \[2\]\./, "the text is the same");
  await look(tab.page, "sources");
  await tab.page.setViewportSize(PHONE.viewport);
  await look(tab.page, "sources-phone");
  assert.deepEqual(tab.page.problems, []);
});

test("by keyboard: from a citation without an address to its source, and from there to the next link", async (t) => {
  const tab = await open(t);
  await tab.inside(".source").first().waitFor();
  const before = tab.page.url();
  await tab.inside(".answer a").nth(2).focus();
  await tab.page.keyboard.press("Enter");
  assert.equal(await tab.focused(), "source unused");
  assert.equal(tab.page.url(), before, "the page's own address stays");
  await tab.page.keyboard.press("Tab");
  assert.equal(await tab.page.evaluate(() => document.activeElement.shadowRoot.activeElement.href), sources[2].url);
  await tab.inside(".turn a").click();
  assert.equal(await tab.focused(), "source unused");
  const region = tab.page.getByRole("region", { name: w.sources });
  assert.equal(await region.getByRole("listitem").count(), 3);
  assert.equal(await tab.page.getByRole("link", { name: w.source(1, sources[0].title) }).count(), 1);
});

for (const [lang, heading, unused] of [["pt-BR", "Fontes", "não citada"], ["es", "Fuentes", "no citada"]]) {
  test(`in ${lang}, and in another language at once when the page's changes`, async (t) => {
    const tab = await open(t, undefined, { add: { lang } });
    await tab.inside(".source").first().waitFor();
    assert.match(await tab.inside(".sources").innerText(), new RegExp(`^${heading}[^]*Ticket 17 – ${unused}`));
    await tab.set({ lang: "en" });
    await until("English", async () => /^Sources/.test(await tab.inside(".sources").innerText()));
    assert.deepEqual((await tab.links())[2], ["[2]", "#source-2", w.source(2, "Ticket 17")]);
    await accessible(tab.page, lang);
  });
}

test("off: not asked for, not loaded, no link; nothing of it without a source, nor without the thread and thumbs", async (t) => {
  let tab = await open(t, undefined, { add: { sources: "off" } });
  assert.equal("sources" in tab.fake.questions[0], false);
  await tab.inside(".turn").waitFor();
  await tab.page.waitForTimeout(300);
  assert.deepEqual([await tab.inside(".sources").count(), (await tab.links()).length], [0, 0]);
  assert.equal(tab.loaded.includes("/ticket-chat-sources.js"), false);
  await tab.set({ sources: "on" });
  await tab.inside(".source").first().waitFor(); // what came is shown
  await tab.set({ sources: false });
  await until("no list", async () => !(await tab.inside(".sources").isVisible()));
  assert.equal((await tab.links()).length, 0);

  tab = await open(t, [cached, { type: "sources", sources: [] }, done]);
  await tab.inside(".follow").waitFor();
  await tab.page.waitForTimeout(300);
  assert.equal(tab.loaded.includes("/ticket-chat-sources.js"), false);
  assert.equal((await tab.links()).length, 0, "a number that was never given is no link");

  tab = await open(t, [cached, { type: "sources", sources }, done], { add: { thread: "off", ratings: "off" } });
  await tab.inside(".source").first().waitFor();
  assert.equal(await tab.inside(".follow").isVisible(), false);
  assert.equal(await tab.inside(".rating").isVisible(), false);
});

test("hostile titles and addresses are text, and no link but to the web", async (t) => {
  const urls = ["javascript:alert(1)", "data:text/html,x", "https://a:b@wiki.example/", "//wiki.example", "file:///etc/passwd", "https:///", " ", "x"];
  const hostile = urls.map((url, n) => ({ n: n + 1, url, cited: true, title: `<img src=x onerror="window.hit = 1"> ${"\u202e"}${"x".repeat(150)} [1](https://evil.example) &amp;` }));
  const tab = await open(t, [{ ...cached, response: hostile.map(({ n }) => `a [${n}]`).join(", ") }, { type: "sources", sources: hostile }, done]);
  await tab.inside(".source").first().waitFor();
  assert.equal(await tab.inside(".sources a").count(), 0);
  assert.equal(await tab.inside(".sources img").count(), 0);
  assert.deepEqual((await tab.links()).map(([text, href]) => [text, href]), hostile.map(({ n }) => [`[${n}]`, `#source-${n}`]));
  for (let n = 0; n < hostile.length; n++) await tab.inside(".answer a").nth(n).click();
  assert.equal(await tab.page.evaluate(() => window.hit), undefined);
  await look(tab.page, "sources-hostile");
  assert.deepEqual(tab.page.problems, []);
});

test("a written answer gets its sources when it is done; another version, another ticket and a refresh have their own", async (t) => {
  let say;
  const tab = await open(t, (s, { version, refresh, ticketBody }, _n, ticket) => {
    say = s;
    if (refresh) return s({ type: "stream", content: "new [1]" });
    if (ticket === "8" && ticketBody) return say4([{ ...cached, session: 9 }, { type: "sources", sources: [] }, { ...done, session: 9 }])(s);
    if (version === 1) return say4([{ ...cached, session: 3, version: 1, versions: 2, response: "old [2]" },
      { type: "sources", sources: [{ ...sources[1], cited: true }] }, { ...done, session: 3 }])(s);
    return say4([{ type: "stream", content: "so " }, { type: "stream", content: "[1]" }, { type: "sources", sources }, { ...done, versions: 2 }])(s);
  });
  await tab.inside(".source").first().waitFor();
  assert.deepEqual((await tab.links()).map(([text]) => text), ["[1]"]);
  await tab.button(words("en").previous).click();
  await until("its sources", async () => (await tab.inside(".sources li").count()) === 1);
  assert.deepEqual((await tab.links()).map(([, href]) => href), ["#source-2"]);
  await tab.page.evaluate(() => window.chat.refresh());
  await until("the new text", async () => /^new/.test(await tab.answer()));
  assert.equal((await tab.links()).length, 0, "not before they are known");
  assert.equal(await tab.inside(".sources").isVisible(), false);
  say({ type: "sources", sources });
  say({ ...done, session: 10, versions: 3 });
  await until("a link", async () => (await tab.links()).length === 1);
  await tab.set({ ticketId: 8 });
  await until("the other ticket", async () => /rear/.test(await tab.answer()));
  await until("no list", async () => !(await tab.inside(".sources").count()) || !(await tab.inside(".sources").isVisible()));
  assert.equal((await tab.links()).length, 0);
});

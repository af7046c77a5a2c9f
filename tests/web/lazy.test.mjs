// <ticket-chat lazy> in lists: nothing before it is seen, then only what is saved, a few connections at a time.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { words } from "../../web/ticket-chat-words.js";
import { openDesk, openDesks, quiet } from "./desk.mjs";
import { recording, start, until } from "./service.mjs";
import { look } from "./sight.mjs";

const w = words("en");
const MOST = 6; // connections at a time
const PAUSE = 30; // ms until the service answers
const none = { type: "error", code: "no_answer", message: "There is no answer yet.", retryable: false };
const saved = (say, text = "Open the cover.") =>
  [{ type: "cached", response: text, message: "Kept.", session: 7 }, { type: "done", session: 7 }].forEach(say);

let browser;
before(async () => (browser = await openDesks()));
after(() => browser?.stop());

/** Puts so many lazy elements into the page, each of its own ticket. */
const list = (tab, n, properties = {}) => tab.page.evaluate(([n, given]) => {
  for (let ticket = 1; ticket <= n; ticket++) {
    const chat = document.createElement("ticket-chat");
    Object.assign(chat, { ...given, ticketId: ticket, lazy: true });
    document.querySelector("main").append(chat);
  }
}, [n, { server: tab.fake?.server, ticketBody: "jam", ...properties }]);

const tickets = (tab) => tab.fake.paths.map((path) => Number(path.split("/").at(-1)));
const inside = (tab, n, selector) => tab.page.locator("ticket-chat").nth(n - 1).locator(selector);

test("200 elements: only what is seen is opened, in its order, by six connections at most; nothing is asked", async (t) => {
  const tab = await openDesk(browser, t, (say, _message, n) => setTimeout(() => (n % 2 ? saved(say) : say(none)), PAUSE));
  await list(tab, 200);
  await tab.asked(); // how many are in sight depends on how soon the first ones have grown
  const first = await until("those in sight", async () => {
    const { length } = tab.fake.questions;
    await tab.page.waitForTimeout(10 * PAUSE);
    return length === tab.fake.questions.length && length;
  });
  assert.ok(first < 60, `${first} of 200`);
  // Those that are on their way at the same time may arrive in another order.
  const sorted = tickets(tab).toSorted((a, b) => a - b);
  for (const [n, ticket] of tickets(tab).entries()) assert.ok(Math.abs(sorted.indexOf(ticket) - n) < MOST, tickets(tab).join(" "));
  assert.deepEqual(tab.fake.questions[0], { type: "open", thread: true, sources: true, status: true, lang: "en" });
  assert.equal(await inside(tab, 200, ".ticket").textContent(), "Ticket 200", "the others have their place");
  assert.ok((await tab.page.locator("ticket-chat").nth(199).boundingBox()).height > 24);
  for (let n = 0; n < 60; n++) {
    await tab.page.mouse.wheel(0, 1500);
    await tab.page.waitForTimeout(50);
  }
  await tab.page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await until("the last one", () => tickets(tab).includes(200));
  await tab.page.waitForTimeout(10 * PAUSE);
  assert.ok(tab.fake.most <= MOST, `${tab.fake.most} connections at a time`);
  assert.ok(tab.fake.most > 1);
  assert.deepEqual([...new Set(tab.fake.questions.map(({ type }) => type))], ["open"]);
  assert.deepEqual(tab.page.problems, []);
});

test("what is out of sight makes place for what is in sight", async (t) => {
  const tab = await openDesk(browser, t, (say, _message, _n, ticket) => {
    if (Number(ticket) <= 8) say({ type: "stream", content: "being written" }); // and goes on
    else saved(say);
  }, { viewport: { width: 640, height: 1200 } });
  await list(tab, 60);
  await until("six of them", () => tab.fake.paths.length === MOST);
  await tab.page.waitForTimeout(300);
  assert.deepEqual(tickets(tab), [1, 2, 3, 4, 5, 6], "the others wait");
  await until("the last one", async () => { // what opens above it pushes it out of sight
    await tab.page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    return tickets(tab).includes(60);
  });
  assert.ok(tab.fake.closed.length >= MOST);
  await tab.page.evaluate(() => scrollTo(0, 0));
  await until("the first one again", () => tickets(tab).filter((ticket) => ticket === 1).length === 2);
  assert.ok(tab.fake.most <= MOST);
});

test("an answer is asked for by a click; where the page has no text, it is not offered", async (t) => {
  const tab = await openDesk(browser, t, (say, { type, ticketBody }) => {
    if (type === "open") say(none);
    else if (ticketBody) [{ type: "stream", content: "new" }, { type: "done", session: 7 }].forEach(say);
  }, { viewport: { width: 640, height: 1200 } });
  await list(tab, 2);
  await until("both", () => tab.fake.questions.length === 2);
  await until("the reason", async () => (await inside(tab, 1, ".line").textContent()) === none.message);
  assert.doesNotMatch(await inside(tab, 1, ".chat").getAttribute("class"), /error/);
  await look(tab.page, "lazy-none");
  await inside(tab, 1, ".ask").click();
  await until("the answer", async () => (await inside(tab, 1, "section").textContent()) === "new");
  assert.deepEqual(tab.fake.questions[2], { ticketBody: "jam", thread: true, sources: true, status: true, lang: "en" });
  await list(tab, 1, { ticketBody: undefined });
  await until("another", () => tab.fake.questions.length === 4);
  await until("the reason", async () => (await inside(tab, 3, ".line").textContent()) === none.message);
  assert.equal(await inside(tab, 3, ".ask").isVisible(), false);
  await quiet(tab, 4);
});

for (const [code, more] of [["rate_limited", { retryable: true, retryAfter: 1 }], ["not_allowed", {}], ["unauthorized", {}], ["storage", { retryable: true }]]) {
  test(`${code}: it says so, and asks nothing by itself`, async (t) => {
    const tab = await openDesk(browser, t, (say, { type }) =>
      type === "open" ? say({ type: "error", code, message: `It is ${code}.`, retryable: false, ...more }) : saved(say));
    await list(tab, 1);
    await until("the reason", async () => (await inside(tab, 1, ".line").textContent()) === `It is ${code}.`);
    await tab.page.waitForTimeout(1500);
    assert.equal(tab.fake.questions.length, 1);
    assert.equal(await inside(tab, 1, ".retry").isVisible(), Boolean(more.retryable));
    await inside(tab, 1, ".ask").click();
    await until("the answer", async () => (await inside(tab, 1, "section").textContent()) === "Open the cover.");
  });
}

test("an answer that is being written is followed; an answer that is saved can be gone on with", async (t) => {
  let say;
  const tab = await openDesk(browser, t, (s, { type }) => (say = s, type === "open" ? s({ type: "stream", content: "so " }) : saved(s, "older")));
  await list(tab, 1, { ticketBody: undefined });
  await until("the text", async () => (await inside(tab, 1, "section").textContent()) === "so");
  say({ type: "stream", content: "far" });
  say({ type: "done", session: 7, versions: 2 });
  await until("the end", async () => (await inside(tab, 1, ".number").textContent()) === w.version(2, 2));
  assert.equal(await inside(tab, 1, ".refresh").isVisible(), false, "there is no text to ask about");
  await inside(tab, 1, ".previous").click();
  await until("the older one", () => tab.fake.questions.length === 2);
  assert.deepEqual(tab.fake.questions[1], { type: "open", version: 1, thread: true, sources: true, status: true, lang: "en" });
});

test("seen for a second time nothing happens; another ticket is opened, another text is not", async (t) => {
  const tab = await openDesk(browser, t, (say) => saved(say));
  await list(tab, 30);
  await tab.asked();
  await tab.page.waitForTimeout(500);
  const { length } = tab.fake.questions;
  await tab.page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await until("others", () => tab.fake.questions.length > length);
  await tab.page.evaluate(() => scrollTo(0, 0));
  await tab.page.waitForTimeout(500);
  assert.equal(tickets(tab).filter((ticket) => ticket === 1).length, 1);
  const before = tab.fake.questions.length;
  await tab.page.evaluate(() => (document.querySelector("ticket-chat").ticketBody = "another text"));
  await quiet(tab, before);
  await tab.page.evaluate(() => (document.querySelector("ticket-chat").ticketId = 1000));
  await until("the other ticket", () => tickets(tab).includes(1000));
  await tab.page.evaluate(() => {
    const chat = document.querySelector("ticket-chat");
    chat.remove();
    chat.ticketId = 1001;
  });
  await tab.page.waitForTimeout(500); // the next one has come into sight
  assert.equal(tickets(tab).includes(1001), false);
  await tab.page.evaluate(() => { // in HTML
    document.querySelector("main").innerHTML = `<ticket-chat lazy ticket-id="1002" server="${document.querySelector("ticket-chat").server}"></ticket-chat>`;
  });
  await until("the one in HTML", () => tickets(tab).includes(1002));
});

test("200 elements in front of the real service take no generation and no place of the queue", async (t) => {
  const service = await start({ replay: ["--pace", 1, recording("stream-emoji")] });
  t.after(() => service.stop());
  const page = await browser.tab("/desk.html", { locale: "en-US" });
  t.after(() => page.context().close());
  await page.evaluate((server) => {
    window.most = 0;
    for (let ticket = 1; ticket <= 200; ticket++) {
      const chat = document.createElement("ticket-chat");
      Object.assign(chat, { server, ticketId: ticket, ticketBody: "jam", lazy: true });
      document.querySelector("main").append(chat);
    }
    setInterval(() => (window.most = Math.max(window.most, window.sockets.filter(({ readyState }) => readyState < 2).length)), 5);
  }, service.server);
  for (let n = 0; n < 40; n++) {
    await page.evaluate(() => scrollBy(0, 400));
    await page.waitForTimeout(100);
  }
  await until("many of them", () => page.sent.length > 20);
  await page.waitForTimeout(500);
  assert.equal(service.requests(), 0);
  assert.equal(service.generators().length, 0);
  assert.ok((await page.evaluate(() => window.most)) <= MOST);
  assert.deepEqual([...new Set(page.sent.map(({ type }) => type))], ["open"]);
  assert.deepEqual(page.problems, []);
});

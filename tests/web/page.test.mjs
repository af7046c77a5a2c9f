// The page of the service and <ticket-chat> in it, in a real Chromium, in front of the real service with a replayed
// Ollama: every state is reached, looked at in two languages, sizes and colour schemes, and checked by axe.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import WebSocket from "ws";
import { WORDS } from "../../web/page-words.js";
import { words } from "../../web/ticket-chat-words.js";
import { createHmac } from "node:crypto";
import { openBrowser } from "./browser.mjs";
import { ROOT } from "./documentation.mjs";
import { recording, start, textOf, until } from "./service.mjs";
import { chatIn, DESKTOP, look, PHONE } from "./sight.mjs";

const READERS = { desktop: DESKTOP, phone: PHONE };
const DEMO = ["--pace", 1, "--demo", `${ROOT}/tests/demo`];
const SLOW_DEMO = ["--pace", 300, "--demo", `${ROOT}/tests/demo`];
const UPSTREAM = `${ROOT}/tests/upstream`;
const NAME = "stream-emoji";
const PACED = ["--pace", 250, recording(NAME)]; // ten seconds in all: the machine may be busy
const ANSWER = textOf(NAME);
const SLOW = ["--delay", 600_000, recording(NAME)];
const LOADING = ["--ps", recording("ps"), ...SLOW]; // another model is loaded
const BODY = { "pt-BR": "A impressora do 2º andar não imprime 🖨️", "en-US": "The printer on floor 2 does not print 🖨️" };

let browser;
before(async () => (browser = await openBrowser()));
after(() => browser?.stop());

async function served(t, options) {
  const service = await start(options);
  t.after(() => service.stop());
  return service;
}

async function open(t, service, { path = "", ...options } = DESKTOP) {
  const page = await browser.tab(`${service.page}${path}`, options);
  t.after(() => page.context().close());
  const lang = options.locale ?? "pt-BR";
  const tab = {
    page, w: words(lang), ...chatIn(page),
    async ask(ticket = 42, body = BODY[lang]) {
      await page.locator("#number").fill(String(ticket));
      await page.locator("#text").fill(body);
      await page.locator("#text").press("Control+Enter");
    },
    ended: () => until("the end", async () => !(await tab.busy())),
    finished: (cached) => until("the end of the answer", async () => {
      const frame = page.received.at(-1) ?? "";
      return !(await tab.busy()) && frame.includes('"done"') && (!cached || page.received.slice(-3).some((f) => f.includes('"cached"')));
    }),
    failed: (code) => until(`the error ${code}`, () => page.received.some((frame) => frame.includes(`"${code}"`))),
  };
  return tab;
}

/** A text without what Markdown does to it here: only space. */
const plain = (text) => text.replace(/\s+/g, "");

/** A pattern for just this text. */
const literal = (text) => new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));

/** Somebody else asks about a ticket. */
async function another(t, service, ticket) {
  const socket = new WebSocket(service.url(ticket));
  t.after(() => socket.terminate());
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  socket.send(JSON.stringify({ ticketBody: "mine first" }));
}

/** What is to be reached: with which service, how (by asking, if not told), and what the status then says. */
const STATES = {
  empty: {},
  "link-without-text": {
    path: "?ticket=42",
    reach: (tab) => until("the note", async () => (await tab.page.locator("#link").textContent()).includes("42")),
  },
  connecting: {
    async reach(tab, service) {
      service.pause();
      await tab.ask();
    },
    says: (w) => w.states.connecting,
    after: (service) => service.resume(),
  },
  queued: {
    replay: SLOW, env: { TICKETCHAT_GENERATIONS: "1" },
    async reach(tab, service, t) {
      for (const ticket of [1, 2]) await another(t, service, ticket);
      await until("both generations", () => service.generators().length === 2);
      await tab.ask();
    },
    says: (w) => w.position(2),
  },
  loading: { replay: LOADING, says: (w) => w.states.loading, reach: async (tab) => {
    await tab.ask();
    await until("the time", async () => /^\d+:\d\d$/.test(await tab.elapsed()));
  } },
  thinking: { replay: ["--pace", 4000, `${UPSTREAM}/think-then-text.ndjson`], env: { OLLAMA_THINK: "true" }, says: (w) => w.states.thinking },
  writing: { replay: SLOW_DEMO, says: (w) => w.states.generating, reach: async (tab) => {
    await tab.ask();
    await tab.grown(100);
  } },
  done: { replay: DEMO, says: (w) => w.done, end: true },
  length: { replay: [recording(NAME)], says: (w) => w.length, end: true },
  cached: { replay: DEMO, end: true, async reach(tab) {
    await tab.ask();
    await tab.finished();
    await tab.ask();
    await tab.finished(true);
  } },
  changed: { replay: DEMO, end: true, async reach(tab) {
    await tab.ask();
    await tab.finished();
    await tab.ask(42, "something else");
    await tab.said(literal(tab.w.changed));
    assert.equal(await tab.page.locator("ticket-chat .head .refresh").isVisible(), true, "another answer is offered beside it");
  } },
  refreshing: { replay: DEMO, says: (w) => w.states.loading, async reach(tab, service) {
    await tab.ask();
    await tab.finished();
    await service.stopOllama();
    await service.startOllama(LOADING);
    await tab.button(tab.w.refresh).click();
    await tab.said(literal(tab.w.states.loading));
  } },
  older: { replay: DEMO, says: (w) => w.older, end: true, async reach(tab) {
    await tab.ask();
    await tab.finished();
    await tab.button(tab.w.refresh).click();
    await tab.button(tab.w.previous).click();
    await tab.said(literal(tab.w.older));
  } },
  stopped: { replay: SLOW_DEMO, end: true, async reach(tab) {
    await tab.ask();
    await tab.grown(100);
    await tab.button(tab.w.stop).click();
    await tab.failed("stopped");
  } },
  "stopped-refresh": { replay: DEMO, end: true, async reach(tab, service) {
    await tab.ask();
    await tab.finished();
    await service.stopOllama();
    await service.startOllama(SLOW_DEMO);
    await tab.button(tab.w.refresh).click();
    await until("the new text", async () => (await tab.answer()).length < 200);
    await tab.grown(100);
    await tab.button(tab.w.stop).click();
    await tab.failed("stopped");
  } },
  reconnecting: { replay: PACED, says: (w) => w.states.reconnecting, async reach(tab, service) {
    await tab.ask();
    await tab.grown(20);
    await service.stopWebsocketd();
  }, after: (service) => service.startWebsocketd() },
  offline: { replay: PACED, says: (w) => w.offline, async reach(tab, service) {
    await tab.ask();
    await tab.grown(20);
    await tab.page.context().setOffline(true);
    for (const pid of service.chats()) service.kill(pid);
  } },
  lost: { clock: true, says: (w) => w.connection_lost, end: true, async reach(tab, service) {
    await service.stopWebsocketd();
    await tab.ask();
    await until("the end", async () => {
      await tab.page.clock.runFor(500);
      return (await tab.status()).includes(tab.w.connection_lost);
    });
  }, after: (service) => service.startWebsocketd() },
};

/** The errors of the service: what makes each. */
const ERRORS = {
  upstream_unreachable: {},
  model_missing: { replay: [recording("missing-model")] },
  upstream_error: { replay: ["--pace", 100, `${UPSTREAM}/error-after-text.ndjson`] },
  upstream_timeout: { replay: ["--stall", 900, ...PACED], env: { TICKETCHAT_STALL_TIMEOUT: "1" } },
  upstream_truncated: { replay: ["--cut", 2000, recording(NAME)] },
  rate_limited: { replay: [recording(NAME)], env: { TICKETCHAT_RATE_LIMIT: "1/min" }, async before(t, service) {
    await another(t, service, 1);
    await until("an answer", () => service.requests() === 1);
  } },
  queue_full: { replay: SLOW, env: { TICKETCHAT_GENERATIONS: "1", TICKETCHAT_QUEUE_MAX: "1" }, async before(t, service) {
    await another(t, service, 1);
    await until("a taken slot", () => service.requests() === 1);
    await another(t, service, 2);
    await until("both generations", () => service.generators().length === 2);
  } },
  forbidden_origin: { env: { TICKETCHAT_ALLOWED_ORIGINS: "https://helpdesk.example" } },
  unauthorized: { env: { TICKETCHAT_AUTH: "required" } },
  unknown_ticket: { env: { TICKETCHAT_TICKETS: "existing" } },
  too_large: { env: { TICKETCHAT_MAX_TICKET_BYTES: "20" } },
};
for (const [code, { before, ...options }] of Object.entries(ERRORS)) {
  STATES[code] = { ...options, end: true, async reach(tab, service, t) {
    await before?.(t, service);
    await tab.ask();
    await tab.failed(code);
    const error = JSON.parse(tab.page.received.at(-1));
    await tab.said(literal(error.message));
    assert.equal(await tab.button(tab.w.retry).count(), error.retryable ? 1 : 0);
  } };
}

const KEY = "0123456789abcdef0123456789abcdef";

/** A key for tokens, where the service wants them. */
function authorized(t, env = {}) {
  if (env.TICKETCHAT_AUTH !== "required") return env;
  const folder = mkdtempSync(join(tmpdir(), "ticketchat-key-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(`${folder}/key`, KEY, { mode: 0o600 });
  return { ...env, TICKETCHAT_JWT_KEY_FILE: `${folder}/key` };
}

for (const [reader, options] of Object.entries(READERS)) {
  describe(`the page in every state, ${reader}, ${options.locale}`, () => {
    for (const [name, state] of Object.entries(STATES)) {
      test(name, async (t) => {
        const service = await served(t, { ...state, env: authorized(t, state.env) });
        const tab = await open(t, service, { ...options, path: state.path, clock: state.clock });
        if (state.reach) await state.reach(tab, service, t);
        else if (state.says) await tab.ask();
        if (state.says) await tab.said(literal(state.says(tab.w)));
        if (state.end) assert.equal(await tab.busy(), false);
        await look(tab.page, `${name}-${reader}`);
        if (state.says) assert.ok((await tab.status()).includes(state.says(tab.w)), "it was still so");
        assert.deepEqual(tab.page.problems, []);
        await state.after?.(service);
      });
    }
  });
}

/* `PICTURE=1 tests/web/run.sh page.test.mjs' takes the picture of the README again, in docs/page.png. */
test("the README shows a picture of the page while it writes, a PNG under 100 kB", async (t) => {
  const service = await served(t, { replay: ["--pace", 60, "--demo", `${ROOT}/tests/demo`] });
  const tab = await open(t, service, { locale: "en-US", viewport: { width: 760, height: 840 } });
  await tab.page.locator("#example").click();
  await tab.page.locator("form button").first().click();
  await tab.grown(430);
  const picture = await tab.page.screenshot();
  assert.ok((await tab.status()).includes(tab.w.states.generating), "it still writes");
  assert.deepEqual(tab.page.problems, []);
  const file = `${ROOT}/docs/page.png`;
  if (process.env.PICTURE) writeFileSync(file, picture);
  for (const png of [picture, readFileSync(file)]) {
    assert.equal(png.toString("latin1", 0, 8), "\x89PNG\r\n\x1a\n");
    assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [760, 840]);
    assert.ok(png.length < 100_000, `${png.length} bytes`);
  }
  assert.match(readFileSync(`${ROOT}/README.md`, "utf8"), /^!\[[^\]]+\]\(docs\/page\.png\)$/m);
});

/** An answer of the model with this text, for replay. */
function written(t, text) {
  const folder = mkdtempSync(join(tmpdir(), "ticketchat-answer-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const lines = text.match(/[^]{1,7}/gu).map((response) => JSON.stringify({ model: "replay", response, done: false }));
  writeFileSync(`${folder}/answer.ndjson`, `${lines.join("\n")}\n{"model":"replay","response":"","done":true,"done_reason":"stop"}\n`);
  return `${folder}/answer.ndjson`;
}

test("by keyboard alone: ask, stop, retry, copy, another answer, the one before", async (t) => {
  const service = await served(t, { replay: SLOW_DEMO });
  const tab = await open(t, service);
  const { keyboard } = tab.page;
  const to = async (name) => {
    for (let n = 0; n < 12; n++) {
      await keyboard.press("Tab");
      const focused = await tab.page.evaluate(() => (document.activeElement.shadowRoot ?? document).activeElement?.textContent);
      if (focused?.startsWith(name)) return keyboard.press("Enter");
    }
    assert.fail(`no way to ${name}`);
  };
  await keyboard.press("Tab");
  await keyboard.type("42");
  await keyboard.press("Tab");
  await keyboard.type("printer\njam");
  await keyboard.press("Control+Enter");
  await tab.grown(100);
  await to(tab.w.stop);
  await tab.failed("stopped");
  await service.stopOllama();
  await service.startOllama(DEMO);
  await to(tab.w.retry);
  await tab.said(literal(tab.w.done));
  await to(tab.w.copyMarkdown);
  await tab.said(/copi/i);
  await keyboard.press("Shift+Tab");
  await keyboard.press("Shift+Tab");
  await keyboard.press("Enter"); // another answer
  await until("the second answer", async () => (await tab.page.locator("ticket-chat .number").textContent()) === tab.w.version(2, 2));
  await to("‹");
  await tab.said(literal(tab.w.older));
  assert.deepEqual(tab.page.problems, []);
});

test("who is at the end goes on to see the end; who reads further up stays there", async (t) => {
  const text = Array.from({ length: 120 }, (_, n) => `Step ${n}: look at the printer.\n\n`).join("");
  const service = await served(t, { replay: ["--pace", 25, written(t, text)] });
  const tab = await open(t, service, { ...PHONE });
  const below = () => tab.page.evaluate(() => document.querySelector("ticket-chat").getBoundingClientRect().bottom - innerHeight);
  await tab.ask();
  await tab.grown(1000);
  assert.ok((await below()) < 40, "the end is in sight");
  await tab.page.evaluate(() => scrollTo(0, 300));
  const { length } = await tab.answer();
  await tab.grown(length + 300);
  assert.equal(await tab.page.evaluate(() => scrollY), 300);
  assert.equal(await tab.page.locator("ticket-chat .head").evaluate((head) => head.getBoundingClientRect().top >= 0), true, "Stop is in sight");
  await tab.page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await tab.finished();
  assert.ok((await below()) < 100, "the end is in sight again");
});

test("a reload and a link show the same ticket; back goes to the one before", async (t) => {
  const service = await served(t, { replay: ["--pace", 1, recording(NAME)] });
  const tab = await open(t, service);
  await tab.ask(42);
  await tab.finished();
  await tab.ask(43, "another");
  await until("the title", async () => (await tab.page.title()).startsWith("43"));
  await tab.finished();
  assert.equal(new URL(tab.page.url()).search, "?ticket=43");
  await tab.page.reload();
  await tab.said(/já tem/);
  assert.equal(await tab.page.locator("#text").inputValue(), "another");
  await tab.page.goBack();
  await until("the ticket before", async () => (await tab.page.locator("#number").inputValue()) === "42");
  await tab.said(/já tem/);
  assert.equal(await tab.page.locator("#text").inputValue(), BODY["pt-BR"]);
  await tab.page.goBack();
  await until("the empty page", async () => (await tab.page.locator("#number").inputValue()) === "");
  await until("nothing but it", async () => !(await tab.page.locator("ticket-chat .chat").isVisible()));
  assert.equal(service.requests(), 2);
  assert.deepEqual(tab.page.problems, []);
});

/** A JWT that the service takes. */
function jwt() {
  const parts = [{ alg: "HS256", typ: "JWT" }, { sub: "me", exp: 4102444800 }].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  return `${parts.join(".")}.${createHmac("sha256", KEY).update(parts.join(".")).digest("base64url")}`;
}

test("a link opens what is saved: the ticket's text and the answer; nothing is asked, and no text is in an address or a title", async (t) => {
  const service = await served(t, { replay: ["--pace", 1, recording(NAME)], env: { TICKETCHAT_OPEN: "on" } });
  const writer = await open(t, service);
  const secret = "the printer of room 4711 jams";
  await writer.ask(42, secret);
  await writer.finished();
  const tab = await open(t, service);
  const heads = [];
  tab.page.on("request", (request) => heads.push(JSON.stringify([request.url(), request.headers()])));
  for (const [n, link] of ["?ticket=42", "?ticket=%2300042"].entries()) {
    await tab.page.goto(`${service.page}${link}`);
    await until("the answer", async () => plain(await tab.answer()) === plain(ANSWER));
    assert.deepEqual(tab.page.sent[n], { type: "open", thread: true, sources: true, status: true, lang: "pt-BR" });
    assert.equal(await tab.page.locator("#text").inputValue(), secret);
    assert.equal(await tab.page.locator("#link").textContent(), "");
    assert.ok((await tab.page.title()).startsWith("42"));
  }
  await look(tab.page, "link-desktop");
  await tab.page.reload();
  await until("the answer again", async () => plain(await tab.answer()) === plain(ANSWER));
  assert.deepEqual([...new Set(tab.page.sent.map(({ type }) => type))], ["open"]);
  assert.equal(service.requests(), 1);
  for (const text of [...heads, await tab.page.title(), tab.page.url()]) assert.doesNotMatch(text, /4711|printer/);
  assert.doesNotMatch(heads.join(), /"referer":"[^"]/i);
  await tab.button(tab.w.refresh).click();
  await until("another answer", () => service.requests() === 2);
  assert.equal(tab.page.sent.at(-1).ticketBody, secret);
  assert.deepEqual(tab.page.problems, []);
});

test("a link to a ticket without an answer shows the form, and keeps what somebody types there", async (t) => {
  const service = await served(t, { replay: [recording(NAME)] });
  const tab = await open(t, service, { ...DESKTOP, path: "?ticket=42" });
  await until("the note", async () => (await tab.page.locator("#link").textContent()) === WORDS["pt-BR"].noAnswer("42"));
  assert.equal(await tab.page.locator("ticket-chat .chat").isVisible(), false);
  assert.equal(await tab.page.locator("#number").inputValue(), "42");
  assert.equal(await tab.page.title(), WORDS["pt-BR"].title);
  await tab.page.locator("#text").fill("mine");
  await tab.page.reload();
  await until("the note again", async () => (await tab.page.locator("#link").textContent()) === WORDS["pt-BR"].noAnswer("42"));
  assert.equal(await tab.page.locator("#text").inputValue(), "mine");
  assert.equal(service.requests(), 0);
  await tab.page.locator("#text").press("Control+Enter");
  await tab.finished();
  assert.equal(await tab.page.locator("#link").textContent(), "");
});

test("a link where the service keeps the text back, or opens nothing", async (t) => {
  for (const how of ["answer", "off"]) {
    const service = await served(t, { replay: [recording(NAME)], env: { TICKETCHAT_OPEN: how } });
    await another(t, service, 42);
    await until("an answer", () => /outcome=kept/.test(service.log()));
    const tab = await open(t, service, { ...DESKTOP, path: "?ticket=42" });
    if (how === "answer") await until("the answer", async () => plain(await tab.answer()) === plain(ANSWER));
    else await until("the note", async () => (await tab.page.locator("#link").textContent()) === WORDS["pt-BR"].onlyLink("42"));
    assert.equal(await tab.page.locator("#text").inputValue(), "");
    assert.equal(await tab.button(tab.w.refresh).count(), 0, "there is no text to ask about");
    assert.equal(await tab.page.locator("#print").isHidden(), true);
    assert.deepEqual(tab.page.problems, []);
  }
});

test("a link that needs a token needs nothing else", async (t) => {
  const service = await served(t, { replay: [recording(NAME)], env: authorized(t, { TICKETCHAT_AUTH: "required" }) });
  const writer = await open(t, service);
  await writer.ask(42, "printer jam");
  await writer.failed("unauthorized");
  await writer.page.locator("#token").fill(jwt());
  await writer.page.locator("#token").press("Enter");
  await writer.said(literal(writer.w.length));
  const tab = await open(t, service, { ...DESKTOP, path: "?ticket=42" });
  await tab.failed("unauthorized");
  assert.equal(await tab.page.evaluate(() => document.querySelector("form").checkValidity()), false);
  await tab.page.locator("#token").fill(jwt());
  await tab.page.locator("#token").press("Enter");
  await until("the answer", async () => plain(await tab.answer()) === plain(ANSWER));
  assert.equal(await tab.page.locator("#text").inputValue(), "printer jam");
  assert.deepEqual(tab.page.sent.map(({ type }) => type), ["open", "open"]);
  assert.ok(!tab.page.url().includes("token"));
});

test("a link to an answer that is being written follows it", async (t) => {
  const service = await served(t, { replay: PACED });
  const writer = await open(t, service);
  await writer.ask();
  await writer.grown(20);
  const tab = await open(t, service, { ...DESKTOP, path: "?ticket=42" });
  await tab.finished();
  assert.equal(plain(await tab.answer()), plain(ANSWER));
  assert.equal(service.requests(), 1);
});

/* D40 */
test("typed text is there again after a reload, Back and Forward, until it is asked about", async (t) => {
  const service = await served(t, { replay: ["--pace", 1, recording(NAME)] });
  const tab = await open(t, service);
  const [number, text] = ["#number", "#text"].map((id) => tab.page.locator(id));
  const holds = (ticket, body) => until(`${ticket} ${body}`, async () =>
    (await number.inputValue()) === ticket && (await text.inputValue()) === body);
  await number.fill("41");
  await text.fill("not yet\nasked");
  await tab.page.reload();
  await holds("41", "not yet\nasked");
  await tab.ask(42);
  await tab.finished();
  await number.fill("43");
  await text.fill("typed behind an answer");
  await tab.page.goBack();
  await holds("", ""); // what was typed here has been asked
  await text.fill("typed before it");
  await tab.page.goForward();
  await holds("43", "typed behind an answer");
  await tab.said(/já tem/); // and the answer is that of the text that was asked
  assert.equal(await tab.page.locator("ticket-chat .ticket").textContent(), "Chamado 42");
  await tab.page.goto(`${service.page}?ticket=44`);
  await tab.page.goBack();
  await holds("43", "typed behind an answer");
  await tab.page.goBack();
  await holds("", "typed before it");
  await tab.page.evaluate(() => sessionStorage.clear());
  await tab.page.goForward();
  await holds("42", BODY["pt-BR"]);
  assert.equal(service.requests(), 1);
  assert.deepEqual(tab.page.problems, []);
});

test("the example takes no typed text away", async (t) => {
  const service = await served(t, {});
  const tab = await open(t, service, { locale: "en-US", viewport: DESKTOP.viewport });
  const [text, w] = [tab.page.locator("#text"), WORDS.en];
  const example = tab.page.locator("#example");
  await example.click();
  assert.equal(await text.inputValue(), w.placeholder);
  assert.equal(await example.textContent(), w.example, "nothing to go back to");
  await text.fill("mine");
  await example.click();
  assert.equal(await text.inputValue(), w.placeholder);
  assert.equal(await example.textContent(), w.own);
  await tab.page.reload();
  assert.equal(await example.textContent(), w.own, "after a reload too");
  await example.click();
  assert.equal(await text.inputValue(), "mine");
  assert.equal(await example.textContent(), w.example);
  await example.click();
  await text.fill("the example, changed");
  await example.click();
  assert.equal(await text.inputValue(), "mine");
  await example.click();
  assert.equal(await text.inputValue(), "the example, changed", "nor what was made of it");
});

test("without a storage it works as ever", async (t) => {
  const service = await served(t, { replay: [recording(NAME)] });
  const tab = await open(t, service);
  await tab.page.addInitScript(() => Object.defineProperty(window, "sessionStorage", { get() { throw new Error("forbidden"); } }));
  await tab.page.reload();
  await tab.ask();
  await tab.finished();
  await tab.page.reload();
  await tab.said(/já tem/);
  assert.deepEqual(tab.page.problems, []);
});

test("a ticket's number as people write it; what is none is refused for the right reason", async (t) => {
  const service = await served(t, {});
  const tab = await open(t, service);
  const w = WORDS["pt-BR"];
  const reasons = {
    "4x": w.badNumber, "-1": w.badNumber, "1 2": w.badNumber, "ABC-42": w.badNumber, "##1": w.badNumber, "4.2": w.badNumber, 0: w.noZero, "#000": w.noZero,
    "９９９９９９９９９９９９９９９９９９９９": w.tooBig, "9223372036854775808": w.tooBig, "99999999999999999999": w.tooBig,
    "00042": "", "#123": "", " # 7 ": "", "４２": "", "9223372036854775807": "", "000000000000000000000001": "",
  };
  for (const [number, reason] of Object.entries(reasons)) {
    await tab.page.locator("#number").fill(number);
    assert.equal(await tab.page.locator("#number").evaluate((field) => field.validationMessage), reason, number);
  }
  for (const [number, ticket] of [["00042", "42"], ["#123", "123"], ["４３", "43"]]) {
    await tab.ask(number, "x");
    await until(ticket, async () => new URL(tab.page.url()).search === `?ticket=${ticket}`);
    assert.equal(await tab.page.locator("#number").inputValue(), ticket);
    await until(`ticket ${ticket}`, async () => (await tab.page.locator("ticket-chat .ticket").textContent()) === `Chamado ${ticket}`);
  }
  const link = await open(t, service, { ...DESKTOP, path: "?ticket=%2300045" });
  assert.equal(await link.page.locator("#number").inputValue(), "45");
  await until("the note", async () => (await link.page.locator("#link").textContent()).includes("45"));
});

/* D44 */
test("on paper: the ticket, its text, the answer, and that an AI wrote it; no form, no button", async (t) => {
  const service = await served(t, { replay: DEMO });
  const tab = await open(t, service);
  await tab.ask(42, "first line\nsecond line");
  await tab.finished();
  assert.match(await tab.page.locator("header p").textContent(), /IA .* conferir/);
  assert.equal(await tab.page.locator("#print").isVisible(), false, "on the screen it stands in the form");
  await tab.page.emulateMedia({ media: "print" });
  assert.equal(await tab.page.locator("#print p").innerText(), "first line\nsecond line");
  for (const part of [".ticket", ".answer", ".draft"]) assert.equal(await tab.page.locator(`ticket-chat ${part}`).isVisible(), true, part);
  for (const part of ["form", "details", "button"])
    for (const node of await tab.page.locator(part).all()) assert.equal(await node.isVisible(), false, part);
  await look(tab.page, "paper");
  await tab.page.emulateMedia({ media: "print", colorScheme: "dark" });
  const colour = await tab.page.locator("ticket-chat .answer").evaluate((node) => getComputedStyle(node).color);
  assert.equal(colour, "rgb(31, 35, 40)", "dark on white, whatever the screen has");
});

test("the page in Spanish", async (t) => {
  const service = await served(t, { replay: DEMO });
  const tab = await open(t, service, { ...PHONE, locale: "es-AR" });
  assert.equal(await tab.page.locator("h1").textContent(), WORDS.es.title);
  assert.equal(await tab.page.locator("html").getAttribute("lang"), "es");
  await tab.ask(42, "La impresora no imprime");
  await tab.finished();
  await tab.ask(42, "La impresora no imprime");
  await tab.said(/Este ticket ya tiene una respuesta/);
  await look(tab.page, "spanish-phone");
});

test("what is no ticket is not asked about", async (t) => {
  const service = await served(t, {});
  const tab = await open(t, service);
  assert.equal(await tab.page.locator("#text").evaluate((text) => text.validationMessage), WORDS["pt-BR"].noText);
  for (const [number, body] of [["", "x"], ["0", "x"], ["4x", "x"], ["-1", "x"], ["42", " \n"], ["99999999999999999999", "x"]]) {
    await tab.ask(number, body);
    assert.equal(await tab.page.evaluate(() => document.querySelector("form").checkValidity()), false, `${number} ${body}`);
  }
  assert.deepEqual(tab.page.sent, []);
  await tab.ask(" 42 ", "x");
  await tab.failed("upstream_unreachable");
});

test("a token is asked for when the service wants one, and then works", async (t) => {
  const service = await served(t, { replay: [recording(NAME)], env: authorized(t, { TICKETCHAT_AUTH: "required" }) });
  const tab = await open(t, service);
  assert.equal(await tab.page.locator("#token").isVisible(), false);
  await tab.ask();
  await tab.failed("unauthorized");
  await tab.page.locator("#token").fill(jwt());
  await tab.page.locator("#token").press("Enter");
  await tab.said(literal(tab.w.length));
  assert.ok(!tab.page.url().includes(jwt().split(".")[1]), "a token is not for the address");
});

test("the example is one", async (t) => {
  const service = await served(t, { replay: DEMO });
  const tab = await open(t, service);
  await tab.page.locator("#example").press("Enter");
  await tab.page.keyboard.press("Enter");
  await tab.said(literal(tab.w.done));
  assert.match(await tab.answer(), /impressora/);
});

test("below a path of a proxy, too", async (t) => {
  for (const name of readdirSync(`${ROOT}/web`).filter((file) => /\.(html|css|js)$/.test(file)))
    browser.pages.set(`/help/desk/${name === "index.html" ? "" : name}`, readFileSync(`${ROOT}/web/${name}`, "utf8"));
  const page = await browser.tab("/help/desk/", DESKTOP);
  t.after(() => page.context().close());
  const asked = page.waitForEvent("websocket");
  await page.locator("#example").click();
  await page.locator("form button").first().click();
  assert.equal((await asked).url(), `${browser.origin.replace("http", "ws")}/help/desk/api/websocket/chat/42`);
  assert.match(await page.locator("#embed").textContent(), /src="http:\/\/127.0.0.1:\d+\/help\/desk\/ticket-chat.js"/);
});

test("a hostile answer is text, and what it links to is in sight", async (t) => {
  const evil = `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script><svg onload="window.pwned=1">

[click](javascript:window.pwned=1) [bank](https://evil.example/login) ![pixel](https://evil.example/pixel.png)

<ticket-chat ticket-id="1" ticket-body="x" server="https://evil.example"></ticket-chat>
<style>* { display: none }</style>
`;
  const service = await served(t, { replay: ["--pace", 5, written(t, evil)] });
  const tab = await open(t, service);
  const hosts = [];
  tab.page.on("request", (request) => hosts.push(new URL(request.url()).host));
  for (const way of ["written", "kept"]) {
    await tab.ask();
    await tab.finished(way === "kept");
    const tags = await tab.page.locator("ticket-chat section").evaluate((section) => [...section.querySelectorAll("*")].map((node) => node.localName));
    assert.deepEqual([...new Set(tags)].filter((tag) => !/^(p|br|a|bdi)$/.test(tag)), []);
    assert.equal(await tab.page.evaluate(() => window.pwned), undefined);
    assert.match(await tab.answer(), /<script>window\.pwned=1<\/script>/);
    assert.match(await tab.answer(), /bank \(evil\.example\)/);
  }
  await look(tab.page, "hostile");
  assert.deepEqual(hosts.filter((host) => host !== `127.0.0.1:${service.port}`), []);
  assert.deepEqual(tab.page.problems, []);
});

test("two tabs on one ticket see the same; stop ends it for both; the model is asked once", async (t) => {
  const service = await served(t, { replay: ["--pace", 1000, recording(NAME)] });
  const [one, two] = [await open(t, service), await open(t, service, PHONE)];
  await one.ask();
  await one.grown(20);
  await two.ask(42, BODY["pt-BR"]);
  await two.grown(20);
  assert.equal(service.requests(), 1);
  await two.button(two.w.stop).click();
  for (const tab of [one, two]) {
    await tab.failed("stopped");
    await tab.ended();
    assert.ok(plain(ANSWER).startsWith(plain(await tab.answer())));
  }
  await service.stopOllama();
  await service.startOllama([recording(NAME)]);
  await one.button(one.w.retry).click();
  await one.finished();
  await two.button(two.w.retry).click();
  await two.finished();
  for (const tab of [one, two]) assert.equal(plain(await tab.answer()), plain(ANSWER));
  assert.equal(service.requests(), 2);
});

test("a connection that breaks in mid-stream is taken up again: nothing is doubled or lost", async (t) => {
  const service = await served(t, { replay: PACED });
  const tab = await open(t, service);
  await tab.ask();
  await tab.grown(20);
  await tab.page.evaluate(() => {
    window.shown = [];
    const section = document.querySelector("ticket-chat").shadowRoot.querySelector("section");
    new MutationObserver(() => window.shown.push(section.textContent)).observe(section, { subtree: true, childList: true, characterData: true });
  });
  for (const pid of service.chats()) service.kill(pid);
  await tab.said(literal(tab.w.states.reconnecting));
  await tab.finished();
  for (const text of await tab.page.evaluate(() => window.shown)) assert.ok(plain(ANSWER).startsWith(plain(text)), text);
  assert.equal(plain(await tab.answer()), plain(ANSWER));
  assert.deepEqual((await tab.sockets()).length, 2);
  assert.equal(service.requests(), 1);
});

test("offline in mid-stream: it says so, and goes on as soon as the network is back", async (t) => {
  const service = await served(t, { replay: PACED });
  const tab = await open(t, service);
  await tab.ask();
  await tab.grown(20);
  await tab.page.context().setOffline(true);
  for (const pid of service.chats()) service.kill(pid);
  await tab.said(literal(tab.w.offline));
  await tab.page.context().setOffline(false);
  await tab.finished();
  assert.equal(plain(await tab.answer()), plain(ANSWER));
});

for (const [name, options] of Object.entries({
  "320 pixels wide": { viewport: { width: 320, height: 640 } },
  "1280 pixels wide, at 400 %": { viewport: { width: 320, height: 256 }, deviceScaleFactor: 4 },
})) {
  test(`nothing is cut off, ${name}`, async (t) => {
    const rich = readFileSync(`${ROOT}/tests/web/rich.md`, "utf8");
    const service = await served(t, { replay: [written(t, rich)] });
    const tab = await open(t, service, { locale: "pt-BR", ...options });
    await look(tab.page, `narrow-${options.viewport.height}-empty`);
    await tab.ask();
    await tab.said(literal(tab.w.done));
    await tab.button(tab.w.refresh).click();
    await tab.said(literal(tab.w.done));
    await tab.button(tab.w.previous).click();
    await tab.said(literal(tab.w.older));
    await look(tab.page, `narrow-${options.viewport.height}`);
    const cut = await tab.page.locator("ticket-chat .chat").evaluate((chat) => chat.scrollWidth > chat.clientWidth);
    assert.equal(cut, false, "what is too wide scrolls by itself");
    for (const button of await tab.page.getByRole("button").all()) {
      const { x, width, height } = await button.boundingBox();
      assert.ok(x >= 0 && x + width <= 320, await button.textContent());
      assert.ok(width >= 24 && height >= 24, await button.textContent());
    }
  });
}

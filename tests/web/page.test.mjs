// The page of the service and <ticket-chat> in it, in a real Chromium, in front of the real service with a replayed
// Ollama: every state is reached, looked at in two languages, sizes and colour schemes, and checked by axe.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import WebSocket from "ws";
import { words } from "../../web/ticket-chat-words.js";
import { openBrowser } from "./browser.mjs";
import { ROOT } from "./documentation.mjs";
import { BIN, recording, start, textOf, until } from "./service.mjs";
import { chatIn, DESKTOP, look, PHONE } from "./sight.mjs";

const READERS = { desktop: DESKTOP, phone: PHONE };
const DEMO = ["--demo", `${ROOT}/tests/demo`];
const UPSTREAM = `${ROOT}/tests/upstream`;
const NAME = "stream-emoji";
const PACED = ["--pace", 60, recording(NAME)]; // some seconds in all
const SLOW = ["--delay", 30_000, recording(NAME)];
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
      return !(await tab.busy()) && frame.includes('"done"') && (!cached || page.received.at(-2).includes('"cached"'));
    }),
    failed: (code) => until(`the error ${code}`, () => page.received.some((frame) => frame.includes(`"${code}"`))),
  };
  return tab;
}

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
    says: (w) => w.connecting,
    after: (service) => service.resume(),
  },
  queued: {
    replay: SLOW, env: { GENERATIONS: "1" },
    async reach(tab, service, t) {
      for (const ticket of [1, 2]) await another(t, service, ticket);
      await until("both generations", () => service.generators().length === 2);
      await tab.ask();
    },
    says: (w) => w.position(2),
  },
  loading: { replay: ["--ps", recording("ps"), ...SLOW], says: (w) => w.loading, reach: async (tab) => {
    await tab.ask();
    await until("the time", async () => /^0:0[3-9]$/.test(await tab.elapsed()));
  } },
  thinking: { replay: ["--pace", 4000, `${UPSTREAM}/think-then-text.ndjson`], env: { OLLAMA_THINK: "true" }, says: (w) => w.thinking },
  writing: { replay: ["--pace", 100, ...DEMO], says: (w) => w.generating, reach: async (tab) => {
    await tab.ask();
    await tab.grown(200);
  } },
  done: { replay: ["--pace", 1, ...DEMO], says: (w) => w.done, end: true },
  length: { replay: [recording(NAME)], says: (w) => w.length, end: true },
  cached: { replay: ["--pace", 1, ...DEMO], end: true, async reach(tab) {
    await tab.ask();
    await tab.finished();
    await tab.ask();
    await tab.finished(true);
  } },
  changed: { replay: ["--pace", 1, ...DEMO], end: true, async reach(tab) {
    await tab.ask();
    await tab.finished();
    await tab.ask(42, "something else");
    await tab.said(literal(tab.w.changed));
  } },
  refreshing: { replay: ["--pace", 1, "--delay", 2500, ...DEMO], says: (w) => w.loading, async reach(tab) {
    await tab.ask();
    await tab.finished();
    await tab.button(tab.w.refresh).click();
    await tab.said(literal(tab.w.loading));
  } },
  older: { replay: ["--pace", 1, ...DEMO], says: (w) => w.older, end: true, async reach(tab) {
    await tab.ask();
    await tab.finished();
    await tab.button(tab.w.refresh).click();
    await tab.button(tab.w.previous).click();
    await tab.said(literal(tab.w.older));
  } },
  stopped: { replay: ["--pace", 100, ...DEMO], end: true, async reach(tab) {
    await tab.ask();
    await tab.grown(100);
    await tab.button(tab.w.stop).click();
    await tab.failed("stopped");
  } },
  "stopped-refresh": { replay: ["--pace", 20, ...DEMO], end: true, async reach(tab) {
    await tab.ask();
    await tab.finished();
    await tab.button(tab.w.refresh).click();
    await until("the new text", async () => (await tab.answer()).length < 200);
    await tab.grown(100);
    await tab.button(tab.w.stop).click();
    await tab.failed("stopped");
  } },
  reconnecting: { replay: PACED, says: (w) => w.reconnecting, async reach(tab, service) {
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
  upstream_timeout: { replay: ["--stall", 900, ...PACED], env: { STALL_TIMEOUT: "1" } },
  upstream_truncated: { replay: ["--cut", 2000, recording(NAME)] },
  rate_limited: { replay: [recording(NAME)], env: { RATE_LIMIT: "1/min" }, async before(t, service) {
    await another(t, service, 1);
    await until("an answer", () => service.requests() === 1);
  } },
  queue_full: { replay: SLOW, env: { GENERATIONS: "1", QUEUE_MAX: "1" }, async before(t, service) {
    for (const ticket of [1, 2]) await another(t, service, ticket);
    await until("both generations", () => service.generators().length === 2);
  } },
  forbidden_origin: { env: { ALLOWED_ORIGINS: "https://helpdesk.example" } },
  unauthorized: { env: { AUTH: "required" } },
  unknown_ticket: { env: { TICKETS: "existing" } },
  too_large: { env: { MAX_TICKET_BYTES: "20" } },
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

/** A key for tokens, where the service wants them. */
function authorized(t, env = {}) {
  if (env.AUTH !== "required") return env;
  const folder = mkdtempSync(join(tmpdir(), "ticketchat-key-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(`${folder}/key`, "0123456789abcdef0123456789abcdef", { mode: 0o600 });
  return { ...env, JWT_KEY_FILE: `${folder}/key` };
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

// What people add to an answer, in front of the real service: in the page and in <ticket-chat>, and what a client of the
// first version, which knows four frames, sees of it.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import { talkWords } from "../../web/ticket-chat-talk.js";
import { openBrowser } from "./browser.mjs";
import { recording, start, textOf, until } from "./service.mjs";
import { chatIn, DESKTOP, look, PHONE } from "./sight.mjs";
import { words } from "../../web/ticket-chat-words.js";

const NAME = "stream-emoji";
const ANSWER = textOf(NAME);
const PACED = ["--pace", 1, recording(NAME)];
const KEY = "0123456789abcdef0123456789abcdef";
const plain = (text) => text.replace(/\s+/g, "");

let browser;
before(async () => (browser = await openBrowser()));
after(() => browser?.stop());

async function served(t, options) {
  const service = await start(options);
  t.after(() => service.stop());
  return service;
}

function token(sub) {
  const parts = [{ alg: "HS256", typ: "JWT" }, { sub, exp: 4102444800 }].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  return `${parts.join(".")}.${createHmac("sha256", KEY).update(parts.join(".")).digest("base64url")}`;
}

/** A service that asks for tokens, so that people may write. */
async function guarded(t, options = {}) {
  const folder = mkdtempSync(join(tmpdir(), "ticketchat-key-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(`${folder}/key`, KEY, { mode: 0o600 });
  return served(t, { replay: PACED, ...options, env: { TICKETCHAT_AUTH: "required", TICKETCHAT_JWT_KEY_FILE: `${folder}/key`, ...options.env } });
}

/** The page with a ticket's answer in it. */
async function open(t, service, { user, ticket = 42, body = "printer jam", ...options } = {}) {
  const page = await browser.tab(`${service.page}${body ? "" : `?ticket=${ticket}`}`, { ...DESKTOP, locale: "en-US", ...options });
  t.after(() => page.context().close());
  const inside = (selector) => page.locator(`ticket-chat ${selector}`);
  const tab = { page, inside, ...chatIn(page), w: words("en"), people: talkWords("en"),
    turns: async () => (await inside(".turn .answer").allTextContents()).map(plain),
    sent: (key) => page.sent.filter((message) => key in message || message.type === key) };
  if (body) {
    await page.locator("#number").fill(String(ticket));
    await page.locator("#text").fill(body);
    if (user) await page.evaluate(() => (document.getElementById("token-field").hidden = false));
    if (user) await page.locator("#token").fill(token(user));
    await page.locator("#text").press("Control+Enter");
    await inside(".rating").first().waitFor();
  }
  return tab;
}

test("a rating: counted once for each user, the last one counts, the reason is kept", async (t) => {
  const service = await guarded(t);
  const [maria, joao] = [await open(t, service, { user: "maria" }), await open(t, service, { user: "joao", ...PHONE })];
  await maria.inside(".foot .good").click();
  await maria.said(new RegExp(maria.people.rated));
  await joao.inside(".foot .bad").click();
  await until("both", async () => (await joao.inside(".foot .good").getAttribute("aria-label")).endsWith("(1)"));
  assert.ok((await joao.inside(".foot .bad").getAttribute("aria-label")).endsWith("(1)"));
  await joao.inside("select.reason").selectOption({ label: joao.people.incomplete });
  await joao.inside(".comment").fill("Where is the \u202ereset key? <b>");
  await joao.inside(".why .send").click();
  await until("the end of the form", async () => !(await joao.inside(".why").isVisible()));
  await maria.inside(".foot .bad").click();
  await until("two bad ones", async () => (await maria.inside(".foot .bad").getAttribute("aria-label")).endsWith("(2)"));
  assert.equal(await maria.inside(".foot .good").getAttribute("aria-label"), maria.people.good);
  for (const tab of [maria, joao]) assert.deepEqual(tab.page.problems, []);
  await joao.inside(".foot .bad").click();
  await joao.inside(".comment").fill("é".repeat(1001)); // 2,002 bytes
  await joao.inside(".why .send").click();
  await until("the reason", async () => (await joao.inside(".why .problem").textContent()) !== "");
  assert.equal((await joao.inside(".comment").inputValue()).length, 1001);
});

test("without ratings the thumbs go with the first click", async (t) => {
  const service = await served(t, { replay: PACED, env: { TICKETCHAT_RATINGS: "off" } });
  const tab = await open(t, service);
  await tab.inside(".foot .good").click();
  await until("no thumbs", async () => !(await tab.inside(".rating").first().isVisible()));
  assert.deepEqual(tab.page.problems, []);
});

test("people write: the text is everybody's, with its author; who wrote at the same time loses nothing", async (t) => {
  const service = await guarded(t);
  const [maria, joao] = [await open(t, service, { user: "maria" }), await open(t, service, { user: "joão <b>" })];
  for (const tab of [maria, joao]) await tab.inside(".edit").click();
  await maria.inside(".text").fill("Replace the **roller**. <img src=x onerror=window.pwned=1>");
  await maria.inside(".save").click();
  await until("her text", async () => /^Replace the roller/.test(await maria.answer()));
  assert.equal(await maria.inside(".draft").textContent(), maria.w.author("maria"));
  await joao.inside(".text").fill("Replace the fuser.");
  await joao.inside(".save").click();
  await until("hers, beside his", async () => /^Replace the roller/.test(await joao.answer()));
  assert.equal(await joao.inside(".text").inputValue(), "Replace the fuser.");
  assert.ok((await joao.inside(".editor .problem").textContent()).endsWith(joao.people.newest));
  await look(joao.page, "real-answer-changed");
  await joao.inside(".save").click();
  await until("his", async () => (await joao.answer()) === "Replace the fuser.");
  assert.equal(await joao.inside(".draft").textContent(), joao.w.author("joão <b>"));
  assert.equal(await joao.inside(".number").textContent(), joao.w.version(3, 3));
  assert.equal(service.requests(), 1, "the model was asked once");
  assert.equal(await maria.page.evaluate(() => window.pwned), undefined);
  for (const tab of [maria, joao]) assert.deepEqual(tab.page.problems, []);
});

test("while the model writes an answer nobody else does; the text waits", async (t) => {
  const service = await guarded(t, { replay: PACED });
  const maria = await open(t, service, { user: "maria" });
  await service.stopOllama();
  await service.startOllama(["--pace", 400, recording(NAME)]);
  const joao = await open(t, service, { user: "joao" });
  await joao.button(joao.w.refresh).click();
  await until("a generation", () => service.generators().length > 0);
  await maria.inside(".edit").click();
  await maria.inside(".text").fill("mine");
  await maria.inside(".save").click();
  await until("the reason", async () => (await maria.inside(".editor .problem").textContent()) !== "");
  assert.equal(await maria.inside(".text").inputValue(), "mine");
  assert.ok(maria.page.received.some((frame) => frame.includes('"answer_running"')));
  await joao.button(joao.w.stop).click();
  await until("the end", () => service.generators().length === 0);
  await maria.inside(".save").click();
  await until("hers", async () => (await maria.answer()) === "mine");
});

test("a link shows an answer of a person as one of a person, also where the name is not known", async (t) => {
  const service = await served(t, { replay: PACED, env: { TICKETCHAT_WRITE: "on", TICKETCHAT_OPEN: "on" } });
  const writer = await open(t, service);
  assert.equal(await writer.inside(".edit").isVisible(), false, "the page cannot know that it may");
  await writer.page.evaluate(() => (document.querySelector("ticket-chat").write = true));
  await writer.inside(".edit").click();
  await writer.inside(".text").fill("mine");
  await writer.inside(".save").click();
  await until("it", async () => (await writer.answer()) === "mine");
  const tab = await open(t, service, { body: "" });
  await until("it", async () => (await tab.answer()) === "mine");
  assert.equal(await tab.inside(".draft").textContent(), tab.w.person);
  assert.equal(await tab.page.locator("#text").inputValue(), "printer jam");
});

/** Asks in the thread. */
async function follow(tab, question) {
  await tab.inside(".question").fill(question);
  await tab.inside(".question").press("Enter");
}

test("a thread: asked in the page, followed by others, there for everybody who opens the ticket later", async (t) => {
  const service = await served(t, { replay: PACED, env: { TICKETCHAT_OPEN: "on" } });
  const one = await open(t, service);
  await follow(one, "The light stays red,\nwhat now? <b>");
  await until("the turn", async () => (await one.turns())[0] === plain(ANSWER));
  await until("its thumbs", () => one.inside(".turn .rating").isVisible());
  assert.equal(service.requests(), 2);
  await look(one.page, "real-thread");
  await follow(one, " The light stays red, what now?  <b>");
  await one.said(/already/);
  assert.equal(await one.inside(".turn").count(), 1, "the same question is the same turn");
  assert.equal(service.requests(), 2);
  await one.inside(".turn .bad").click();
  await until("the number", async () => (await one.inside(".turn .bad").getAttribute("aria-label")).endsWith("(1)"));
  const two = await open(t, service, { body: "" });
  await until("the thread", async () => (await two.turns())[0] === plain(ANSWER));
  assert.equal(await two.inside(".asked").innerText(), "The light stays red,\nwhat now? <b>");
  await service.stopOllama();
  await service.startOllama(["--pace", 300, recording(NAME)]);
  await follow(one, "And then?");
  await until("the text", async () => (await one.turns()).length === 2 && (await one.turns())[1].length > 5);
  await follow(two, "And then?");
  await until("the same text", async () => (await two.turns()).length === 2 && (await two.turns())[1].length > 5);
  await until("two viewers", async () => (await one.inside(".stop").textContent()) === one.w.stopAll);
  assert.equal(service.requests(), 3, "the model is asked once");
  await two.inside(".stop").click();
  for (const tab of [one, two]) {
    await tab.said(/./);
    await until("the end", async () => !(await tab.inside(".stop").isVisible()));
    assert.equal(await tab.inside(".question").inputValue(), "And then?");
    assert.equal(await tab.inside(".retry").isVisible(), true);
  }
  await service.stopOllama();
  await service.startOllama(PACED);
  await one.button(one.w.retry).click();
  await until("the second turn", async () => (await one.turns())[1] === plain(ANSWER));
  assert.equal(await one.inside(".question").inputValue(), "");
  await one.button(one.w.refresh).click();
  await until("a new answer", async () => (await one.inside(".number").textContent()) === one.w.version(2, 2));
  assert.equal(await one.inside(".turn").count(), 0, "it begins without questions");
  await one.button(one.w.previous).click();
  await until("the older one and its thread", async () => (await one.inside(".turn").count()) === 2);
  for (const tab of [one, two]) assert.deepEqual(tab.page.problems, []);
});

test("a question during which the connection breaks, and one for which the model is away", async (t) => {
  const service = await served(t, { replay: PACED });
  const tab = await open(t, service);
  await service.stopOllama();
  await follow(tab, "why?");
  await until("the error", () => tab.page.received.some((frame) => frame.includes('"upstream_unreachable"')));
  assert.equal(await tab.inside(".question").inputValue(), "why?");
  await service.startOllama(["--pace", 150, recording(NAME)]);
  await tab.button(tab.w.retry).click();
  await until("the text", async () => (await tab.turns()).length === 1 && (await tab.turns())[0].length > 5);
  for (const pid of service.chats()) service.kill(pid);
  await tab.said(/No connection/);
  await until("the whole text", async () => (await tab.turns())[0] === plain(ANSWER));
  await until("an empty field", async () => (await tab.inside(".question").inputValue()) === "");
  assert.equal(await tab.inside(".turn").count(), 1);
});

test("questions that are refused: too long, and for an answer that is gone", async (t) => {
  const service = await served(t, { replay: PACED });
  const tab = await open(t, service);
  const long = "é".repeat(4097); // 8,194 bytes
  await follow(tab, long);
  await until("the error", async () => (await tab.inside(".question").inputValue()) === long);
  assert.equal(await tab.inside(".turn").count(), 0);
  assert.equal(service.requests(), 1);
  await follow(tab, "é".repeat(4096));
  await until("the turn", async () => (await tab.turns())[0] === plain(ANSWER));
});

test("an instruction goes to the model, and everybody sees it beside the answer", async (t) => {
  const service = await guarded(t);
  const maria = await open(t, service, { user: "maria" });
  const text = "answer in English, \u202ethe customer has Windows 11 <b>";
  await maria.inside(".instruction").fill(text);
  await maria.button(maria.w.refresh).click();
  await until("the second answer", async () => (await maria.inside(".number").textContent()) === maria.w.version(2, 2));
  assert.equal(service.requests(), 2);
  const joao = await open(t, service, { user: "joao" });
  for (const tab of [maria, joao]) assert.equal(await tab.inside(".instructed").textContent(), tab.w.instructed(text.replace("\u202e", "")));
  await look(joao.page, "real-instruction");
  await joao.button(joao.w.previous).click();
  await until("the first one", async () => (await joao.inside(".number").textContent()) === joao.w.version(1, 2));
  assert.equal(await joao.inside(".instructed").textContent(), "");
  await joao.inside(".instruction").fill("é".repeat(1001)); // 2,002 bytes
  await joao.inside(".instruction").press("Enter");
  await until("the error", () => joao.page.received.some((frame) => frame.includes('"too_large"')));
  assert.equal((await joao.inside(".instruction").inputValue()).length, 1001);
  const open42 = await served(t, { replay: PACED });
  const tab = await open(t, open42);
  assert.equal(await tab.inside(".instruction").isVisible(), false, "nor may everybody instruct it");
});

/** The client of the first version, as its documents printed it. */
function firstClient(url, question) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const frames = [];
    socket.on("error", reject);
    socket.on("open", () => socket.send(JSON.stringify(question)));
    socket.on("message", (data) => {
      const frame = JSON.parse(data);
      frames.push(frame);
      if (frame.type === "done" || frame.type === "error") {
        socket.close(1000);
        resolve(frames);
      }
    });
  });
}

test("a client that knows the four frames of the first version sees nothing of what people added", async (t) => {
  const service = await served(t, { replay: PACED, env: { TICKETCHAT_WRITE: "on" } });
  const ask = (question) => firstClient(service.url(42), question);
  const shape = (frames) => frames.map((frame) => Object.keys(frame).join());
  const cold = await ask({ ticketBody: "printer jam" });
  assert.deepEqual([...new Set(shape(cold))], ["type,content", "type,reason"]);
  const saved = await ask({ ticketBody: "printer jam" });
  assert.deepEqual(shape(saved), ["type,response,message,createdAt,reason", "type"]);
  const tab = await open(t, service);
  await tab.inside(".foot .good").click();
  await tab.said(new RegExp(tab.people.rated));
  assert.deepEqual(await ask({ ticketBody: "printer jam" }), saved, "a rating changes no frame");
  await follow(tab, "what now?");
  await until("the turn", async () => (await tab.turns())[0] === plain(ANSWER));
  assert.deepEqual(await ask({ ticketBody: "printer jam" }), saved, "nor does a thread");
  await tab.page.evaluate(() => (document.querySelector("ticket-chat").write = true));
  await tab.inside(".edit").click();
  await tab.inside(".text").fill("mine");
  await tab.inside(".save").click();
  await until("mine", async () => (await tab.answer()) === "mine");
  const [written, end] = await ask({ ticketBody: "printer jam" });
  assert.equal(written.response, "mine");
  assert.deepEqual(Object.keys(written).filter((key) => !["type", "response", "message", "createdAt", "version", "versions", "author"].includes(key)), []);
  assert.deepEqual(end, { type: "done" });
  assert.deepEqual(await ask({ ticketBody: "" }).then(([{ type, code }]) => [type, code]), ["error", "bad_request"]);
});

// Foreign clients against the real service, and what websocket.md promises, over a bare WebSocket.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import WebSocket from "ws";
import { ROOT } from "./documentation.mjs";
import { DEADLINE, recording, start, textOf, until } from "./service.mjs";

const NAME = "stream-emoji";
const ANSWER = textOf(NAME);
const PACED = ["--pace", 50, recording(NAME)];
const ASK = { ticketBody: "printer jam" };

async function served(t, options = { replay: PACED }) {
  const service = await start(options);
  t.after(() => service.stop());
  return service;
}

/** A program whose stdin we type into and whose stdout we read. */
function typed(t, command, args) {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  t.after(() => child.kill());
  const program = { out: "", err: "", type: (line) => child.stdin.write(`${line}\n`), eof: () => child.stdin.end() };
  child.stdout.setEncoding("utf8").on("data", (data) => (program.out += data));
  child.stderr.setEncoding("utf8").on("data", (data) => (program.err += data));
  program.ended = new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  program.says = (words) => until(`${words} from ${command}: ${program.out} ${program.err}`, () => words.test(program.out));
  return program;
}

/** The frames in what a client printed. */
const framesIn = (out) => [...out.matchAll(/\{"type":.*\}/g)].map(([frame]) => JSON.parse(frame));
const joined = (frames) => frames.filter(({ type }) => type === "stream").map(({ content }) => content).join("");
const terminal = (frames) => frames.filter(({ type }) => type === "done" || type === "error");

/** A bare client: frames as they come. */
async function client(t, service, ticket, options = {}) {
  const socket = new WebSocket(service.url(ticket), options);
  t.after(() => socket.terminate());
  const frames = [];
  const self = {
    frames, socket, code: undefined,
    say: (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    ends: (n = 1) => until(`${n} terminal frames in ${JSON.stringify(frames).slice(-500)}`, () => terminal(frames).length >= n && terminal(frames)),
    gets: (n) => until(`${n} frames`, () => frames.length >= n),
  };
  socket.on("message", (data, binary) => {
    assert.equal(binary, false);
    assert.ok(data.length < 4000 || data.includes('"cached"'), `a frame of ${data.length} bytes`);
    frames.push(JSON.parse(data));
  });
  socket.on("close", (code) => (self.code = code));
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return self;
}

/** One question on a connection of its own; its frames. */
async function ask(t, service, ticket, message, options) {
  const self = await client(t, service, ticket, options);
  self.say(message);
  await self.ends();
  self.socket.close(1000);
  return self.frames;
}

test("wscat, typed into: stream, done, then cached", async (t) => {
  const service = await served(t);
  // In a terminal (script makes one): with a pipe it does not say when it is connected.
  const wscat = typed(t, "script", ["-qfec", `'${process.execPath}' '${ROOT}/tests/web/node_modules/.bin/wscat' -c ${service.url(42)}`, "/dev/null"]);
  await wscat.says(/Connected/);
  wscat.type(JSON.stringify(ASK));
  await wscat.says(/"type":"done"/);
  const first = framesIn(wscat.out);
  assert.equal(joined(first), ANSWER);
  assert.deepEqual(first.at(-1), { type: "done", reason: "length" });
  assert.ok(first.every(({ type }) => type === "stream" || type === "done"), "the four frames of the original only");
  wscat.type(JSON.stringify(ASK));
  await until("the cached answer", () => terminal(framesIn(wscat.out)).length === 2);
  const second = framesIn(wscat.out).slice(first.length);
  assert.deepEqual(second.map(({ type }) => type), ["cached", "done"]);
  assert.equal(second[0].response, ANSWER);
  assert.equal(service.requests(), 1);
});

test("wscat -x, as in a script", async (t) => {
  const service = await served(t);
  const wscat = typed(t, process.execPath, [`${ROOT}/tests/web/node_modules/.bin/wscat`, "--no-color", "-c", service.url(42),
    "-w", "-1", "-x", JSON.stringify(ASK)]);
  await wscat.says(/"type":"done"/);
  assert.equal(joined(framesIn(wscat.out)), ANSWER);
});

test("python3-websockets, the command: stream, done, then cached", async (t) => {
  const service = await served(t);
  const python = typed(t, "/usr/bin/python3", ["-u", "-m", "websockets", service.url(42)]);
  await python.says(/Connected/);
  python.type(JSON.stringify(ASK));
  await python.says(/"type":"done"/);
  assert.equal(joined(framesIn(python.out)), ANSWER);
  python.type(JSON.stringify(ASK));
  await python.says(/"type":"cached"/);
  python.eof();
});

test("python3-websockets, the library: indented JSON, a ping in mid-stream", async (t) => {
  const service = await served(t);
  const python = typed(t, "/usr/bin/python3", ["-c", `
import asyncio, json, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1]) as socket:
        for _ in range(2):
            await socket.send(json.dumps({"ticketBody": "printer\\njam", "status": True}, indent=4))
            await socket.send('{"type": "ping"}')
            async for frame in socket:
                print(frame, flush=True)
                if json.loads(frame)["type"] in ("done", "error"):
                    break
asyncio.run(main())
`, service.url(42)]);
  assert.equal(await python.ended, 0, python.err);
  const frames = framesIn(python.out);
  assert.equal(joined(frames), ANSWER);
  const types = frames.map(({ type }) => type);
  assert.ok(types.indexOf("pong") < types.indexOf("done"), `pong comes at once: ${types}`);
  assert.ok(types.includes("status"));
  assert.equal(types.filter((type) => type === "done").length, 2);
  assert.equal(frames.find(({ type }) => type === "cached").response, ANSWER);
});

test("refused messages are one error each, and the connection survives them", async (t) => {
  const service = await served(t, { replay: [recording(NAME)] });
  const self = await client(t, service, 42);
  const refused = [
    ["no JSON", "bad_json"],
    ['["ticketBody"]', "bad_json"],
    ['{"ticketBody":"a",}', "bad_json"],
    [{}, "bad_request"],
    [{ ticketBody: "  \n " }, "bad_request"],
    [{ ticketBody: 7 }, "bad_request"],
    [{ ticketbody: "a" }, "bad_request"],
    ['{"ticketBody":"a","ticketBody":"b"}', "bad_request"],
    ['{"ticketBody":"a\\u0000b"}', "bad_request"],
    [{ ticketBody: "a", refresh: "yes" }, "bad_request"],
    [{ ticketBody: "a", status: 1 }, "bad_request"],
    [{ ticketBody: "a", lang: 1 }, "bad_request"],
    [{ type: "dance" }, "bad_request"],
    [{ ticketBody: "é".repeat(32769) }, "too_large"],
    [{ ticketBody: "x".repeat(65537) }, "too_large"],
    [{ ticketBody: "a", more: "x".repeat(425_984) }, "too_large"],
    ["[".repeat(65) + "]".repeat(65), "bad_json"],
  ];
  for (const [n, [message, code]] of refused.entries()) {
    self.say(message);
    const error = (await self.ends(n + 1))[n];
    assert.deepEqual([error.type, error.code, error.retryable], ["error", code, false], String(JSON.stringify(message)).slice(0, 60));
    assert.ok(error.message.length > 10);
  }
  assert.equal(self.frames.length, refused.length);
  self.say('{"ticketBody":"line\nline"}'); // a line end inside a string ends the message there
  await self.ends(refused.length + 1);
  self.say({ type: "ping" });
  await until("the pong", () => self.frames.at(-1).type === "pong");
  const broken = terminal(self.frames).slice(refused.length);
  assert.ok(broken.every(({ code }) => code === "bad_json"));
  const errors = refused.length + broken.length;
  self.say('{"ticketBody":'); // its end does not come
  assert.equal((await self.ends(errors + 1)).at(-1).code, "bad_json");

  self.say("\n\n");
  self.say(JSON.stringify({ ticketBody: "x".repeat(65536), extra: { deep: [1] } }, null, 2));
  assert.equal((await self.ends(errors + 2)).at(-1).type, "done");
  assert.equal(joined(self.frames), ANSWER);
});

test("messages are in the language that was asked for", async (t) => {
  const service = await served(t, {});
  const error = async (message, headers) => (await ask(t, service, 42, { ...ASK, ...message }, { headers }))[0].message;
  const portuguese = await error({});
  const english = await error({ lang: "en" });
  assert.notEqual(portuguese, english);
  assert.equal(await error({ lang: "pt-BR" }), portuguese);
  assert.equal(await error({}, { "Accept-Language": "en-GB,en;q=0.9" }), english);
  assert.equal(await error({ lang: "pt" }, { "Accept-Language": "en" }), portuguese);
});

test("ticket ids", async (t) => {
  const service = await served(t, { replay: [recording(NAME)] });
  for (const id of ["0", "-1", "+1", "042", "1.5", "1e3", "abc", "9223372036854775808", "99999999999999999999", "1/2", "%D9%A1"])
    assert.equal((await ask(t, service, id, ASK)).at(-1).code, "bad_ticket_id", id);
  assert.equal((await ask(t, service, "9223372036854775807", ASK)).at(-1).type, "done");
});

test("Origin: absent or allowed, else forbidden_origin", async (t) => {
  const service = await served(t, { replay: [recording(NAME)], env: { TICKETCHAT_ALLOWED_ORIGINS: "https://helpdesk.example http://localhost:*" } });
  const answer = async (origin) => (await ask(t, service, 42, ASK, { origin })).at(-1);
  assert.equal((await answer(undefined)).type, "done");
  assert.equal((await answer("https://helpdesk.example")).type, "done");
  assert.equal((await answer("http://localhost:3000")).type, "done");
  for (const origin of ["https://evil.example", "http://helpdesk.example", "https://helpdesk.example.evil.example", "null", "http://localhost.evil.example"])
    assert.equal((await answer(origin)).code, "forbidden_origin", origin);
});

/** A token as another system would make it: HS256, written here by hand. */
function token(key, claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: "ana", exp: Math.floor(Date.now() / 1000) + 600, ...claims })}`;
  return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
}

test("AUTH=required: who has no good token may neither ask nor stop", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "ticketchat-key-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const key = "0123456789abcdef0123456789abcdef";
  writeFileSync(`${folder}/key`, key, { mode: 0o600 });
  const service = await served(t, { replay: PACED, env: { TICKETCHAT_AUTH: "required", TICKETCHAT_JWT_KEY_FILE: `${folder}/key`, TICKETCHAT_JWT_COOKIE: "helpdesk" } });
  const good = token(key, {});
  const bad = [undefined, "", "x", token("another key, another key, another", {}), token(key, { exp: 1 }), token(key, { tid: 43 })];

  const viewer = await client(t, service, 42);
  viewer.say({ ...ASK, token: good });
  await viewer.gets(2);
  const other = await client(t, service, 42);
  for (const [n, one] of bad.entries()) {
    other.say({ ...ASK, token: one });
    assert.equal((await other.ends(2 * n + 1)).at(-1).code, "unauthorized", `token ${one}`);
    other.say({ type: "stop", token: one });
    assert.equal((await other.ends(2 * n + 2)).at(-1).code, "unauthorized", `stop with ${one}`);
  }
  const [end] = await viewer.ends();
  assert.equal(end.type, "done");
  assert.equal(joined(viewer.frames), ANSWER);

  other.say({ ...ASK, token: token(key, { tid: 42 }) });
  assert.equal((await other.ends(2 * bad.length + 1)).at(-1).type, "done", "a good one helps on the same connection");
  other.say(ASK);
  assert.equal((await other.ends(2 * bad.length + 2)).at(-1).type, "done", "and holds");
  assert.equal((await ask(t, service, 42, ASK, { headers: { Authorization: `Bearer ${good}` } })).at(-1).type, "done");
  assert.equal((await ask(t, service, 42, ASK, { headers: { Cookie: `a=b; helpdesk=${good}` } })).at(-1).type, "done");
  assert.equal((await ask(t, service, 42, { ...ASK, token: "x".repeat(8193) })).at(-1).code, "bad_request");
});

test("a page from elsewhere cannot stop an answer", async (t) => {
  const service = await served(t);
  const viewer = await client(t, service, 42, { origin: "http://localhost:3000" });
  viewer.say(ASK);
  await viewer.gets(2);
  const evil = await client(t, service, 42, { origin: "https://evil.example" });
  evil.say({ type: "stop" });
  assert.equal((await evil.ends())[0].code, "forbidden_origin");
  assert.equal((await viewer.ends())[0].type, "done");
});

test("RATE_LIMIT: one answer more is rate_limited, kept ones are free", async (t) => {
  const service = await served(t, { replay: [recording(NAME)], env: { TICKETCHAT_RATE_LIMIT: "2/day" } });
  for (const ticket of [1, 2, 2, 1]) assert.equal((await ask(t, service, ticket, ASK)).at(-1).type, "done");
  const [error] = await ask(t, service, 3, ASK);
  assert.deepEqual([error.code, error.retryable], ["rate_limited", true]);
  assert.ok(error.retryAfter > 0 && error.retryAfter <= 86400);
  assert.equal(service.requests(), 2);
});

test("questions wait in order, at most four; ping acts at once; every accepted one gets one terminal frame", async (t) => {
  const service = await served(t);
  const self = await client(t, service, 42);
  self.say(ASK);
  await self.gets(1);
  for (let n = 1; n <= 6; n++) self.say(ASK);
  self.say({ type: "ping" });
  await until("a pong", () => self.frames.some(({ type }) => type === "pong"));
  assert.equal(terminal(self.frames).length, 0);
  await self.ends(5);
  self.say({ type: "ping" });
  await until("another pong", () => self.frames.filter(({ type }) => type === "pong").length === 2);
  assert.equal(terminal(self.frames).length, 5);
  assert.ok(terminal(self.frames).every(({ type }) => type === "done"));
  assert.equal(self.frames.filter(({ type }) => type === "cached").length, 4);
  assert.equal(joined(self.frames), ANSWER);
});

test("a broken message inside a stream does not end it", async (t) => {
  const service = await served(t);
  const self = await client(t, service, 42);
  self.say(ASK);
  await self.gets(3);
  self.say("no JSON");
  self.say({ ticketBody: 7 });
  const [first] = await self.ends();
  assert.equal(first.type, "done");
  const before = self.frames.slice(0, self.frames.findIndex(({ type }) => type === "done"));
  assert.equal(joined(before), ANSWER);
  assert.ok(before.every(({ type }) => type === "stream"));
});

test("stop with nothing running is silent", async (t) => {
  const service = await served(t, { replay: [recording(NAME)] });
  const self = await client(t, service, 42);
  self.say({ type: "stop" });
  self.say(ASK);
  assert.equal((await self.ends())[0].type, "done");
  self.say({ type: "stop" });
  self.say({ type: "ping" });
  await until("the pong", () => self.frames.at(-1).type === "pong");
  assert.equal(terminal(self.frames).length, 1);
});

test("a late viewer, a viewer who leaves, and one who comes after", async (t) => {
  const service = await served(t);
  const one = await client(t, service, 42);
  one.say(ASK);
  await one.gets(10);
  const two = await client(t, service, 42);
  two.say(ASK);
  await two.gets(1);
  assert.ok(joined(two.frames).length > 0 && ANSWER.startsWith(joined(two.frames)));
  one.socket.close(1000);
  two.socket.close(1000);
  await until("both handlers to end", () => service.chats().length === 0);
  const three = await ask(t, service, 42, ASK);
  assert.ok(three.some(({ type }) => type === "stream"), "it still runs");
  assert.equal(joined(three), ANSWER);
  assert.equal((await ask(t, service, 42, ASK))[0].response, ANSWER);
  assert.equal(service.requests(), 1);
});

test("refresh: one new answer for a double click; a plain question meanwhile gets the old one", async (t) => {
  const service = await served(t, { replay: ["--times", 1, "--pace", 20, "--then", recording("stream-pt"), recording(NAME)] });
  await ask(t, service, 42, ASK);
  const refresh = { ...ASK, refresh: true };
  const self = await client(t, service, 42);
  self.say(refresh);
  self.say(refresh);
  const other = await client(t, service, 42);
  other.say(refresh);
  await self.gets(1);
  const plain = await ask(t, service, 42, ASK);
  assert.deepEqual(plain.map(({ type }) => type), ["cached", "done"]);
  if (terminal(self.frames).length === 0) assert.equal(plain[0].response, ANSWER);
  await self.ends(2);
  await other.ends();
  assert.equal((await ask(t, service, 42, ASK))[0].response, textOf("stream-pt"));
  assert.equal(service.requests(), 2);
});

test("the connection stays open after the end, and closes without a close frame when the handler dies", async (t) => {
  const service = await served(t, { replay: [recording(NAME)] });
  const self = await client(t, service, 42);
  self.say(ASK);
  await self.ends();
  self.say({ ...ASK, ticketBody: "another text" });
  await self.ends(2);
  assert.equal(self.frames.find(({ type }) => type === "cached").bodyChanged, true);
  service.kill(service.chats()[0]);
  await until("the close", () => self.code !== undefined);
  assert.equal(self.code, 1006);
});

test("IDLE_TIMEOUT closes a silent connection", async (t) => {
  const service = await served(t, { env: { TICKETCHAT_IDLE_TIMEOUT: "1" } });
  const self = await client(t, service, 42);
  await until("the close", () => self.code !== undefined, DEADLINE);
  assert.equal(self.code, 1006);
});

test("killed generators: interrupted, never a partial answer that looks complete", async (t) => {
  const service = await served(t);
  const self = await client(t, service, 42);
  self.say({ ...ASK, status: true });
  await until("some text", () => joined(self.frames).length > 20);
  for (const pid of service.generators()) service.kill(pid);
  const [end] = await self.ends();
  assert.deepEqual([end.type, end.code, end.retryable], ["error", "interrupted", true]);
  self.say(ASK);
  assert.equal((await self.ends(2))[1].type, "done");
  assert.equal(joined(self.frames.slice(self.frames.indexOf(end))), ANSWER);
});

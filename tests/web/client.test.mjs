// web/ticket-chat-client.js as it is, in a real Chromium: in front of a scripted service, then of the real one.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { html, openBrowser } from "./browser.mjs";
import { ROOT } from "./documentation.mjs";
import { fakeService } from "./fake.mjs";
import { freePort, recording, start, textOf, until } from "./service.mjs";

/* Remembers what the page is listened to for, the pauses that timers were asked for, and every view. */
const PAGE = html(`<script>
  window.heard = [];
  for (const [name, change] of [["addEventListener", (key) => heard.includes(key) || heard.push(key)],
    ["removeEventListener", (key) => (heard = heard.filter((other) => other !== key))]]) {
    const real = window[name];
    window[name] = (type, ...rest) => {
      if (["visibilitychange", "online", "offline", "pagehide"].includes(type)) change(type);
      real.call(window, type, ...rest);
    };
  }
  window.pauses = [];
  const realTimeout = window.setTimeout;
  window.setTimeout = (callback, pause = 0) => (pauses.push(pause), realTimeout(callback, pause));
</script><script type="module">
  import { TicketChatClient, endpoint } from "/ticket-chat-client.js";
  window.endpoint = endpoint;
  window.make = (options) => {
    window.views = [];
    window.got = [];
    window.chat = new TicketChatClient({ ...options, onFrame: (frame) => got.push(frame) });
    chat.subscribe(() => views.push(chat.view));
  };
  window.reach = (state) => new Promise((resolve) => {
    const off = chat.subscribe(() => chat.view.state === state && (off(), resolve()));
  });
</script>`);

let browser;
async function openDesk(options) {
  const desk = await openBrowser(options);
  desk.pages.set("/ticket-chat-client.js", readFileSync(`${ROOT}/web/ticket-chat-client.js`, "utf8"));
  desk.pages.set("/desk/client.html", PAGE);
  desk.pages.set("/elsewhere.html", html("elsewhere"));
  return desk;
}
before(async () => (browser = await openDesk()));
after(() => browser?.stop());

/**
 * A tab with a client of this service in it, which asks at once (unless `ask` says otherwise). With a clock, "paused"
 * or running, tick() makes time pass.
 */
async function open(t, { server, ask = { ticketBody: "jam" }, clock, desk = browser, ...options }) {
  const page = await desk.tab("/desk/client.html", { clock: Boolean(clock) });
  t.after(() => page.context().close());
  if (clock === "paused") await page.clock.pauseAt(new Date(Date.now() + 3_600_000));
  let looked = 0; // so many views are behind us
  const tab = {
    page,
    make: (more) => page.evaluate((o) => window.make(o), { server, ticketId: 7, ...options, ...more }),
    run: (...args) => page.evaluate(...args),
    view: () => page.evaluate(() => window.chat.view),
    views: () => page.evaluate(() => window.views),
    tick: (ms) => page.clock.runFor(ms),
    async ask(question) {
      looked = (await tab.views()).length;
      await page.evaluate((q) => window.chat.ask(q), question);
      if (clock) await tab.tick(1);
    },
    /** A view with this state, after the last one that was waited for, however short it was. */
    state: (name) => until(`the state ${name}`, async () => {
      const index = (await tab.views()).findIndex(({ state }, n) => n >= looked && state === name);
      if (index >= 0) looked = index + 1;
      return index >= 0;
    }),
    end: () => until("the end", async () => (await tab.view()).end),
    grown: (length = 1) => until(`${length} characters`, async () => {
      const { text, fresh } = await tab.view();
      return fresh && text.length >= length;
    }),
    sockets: () => page.evaluate(() => window.sockets.map((socket) => socket.readyState)), // 1: open
    /** What lives on outside the client: sockets that are not closed, timers, listeners. */
    left: () => page.evaluate(() => [window.sockets.filter((socket) => socket.readyState < 3).length, window.timers.size, window.heard.length]),
    nothingLeft: () => until("everything to be gone", async () => String(await tab.left()) === "0,0,0"),
    /** The page is hidden, or seen again. */
    turn: (visibility) => page.evaluate((value) => {
      Object.defineProperty(document, "visibilityState", { value, configurable: true });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    }, visibility),
    /** From now on, what this socket sends goes nowhere. */
    cut: (n) => page.evaluate((i) => (window.sockets[i].send = () => {}), n),
  };
  await until("the module", () => page.evaluate(() => "make" in window));
  await tab.make();
  if (ask) await tab.ask(ask);
  return tab;
}

async function fake(t, script, options) {
  const service = await fakeService(script, options);
  t.after(() => service.stop());
  return service;
}

const DONE = { type: "done" };
const stream = (content) => ({ type: "stream", content });

test("a server may import and construct it: there is no window, document or WebSocket", async () => {
  for (const name of ["window", "document", "WebSocket", "location"]) assert.equal(name in globalThis, false, name);
  const { TicketChatClient, endpoint } = await import("../../web/ticket-chat-client.js");
  const chat = new TicketChatClient({ server: "http://localhost:5000", ticketId: 42, token: "t", lang: "en" });
  chat.subscribe(() => assert.fail("nothing happens"))();
  chat.stop();
  chat.close();
  assert.deepEqual(chat.view, { state: "idle", text: "", fresh: false, partial: false, turns: [] });
  assert.deepEqual([chat.token, chat.lang], ["t", "en"]);
  assert.equal(endpoint("https://h.example/x/?y#z", 1), "wss://h.example/x/api/websocket/chat/1");
});

describe("scripted", () => {
  test("the address: every form of a server, ids as strings", async (t) => {
    const tab = await open(t, { server: "ws://x", ask: null });
    const host = browser.origin.replace("http", "ws");
    for (const [server, ticket, address] of [
      ["ws://localhost:5000", 42, "ws://localhost:5000/api/websocket/chat/42"],
      ["ws://localhost:5000/", 42, "ws://localhost:5000/api/websocket/chat/42"],
      ["wss://h.example", 42, "wss://h.example/api/websocket/chat/42"],
      ["http://localhost:5000", 42, "ws://localhost:5000/api/websocket/chat/42"],
      ["https://h.example", 42, "wss://h.example/api/websocket/chat/42"],
      ["https://h.example/chat/service//?a=b#c", 42, "wss://h.example/chat/service/api/websocket/chat/42"],
      ["/", 42, `${host}/api/websocket/chat/42`],
      ["/chat", 42, `${host}/chat/api/websocket/chat/42`],
      ["chat", 42, `${host}/desk/chat/api/websocket/chat/42`],
      ["//h.example", 42, "ws://h.example/api/websocket/chat/42"],
      ["ws://h", "9223372036854775807", "ws://h/api/websocket/chat/9223372036854775807"],
      ["ws://h", "a/b?c#d", "ws://h/api/websocket/chat/a%2Fb%3Fc%23d"],
    ]) assert.equal(await tab.run(([s, id]) => window.endpoint(s, id), [server, ticket]), address, server);
    assert.equal(await tab.run(() => window.endpoint(new URL("http://h:81/x"), 1)), "ws://h:81/x/api/websocket/chat/1");
  });

  test("an address that is none is an end at once", async (t) => {
    const tab = await open(t, { server: "ftp://localhost", ask: null });
    for (const options of [{}, { server: "http://" }, { server: "ws://h", ticketId: "\ud800" }]) {
      await tab.make(options);
      await tab.ask({ ticketBody: "jam" });
      assert.deepEqual(await tab.end(), { type: "error", code: "connection_lost", message: "", retryable: true });
      await tab.nothingLeft();
    }
    assert.deepEqual(tab.page.problems, []);
  });

  test("one question: what is sent, how the view goes on, and nothing is left", async (t) => {
    const service = await fake(t, (say) => {
      say({ type: "status", state: "queued", position: 2 });
      say({ type: "status", state: "loading" });
      say(stream("Open "));
      say(stream("it."));
      say(DONE);
    });
    const tab = await open(t, {
      server: service.server, ticketId: "9007199254740993", lang: "en", token: "t", ask: { ticketBody: "jam", refresh: true },
    });
    assert.deepEqual(await tab.end(), DONE);
    assert.deepEqual(tab.page.sent, [{ ticketBody: "jam", refresh: true, status: true, lang: "en", token: "t" }]);
    assert.deepEqual(service.paths, ["/api/websocket/chat/9007199254740993"]);
    const seen = (await tab.views()).map(({ state, position, text, fresh, partial, end }) => [state, position, text, fresh, partial, end?.type]);
    assert.deepEqual(seen, [
      ["connecting", undefined, "", false, false, undefined],
      ["waiting", undefined, "", false, false, undefined],
      ["queued", 2, "", false, false, undefined],
      ["loading", undefined, "", false, false, undefined],
      ["generating", undefined, "Open ", true, true, undefined],
      ["generating", undefined, "Open it.", true, true, undefined],
      ["generating", undefined, "Open it.", true, false, "done"],
    ]);
    assert.deepEqual((await tab.run(() => window.got)).map(({ type }) => type), ["status", "status", "stream", "stream", "done"]);
    await tab.nothingLeft();
    await until("a clean close", () => service.closed[0] === 1000);
    assert.deepEqual(tab.page.problems, []);
  });

  test("a view never changes; each change is another one", async (t) => {
    const service = await fake(t, (say) => [stream("a"), stream("b"), DONE].forEach(say));
    const tab = await open(t, { server: service.server, ask: null });
    await tab.run(() => {
      window.copies = [];
      window.chat.subscribe(() => copies.push(JSON.stringify(chat.view)));
    });
    await tab.ask({ ticketBody: "jam" });
    await tab.end();
    const [copies, views, distinct] = await tab.run(() => [copies, views.map((view) => JSON.stringify(view)), new Set(views).size]);
    assert.deepEqual(views, copies);
    assert.equal(distinct, views.length);
  });

  test("what is no frame is ignored, and what is not known too", async (t) => {
    const service = await fake(t, (say) => {
      for (const frame of ["no JSON", "", "null", "7", '"x"', "[]", "{}", Buffer.from([0xff, 0]), { type: "usage", tokens: 3 },
        { type: "status", state: "warming-up" }, stream("a"), { type: "pong" }, { type: 7 }, stream("b"), DONE]) say(frame);
    });
    const tab = await open(t, { server: service.server });
    await tab.end();
    assert.equal((await tab.view()).text, "ab");
    assert.deepEqual((await tab.run(() => window.got)).map(({ type }) => type), ["usage", "status", "stream", 7, "stream", "done"]);
    assert.deepEqual(tab.page.problems, []);
  });

  test("a kept answer replaces what has come, and a new one what was kept; both know their number", async (t) => {
    const kept = { type: "cached", response: "whole", message: "Kept.", createdAt: "2026-11-23T11:30:00Z", version: 1, versions: 2 };
    const service = await fake(t, (say, { version, refresh }) => {
      if (version) [kept, DONE].forEach(say);
      else if (refresh) [stream("new"), { ...DONE, versions: 3 }].forEach(say);
      else [stream("beg"), { ...kept, version: 2 }, DONE].forEach(say);
    });
    const tab = await open(t, { server: service.server });
    const now = async () => {
      await tab.end();
      const { text, partial, cached, version, versions } = await tab.view();
      return [text, partial, cached?.message, version, versions];
    };
    assert.deepEqual(await now(), ["whole", false, "Kept.", 2, 2]);
    await tab.ask({ ticketBody: "jam", version: 1 });
    assert.deepEqual(await now(), ["whole", false, "Kept.", 1, 2]);
    await tab.ask({ ticketBody: "jam", refresh: true });
    assert.deepEqual(await now(), ["new", false, undefined, 3, 3]);
    const writing = (await tab.views()).find(({ text, end }) => text === "new" && !end);
    assert.deepEqual([writing.version, writing.versions], [undefined, undefined]);
    assert.deepEqual(service.questions.map(({ version, refresh }) => refresh || version), [undefined, 1, true]);
  });

  test("frames that come with the close count, and an end with it is an end", async (t) => {
    const service = await fake(t, (say, _question, n) => {
      say(stream(n === 1 ? "lost" : "found"));
      if (n > 1) say(DONE);
      say.drop();
    });
    const tab = await open(t, { server: service.server });
    await tab.end();
    const texts = (await tab.views()).map(({ text, fresh }) => text + (fresh ? "" : "?"));
    assert.deepEqual([...new Set(texts)], ["?", "lost", "lost?", "found"], "the old text stays until the new one comes");
    await tab.nothingLeft();
    assert.equal((await tab.sockets()).length, 2);
    assert.equal((await tab.views()).at(-1).partial, false);
  });

  test("an error leaves the text, as a partial one; asking again without a question repeats the last one", async (t) => {
    const failed = { type: "error", message: "No luck.", code: "upstream_error", retryable: true };
    const service = await fake(t, (say, _question, n) => [stream("half"), n === 1 ? failed : DONE].forEach(say));
    const tab = await open(t, { server: service.server, ask: { ticketBody: "jam", refresh: true } });
    assert.deepEqual(await tab.end(), failed);
    assert.equal((await tab.view()).partial, true);
    const { text, end } = await tab.run(() => {
      chat.ask();
      return chat.view;
    });
    assert.deepEqual([text, end], ["half", undefined]);
    assert.deepEqual(await tab.end(), DONE);
    assert.equal((await tab.view()).partial, false);
    assert.deepEqual(service.questions[0], service.questions[1]);
    assert.equal(service.questions[1].refresh, true);
  });

  test("asking while one runs puts the new question in its place", async (t) => {
    let sayToFirst;
    const service = await fake(t, (say, { ticketBody }) => {
      if (ticketBody === "jam") say((sayToFirst = say) && stream("first"));
      else [stream("second"), DONE].forEach(say);
    });
    const tab = await open(t, { server: service.server });
    await tab.grown();
    await tab.run(() => {
      chat.ask({ ticketBody: "never sent" });
      chat.ask({ ticketBody: "other" });
    });
    sayToFirst(stream("too late"));
    sayToFirst(DONE);
    await tab.end();
    assert.equal((await tab.view()).text, "second");
    assert.deepEqual(service.questions.map(({ ticketBody }) => ticketBody), ["jam", "other"]);
    await until("both sockets to close", () => service.closed.length === 2);
    assert.deepEqual(service.closed, [1000, 1000]);
    await tab.nothingLeft();
  });

  test("close, in every state: nothing more happens, the text stays, and asking begins anew", async (t) => {
    const service = await fake(t, (say, { ticketBody }) => {
      say(stream("text"));
      if (ticketBody === "ends") say(DONE);
      if (ticketBody === "drops") say.drop();
    });
    const tab = await open(t, { server: service.server, ask: null });
    /* Asks, waits for the state, and closes there. */
    const close = async (state, ticketBody) => {
      const [was, sockets, told, { text, ...view }] = await tab.run(async ([name, body]) => {
        if (body) chat.ask({ ticketBody: body });
        if (name === "handshake") await new Promise((resolve) => setTimeout(resolve));
        else if (body && name !== "connecting") await reach(name);
        const was = [chat.view.state, window.sockets.map((socket) => socket.readyState)];
        const count = views.length;
        chat.close();
        chat.close();
        return [...was, views.length - count, chat.view];
      }, [state, ticketBody]);
      assert.deepEqual([was, told], state === "idle" ? ["idle", 0] : [state === "handshake" ? "connecting" : state, 1]);
      assert.deepEqual([view.state, view.fresh, view.end], ["idle", false, undefined]);
      await tab.nothingLeft();
      return [String(sockets), text];
    };
    assert.deepEqual(await close("idle"), ["", ""]);
    assert.deepEqual(await close("connecting", "jam"), ["", ""], "before there is a socket");
    assert.deepEqual(await close("handshake", "jam"), ["0", ""]);
    assert.deepEqual(await close("waiting", "jam"), ["3,1", ""]);
    assert.deepEqual(await close("generating", "jam"), ["3,3,1", "text"]);
    assert.deepEqual(await close("reconnecting", "drops"), ["3,3,3,3", "text"]);
    await tab.ask({ ticketBody: "ends" });
    assert.deepEqual(await tab.end(), DONE);
    await tab.run(() => chat.close());
    assert.deepEqual((await tab.view()).end, DONE, "an end stays one");
    const count = (await tab.sockets()).length;
    await tab.turn("visible");
    await tab.run(() => dispatchEvent(new Event("online")));
    assert.equal((await tab.sockets()).length, count);
    assert.deepEqual(tab.page.problems, []);
  });

  test("stop, in every state", async (t) => {
    const service = await fake(t, (say, { ticketBody }) => {
      say(stream("text"));
      if (ticketBody === "drops") say.drop();
    });
    const tab = await open(t, { server: service.server, token: "one", ask: null });
    await tab.run(() => chat.stop());
    assert.equal((await tab.view()).state, "idle");
    await tab.run(() => {
      chat.ask({ ticketBody: "jam" });
      chat.stop();
    });
    const ours = { type: "error", code: "stopped", message: "", retryable: true };
    assert.deepEqual((await tab.view()).end, ours, "before there is a socket");
    await tab.nothingLeft();
    await tab.run(() => chat.stop());
    assert.deepEqual((await tab.view()).end, ours, "after the end");
    await tab.run(async () => {
      chat.ask({ ticketBody: "drops" });
      await reach("reconnecting");
      chat.stop();
    });
    assert.deepEqual((await tab.view()).end, ours, "without a connection");
    assert.equal((await tab.view()).partial, true);
    await tab.nothingLeft();
    await tab.ask({ ticketBody: "jam" });
    await tab.grown();
    await tab.run(() => {
      chat.token = "two";
      chat.stop();
      chat.stop();
    });
    assert.equal((await tab.end()).message, "Stopped.", "what the service says");
    assert.deepEqual(tab.page.sent.find(({ type }) => type === "stop"), { type: "stop", token: "two" });
    await tab.nothingLeft();
    await tab.ask({ ticketBody: "drops" });
    await tab.state("reconnecting"); // a stop is for its question alone
  });

  test("a handshake that never ends: stop, and the next try", async (t) => {
    const hole = createServer().listen(0, "127.0.0.1"); // takes connections and says nothing
    await new Promise((resolve) => hole.once("listening", resolve));
    const taken = [];
    hole.on("connection", (socket) => taken.push(socket.on("error", () => {})));
    t.after(() => {
      for (const socket of taken) socket.destroy();
      return new Promise((resolve) => hole.close(resolve));
    });
    const tab = await open(t, { server: `ws://127.0.0.1:${hole.address().port}`, clock: "paused" });
    await until("a handshake", async () => String(await tab.sockets()) === "0");
    await tab.run(() => chat.stop());
    assert.equal((await tab.view()).end.code, "stopped");
    await tab.nothingLeft();

    // The same hole: a handshake may take fifteen seconds, then the next one is tried.
    await tab.ask();
    await until("a handshake", async () => String(await tab.sockets()) === "3,0");
    await tab.run(() => dispatchEvent(new Event("online"))); // no ping before there is a connection
    await tab.tick(14_990);
    assert.equal((await tab.view()).state, "connecting");
    await tab.tick(10);
    assert.equal((await tab.view()).state, "reconnecting");
    await until("the socket to close", async () => (await tab.sockets())[1] === 3);
    await tab.tick(500);
    await until("another handshake", async () => String(await tab.sockets()) === "3,3,0");
    await tab.run(() => chat.close());
    await tab.nothingLeft();
    assert.deepEqual(tab.page.problems, []);
  });

  test("a stop on a dead connection ends within seconds, and never starts the answer again", async (t) => {
    const service = await fake(t, (say) => say(stream("text")));
    const tab = await open(t, { server: service.server, clock: "paused" });
    await tab.grown();
    await tab.cut(0);
    await tab.run(() => chat.stop());
    await tab.tick(4_999);
    assert.equal((await tab.view()).end, undefined);
    await tab.tick(1);
    assert.equal((await tab.end()).code, "connection_lost");
    assert.equal(service.questions.length, 1);
    await tab.nothingLeft();
  });

  test("it backs off with some chance in it, eight times, and then there is an end", async (t) => {
    const server = `ws://127.0.0.1:${await freePort()}`;
    const tab = await open(t, { server, ask: null, clock: "paused" });
    for (const [chance, pauses] of [[0, [250, 500, 1000, 2000, 4000, 5000, 5000]], [1, [500, 1000, 2000, 4000, 8000, 10000, 10000]]]) {
      await tab.run((n) => {
        Math.random = () => n;
        window.pauses = [];
        window.sockets = [];
        chat.ask({ ticketBody: "jam" });
      }, chance);
      await until("the end", async () => {
        await tab.tick(1000);
        return (await tab.view()).end?.code === "connection_lost";
      });
      assert.deepEqual((await tab.run(() => window.pauses)).filter((pause) => pause !== 0 && pause !== 15_000), pauses);
      assert.equal((await tab.sockets()).length, 8);
      await tab.nothingLeft();
    }
    assert.deepEqual([...new Set((await tab.views()).map(({ state }) => state))], ["connecting", "reconnecting"]);
  });

  test("a connection that held for a minute makes the tries count anew, a short one does not", async (t) => {
    const service = await fake(t, (say, { ticketBody }) => ticketBody === "short" && say.drop());
    const tab = await open(t, { server: service.server, ask: { ticketBody: "short" }, clock: "paused" });
    await until("the end", async () => {
      await tab.tick(1000);
      return (await tab.view()).end;
    });
    assert.equal(service.questions.length, 8);
    await tab.run(() => (window.pauses = []));
    await tab.ask({ ticketBody: "long" });
    for (let n = 9; n < 12; n++) {
      await until("the question", () => service.questions.length === n);
      for (let pings = 0; pings < 3; pings++) {
        const before = tab.page.received.length;
        await tab.tick(25_000);
        await until("the pong", () => tab.page.received.length > before);
      }
      if (n < 11) await tab.run(() => window.sockets.at(-1).close());
      else await service.stop();
      await tab.state("reconnecting");
      if (n < 11) await tab.tick(500);
    }
    const retries = (await tab.run(() => window.pauses)).filter((pause) => pause > 0 && pause < 15_000);
    assert.ok(retries.length === 3 && retries.every((pause) => pause <= 500), `${retries}`);
    // After a long connection, too, eight tries are all.
    await until("the end", async () => {
      await tab.tick(1000);
      return (await tab.view()).end?.code === "connection_lost";
    });
  });

  test("it pings; a connection that answers is kept, a silent one is given up", async (t) => {
    let silent = false;
    const service = await fake(t, () => {}, { pong: () => !silent });
    const tab = await open(t, { server: service.server, clock: "paused" });
    await tab.state("waiting");
    await tab.tick(24_999);
    assert.equal(tab.page.sent.length, 1);
    await tab.tick(1);
    await until("a pong", () => tab.page.received.length === 1);
    for (let n = 2; n <= 4; n++) {
      await tab.tick(25_000);
      await until("a pong", () => tab.page.received.length === n);
    }
    assert.deepEqual([service.questions.length, service.closed], [1, []]);
    silent = true;
    await tab.tick(25_000);
    await until("a ping", () => tab.page.sent.length === 6);
    await tab.tick(24_999);
    assert.equal((await tab.view()).state, "waiting");
    await tab.tick(1);
    assert.equal((await tab.view()).state, "reconnecting");
    silent = false;
    await tab.tick(500);
    await tab.state("waiting");
    await tab.tick(25_000);
    await until("a pong", () => tab.page.received.length === 5);
    assert.deepEqual([(await tab.view()).state, service.questions.length], ["waiting", 2]);
  });

  test("token and language may change: the next connection uses them", async (t) => {
    const service = await fake(t, (say, _question, n) => n > 1 && say(DONE));
    const tab = await open(t, { server: service.server, token: "one", lang: "en" });
    await until("the question", () => service.questions.length === 1);
    await tab.run(() => {
      chat.token = "two";
      chat.lang = undefined;
      sockets[0].close();
    });
    await tab.end();
    assert.deepEqual(service.questions.map(({ token, lang }) => [token, lang]), [["one", "en"], ["two", undefined]]);
  });

  test("whoever listens may throw: the others are told, and the answer goes on", async (t) => {
    const service = await fake(t, (say) => [stream("a"), stream("b"), DONE].forEach(say));
    const tab = await open(t, { server: service.server, ask: null });
    await tab.run(() => {
      window.told = 0;
      chat.subscribe(() => { throw new Error("thrown by a listener"); });
      chat.subscribe(() => told++);
      chat.ask({ ticketBody: "jam" });
    });
    await tab.end();
    assert.equal((await tab.view()).text, "ab");
    assert.equal(await tab.run(() => told), (await tab.views()).length);
    await until("the exceptions to be told", () => tab.page.problems.length === 5);
    assert.ok(tab.page.problems.every((problem) => /thrown by a listener/.test(problem)), `${tab.page.problems}`);
    await tab.nothingLeft();

    await tab.make();
    await tab.run(() => {
      window.got.push = () => { throw new Error("thrown by onFrame"); };
      chat.ask({ ticketBody: "jam" });
    });
    await tab.end();
    assert.equal((await tab.view()).text, "ab");
    await until("the exceptions to be told", () => tab.page.problems.length === 8);
    await tab.nothingLeft();
  });

  test("whoever listens may ask, stop or close, whenever", async (t) => {
    const service = await fake(t, (say, { ticketBody }) => {
      if (ticketBody === "drops") return say.drop();
      [{ type: "status", state: "loading" }, stream("a"), { type: "cached", response: "b", message: "" }, DONE].forEach(say);
    });
    const tab = await open(t, { server: service.server, ask: null });
    /* Does something at the first view like this, and tells what the view is once all is quiet. */
    const at = async (action, when, ticketBody = "jam") => {
      await tab.make();
      await tab.run(([what, state, body]) => {
        const off = chat.subscribe(() => {
          const { view } = chat;
          if ((view.end?.type ?? (view.cached ? "cached" : view.state)) !== state) return;
          off();
          chat[what](what === "ask" ? { ticketBody: "jam" } : undefined);
        });
        chat.ask({ ticketBody: body });
      }, [action, when, ticketBody]);
      await tab.nothingLeft();
      const { state, text, end } = await tab.view();
      return [end?.code ?? end?.type ?? state, text];
    };
    for (const when of ["connecting", "waiting", "loading", "generating", "cached", "done"]) {
      const text = { generating: "a", cached: "b", done: "b" }[when] ?? "";
      assert.deepEqual(await at("ask", when), ["done", "b"], `ask at ${when}`);
      assert.deepEqual(await at("close", when), [when === "done" ? "done" : "idle", text], `close at ${when}`);
    }
    assert.deepEqual(await at("ask", "reconnecting", "drops"), ["done", "b"]);
    assert.deepEqual(await at("close", "reconnecting", "drops"), ["idle", ""]);
    assert.deepEqual(await at("stop", "reconnecting", "drops"), ["stopped", ""]);
    assert.deepEqual(await at("stop", "connecting"), ["stopped", ""]);

    const asked = service.questions.length;
    await tab.make();
    await tab.run(() => { // onFrame comes before the view, and what it closes takes no more frames
      window.got.push = () => chat.close();
      chat.ask({ ticketBody: "jam" });
    });
    await until("the question", () => service.questions.length > asked);
    await tab.nothingLeft();
    assert.deepEqual((await tab.views()).map(({ state }) => state), ["connecting", "waiting", "idle"]);
    assert.deepEqual(tab.page.problems, []);
  });

  test("one who unsubscribes is not told again; one who subscribes twice is told twice", async (t) => {
    const service = await fake(t, (say) => say(DONE));
    const tab = await open(t, { server: service.server, ask: null });
    await tab.run(() => {
      window.told = 0;
      const tell = (...args) => (told += 1 + args.length);
      chat.subscribe(tell);
      const off = chat.subscribe(tell);
      chat.subscribe(() => chat.view.state === "waiting" && off());
      chat.ask({ ticketBody: "jam" });
    });
    await tab.end();
    assert.equal(await tab.run(() => told), 2 + 2 + 1);
  });

  test("seen again: a connection that answers is kept, a dead one is replaced within seconds", async (t) => {
    const service = await fake(t, (say, _question, n) => say(stream(`text ${n}`)));
    const tab = await open(t, { server: service.server, clock: "paused" });
    await tab.grown();
    await tab.turn("hidden");
    await tab.tick(1_000);
    assert.equal(tab.page.sent.length, 1, "hiding does nothing");
    await tab.turn("visible");
    await until("a pong", () => tab.page.received.some((frame) => frame.includes("pong")));
    await tab.tick(6_000);
    assert.deepEqual(await tab.sockets(), [1]);

    await tab.run(() => dispatchEvent(new Event("offline")));
    await until("a pong", () => tab.page.received.filter((frame) => frame.includes("pong")).length === 3);
    await tab.cut(0);
    await tab.tick(25_000); // a ping without an answer: it gets its five seconds anew
    await tab.run(() => dispatchEvent(new Event("online")));
    await tab.tick(4_999);
    assert.deepEqual(await tab.sockets(), [1]);
    await tab.tick(501);
    await until("the new connection", async () => (await tab.view()).text === "text 2");
    assert.equal(service.questions.length, 2);
    await tab.turn("visible");
    await tab.run(() => chat.close());
    await tab.nothingLeft();
  });

  test("seen again while it waits to reconnect: at once", async (t) => {
    const service = await fake(t, (say, _question, n) => (n === 1 ? say.drop() : say(DONE)));
    const tab = await open(t, { server: service.server, ask: null, clock: "paused" });
    await tab.ask({ ticketBody: "jam" });
    await tab.state("reconnecting"); // and no pause ends by itself

    await tab.turn("hidden");
    assert.equal((await tab.sockets()).length, 1, "nobody looks");
    await tab.turn("visible");
    await tab.end();
    assert.equal(service.questions.length, 2);
    await tab.nothingLeft();
  });

  test("a hidden page does not give up: it stops trying, and goes on when it is seen", async (t) => {
    const port = await freePort();
    const tab = await open(t, { server: `ws://127.0.0.1:${port}`, ask: null, clock: "paused" });
    await tab.turn("hidden");
    await tab.ask({ ticketBody: "jam" });
    await until("the last try", async () => {
      await tab.tick(1000);
      return (await tab.sockets()).length === 8;
    });
    await until("no timer", () => tab.run(() => window.timers.size === 0));
    await tab.tick(60_000);
    assert.deepEqual([(await tab.view()).state, (await tab.view()).end, (await tab.sockets()).length], ["reconnecting", undefined, 8]);
    await tab.turn("visible");
    await until("the end", async () => {
      await tab.tick(1000);
      return (await tab.view()).end?.code === "connection_lost";
    });
    assert.equal((await tab.sockets()).length, 16, "all tries once more");
    await tab.nothingLeft();
  });

  for (const [how, lose] of Object.entries({
    "the service hangs up": (tab, say) => say.drop(),
    "nothing answers any more": (tab) => tab.tick(5_000), // after a ping
  })) {
    test(`the network goes and comes back while nobody looks, and ${how}: the answer is there before somebody does`, async (t) => {
      const says = [];
      const service = await fake(t, (say, _question, n) => (says.push(say), say(stream(`text ${n}`)), n > 1 && say(DONE)));
      const tab = await open(t, { server: service.server, clock: "paused" });
      const network = async (there) => {
        await tab.page.context().setOffline(!there);
        await until("the page to know it", () => tab.run((yes) => navigator.onLine === yes, there));
      };
      await tab.grown();
      await network(false);
      await tab.turn("hidden");
      await lose(tab, says[0]);
      await tab.state("reconnecting");
      await tab.tick(600_000);
      assert.equal((await tab.sockets()).length, 1, "without a network nothing is tried");
      await tab.turn("hidden");
      assert.equal((await tab.sockets()).length, 1, "hiding does nothing");
      await network(true);
      assert.deepEqual(await tab.end(), DONE);
      assert.deepEqual([await tab.run(() => document.visibilityState), (await tab.view()).text], ["hidden", "text 2"]);
      assert.equal(service.questions.length, 2);
      await tab.nothingLeft();
    });
  }

  test("frozen, and the connection lost meanwhile", async (t) => {
    const drops = [];
    const service = await fake(t, (say, _question, n) => {
      drops.push(say.drop);
      say(stream(`text ${n}`));
      if (n > 1) say(DONE);
    });
    const tab = await open(t, { server: service.server });
    await tab.grown();
    const phone = await tab.page.context().newCDPSession(tab.page);
    await phone.send("Page.setWebLifecycleState", { state: "frozen" });
    drops[0]();
    await until("the close", () => service.closed.length === 1);
    await phone.send("Page.setWebLifecycleState", { state: "active" });
    await tab.end();
    assert.equal((await tab.view()).text, "text 2");
    await tab.nothingLeft();
  });

  test("left and come back to: the browser keeps the page, and it takes the answer up again", async (t) => {
    const service = await fake(t, (say, _question, n) => [stream(`text ${n}`), ...(n > 1 ? [DONE] : [])].forEach(say));
    const desk = await openDesk({ keepPages: true });
    t.after(() => desk.stop());
    const tab = await open(t, { server: service.server, desk });
    await tab.grown();
    await tab.run(() => (window.back = []) && addEventListener("pageshow", ({ persisted }) => back.push(persisted)));
    await tab.page.goto(`${desk.origin}/elsewhere.html`);
    await until("the close", () => service.closed.length === 1);
    assert.equal(service.closed[0], 1000, "it hung up when it was left");
    assert.equal(service.questions.length, 1);
    await tab.page.goBack({ waitUntil: "commit" });
    await tab.end();
    assert.deepEqual(await tab.run(() => back), [true], "the same page, not loaded again");
    assert.equal((await tab.view()).text, "text 2");
    await tab.nothingLeft();
  });
});

const NAME = "stream-emoji";
const ANSWER = textOf(NAME);
const PACED = ["--pace", 60, recording(NAME)]; // some seconds in all

describe("the real service", () => {
  const served = async (t, options = { replay: PACED }) => {
    const service = await start(options);
    t.after(() => service.stop());
    return service;
  };
  /* Every text that the view ever had is a beginning of the answer: nothing doubled, nothing lost. */
  const assertNeverWrong = async (tab) => {
    for (const { text } of await tab.views()) assert.ok(ANSWER.startsWith(text), `shown: ${JSON.stringify(text)}`);
    assert.equal((await tab.view()).text, ANSWER);
    assert.deepEqual(tab.page.problems, []);
  };

  test("an answer from the service's own address, as http:; then its versions", async (t) => {
    const service = await served(t, { replay: [recording(NAME)] });
    const tab = await open(t, { server: `http://127.0.0.1:${service.port}` });
    assert.equal((await tab.end()).type, "done");
    await assertNeverWrong(tab);
    await tab.ask({ ticketBody: "jam", refresh: true });
    await tab.end();
    assert.deepEqual(await tab.run(() => [chat.view.version, chat.view.versions]), [2, 2]);
    await tab.ask({ ticketBody: "jam", version: 1 });
    await tab.end();
    assert.deepEqual(await tab.run(() => [chat.view.version, chat.view.versions, chat.view.text]), [1, 2, ANSWER]);
    await tab.ask({ ticketBody: "jam", version: 3 });
    assert.equal((await tab.end()).detail, "version");
    assert.equal((await tab.view()).text, ANSWER);
    assert.equal(service.requests(), 2);
    await tab.nothingLeft();
    await until("the handlers to end", () => service.chats().length === 0);
  });

  test("a handler that dies and a service that restarts: the answer is taken up again", async (t) => {
    const service = await served(t);
    const tab = await open(t, { server: service.server });
    await tab.grown(20);
    service.kill(service.chats()[0]);
    await tab.state("reconnecting");
    await tab.grown(40);
    await tab.state("generating");
    await service.stopWebsocketd();
    await tab.state("reconnecting");
    await service.startWebsocketd();
    assert.equal((await tab.end()).type, "done");
    await assertNeverWrong(tab);
    assert.equal((await tab.sockets()).length >= 3, true);
    assert.equal(service.requests(), 1);
  });

  test("without a network for a while", async (t) => {
    const service = await served(t);
    const tab = await open(t, { server: service.server, clock: "running" });
    await tab.grown(20);
    await tab.page.context().setOffline(true);
    await until("the page to know it", () => tab.run(() => !navigator.onLine));
    await tab.tick(5_000); // a ping that goes nowhere
    await tab.state("reconnecting");
    await tab.tick(20_000);
    assert.equal((await tab.sockets()).length, 1, "without a network nothing is tried");
    const { text } = await tab.view();
    assert.ok(text.length >= 20, "what has come stays to be read");
    await tab.page.context().setOffline(false);
    await tab.end();
    await assertNeverWrong(tab);
    assert.equal(service.requests(), 1);
    await tab.nothingLeft();
  });

  test("two on one ticket; one stops it for both; asking again begins a new answer", async (t) => {
    const service = await served(t, { replay: ["--pace", 200, recording(NAME)] }); // time enough to open another tab
    const one = await open(t, { server: service.server, lang: "en" });
    await one.grown(20);
    const two = await open(t, { server: service.server, lang: "pt-BR" });
    await two.grown(20);
    await one.run(() => chat.stop());
    const [first, second] = [await one.end(), await two.end()];
    assert.deepEqual([first.code, second.code], ["stopped", "stopped"]);
    assert.notEqual(first.message, second.message);
    for (const tab of [one, two]) {
      await tab.nothingLeft();
      assert.equal((await tab.sockets()).length, 1, "nobody asks again on his own");
    }
    await Promise.all([one.run(() => chat.ask()), two.run(() => chat.ask())]);
    for (const tab of [one, two]) {
      assert.equal((await tab.end()).type, "done");
      await assertNeverWrong(tab);
    }
    assert.equal(service.requests(), 2);
  });

  test("a slow model: in the line, loading, and pings keep the connection", async (t) => {
    const service = await served(t, { replay: ["--delay", 15000, "--ps", recording("ps"), recording(NAME)], env: { TICKETCHAT_GENERATIONS: "1" } });
    const first = await open(t, { server: service.server, ticketId: 1 });
    await until("the first request", () => service.requests() === 1);
    const tab = await open(t, { server: service.server, ticketId: 2, clock: "running" });
    await tab.state("queued");
    assert.equal((await tab.view()).position, 1);
    const pongs = () => tab.page.received.filter((frame) => frame.includes("pong")).length;
    for (let n = 1; n <= 3; n++) {
      await tab.tick(25_000);
      await until("a pong", () => pongs() === n);
    }
    for (const each of [first, tab]) {
      await each.end();
      await assertNeverWrong(each);
      assert.equal((await each.sockets()).length, 1);
    }
    assert.ok((await tab.views()).some(({ state }) => state === "loading"));
  });

  test("a page that nobody may open it from gets an end, not a loop", async (t) => {
    const service = await served(t, { replay: PACED, env: { TICKETCHAT_ALLOWED_ORIGINS: "https://helpdesk.example" } });
    const tab = await open(t, { server: service.server });
    assert.equal((await tab.end()).code, "forbidden_origin");
    await tab.nothingLeft();
    assert.equal((await tab.sockets()).length, 1);
  });
});

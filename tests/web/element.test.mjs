// <ticket-chat> in a real Chromium, in pages of another origin: mostly in front of a scripted service, for what the real
// one seldom says; page.test.mjs has the states, in front of the real one.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { WORDS } from "../../web/page-words.js";
import { age, words } from "../../web/ticket-chat-words.js";
import { html } from "./browser.mjs";
import { MODULES, openDesk, openDesks, quiet } from "./desk.mjs";
import { ROOT } from "./documentation.mjs";
import { recording, start, textOf, until } from "./service.mjs";
import { accessible, chatIn, look, PHONE } from "./sight.mjs";

const NAME = "stream-emoji";
const PACED = ["--pace", 60, recording(NAME)];
const w = words("en");
const done = (say) => say({ type: "done" });
const answered = (say) => (say({ type: "stream", content: "an *answer*" }), done(say));

let browser;
before(async () => (browser = await openDesks()));
after(() => browser?.stop());
const open = (...args) => openDesk(browser, ...args);

/** Chromium as it says that there is no network. */
const offline = (tab, yes) => tab.page.context().setOffline(yes);

test("one line of HTML in any page, whatever its Content-Security-Policy", async (t) => {
  const service = await start({ replay: PACED });
  t.after(() => service.stop());
  const { origin } = new URL(service.page);
  const policy = `default-src 'none'; img-src data:; script-src ${origin}; connect-src ${origin.replace("http", "ws")}; `
    + "require-trusted-types-for 'script'; trusted-types 'none'";
  const host = createServer((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/html", "Content-Security-Policy": policy });
    response.end(`<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Help desk</title><link rel="icon" href="data:,"><main><h1>Help desk</h1>
      <ticket-chat ticket-id="42" ticket-body="printer jam"></ticket-chat>
      <script type="module" src="${service.page}ticket-chat.js"></script></main>`);
  }).listen(0, "127.0.0.1");
  t.after(() => host.close());
  await new Promise((resolve) => host.once("listening", resolve));
  const page = await browser.tab(`http://127.0.0.1:${host.address().port}/`, PHONE);
  t.after(() => page.context().close());
  const chat = chatIn(page);
  await chat.said(new RegExp(w.length));
  assert.equal((await chat.answer()).trim(), textOf(NAME).trim());
  await look(page, "embedded");
  assert.deepEqual(page.problems, []);
  assert.deepEqual(page.sent, [{ ticketBody: "printer jam", thread: true, sources: true, status: true, lang: "en" }]);
});

test("it asks once, however id and text come", async (t) => {
  const tab = await open(t, answered, { path: "/bare.html" });
  const ways = [
    (chat) => chat.setAttribute("ticket-id", "7"), (chat) => chat.setAttribute("ticket-body", "jam"),
    (chat) => chat.setAttribute("server", chat.dataset.server), (chat) => document.querySelector("main").append(chat),
  ];
  const orders = [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]];
  // Before the module is there: as properties of an element that is unknown yet.
  await tab.add();
  await quiet(tab, 0);
  await tab.page.evaluate(() => import("/ticket-chat.js"));
  await tab.told("done");
  for (const [n, order] of orders.entries()) {
    await tab.page.evaluate(`{
      const chat = document.createElement("ticket-chat");
      chat.dataset.server = ${JSON.stringify(tab.fake.server)};
      ${order.map((way) => `(${ways[way]})(chat);`).join("\n")}
    }`);
    await tab.told("done", n + 2);
  }
  await quiet(tab, 4);
  for (const question of tab.fake.questions) assert.deepEqual(question, { ticketBody: "jam", thread: true, sources: true, status: true, lang: "en" });
  assert.deepEqual(tab.page.problems, []);
});

test("another text is asked anew, another ticket starts from nothing; without either nothing is asked", async (t) => {
  const tab = await open(t, (say, _question, n) => n === 1 && answered(say));
  await tab.add({ ticketBody: " \n" });
  await tab.set({ ticketId: undefined, ticketBody: "jam" });
  await quiet(tab, 0);
  await tab.set({ ticketId: 7 });
  await tab.told("done");
  await tab.set({ ticketBody: "jam" });
  await quiet(tab, 1);
  await tab.set({ ticketBody: "paper" });
  assert.equal((await tab.asked(2))[1].ticketBody, "paper");
  assert.equal(await tab.answer(), "an answer", "the old one stays meanwhile");
  await tab.set({ ticketId: "9007199254740993" });
  await tab.asked(3);
  assert.equal(await tab.answer(), "");
  assert.equal(tab.fake.paths[2], "/api/websocket/chat/9007199254740993");
  await until("the other sockets to close", async () => /^3,3,1$/.test(String(await tab.sockets())));
});

test("manual: it asks when told to", async (t) => {
  const tab = await open(t, answered);
  await tab.add({ manual: true });
  await quiet(tab, 0);
  assert.equal(await tab.page.locator("ticket-chat .chat").isVisible(), false);
  await tab.page.evaluate(() => window.chat.ask());
  await tab.told("done");
  await tab.page.evaluate(() => window.chat.refresh());
  await tab.told("done", 2);
  await tab.page.evaluate(() => window.chat.ask({ version: 1 }));
  await tab.told("done", 3);
  assert.deepEqual(tab.fake.questions.map(({ refresh, version }) => [refresh, version]), [[undefined, undefined], [true, undefined], [undefined, 1]]);
});

test("events: every frame, then one end", async (t) => {
  const tab = await open(t, (say, _question, n) => {
    say({ type: "status", state: "thinking" });
    if (n === 1) answered(say);
    else if (n === 2) say({ type: "cached", response: "kept", message: "Kept." }), done(say);
    else say({ type: "error", code: "storage", message: "Full.", retryable: true });
  });
  await tab.add();
  await tab.told("done");
  await tab.set({ ticketBody: "again" });
  const plain = { version: 1, versions: 1, bodyChanged: false, reason: undefined };
  assert.deepEqual(await tab.told("done", 2), [{ text: "an *answer*", cached: false, ...plain }, { text: "kept", cached: true, ...plain }]);
  await tab.set({ ticketBody: "and again" });
  assert.deepEqual(await tab.told("error"), [{ type: "error", code: "storage", message: "Full.", retryable: true }]);
  const frames = await tab.told("frame", 8);
  assert.deepEqual(frames.map(({ type }) => type), ["status", "stream", "done", "status", "cached", "done", "status", "error"]);
});

/* What ends in a mark, how it looks while it is written, and whole. */
const ENDS = [
  ["The new password is Sommer2026*", "The new password is Sommer2026", "The new password is Sommer2026*"],
  ["Delete C:/Temp/*", "Delete C:/Temp/", "Delete C:/Temp/*"],
  ["Press this key:\n\n#", "Press this key:", "Press this key:#"],
  ["press [OK](", "press OK", "press [OK]("],
  ["type `dir", "type dir", "type `dir"],
];

test("an answer that is complete, kept or broken off loses no character at its end", async (t) => {
  let say;
  const tab = await open(t, (s) => (say = s)({ type: "status", state: "generating" }));
  await tab.add({ manual: true });
  const ends = [{ type: "done" }, { type: "cached", response: "", message: "Kept." }, { type: "error", code: "storage", message: "Full." }];
  let n = 0;
  for (const end of ends) {
    for (const [text, written, whole] of ENDS) {
      const asked = tab.fake.questions.length;
      await tab.page.evaluate(() => window.chat.ask());
      await tab.asked(asked + 1);
      if (end.type === "cached") {
        say({ ...end, response: text });
      } else {
        say({ type: "stream", content: text });
        await until(`${written} while it is written`, async () => (await tab.answer()) === written);
        say(end);
      }
      await until(`${whole} after ${end.type}`, async () => (await tab.answer()) === whole);
      if (end.type === "cached") done(say);
      await tab.told(end.type === "error" ? "error" : "done", end.type === "error" ? n + 1 - 2 * ENDS.length : n + 1);
      assert.equal(await tab.answer(), whole);
      n++;
    }
  }
  await tab.page.evaluate(() => window.chat.ask());
  await tab.asked(n + 1);
  say({ type: "cached", response: "x `y", message: "Kept." });
  done(say);
  await tab.told("done", 2 * ENDS.length + 1);
  await tab.page.evaluate(() => window.chat.refresh());
  await tab.asked(n + 2);
  await tab.page.waitForTimeout(100);
  assert.equal(await tab.answer(), "x `y", "nor does it while another one is awaited");
});

test("moved it goes on, taken out it hangs up, put back it takes up again", async (t) => {
  let say;
  const tab = await open(t, (s) => (say = s)({ type: "stream", content: "so far" }));
  await tab.add();
  await tab.grown();
  await tab.page.evaluate(() => document.querySelector("h1").append(window.chat));
  await tab.page.evaluate(() => { // as React's StrictMode does
    window.chat.remove();
    document.querySelector("main").append(window.chat);
  });
  await quiet(tab, 1);
  assert.deepEqual(await tab.sockets(), [1]);
  await tab.page.evaluate(() => window.chat.remove());
  await until("a clean close", () => tab.fake.closed[0] === 1000);
  await until("the timers to go", () => tab.page.evaluate(() => window.timers.size === 0));
  await tab.page.evaluate(() => document.querySelector("main").append(window.chat));
  await tab.asked(2);
  done(say);
  await tab.told("done");
  await tab.page.evaluate(() => window.chat.remove());
  await tab.page.evaluate(() => document.querySelector("main").append(window.chat)); // it has its answer
  await quiet(tab, 2);
  assert.equal(await tab.answer(), "so far");
});

test("the module may come twice, and there may be two elements", async (t) => {
  const tab = await open(t, answered);
  await tab.page.evaluate(() => import("/again/ticket-chat.js"));
  await tab.add();
  await tab.add({ ticketId: 8 });
  await tab.told("done", 2);
  assert.deepEqual(tab.page.problems, []);
  await accessible(tab.page, "two");
});

test("its language is the nearest; another one changes words and asks nothing", async (t) => {
  const tab = await open(t, (say) => say({ type: "status", state: "thinking" }), { locale: "fr-FR" });
  await tab.page.evaluate(() => document.documentElement.removeAttribute("lang"));
  await tab.add();
  await tab.said(/pensando/);
  await tab.page.evaluate(() => (document.documentElement.lang = "en"));
  await tab.set({ lang: "" });
  await tab.set({ lang: "pt" });
  await tab.said(/pensando/);
  await tab.page.evaluate(() => window.chat.removeAttribute("lang"));
  await tab.said(/thinking/);
  await quiet(tab, 1);
  await tab.page.evaluate(() => { // in a shadow tree of somebody else's
    const outer = document.querySelector("main").appendChild(document.createElement("p"));
    outer.lang = "pt-BR";
    outer.attachShadow({ mode: "open" }).append(window.chat);
  });
  await tab.said(/pensando/);
});

test("a screen reader hears that it writes and that it is complete, and no token", async (t) => {
  let busySeen;
  const seen = new Promise((resolve) => (busySeen = resolve));
  const tab = await open(t, async (say) => {
    say({ type: "status", state: "loading" });
    await tab.page.waitForTimeout(100);
    for (let n = 0; n < 40; n++) {
      say({ type: "stream", content: `token${n} ` });
      await tab.page.waitForTimeout(10);
    }
    await seen;
    done(say);
  });
  await tab.add();
  await tab.grown();
  assert.equal(await tab.busy(), true);
  busySeen();
  await tab.told("done");
  assert.equal(await tab.busy(), false);
  const lines = (await tab.lines()).filter((line) => line !== w.states.connecting && line !== w.states.waiting); // if it is slow
  assert.deepEqual(lines, [w.states.loading, w.states.generating, w.done]);
  const live = await tab.page.locator("ticket-chat").evaluate(({ shadowRoot }) =>
    [...shadowRoot.querySelectorAll("[role=status], [role=alert], [role=log], [aria-live]")].map((node) => node.className));
  assert.deepEqual(live, ["status"]);
  assert.equal(await tab.page.locator("ticket-chat [aria-busy] [role=status]").count(), 0, "nobody is told to wait with it");
});

test("a kept answer is just there: nothing about connecting", async (t) => {
  const tab = await open(t, (say) => {
    say({ type: "cached", response: "kept", message: "Kept.", createdAt: new Date(Date.now() - 7_300_000).toISOString() });
    done(say);
  }, { paused: true });
  await tab.add();
  await tab.page.clock.runFor(10);
  await tab.told("done");
  assert.deepEqual(await tab.lines(), ["Kept."]);
  const time = tab.page.locator("ticket-chat time");
  assert.equal(await time.textContent(), "Written 2 hours ago");
  assert.match(await time.getAttribute("title"), /^\w+ \d+, \d{4} at \d+:\d\d/);
  assert.equal(new Date(await time.getAttribute("datetime")).toISOString(), await time.getAttribute("datetime"));
});

for (const [lang, text] of [["pt-BR", "Escrita agora há pouco"], ["en", "Written just now"], ["es", "Escrita hace un momento"]]) {
  test(`an answer of this minute was written just now, in ${lang}`, async (t) => {
    const tab = await open(t, (say) => {
      say({ type: "cached", response: "kept", message: "Kept.", createdAt: new Date().toISOString() });
      done(say);
    });
    await tab.add({ lang });
    await tab.told("done");
    await until(text, async () => (await tab.page.locator("ticket-chat time").textContent()) === text);
  });
}

test("waiting: with a slow connection it says so, and for how long", async (t) => {
  const tab = await open(t, () => {}, { paused: true });
  await tab.add();
  await tab.page.clock.runFor(10);
  await tab.asked();
  await tab.page.clock.runFor(300);
  await tab.said(new RegExp(w.states.waiting));
  assert.equal(await tab.elapsed(), "");
  await tab.page.clock.runFor(75_200);
  assert.equal(await tab.elapsed(), "1:15");
  await tab.page.clock.resume(); // axe takes time
  await look(tab.page, "waiting");
});

test("focus: who presses a button that goes is led to the status; who types elsewhere is left alone", async (t) => {
  const tab = await open(t, (say) => say({ type: "stream", content: "[so](https://far.example) " }));
  await tab.add();
  await tab.grown();
  await tab.button(w.stop).focus();
  await tab.page.keyboard.press("Enter");
  await tab.said(/Stopped/);
  assert.equal(await tab.focused(), "status");
  await tab.page.keyboard.press("Tab");
  assert.equal(await tab.focused(), "retry");
  await tab.page.locator("input").focus();
  await tab.page.keyboard.type("typing ");
  await tab.page.evaluate(() => window.chat.refresh());
  await tab.asked(2);
  await tab.said(new RegExp(w.states.generating));
  await tab.page.keyboard.type("on");
  await tab.page.evaluate(() => window.chat.stop());
  await tab.said(/Stopped/);
  assert.equal(await tab.focused(), "input");
  assert.equal(await tab.page.locator("input").inputValue(), "typing on");
});

test("a retry waits for its time, without talking about it", async (t) => {
  const tab = await open(t, (say, _question, n) =>
    n === 1 ? say({ type: "error", code: "queue_full", message: "Full.", retryable: true, retryAfter: 200 }) : answered(say), { paused: true });
  await tab.add();
  await tab.page.clock.runFor(10);
  await tab.said(/Full/);
  const retry = tab.button(w.retry);
  await tab.page.clock.runFor(41_000);
  assert.equal(await retry.textContent(), "Try again (2:39)");
  await tab.page.clock.resume(); // axe takes time
  await accessible(tab.page, "countdown");
  await retry.press("Enter");
  assert.deepEqual(await tab.lines(), ["Full."]);
  assert.equal(tab.fake.questions.length, 1);
  await tab.page.clock.runFor(200_000);
  assert.equal(await retry.textContent(), w.retry);
  await retry.click();
  await tab.page.clock.runFor(1_000);
  await tab.told("done");
});

test("older answers, by keyboard, without losing the place", async (t) => {
  let late;
  const tab = await open(t, async (say, { version = 3 }, n) => {
    if (n === 3) await new Promise((resolve) => (late = resolve));
    say({ type: "cached", response: `answer ${version}`, message: "Kept.", createdAt: "2026-11-23T11:30:00Z", version, versions: 3 });
    done(say);
  });
  await tab.add();
  await tab.told("done");
  assert.equal(await tab.page.locator("ticket-chat .number").textContent(), "Answer 3 of 3");
  assert.equal(await tab.button(w.next).getAttribute("aria-disabled"), "true");
  await tab.button(w.previous).focus();
  await tab.page.keyboard.press("Enter");
  await tab.told("done", 2);
  assert.equal(await tab.answer(), "answer 2");
  assert.match(await tab.status(), /earlier answer/);
  await tab.page.keyboard.press("Enter");
  await tab.said(new RegExp(w.states.waiting)); // it takes its time
  assert.equal(await tab.focused(), "previous");
  late();
  await tab.told("done", 3);
  assert.equal(await tab.answer(), "answer 1");
  assert.equal(await tab.focused(), "previous");
  await tab.page.keyboard.press("Enter"); // there is none before
  await tab.button(w.next).press("Enter");
  await tab.told("done", 4);
  assert.deepEqual(tab.fake.questions.map(({ version }) => version), [undefined, 2, 1, 2]);
});

test("a refresh that fails half-way offers the kept answer", async (t) => {
  const tab = await open(t, (say, { refresh }) => {
    if (!refresh) return say({ type: "cached", response: "kept", message: "Kept." }), done(say);
    say({ type: "stream", content: "half" });
    say({ type: "error", code: "upstream_error", message: "No luck.", retryable: true });
  });
  await tab.add();
  await tab.button(w.refresh).click();
  assert.ok((await tab.said(/luck/)).startsWith(`No luck. ${w.partial}`));
  await tab.button(w.kept).click();
  await tab.said(/Kept/);
  assert.equal(await tab.answer(), "kept");
  assert.deepEqual(tab.fake.questions.map(({ refresh }) => refresh), [undefined, true, undefined]);
});

test("a new token asks again where the old one was refused, and nowhere else", async (t) => {
  const tab = await open(t, (say, { token }) =>
    token === "good" ? answered(say) : say({ type: "error", code: "unauthorized", message: "No.", retryable: false }));
  await tab.add({ token: "bad" });
  await tab.said(/No/);
  assert.equal(await tab.button(w.retry).count(), 0);
  await tab.set({ token: "good" });
  await tab.told("done");
  await tab.set({ token: "better" });
  await quiet(tab, 2);
});

for (const [way, options] of Object.entries({ "the clipboard": { permissions: ["clipboard-read", "clipboard-write"] }, "a page without one": {} })) {
  test(`copying, with ${way}`, async (t) => {
    const tab = await open(t, answered, options);
    if (!options.permissions) await tab.page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await tab.add();
    await tab.told("done");
    for (const [button, text] of [[w.copyMarkdown, "an *answer*"], [w.copy, "an answer"]]) {
      await tab.page.locator("input").fill("");
      await tab.button(button).press("Enter");
      await tab.said(/Copied/);
      assert.match(await tab.focused(), /^copy/);
      await tab.page.locator("input").focus();
      await tab.page.keyboard.press("Control+V");
      assert.equal(await tab.page.locator("input").inputValue(), text);
    }
    const lines = await tab.lines();
    assert.deepEqual(lines.slice(lines.indexOf(w.done)), [w.done, w.copied, w.copied], "and the rest is not said again");
    await until("it to be forgotten", async () => !/Copied/.test(await tab.status()));
  });
}

test("what came before the service went can be copied, and nothing is loaded from a service that is away", async (t) => {
  let say;
  const tab = await open(t, (s, _question, n) => n === 1 && (say = s)({ type: "stream", content: "half" }), { permissions: ["clipboard-read", "clipboard-write"] });
  await tab.add();
  await tab.grown();
  await until("the module", () => tab.page.evaluate(() => performance.getEntriesByType("resource").some(({ name }) => name.endsWith("/ticket-chat-copy.js"))));
  await tab.page.route("**/*.js", (route) => route.abort());
  say({ type: "error", code: "interrupted", message: "Gone.", retryable: true });
  await tab.told("error");
  await tab.button(w.copy).click();
  await tab.said(/Copied/);
  assert.equal(await tab.page.evaluate(() => navigator.clipboard.readText()), "half");
  const other = await open(t, (say) => say({ type: "error", code: "storage", message: "Full.", retryable: true }));
  await other.page.route("**/*.js", (route) => route.abort());
  await other.add();
  await other.told("error");
  await other.page.waitForTimeout(300);
  assert.deepEqual(other.page.problems, []);
});

const RICH = `## Cause

The **roller** is ~~clean~~ *worn*. Run \`sfc /scannow\`<b>.

3. Open the [manual](https://help.example/a?b=1&c=2):
   - no water
   - https://help.example/d
4. Delete C:\\Windows\\Temp\\*.*

\`\`\`powershell
if ($a) {
    Stop-Service "Spooler"
}
\`\`\`

| Light | Step<br>now |
|---|---:|
| 1 | [mail](mailto:it@help.example) |

> Careful

---
End *`;
const RICH_TEXT = `Cause

The roller is ~~clean~~ worn. Run \`sfc /scannow\`<b>.

3. Open the manual (https://help.example/a?b=1&c=2):
   - no water
   - https://help.example/d
4. Delete C:\\Windows\\Temp\\*.*

\`\`\`powershell
if ($a) {
    Stop-Service "Spooler"
}
\`\`\`

Light\tStep / now
1\tmail (it@help.example)

> Careful

---

End *`;
const CODE = 'if ($a) {\n    Stop-Service "Spooler"\n}';

for (const clipboard of [true, false]) {
  test(`what the clipboard holds of a rich answer, ${clipboard ? "by its interface" : "without one"}`, async (t) => {
    const tab = await open(t, (say) => (say({ type: "stream", content: RICH }), done(say)), { permissions: ["clipboard-read", "clipboard-write"] });
    await tab.page.evaluate((keep) => {
      window.clipboard = navigator.clipboard;
      if (!keep) Object.defineProperty(navigator, "clipboard", { value: undefined });
    }, clipboard);
    await tab.add();
    await tab.told("done");
    const held = (button, type) => tab.page.evaluate(async (type) => {
      const [item] = await window.clipboard.read();
      return item.types.includes(type) ? (await item.getType(type)).text() : undefined;
    }, type);
    await tab.button(w.copy).click();
    await tab.said(/Copied/);
    assert.equal((await held(w.copy, "text/plain")).replaceAll("\r", ""), RICH_TEXT);
    const html = await held(w.copy, "text/html");
    for (const part of [/<h2[^>]*>Cause<\/h2>/, /<strong[^>]*>roller<\/strong>/, /<ol start="3"/, /<li[^>]*>no water<\/li>/,
      /<a href="https:\/\/help.example\/a\?b=1&amp;c=2"/, /<td[^>]*>1<\/td>/, /<code[^>]*>sfc \/scannow<\/code>/, /&lt;b&gt;/,
      /<pre[^>]*><code[^>]*>if \(\$a\) {\n    Stop/]) assert.match(html, part);
    assert.doesNotMatch(html, /<button|<b>|class=|part=|tabindex|aria-/);
    await tab.button(w.copyMarkdown).click();
    await until("the Markdown", async () => (await held(w.copyMarkdown, "text/plain")).replaceAll("\r", "") === RICH);
    assert.equal(await held(w.copyMarkdown, "text/html"), undefined);
    await tab.button(w.copyCode).click();
    await until("the code", async () => (await held(w.copyCode, "text/plain")).replaceAll("\r", "") === CODE);
    assert.equal(await tab.focused(), "copyCode");
    assert.equal(await tab.page.locator("ticket-chat pre").textContent(), CODE, "the label is no text of the answer");
    await look(tab.page, `copy-${clipboard}`);
  });
}

test("the answer's headings begin right below the one before it, whatever marks the model took", async (t) => {
  const tab = await open(t, (say) => (say({ type: "stream", content: "### a\n\n#### b\n\n# c\n\n###### d" }), done(say)));
  await tab.add();
  await tab.told("done");
  const headings = () => tab.page.locator("ticket-chat section :is(h1, h2, h3, h4, h5, h6)").evaluateAll((nodes) => nodes.map((node) => node.localName));
  assert.deepEqual(await headings(), ["h2", "h3", "h2", "h3"]);
  await tab.page.evaluate(() => {
    const heading = document.createElement("h3");
    heading.textContent = "Ticket 7";
    window.chat.before(heading);
    window.chat.ask();
  });
  await tab.told("done", 2);
  assert.deepEqual(await headings(), ["h4", "h5", "h4", "h5"]);
});

test("an answer from right to left is shown so; code is not", async (t) => {
  const tab = await open(t, (say) => (say({ type: "stream", content: "افتح الطابعة:\n\n1. نظف\n\n```\nاب\n```\n\nDone." }), done(say)));
  await tab.add();
  await tab.told("done");
  const direction = (selector) => tab.page.locator(`ticket-chat ${selector}`).evaluate((node) => getComputedStyle(node).direction);
  assert.equal(await direction("section"), "rtl");
  assert.equal(await direction("ol"), "rtl");
  assert.equal(await direction("pre"), "ltr");
  await look(tab.page, "right-to-left");
});

test("on a phone the button of one line of code is within it", async (t) => {
  const tab = await open(t, (say) => (say({ type: "stream", content: "```\nipconfig /all\n```\n\n```sh\nls\n```\n\nEnd" }), done(say)), PHONE);
  await tab.add();
  await tab.told("done");
  const beyond = await tab.page.locator("ticket-chat pre").evaluateAll((pres) => pres.map((pre) => {
    const [outer, button] = [pre, pre.querySelector("button")].map((node) => node.getBoundingClientRect());
    return Math.max(0, outer.top - button.top, button.bottom - outer.bottom);
  }));
  assert.deepEqual(beyond, [0, 0]);
});

test("who wants less motion gets none", async (t) => {
  const tab = await open(t, (say) => say({ type: "status", state: "thinking" }), { reducedMotion: "reduce" });
  await tab.add();
  await tab.said(new RegExp(w.states.thinking));
  const moving = () => tab.page.evaluate(() => window.chat.shadowRoot.getAnimations().length);
  assert.equal(await moving(), 0);
  await tab.page.emulateMedia({ reducedMotion: "no-preference" });
  assert.equal(await moving(), 1);
});

test("a page may give it another look", async (t) => {
  const tab = await open(t, answered);
  await tab.page.addStyleTag({ content: `ticket-chat { --ticket-chat-background: rgb(1, 2, 3); --ticket-chat-font: 20px serif; }
    ticket-chat::part(button) { letter-spacing: 3px; } ticket-chat::part(copy-markdown) { display: none; }` });
  await tab.add();
  await tab.told("done");
  const style = (selector, name) => tab.page.locator(`ticket-chat ${selector}`).evaluate((node, key) => getComputedStyle(node)[key], name);
  assert.equal(await style(".chat", "backgroundColor"), "rgb(1, 2, 3)");
  assert.equal(await style("section", "fontSize"), "20px");
  assert.equal(await style(".copy", "letterSpacing"), "3px");
  assert.equal(await tab.button(w.copyMarkdown).count(), 0);
});

test("it takes less than 20 kB on its way, and what people add to an answer, and its sources, 8 kB more, which come after it", () => {
  const first = [];
  const source = (name) => readFileSync(`${ROOT}/web/${name}`, "utf8");
  const follow = (name) => {
    if (first.includes(name)) return;
    first.push(name);
    for (const [, other] of source(name).matchAll(/^import [^"]*"\.\/([^"]+)";$/gm)) follow(other);
  };
  follow("ticket-chat.js");
  const size = (names) => gzipSync(names.sort().map(source).join(""), { level: 9 }).length;
  assert.ok(size(first) < 20_000, `${size(first)} bytes`);
  assert.ok(size(MODULES) - size(first) < 8_000, `${size(MODULES) - size(first)} bytes`);
  assert.ok(size(["ticket-chat.js"]) < 15_000);
  assert.deepEqual(MODULES.filter((name) => !first.includes(name)), ["ticket-chat-copy.js", "ticket-chat-sources.js", "ticket-chat-talk.js"]);
});

/* D38 */
for (const [when, first] of Object.entries({ "while it waits for the first frame": () => {}, "in mid-stream": (say) => say({ type: "stream", content: "so far" }) })) {
  test(`without a network, ${when}: no tries, a hint of its own, and on when the network is back`, async (t) => {
    const tab = await open(t, (say, _question, n) => (n === 1 ? first(say) : answered(say)), { paused: true });
    await tab.add();
    await tab.page.clock.runFor(10);
    await tab.asked();
    await offline(tab, true);
    await tab.page.clock.runFor(6_000); // the connection is asked, and says nothing
    await tab.said(new RegExp(w.offline));
    assert.ok((await tab.status()).includes(w.wait));
    assert.doesNotMatch(await tab.page.locator("ticket-chat .chat").innerHTML(), /MAX_CONNECTIONS/);
    await tab.page.clock.runFor(600_000);
    await tab.said(new RegExp(w.offline));
    assert.equal((await tab.sockets()).length, 1, "nothing was tried");
    assert.equal(await tab.busy(), true);
    await offline(tab, false);
    await tab.page.clock.runFor(100);
    await tab.told("done");
    assert.equal(await tab.answer(), "an answer");
    // A part that is loaded once there is text may have met the same network.
    assert.deepEqual(tab.page.problems.filter((text) => !text.endsWith("net::ERR_INTERNET_DISCONNECTED")), []);
  });
}

test("asked without a network: one try, as the service may be on this computer, and then none until it is back", async (t) => {
  const tab = await open(t, answered, { paused: true });
  await offline(tab, true);
  await tab.add();
  await tab.page.clock.runFor(10);
  await tab.said(new RegExp(w.offline));
  await tab.page.clock.runFor(600_000);
  assert.deepEqual(await tab.sockets(), [3]);
  await tab.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  assert.deepEqual(await tab.sockets(), [3], "seen again, still without");
  await tab.button(w.stop).click();
  await tab.page.clock.runFor(10);
  await tab.said(new RegExp(w.stopped));
  await offline(tab, false);
  await tab.page.clock.runFor(60_000);
  assert.deepEqual(tab.fake.questions, [], "what was stopped stays so");
  await tab.button(w.retry).click();
  await tab.page.clock.runFor(10);
  await tab.told("done");
});

/* D39 */
for (const [how, policy] of Object.entries({
  "is not in connect-src": "connect-src http://127.0.0.1:1",
  "is there by name, but not its ws:": "connect-src 'self' https:",
  "is left to a default-src": "default-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'",
})) {
  test(`a page whose policy forbids the connection, as it ${how}: the end comes within half a minute`, async (t) => {
    const name = `/policy${how.length}.html`;
    browser.pages.set(name, `<!doctype html><html lang="en"><head><meta http-equiv="Content-Security-Policy" content="${policy}">
      <title>test</title></head><main></main><script type="module" src="/ticket-chat.js"></script>`);
    const tab = await open(t, answered, { path: name, paused: true });
    await tab.add();
    const begun = await tab.page.evaluate(() => Date.now());
    await until("the end", async () => {
      await tab.page.clock.runFor(500);
      return (await tab.page.evaluate(() => window.told)).some(([type]) => type === "error");
    });
    const seconds = (await tab.page.evaluate(() => Date.now()) - begun) / 1000;
    assert.ok(seconds < 45, `${seconds} s`);
    await tab.said(new RegExp(w.connection_lost));
    assert.ok((await tab.status()).includes(w.later));
    assert.equal((await tab.sockets()).length, 8);
  });
}

/* D41 */
test("as long as nothing is written it reads, a first time and when another answer is written", async (t) => {
  const says = [];
  const tab = await open(t, (say) => (says.push(say), say({ type: "status", state: "generating" })));
  await tab.add();
  assert.equal(await tab.said(/AI/), w.states.reading);
  says[0]({ type: "stream", content: "one" });
  await tab.said(new RegExp(w.states.generating));
  says[0]({ type: "status", state: "saving", viewers: 1 });
  await tab.said(new RegExp(w.states.saving));
  assert.equal(await tab.button(w.stop).count(), 0, "it changes nothing any more");
  done(says[0]);
  await tab.told("done");
  await tab.button(w.refresh).click();
  assert.equal(await tab.said(/AI/), w.states.reading, "the text there is the one before");
  says[1]({ type: "stream", content: "two" });
  await tab.said(new RegExp(w.states.generating));
});

/* D37 */
test("where others watch, Stop is for everyone and says so", async (t) => {
  let say;
  const tab = await open(t, (s, _question, n) => {
    say = s;
    if (n === 1) say({ type: "status", state: "queued", position: 1, viewers: 1 });
    else say({ type: "status", state: "generating" }); // a service of 0.1
  });
  const label = () => tab.page.locator("ticket-chat .stop").textContent();
  const reads = (text) => until(text, async () => (await label()) === text);
  await tab.add();
  await tab.said(/queue/);
  await reads(w.stop);
  say({ type: "status", state: "queued", position: 1, viewers: 2 });
  await reads(w.stopAll);
  say({ type: "stream", content: "so far" });
  await tab.grown();
  await reads(w.stopAll);
  say({ type: "status", state: "generating", viewers: 3 });
  assert.equal(await tab.page.locator("ticket-chat .stop").getAttribute("aria-label"), w.stopAll);
  await look(tab.page, "stop-for-everyone");
  say({ type: "status", state: "generating", viewers: 1 });
  await reads(w.stop);
  say({ type: "status", state: "generating", viewers: 2 });
  await reads(w.stopAll);
  say.drop();
  await tab.asked(2);
  await tab.said(/reading/);
  await reads(w.stop);
});

/* B18 */
test("an answer that was being written for another text says so when it is whole", async (t) => {
  const frames = { 1: { bodyChanged: true }, 2: {}, 3: { bodyChanged: true, reason: "length" }, 4: { bodyChanged: true, versions: 2 } };
  const tab = await open(t, (say, _question, n) => (say({ type: "stream", content: `${n}` }), say({ type: "done", ...frames[n] })));
  await tab.add();
  assert.equal(await tab.said(/complete/), `${w.done} ${w.changed}`);
  await look(tab.page, "another-text");
  assert.equal(await tab.page.locator("ticket-chat .head .refresh").isVisible(), true, "another answer is offered beside it");
  await tab.button(w.refresh).click();
  await tab.told("done", 2);
  assert.equal(await tab.said(/complete/), w.done);
  for (const body of ["three", "four"]) {
    await tab.set({ ticketBody: body });
    await tab.told("done", body === "three" ? 3 : 4);
  }
  assert.equal(await tab.said(/complete/), `${w.done} ${w.changed}`);
  const details = (await tab.told("done", 4)).map(({ bodyChanged, reason, version, versions }) => [bodyChanged, reason, version, versions]);
  assert.deepEqual(details, [[true, undefined, 1, 1], [false, undefined, 1, 1], [true, "length", 1, 1], [true, undefined, 2, 2]]);
});

/* D42 */
test("ticket-chat-done tells which answer it is, an older one too", async (t) => {
  const tab = await open(t, (say, { version = 3, refresh }) => {
    if (refresh) return say({ type: "stream", content: "4" }), say({ type: "done", versions: 4 });
    const more = version === 1 ? { bodyChanged: true } : version === 2 ? { reason: "length" } : {};
    say({ type: "cached", response: `${version}`, message: "Kept.", version, versions: 3, ...more });
    done(say);
  });
  await tab.add();
  await tab.told("done");
  for (let n = 2; n <= 3; n++) {
    await tab.button(w.previous).click();
    await tab.told("done", n);
  }
  await tab.button(w.refresh).click();
  const wanted = [[true, "3", 3, 3, false, undefined], [true, "2", 2, 3, false, "length"], [true, "1", 1, 3, true, undefined], [false, "4", 4, 4, false, undefined]];
  const details = await tab.told("done", 4);
  assert.deepEqual(details.map(({ cached, text, version, versions, bodyChanged, reason }) => [cached, text, version, versions, bodyChanged, reason]), wanted);
});

/* D40 */
test("a ticket's number may be written as people write it", async (t) => {
  const tab = await open(t, answered);
  for (const [n, ticketId] of ["00042", "#123", " # 7 ", "４２", 42, "9223372036854775807", "0009007199254740993", "x7"].entries()) {
    await tab.page.evaluate(() => window.chat?.remove());
    await tab.add({ ticketId });
    await tab.told("done", n + 1);
  }
  const ids = tab.fake.paths.map((path) => decodeURIComponent(path.split("/").at(-1)));
  assert.deepEqual(ids, ["42", "123", "7", "42", "42", "9223372036854775807", "9007199254740993", "x7"], "what is no number goes as it is");
  await tab.set({ ticketId: " x7" });
  await tab.told("done", 9);
  await tab.set({ ticketId: "00042" });
  await tab.told("done", 10);
  await tab.set({ ticketId: "42" });
  await quiet(tab, 10);
});

/* D44 */
test("the card says which ticket it is about, and that an AI wrote it", async (t) => {
  const tab = await open(t, (say, _question, n) =>
    n === 1 ? answered(say) : say({ type: "error", code: "upstream_unreachable", message: "The AI is down.", retryable: true }));
  await tab.add({ ticketId: "#0042" });
  await tab.told("done");
  const part = (name) => tab.page.locator(`ticket-chat .${name}`).textContent();
  assert.equal(await part("ticket"), "Ticket 42");
  assert.equal(await part("draft"), w.draft);
  await tab.page.emulateMedia({ media: "print" });
  for (const name of ["ticket", "draft", "answer"]) assert.equal(await tab.page.locator(`ticket-chat .${name}`).isVisible(), true, name);
  for (const button of await tab.page.locator("ticket-chat button").all()) assert.equal(await button.isVisible(), false);
  await tab.page.emulateMedia({ media: "screen" });
  await tab.set({ ticketId: 43 });
  await tab.told("error");
  assert.equal(await part("draft"), "");
  assert.equal(await part("hint"), w.code("upstream_unreachable"), "what the administrator is to be told");
});

test("a sandboxed frame names its own origin, which is none", async (t) => {
  const refused = (say) => say({ type: "error", code: "forbidden_origin", message: "This page may not.", retryable: false });
  const tab = await open(t, refused);
  await tab.add();
  assert.ok((await tab.said(/may not/)).includes(w.origin(browser.origin)));
  browser.pages.set("/frame.html", html(`<html lang="en"><script type="module">
    import "${browser.origin}/ticket-chat.js";
    document.body.innerHTML = '<ticket-chat ticket-id="7" ticket-body="jam" server="${tab.fake.server}"></ticket-chat>';
  </script>`));
  await tab.page.route("**/*.js", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, headers: { ...response.headers(), "access-control-allow-origin": "*" } });
  });
  await tab.page.evaluate(() => {
    document.body.innerHTML = '<main></main>';
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts";
    frame.src = "/frame.html";
    document.body.append(frame);
  });
  const status = tab.page.frameLocator("iframe").locator("ticket-chat [role=status]");
  await until("the reason", async () => (await status.count()) && (await status.innerText()).includes(w.noOrigin));
});

test("Spanish, where the page or the reader speaks it", async (t) => {
  const tab = await open(t, answered, { locale: "es-MX" });
  await tab.page.evaluate(() => document.documentElement.removeAttribute("lang"));
  await tab.add();
  await tab.said(new RegExp(words("es").done));
  assert.equal(tab.fake.questions[0].lang, "es");
  assert.equal(await tab.button(words("es").refresh).count(), 1);
  await tab.set({ lang: "en" });
  await tab.said(new RegExp(w.done));
});

test("it is typed", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "ticketchat-tsc-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = `
    import type { TicketChat } from "${ROOT}/web/ticket-chat";
    const chat: TicketChat = document.createElement("ticket-chat");
    chat.ticketId = "42";
    chat.addEventListener("ticket-chat-done", ({ detail }) => console.log(detail.text.length, detail.cached, detail.version));
    document.querySelector("ticket-chat")?.ask({ refresh: true });
    addEventListener("ticket-chat-error", (event) => event.preventDefault());`;
  const check = (text) => {
    writeFileSync(`${folder}/page.ts`, text);
    return spawnSync(process.execPath, [`${ROOT}/tests/web/node_modules/typescript/bin/tsc`, "--noEmit", "--strict", "--target", "es2022",
      "--module", "esnext", "--moduleResolution", "bundler", `${folder}/page.ts`], { encoding: "utf8" }).stdout;
  };
  assert.equal(check(program), "");
  assert.match(check(program.replace("detail.cached", "detail.kept")), /'kept' does not exist/);
});

test("every language has the same words, and the page as it is served has the Portuguese ones", () => {
  const shape = (value) => (typeof value === "object" ? Object.entries(value).map(([key, child]) => [key, shape(child)]) : typeof value);
  for (const lang of ["en", "es"]) {
    assert.notEqual(words(lang), words("pt-BR"));
    assert.deepEqual(shape(words(lang)), shape(words("pt-BR")));
    assert.deepEqual(shape(WORDS[lang]), shape(WORDS["pt-BR"]));
  }
  const page = readFileSync(`${ROOT}/web/index.html`, "utf8");
  const served = [...page.matchAll(/data-word="(\w+)">([^<]*)</g)];
  assert.ok(served.length > 8);
  for (const [, word, text] of served) assert.equal(text, WORDS["pt-BR"][word], word);
  assert.ok(page.includes(`placeholder="${WORDS["pt-BR"].placeholder}"`));
});

test("ages", () => {
  const ago = (seconds) => age(new Date(Date.now() - seconds * 1000 - 100), "en");
  const ages = [0, 59, 60, 119, 7200, 90_000, 172_800, 40 * 86_400, 800 * 86_400].map(ago);
  assert.deepEqual(ages, ["now", "now", "1 minute ago", "1 minute ago", "2 hours ago", "yesterday", "2 days ago", "last month", "2 years ago"]);
  assert.equal(age(new Date(Date.now() + 5_000), "pt-BR"), "agora");
  assert.equal(age("nonsense", "en"), "");
});

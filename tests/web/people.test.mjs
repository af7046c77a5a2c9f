// What people add to an answer in <ticket-chat>: the thread, ratings, texts of their own, instructions. In a real Chromium, in
// front of a scripted service; conversation.test.mjs has the real one.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { talkWords } from "../../web/ticket-chat-talk.js";
import { words } from "../../web/ticket-chat-words.js";
import { openDesk, openDesks, quiet } from "./desk.mjs";
import { ROOT } from "./documentation.mjs";
import { until } from "./service.mjs";
import { accessible, look, PHONE } from "./sight.mjs";

const w = words("en");
const people = talkWords("en");
const DATE = "2026-11-23T11:30:00Z";
const cached = { type: "cached", response: "Open the *rear* cover.", message: "Kept.", createdAt: DATE, session: 7 };
const turn = { type: "turn", session: 8, question: "The light stays red,\nwhat now?", response: "Press **reset**.", createdAt: DATE };
const done = { type: "done", session: 7 };
const failed = (code, more) => ({ type: "error", code, message: `It is ${code}.`, retryable: false, ...more });

/** Says what is saved, with a thread if it is asked for. */
const saved = (say, { thread }, more = {}) =>
  [{ ...cached, ...more }, ...(thread ? [turn] : []), { ...done, session: more.session ?? 7 }].forEach(say);

let browser;
before(async () => {
  browser = await openDesks();
  browser.pages.set("/people.html", `<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title>
    <meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
    <main><h1>Help desk</h1><input aria-label="search"></main><script type="module" src="/ticket-chat.js"></script>`);
});
after(() => browser?.stop());

/** A desk whose service keeps one answer with a thread; `script` is for every other message. */
async function open(t, script = () => {}, { more, add, ...options } = {}) {
  const tab = await openDesk(browser, t, (say, message, n) =>
    message.ticketBody && !message.refresh ? saved(say, message, typeof more === "function" ? more(message) : more) : script(say, message, n),
  { path: "/people.html", ...options });
  const inside = (selector) => tab.page.locator(`ticket-chat ${selector}`);
  Object.assign(tab, {
    inside,
    turns: () => inside(".turn .answer").allTextContents(),
    field: inside(".question"),
    sent: (type) => tab.fake.questions.filter((message) => (type in message) || message.type === type),
    told: async (type, n = 1) => {
      await until(`${n} ${type}`, async () => (await tab.page.evaluate((name) => window.told.filter(([t]) => t === name).length, type)) >= n);
      return tab.page.evaluate((name) => window.told.filter(([t]) => t === name).map(([, detail]) => detail), type);
    },
  });
  if (add !== false) {
    await tab.add(add);
    await inside(".rating").first().waitFor();
  }
  return tab;
}

describe("the thread", () => {
  test("is shown under its answer; a question is streamed like an answer, and then belongs to it", async (t) => {
    let say;
    const tab = await open(t, (s) => (say = s)({ type: "status", state: "generating" }));
    assert.deepEqual(tab.fake.questions, [{ ticketBody: "jam", thread: true, sources: true, status: true, lang: "en" }]);
    assert.equal(await tab.inside(".asked").innerText(), turn.question);
    assert.deepEqual(await tab.turns(), ["Press reset."]);
    assert.equal(await tab.inside(".turn strong").count(), 1, "its answer is Markdown");
    await look(tab.page, "thread");
    await tab.field.fill("And");
    await tab.field.press("Shift+Enter");
    await tab.field.pressSequentially("now?");
    await tab.field.press("Enter");
    const [asked] = await until("the question", () => tab.sent("question").length && tab.sent("question"));
    assert.deepEqual(asked, { question: "And\nnow?", session: 7, status: true, lang: "en" });
    await tab.said(/reading/);
    say({ type: "stream", content: "Turn it **o" });
    await until("the text", async () => (await tab.turns()).at(-1) === "Turn it o");
    await tab.said(new RegExp(w.states.generating));
    assert.equal(await tab.field.inputValue(), "");
    assert.equal(await tab.inside(".refresh").isVisible(), false, "one thing at a time");
    assert.equal(await tab.inside(".turn .answer").last().evaluate((node) => node.ariaBusy), "true");
    await look(tab.page, "thread-writing");
    say({ type: "stream", content: "ff**." });
    say({ type: "done", session: 7, version: 1, turn: 9 });
    const [told] = await tab.told("turn");
    assert.equal(told.question, "And\nnow?");
    assert.equal(told.response, "Turn it **off**.");
    assert.equal(told.session, 9);
    assert.deepEqual(await tab.turns(), ["Press reset.", "Turn it off."]);
    assert.equal(await tab.focused(), "question", "the next one may be typed at once");
    assert.equal((await tab.told("done")).length, 1, "the answer of the ticket is told once, the thread is none");
    assert.equal(await tab.answer(), "Open the rear cover.");
    await look(tab.page, "thread-done");
    assert.deepEqual(tab.page.problems, []);
  });

  test("a key that an input method uses sends nothing", async (t) => {
    const tab = await open(t);
    await tab.field.fill("にほ");
    for (const init of [{ isComposing: true }, { keyCode: 229 }, { isComposing: true, keyCode: 229 }])
      await tab.field.evaluate((node, init) => node.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", cancelable: true, bubbles: true, ...init })), init);
    await quiet(tab, 1);
    for (const blank of ["", " \n\t", "\u00a0"]) {
      await tab.field.fill(blank);
      await tab.field.press("Enter");
    }
    await quiet(tab, 1);
    await tab.field.fill("にほん");
    await tab.field.press("Enter");
    await tab.asked(2);
  });

  test("stopped: what came stays as an incomplete text, the question can be sent again", async (t) => {
    const tab = await open(t, (say) => say({ type: "stream", content: "half" }));
    await tab.field.fill("why?");
    await tab.field.press("Enter");
    await until("the text", async () => (await tab.turns()).at(-1) === "half");
    await tab.button(w.stop).click();
    await tab.said(new RegExp(`Stopped. ${w.partial}`));
    assert.equal(await tab.field.inputValue(), "why?");
    assert.deepEqual(await tab.turns(), ["Press reset.", "half"]);
    await look(tab.page, "thread-stopped");
    await tab.field.fill("");
    await tab.button(w.retry).click();
    await until("another try", () => tab.sent("question").length === 2);
    assert.deepEqual(tab.sent("question")[1], tab.sent("question")[0]);
  });

  for (const code of ["thread_full", "no_answer", "too_large", "rate_limited", "unauthorized"]) {
    test(`a question that is refused (${code}) is in the field again, and nothing that was typed since is lost`, async (t) => {
      let say;
      const tab = await open(t, (s) => (say = s));
      for (const since of ["", "another"]) {
        await tab.field.fill("why?");
        await tab.field.press("Enter");
        await until("the field to be empty", async () => (await tab.field.inputValue()) === "");
        await until("the question", () => say);
        await tab.field.fill(since);
        say(failed(code));
        await tab.said(new RegExp(code));
        assert.equal(await tab.field.inputValue(), since || "why?");
        assert.deepEqual(await tab.turns(), ["Press reset."]);
        say = undefined;
      }
    });
  }

  test("a connection that breaks takes the question up again, and doubles nothing", async (t) => {
    const tab = await open(t, (say, _message, n) => {
      say({ type: "stream", content: "one " });
      if (n === 2) return say.drop();
      say({ type: "stream", content: "two" });
      say({ type: "done", session: 7 });
    });
    await tab.field.fill("why?");
    await tab.field.press("Enter");
    await tab.told("turn");
    assert.deepEqual(await tab.turns(), ["Press reset.", "one two"]);
    assert.equal(tab.sent("question").length, 2);
  });

  test("what is typed and not sent is there after a reload, and after another ticket", async (t) => {
    const tab = await open(t);
    await tab.field.fill("half a question");
    await tab.set({ ticketId: 8 });
    await tab.told("done", 2);
    await until("an empty field", async () => (await tab.field.inputValue()) === "");
    await tab.set({ ticketId: 7 });
    await until("the text", async () => (await tab.field.inputValue()) === "half a question");
    await tab.page.reload();
    await tab.page.evaluate(() => (window.follow = () => {}));
    await tab.add();
    await until("the text", async () => (await tab.field.count()) && (await tab.field.inputValue()) === "half a question");
  });

  test("a question that was asked before stands in the thread once", async (t) => {
    const tab = await open(t, (say) =>
      [{ type: "cached", response: "Press **reset**.", message: "Asked before.", session: 7, version: 1, turn: 8 }, { type: "done", session: 7, version: 1, turn: 8 }].forEach(say));
    await tab.field.fill(turn.question);
    await tab.field.press("Enter");
    await tab.told("turn");
    await tab.said(/Asked before/);
    assert.deepEqual(await tab.turns(), ["Press reset."]);
    assert.equal(await tab.field.inputValue(), "");
  });

  test("an older answer has a thread of its own", async (t) => {
    const tab = await open(t, (say) => say({ type: "done", session: 3 }),
      { more: ({ version = 2 }) => ({ version, versions: 2, session: version === 1 ? 3 : 7, response: `answer ${version}` }) });
    await tab.button(w.previous).click();
    await tab.told("done", 2);
    await tab.field.fill("why?");
    await tab.field.press("Enter");
    await until("the question", () => tab.sent("question").length);
    assert.equal(tab.sent("question")[0].session, 3);
    assert.equal(await tab.inside(".edit").count() && await tab.inside(".edit").isVisible(), false);
  });

  test("200 turns are shown, and one more costs no second look at them", async (t) => {
    const tab = await openDesk(browser, t, (say, { question }) => {
      if (question) return [{ type: "stream", content: "new" }, { type: "done", session: 7 }].forEach(say);
      say(cached);
      for (let n = 0; n < 200; n++) say({ ...turn, session: 10 + n, question: `question ${n}`, response: `answer **${n}**` });
      say(done);
    });
    await tab.add();
    await tab.page.locator("ticket-chat .turn").nth(199).waitFor();
    await tab.page.evaluate(() => {
      window.reads = 0;
      const { split } = String.prototype; // with this, a text is read
      String.prototype.split = function (...args) {
        window.reads += this.startsWith("answer **");
        return split.apply(this, args);
      };
    });
    await tab.page.locator("ticket-chat .question").fill("and?");
    await tab.page.locator("ticket-chat .question").press("Enter");
    await tab.told("turn");
    assert.equal(await tab.page.locator("ticket-chat .turn").count(), 201);
    assert.equal(await tab.page.evaluate(() => window.reads), 0);
  });
});

test("what a page does not want is not there; without any of it, nothing more is loaded or sent", async (t) => {
  for (const [properties, there, thread] of [
    [{ thread: "off" }, [".rating"], false], [{ ratings: false }, [".follow", ".turn"], true], [{ thread: false, write: true }, [".rating", ".edit", ".instruction"], false],
    [{ thread: "off", ratings: "off" }, [], undefined], [{ thread: "off", ratings: "off", token: "t", write: "off" }, [], undefined],
    [{ thread: "off", ratings: "off", token: "t" }, [".edit", ".instruction"], false],
  ]) {
    const tab = await open(t, undefined, { add: false });
    const loaded = [];
    tab.page.on("request", (request) => loaded.push(new URL(request.url()).pathname));
    await tab.add(properties);
    await tab.told("done");
    await tab.page.waitForTimeout(400);
    const shown = [];
    for (const part of [".follow", ".turn", ".rating", ".edit", ".instruction", ".sources"])
      if ((await tab.inside(part).count()) && (await tab.inside(part).first().isVisible())) shown.push(part);
    assert.deepEqual(shown, there, JSON.stringify(properties));
    assert.equal(tab.fake.questions[0].thread, thread);
    assert.equal(loaded.includes("/ticket-chat-talk.js"), there.length > 0, JSON.stringify(properties));
    await accessible(tab.page, JSON.stringify(properties));
  }
});

test("a service that tells no session offers nothing of it, and the element is what it was", async (t) => {
  const tab = await openDesk(browser, t, (say) => [{ type: "stream", content: "an answer" }, { type: "done" }].forEach(say));
  const loaded = [];
  tab.page.on("request", (request) => loaded.push(new URL(request.url()).pathname));
  await tab.add({ write: true });
  await tab.told("done");
  await tab.page.waitForTimeout(400);
  assert.equal(await tab.page.locator("ticket-chat :is(input, textarea, select, ol)").count(), 0);
  assert.deepEqual(loaded, ["/ticket-chat-copy.js"]);
});

describe("ratings", () => {
  test("a thumb up is sent at once, and the numbers are shown where they are told", async (t) => {
    const tab = await open(t, (say, { session }) => say({ type: "rated", session, version: 1, good: 3, bad: 1 }));
    const good = tab.inside(".foot .good");
    assert.equal(await good.getAttribute("aria-pressed"), "false");
    await good.press("Enter");
    await tab.said(new RegExp(people.rated));
    assert.deepEqual(tab.sent("rate"), [{ type: "rate", session: 7, good: true, status: true, lang: "en" }]);
    assert.equal(await good.getAttribute("aria-pressed"), "true");
    assert.equal(await good.getAttribute("aria-label"), `${people.good} (3)`);
    assert.equal(await tab.inside(".foot .bad").getAttribute("aria-label"), `${people.bad} (1)`);
    assert.equal(await tab.inside(".turn .good").getAttribute("aria-pressed"), "false", "that of a turn is another");
    assert.equal(await tab.focused(), "good");
    await look(tab.page, "rated");
  });

  test("a thumb down is sent at once, and then asks why", async (t) => {
    const tab = await open(t, (say, { session }) => say({ type: "rated", session, version: 1, good: 0, bad: 1 }));
    await tab.inside(".turn .bad").press("Enter");
    await tab.said(new RegExp(people.rated));
    assert.equal(await tab.focused(), "reason");
    await look(tab.page, "why");
    await tab.inside("select.reason").selectOption({ label: people.unsafe });
    await tab.inside(".comment").fill("The manual says\notherwise.");
    await tab.inside(".comment").press("Control+Enter");
    await until("the reason", () => tab.sent("rate").length === 2);
    assert.deepEqual(tab.sent("rate")[1], { type: "rate", session: 8, good: false, reason: "unsafe", comment: "The manual says\notherwise.", status: true, lang: "en" });
    await until("the end of the form", async () => !(await tab.inside(".why").isVisible()));
    assert.equal(await tab.focused(), "bad");
    await tab.inside(".foot .bad").click();
    await until("another form", async () => (await tab.inside(".why").isVisible()) && tab.sent("rate").length === 3);
    assert.equal(await tab.inside(".comment").inputValue(), "", "which begins empty");
    await tab.inside(".why .send").click();
    await until("nothing but the rating", () => tab.sent("rate").length === 4);
    assert.deepEqual(tab.sent("rate")[3], { type: "rate", session: 7, good: false, status: true, lang: "en" });
  });

  for (const code of ["rate_limited", "bad_request", "storage"]) {
    test(`a comment that is refused (${code}) stays, with the reason beside it`, async (t) => {
      const tab = await open(t, (say, { session, comment }) => say(comment ? failed(code) : { type: "rated", session, version: 1, good: 0, bad: 1 }));
      await tab.inside(".foot .bad").click();
      await tab.inside(".comment").fill("long");
      await tab.inside(".why .send").click();
      await until("the reason", async () => (await tab.inside(".why .problem").textContent()) === `It is ${code}.`);
      assert.equal(await tab.inside(".comment").inputValue(), "long");
      assert.equal(await tab.focused(), "comment");
      await accessible(tab.page, code);
      await tab.inside(".why .cancel").click();
      assert.equal(await tab.focused(), "bad");
    });
  }

  test("where the service takes none, the thumbs go, those of other elements too", async (t) => {
    const tab = await open(t, (say) => say(failed("not_allowed")));
    await tab.inside(".foot .good").click();
    await tab.said(/not_allowed/);
    await until("no thumbs", async () => !(await tab.inside(".rating").first().isVisible()));
    await tab.add({ ticketId: 9 });
    await tab.told("done", 2);
    await tab.inside(".follow").nth(1).waitFor();
    for (const node of await tab.inside(".rating").all()) assert.equal(await node.isVisible(), false);
  });

  test("another answer has ratings of its own", async (t) => {
    const tab = await open(t, (say, { session }) => say({ type: "rated", session, version: 1, good: 2, bad: 0 }),
      { more: ({ version = 2 }) => ({ version, versions: 2, session: version + 5 }) });
    await tab.inside(".foot .good").click();
    await tab.said(new RegExp(people.rated));
    await tab.button(w.previous).click();
    await tab.told("done", 2);
    assert.equal(await tab.inside(".foot .good").getAttribute("aria-pressed"), "false");
    assert.equal(await tab.inside(".foot .good").getAttribute("aria-label"), people.good);
    await tab.inside(".foot .good").click();
    await until("the other one", () => tab.sent("rate").at(-1).session === 6);
  });
});

describe("an answer of one's own", () => {
  const WRITER = { add: { write: true } };

  test("is edited as Markdown, saved for everyone, and shows its author", async (t) => {
    const tab = await open(t, (say) => say({ type: "done", session: 9, versions: 2 }),
      { ...WRITER, more: ({ version }) => (version ? { response: "My *own*.", author: "maria", version, versions: 2, session: 9 } : {}) });
    await tab.inside(".edit").press("Enter");
    assert.equal(await tab.focused(), "text");
    assert.equal(await tab.inside(".text").inputValue(), cached.response);
    await look(tab.page, "editor");
    await tab.inside(".text").fill("My *own*.");
    await tab.inside(".text").press("Enter");
    assert.equal(tab.sent("write").length, 0, "Enter is a line of the text");
    await tab.inside(".text").press("Control+Enter");
    await tab.told("done", 2);
    assert.deepEqual(tab.sent("write"), [{ type: "write", response: "My *own*.\n", session: 7, status: true, lang: "en" }]);
    assert.equal(tab.fake.questions.at(-1).version, 2);
    assert.equal(await tab.answer(), "My own.");
    assert.equal(await tab.inside(".draft").textContent(), w.author("maria"), "and no AI");
    assert.equal(await tab.inside(".editor").isVisible(), false);
    assert.equal((await tab.told("done"))[1].author, "maria");
    await look(tab.page, "author");
  });

  test("if the answer has changed meanwhile, the newest is shown and the text stays, to be saved in its place", async (t) => {
    const tab = await open(t, (say, { session }) =>
      say(session === 7 ? failed("answer_changed", { session: 9, version: 2 }) : { type: "done", session: 10, versions: 3 }),
    { ...WRITER, more: ({ version }) => (version ? { response: `answer ${version}`, version, versions: version, session: version + 7 } : {}) });
    await tab.inside(".edit").click();
    await tab.inside(".text").fill("mine");
    await tab.inside(".save").click();
    await until("the newest", async () => (await tab.answer()) === "answer 2");
    assert.equal(await tab.inside(".text").inputValue(), "mine");
    assert.equal(await tab.inside(".editor .problem").textContent(), `It is answer_changed. ${people.newest}`);
    assert.equal(await tab.inside(".text").getAttribute("aria-invalid"), "true");
    assert.equal(await tab.focused(), "text", "where its description is read");
    await look(tab.page, "answer-changed");
    await tab.inside(".save").click();
    await until("mine", async () => (await tab.answer()) === "answer 3");
    assert.deepEqual(tab.sent("write").map(({ session }) => session), [7, 9]);
  });

  for (const code of ["answer_running", "too_large", "storage", "rate_limited", "unauthorized"]) {
    test(`refused (${code}): the text stays and says why, also over a reload`, async (t) => {
      const tab = await open(t, (say) => say(failed(code)), WRITER);
      await tab.inside(".edit").click();
      await tab.inside(".text").fill("mine");
      await tab.inside(".save").click();
      await until("the reason", async () => (await tab.inside(".editor .problem").textContent()) === `It is ${code}.`);
      assert.equal(await tab.inside(".text").inputValue(), "mine");
      if (code === "answer_running") await look(tab.page, "answer-running");
      await tab.page.reload();
      await tab.page.evaluate(() => (window.follow = () => {}));
      await tab.add({ write: true });
      await tab.inside(".edit").click();
      assert.equal(await tab.inside(".text").inputValue(), "mine");
      await tab.inside(".editor .cancel").click();
      assert.equal(await tab.focused(), "edit");
      await tab.inside(".edit").click();
      assert.equal(await tab.inside(".text").inputValue(), cached.response, "what was cancelled is gone");
    });
  }

  test("not allowed: Edit goes, the text does not", async (t) => {
    const tab = await open(t, (say) => say(failed("not_allowed")), WRITER);
    await tab.inside(".edit").click();
    await tab.inside(".text").fill("mine");
    await tab.inside(".save").click();
    await until("no Edit", async () => !(await tab.inside(".edit").isVisible()));
    assert.equal(await tab.inside(".text").inputValue(), "mine");
    assert.equal(await tab.inside(".editor .problem").textContent(), "It is not_allowed.");
  });

  test("a lost connection: the text stays, and is sent again as it was", async (t) => {
    const tab = await open(t, (say, _message, n) => (n === 2 ? say.drop() : say({ type: "done", session: 9, versions: 2 })), WRITER);
    await tab.inside(".edit").click();
    await tab.inside(".text").fill("mine");
    await tab.inside(".save").click();
    await until("the end", async () => !(await tab.inside(".editor").isVisible()));
    assert.deepEqual(...tab.sent("write"));
  });

  test("while it is being saved another ticket is shown: that one is left alone", async (t) => {
    let say;
    for (const end of [{ type: "done", session: 9, versions: 2 }, failed("answer_changed", { session: 9, version: 2 }), failed("storage")]) {
      const tab = await open(t, (s) => (say = s), WRITER);
      await tab.inside(".edit").click();
      await tab.inside(".text").fill("mine");
      await tab.inside(".save").click();
      await until("the text", () => tab.sent("write").length);
      await tab.set({ ticketId: 8 });
      await tab.told("done", 2);
      const { length } = tab.fake.questions;
      say(end);
      await quiet(tab, length);
      await tab.inside(".edit").click();
      assert.equal(await tab.inside(".text").inputValue(), cached.response);
      await tab.set({ ticketId: 7 });
      await tab.told("done", 3);
      await tab.inside(".edit").click();
      assert.equal(await tab.inside(".text").inputValue(), end.type === "done" ? cached.response : "mine", "what was not saved is still there");
    }
  });

  test("Edit is for those with a token, or where the page says so", async (t) => {
    for (const [properties, visible] of [[{}, false], [{ token: "t" }, true], [{ token: "t", write: "off" }, false], [{ write: "on" }, true], [{ write: false }, false]]) {
      const tab = await open(t, undefined, { add: properties });
      assert.equal(await tab.inside(".edit").isVisible(), visible, JSON.stringify(properties));
      assert.equal(await tab.inside(".instruction").isVisible(), visible, JSON.stringify(properties));
    }
  });
});

describe("an instruction", () => {
  test("goes with another answer, and everybody sees it beside that", async (t) => {
    const tab = await open(t, (say) => [{ type: "stream", content: "new" }, { type: "done", session: 9, versions: 2 }].forEach(say), { add: { write: true } });
    assert.equal(await tab.inside(".instructed").textContent(), "");
    await tab.inside(".instruction").fill(" customer has Windows 11 ");
    await tab.inside(".instruction").press("Enter");
    await tab.told("done", 2);
    assert.deepEqual(tab.sent("refresh"), [{ ticketBody: "jam", refresh: true, instruction: "customer has Windows 11", thread: true, sources: true, status: true, lang: "en" }]);
    assert.equal(await tab.inside(".instruction").inputValue(), "");
    const shown = () => tab.inside(".instructed").textContent();
    assert.equal(await shown(), w.instructed("customer has Windows 11"));
    await look(tab.page, "instruction");
    await tab.button(w.refresh).click();
    await tab.told("done", 3);
    assert.equal(await shown(), "", "the next one has none");
    assert.equal("instruction" in tab.fake.questions.at(-1), false);
    const viewer = await open(t, undefined, { more: { instruction: "in English" } });
    assert.match(await viewer.inside(".instructed").textContent(), /in English/);
  });

  test("refused: it stays where it is, unless the service takes none", async (t) => {
    let code = "rate_limited";
    const tab = await open(t, (say) => say(failed(code)), { add: { write: true } });
    await tab.inside(".instruction").fill("in English");
    await tab.button(w.refresh).click();
    await tab.said(/rate_limited/);
    assert.equal(await tab.inside(".instruction").inputValue(), "in English");
    code = "not_allowed";
    await tab.page.evaluate(() => window.chat.refresh("in English"));
    await tab.said(/not_allowed/);
    await tab.page.evaluate(() => window.chat.ask());
    await tab.told("done", 2);
    assert.equal(await tab.inside(".instruction").isVisible(), false);
    assert.equal(await tab.inside(".refresh").isVisible(), true);
  });
});

test("people's texts are as little trusted as the model's", async (t) => {
  const awkward = readFileSync(`${ROOT}/tests/web/markdown/awkward.txt`, "utf8").split(/^%%\n/m).slice(1).filter(Boolean);
  const texts = [...awkward, '<img src=x onerror="window.pwned=1">', "\u202egnihton\u2069\u2069", "</p><script>window.pwned=1</script>",
    "<ticket-chat ticket-id=1 server=https://evil.example></ticket-chat>", "[a](javascript:window.pwned=1) ![p](https://evil.example/p.png)", "\u0000\ud800"];
  let text;
  const tab = await openDesk(browser, t, (say, message) => {
    if (message.type === "rate") return say(failed("bad_request", { message: text }));
    say({ ...cached, response: text, author: text.slice(0, 200), instruction: text });
    say({ ...turn, question: text, response: text });
    say(done);
  });
  const outside = [];
  tab.page.on("request", (request) => outside.push(request.url()));
  tab.page.on("dialog", (dialog) => dialog.dismiss().then(() => outside.push("dialog")));
  await tab.add({ manual: true, write: true });
  const offences = () => tab.page.evaluate(() => {
    const own = new Set("div p span time button section ol li form input textarea select option".split(" "));
    const markdown = new Set("p h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong del br hr a bdi table tr th td div button".split(" "));
    return [...window.chat.shadowRoot.querySelectorAll("*")].filter((node) => {
      const inAnswer = node.parentElement?.closest(".answer");
      return !(inAnswer ? markdown : own).has(node.localName) || [...node.attributes].some(({ name, value }) => /^on|^style$|^srcdoc$/.test(name) || /^javascript:/i.test(value));
    }).map((node) => node.outerHTML.slice(0, 100));
  });
  for (const [n, given] of texts.entries()) {
    text = given;
    await tab.page.evaluate(() => window.chat.ask());
    await tab.told("done", n + 1);
    await tab.page.locator("ticket-chat .turn").first().waitFor();
    assert.deepEqual(await offences(), [], JSON.stringify(given.slice(0, 60)));
    for (const part of [".asked", ".draft", ".instructed"]) {
      const [children, shown] = await tab.page.locator(`ticket-chat ${part}`).evaluate((node) => [node.childElementCount, node.textContent]);
      assert.equal(children, 0);
      assert.doesNotMatch(shown.replace(/^[^\u2068]*\u2068|\u2069\.?$/g, ""), /\p{Bidi_Control}/u, part);
    }
  }
  await tab.page.locator("ticket-chat .foot .bad").click();
  await tab.page.locator("ticket-chat .comment").fill(text);
  await tab.page.locator("ticket-chat .why .send").click();
  await until("the reason", () => tab.page.locator("ticket-chat .problem").first().evaluate((node) => node.getRootNode().querySelector(".why .problem").textContent !== ""));
  assert.deepEqual(await offences(), []);
  assert.equal(await tab.page.evaluate(() => window.pwned), undefined);
  assert.deepEqual(outside.filter((url) => !/ticket-chat-(copy|talk)\.js$/.test(url)), []);
});

test("by keyboard alone: a thumb, a question, Edit, cancel; and what a screen reader is told", async (t) => {
  const tab = await open(t, (say, { type, session }) =>
    type === "rate" ? say({ type: "rated", session, version: 1, good: 1, bad: 0 }) : [{ type: "stream", content: "so" }, { type: "done", session: 7 }].forEach(say), { add: { write: true } });
  const { keyboard } = tab.page;
  const to = async (name) => {
    for (let n = 0; n < 25; n++) {
      if (n) await keyboard.press("Tab");
      if ((await tab.focused()) === name) return;
    }
    assert.fail(`no way to ${name}`);
  };
  await tab.page.locator("main > input").focus();
  await to("good");
  await keyboard.press("Space");
  await tab.said(new RegExp(people.rated));
  await to("question");
  await keyboard.type("why?");
  await keyboard.press("Enter");
  await tab.told("turn");
  await tab.page.locator("main > input").focus();
  await to("edit");
  await keyboard.press("Enter");
  await keyboard.type("x");
  await to("cancel");
  await keyboard.press("Enter");
  assert.equal(await tab.focused(), "edit");
  const tree = await tab.page.locator("ticket-chat").ariaSnapshot();
  for (const line of [`button "${people.good} (1)" [pressed]`, `button "${people.bad}"`, `list "${people.thread}"`, 'heading "The light stays red, what now?" [level=2]',
    `textbox "${people.question}"`, `textbox "${people.instruction}"`]) assert.ok(tree.includes(line), `${line} in\n${tree}`);
});

for (const lang of ["pt-BR", "en", "es"]) {
  test(`on a phone, in ${lang}: everything fits, and fingers meet it`, async (t) => {
    const tab = await open(t, undefined, { ...PHONE, viewport: { width: 320, height: 700 }, add: { write: true, lang }, more: { author: "maria", instruction: "em inglês", version: 2, versions: 2 } });
    await tab.inside(".edit").click();
    await tab.inside(".foot .bad").click();
    await look(tab.page, `people-phone-${lang}`);
    await tab.page.screenshot({ path: `${process.env.SCREENSHOTS ?? "/tmp/ticketchat-screenshots"}/people-phone-${lang}-whole.png`, fullPage: true });
    for (const node of await tab.inside(":is(button, input, select):visible").all()) {
      const { x, width, height } = await node.boundingBox();
      assert.ok(x >= 0 && x + width <= 320 && height >= 24 && width >= 24, await node.evaluate((n) => n.className));
    }
  });
}

test("on paper: question, answer, author and instruction; no form, no button", async (t) => {
  const tab = await open(t, undefined, { add: { write: true }, more: { author: "maria", instruction: "in English" } });
  await tab.inside(".edit").click();
  await tab.page.emulateMedia({ media: "print" });
  for (const part of [".asked", ".turn .answer", ".draft", ".instructed"]) assert.equal(await tab.inside(part).isVisible(), true, part);
  for (const node of await tab.inside(":is(button, form, input, textarea)").all()) assert.equal(await node.isVisible(), false);
  await look(tab.page, "people-paper");
});

test("every language has the same words for people", () => {
  const keys = (lang) => Object.keys(talkWords(lang)).sort();
  for (const lang of ["en", "es"]) {
    assert.deepEqual(keys(lang), keys("pt-BR"));
    for (const key of keys(lang)) assert.match(talkWords(lang)[key], /\p{L}/u);
  }
  assert.notDeepEqual(talkWords("en"), talkWords("es"));
});

// The React component in a real Chromium, in front of a scripted service: what the real one seldom says.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { html, openBrowser, renderOnServer, seen, VERSIONS, bundle } from "./browser.mjs";
import { fakeService } from "./fake.mjs";
import { until } from "./service.mjs";

let browser;
before(async () => (browser = await openBrowser()));
after(() => browser?.stop());

for (const react of VERSIONS) {
  const open = async (t, script, props = {}, options = {}) => {
    const fake = await fakeService(script, options);
    t.after(() => fake.stop());
    const page = await browser.tab(`/${react}.html`, { locale: "en-US", ...options });
    t.after(() => page.context().close());
    const mount = (more) => page.evaluate((p) => window.mount(p), { server: fake.server, ticketId: 7, ticketBody: "jam", ...props, ...more });
    await mount();
    return { page, fake, mount, ...seen(page) };
  };

  describe(`React ${react}, scripted`, () => {
    test("the answer is Markdown, as elements, and never HTML", async (t) => {
      const evil = '<img src=x onerror="window.pwned=1"><b>bold</b> <script>window.pwned=1</script> [here](javascript:window.pwned=1)';
      const tab = await open(t, (say) => {
        for (const content of ["## Printer\n\n1. Open **the ", `cover**\n2. ${evil}\n\n`, "```sh\n", "lpstat -p\n```\n"]) say({ type: "stream", content });
        say({ type: "done" });
      });
      await tab.done();
      const box = tab.page.locator("ticket-chat section");
      assert.deepEqual(await box.locator("> *").evaluateAll((nodes) => nodes.map(({ localName }) => localName)), ["h2", "ol", "pre"],
        "a page without headings has a title");
      assert.equal(await box.locator("strong").textContent(), "the cover");
      assert.ok((await box.locator("li").last().textContent()).startsWith(evil.slice(0, evil.indexOf("[here]"))), "as text");
      assert.equal(await box.locator("img, b, script, a").count(), 0);
      assert.equal(await tab.page.evaluate(() => window.pwned), undefined);
      assert.deepEqual(tab.page.problems, []);
    });

    test("an answer that is complete, kept or broken off loses no character at its end", async (t) => {
      for (const [text, end, ...more] of [
        ["The new password is Sommer2026*", { type: "done" }], ["press [OK](", { type: "error", code: "storage", message: "Full." }],
        ["", { type: "cached", response: "Delete C:/Temp/*", message: "Kept." }, { type: "done" }],
      ]) {
        let say;
        const tab = await open(t, (told) => (say = told)({ type: "stream", content: text || "a **b" }));
        await tab.grown(3);
        assert.ok(!/[*[(]/.test(await tab.text()), "marks are not seen while it is written");
        for (const frame of [end, ...more]) say(frame);
        await tab.idle();
        assert.equal(await tab.text(), text || end.response);
      }
    });

    test("a kept answer after some text replaces it", async (t) => {
      const tab = await open(t, (say) => {
        say({ type: "stream", content: "the begin" });
        say({ type: "cached", response: "the whole answer", message: "Kept.", createdAt: "2026-11-23T11:30:00Z", bodyChanged: true });
        say({ type: "done" });
      });
      assert.deepEqual(await tab.done(), [["the whole answer", true]]);
      assert.equal(await tab.line(), "Kept. This answer was written for a different text of this ticket.");
    });

    test("the answer is busy while it is written; the status line is never within", async (t) => {
      let say;
      const tab = await open(t, (told) => (say = told)({ type: "stream", content: "a" }));
      await tab.said(/Writing/);
      const busy = tab.page.locator("[aria-busy=true]");
      assert.equal(await busy.textContent(), "a");
      assert.equal(await busy.locator("[role=status]").count(), 0);
      say({ type: "done" });
      await tab.done();
      assert.equal(await busy.count(), 0);
    });

    test("a state that is not known waits, whatever word has its name", async (t) => {
      let say;
      const tab = await open(t, (told) => (say = told)({ type: "status", state: "loading" }));
      await tab.said(/loaded/);
      for (const state of ["retry", "hints", "constructor", "warming-up"]) {
        say({ type: "status", state: "thinking" });
        await tab.said(/thinking/);
        say({ type: "status", state });
        await tab.said(/^Waiting for the answer…$/);
      }
      assert.deepEqual(tab.page.problems, []);
    });

    test("an answer at the length limit is one", async (t) => {
      const tab = await open(t, (say) => {
        say({ type: "stream", content: "cut" });
        say({ type: "done", reason: "length" });
      });
      assert.deepEqual(await tab.done(), [["cut", false]]);
      assert.equal((await tab.page.evaluate(() => window.whole))[0].reason, "length");
      assert.equal(await tab.line(), "The AI stopped at its length limit.");
    });

    test("the retry button counts retryAfter down; there is none for what a retry cannot help", async (t) => {
      const tab = await open(t, (say, _question, n) => {
        if (n === 1) say({ type: "error", message: "Full.", code: "queue_full", retryable: true, retryAfter: 2 });
        else say({ type: "error", message: "No.", code: "model_missing", retryable: false });
      });
      await tab.said(/^Full\.$/);
      const button = tab.button("Try again");
      assert.match(await button.textContent(), /^Try again \(0:0[12]\)$/);
      assert.equal(await button.getAttribute("aria-disabled"), "true");
      await until("the button", async () => (await button.getAttribute("aria-disabled")) === "false");
      assert.equal(await button.textContent(), "Try again");
      await button.click();
      await tab.said(/^No\.$/);
      assert.equal(await button.count(), 0);
      assert.equal(tab.fake.questions.length, 2);
    });

    test("a lost refresh is repeated as one, a later question is not", async (t) => {
      const tab = await open(t, (say, _question, n) => {
        say({ type: "stream", content: `answer ${n}` });
        if (n === 2) say.drop();
        else say({ type: "done" });
      });
      await tab.done();
      await tab.button("Get another answer").click();
      assert.deepEqual((await tab.done(2))[1], ["answer 3", false]);
      await tab.mount({ ticketBody: "jam again" });
      await tab.done(3);
      assert.deepEqual(tab.fake.questions.map((question) => question.refresh), [undefined, true, true, undefined]);
    });

    test("a refresh that fails leaves the old answer to be read, as a whole one", async (t) => {
      const tab = await open(t, (say, _question, n) => {
        if (n > 1) return say({ type: "error", message: "No luck.", code: "upstream_error", retryable: true });
        say({ type: "stream", content: "the first answer" });
        say({ type: "done" });
      });
      await tab.done();
      await tab.button("Get another answer").click();
      assert.equal(await tab.said(/luck/), "No luck.");
      assert.equal(await tab.text(), "the first answer");
      await tab.button("Try again").click();
      await until("another try", () => tab.fake.questions.length === 3);
      assert.deepEqual(tab.fake.questions.map(({ refresh }) => refresh), [undefined, true, true]);
    });

    test("the older answers of a ticket can be looked at, and onDone is told which is which", async (t) => {
      const kept = (n) => ({ type: "cached", response: `answer ${n}`, message: "Kept.", version: n, versions: 3 });
      const tab = await open(t, (say, { version = 3, refresh }) => {
        if (refresh) [{ type: "stream", content: "answer 4" }, { type: "done", versions: 4 }].forEach(say);
        else [kept(version), { type: "done" }].forEach(say);
      });
      await tab.done();
      const [older, newer] = [tab.button("Previous answer"), tab.button("Next answer")];
      const shows = (n, of) => until(`answer ${n}`, async () => !(await tab.busy()) && (await tab.text()) === `answer ${n}` &&
        (await tab.page.locator("ticket-chat .number").textContent()) === `Answer ${n} of ${of}`);
      await shows(3, 3);
      assert.equal(await newer.getAttribute("aria-disabled"), "true");
      await older.click();
      await shows(2, 3);
      await older.click();
      await shows(1, 3);
      assert.equal(await older.getAttribute("aria-disabled"), "true");
      await newer.click();
      await shows(2, 3);
      await tab.button("Get another answer").click();
      await shows(4, 4);
      const whole = (await tab.page.evaluate(() => window.whole)).map(({ text, cached, version, versions }) => [text, cached, version, versions]);
      assert.deepEqual(whole, [["answer 3", true, 3, 3], ["answer 2", true, 2, 3], ["answer 1", true, 1, 3], ["answer 2", true, 2, 3],
        ["answer 4", false, 4, 4]]);
      assert.deepEqual(tab.fake.questions.map(({ version, refresh }) => refresh || version), [undefined, 2, 1, 2, true]);
      assert.deepEqual(tab.page.problems, []);
    });

    test("no reconnection after stop: it would start the answer again", async (t) => {
      const tab = await open(t, (say) => say({ type: "stream", content: "x" }));
      await tab.grown();
      await tab.page.evaluate(() => (window.sockets[0].send = () => window.sockets[0].close()));
      await tab.button("Stop").click();
      await tab.said(/The service cannot be reached\. The text below is incomplete\./);
      assert.equal(tab.fake.questions.length, 1);
    });

    test("token, language and callback may change without a new question", async (t) => {
      const tab = await open(t, (say, _question, n) => n > 1 && say({ type: "done" }), { token: "one" });
      await until("the question", () => tab.fake.questions.length === 1);
      await tab.mount({ token: "two", lang: "pt" });
      await tab.said(/Aguardando/);
      assert.equal((await tab.sockets()).length, 1);
      await tab.page.evaluate(() => window.sockets[0].close());
      await tab.done();
      assert.deepEqual(tab.fake.questions.map(({ token, lang }) => [token, lang]), [["one", "en"], ["two", "pt-BR"]]);
    });

    test("a ref gets the element, and onError and onFrame hear what it hears", async (t) => {
      const tab = await open(t, (say, { refresh }) =>
        refresh ? say({ type: "error", message: "No.", code: "storage", retryable: true }) : say({ type: "done" }), { manual: true, className: "wide" });
      assert.equal(await tab.page.locator("ticket-chat").getAttribute("class"), "ticket-chat wide");
      assert.deepEqual(tab.fake.questions, []);
      await tab.page.evaluate(() => window.chat.ask());
      await tab.done();
      await tab.page.evaluate(() => window.chat.refresh());
      await tab.said(/No/);
      assert.deepEqual(await tab.page.evaluate(() => window.told), ["done", "error", "error storage"]);
      assert.deepEqual(tab.page.problems, []);
    });

    test("what people add: each part can be switched off and on, and onTurn hears of the thread", async (t) => {
      const tab = await open(t, (say, { question }) => {
        if (question) return [{ type: "stream", content: "so" }, { type: "done", session: 7, turn: 9 }].forEach(say);
        say({ type: "cached", response: "kept", message: "Kept.", session: 7 });
        say({ type: "done", session: 7 });
      }, { thread: false, ratings: "off", write: true });
      const shown = (...parts) => until(`${parts}`, async () => {
        const visible = [];
        for (const part of ["follow", "rating", "edit", "instruction"])
          if ((await tab.page.locator(`ticket-chat .${part}`).count()) && (await tab.page.locator(`ticket-chat .${part}`).first().isVisible())) visible.push(part);
        return String(visible) === String(parts);
      });
      await shown("edit", "instruction");
      await tab.mount({ thread: undefined, ratings: true, write: false });
      await shown("follow", "rating");
      await tab.page.locator("ticket-chat .question").fill("why?");
      await tab.page.locator("ticket-chat .question").press("Enter");
      await until("the turn", async () => (await tab.page.evaluate(() => window.told)).includes("turn why?"));
      assert.equal((await tab.page.evaluate(() => window.done)).length, 1, "onDone is for the answer");
      assert.equal(tab.fake.questions.length, 2);
      assert.deepEqual(tab.page.problems, []);
    });

    test("in a list it opens what is saved when it is seen, and asks after a click", async (t) => {
      const tab = await open(t, (say, { type }) => (type === "open" ? say({ type: "error", code: "no_answer", message: "None yet.", retryable: false }) : say({ type: "done" })),
        { lazy: true });
      await tab.said(/None yet/);
      assert.deepEqual(tab.fake.questions.map(({ type, ticketBody }) => [type, ticketBody]), [["open", undefined]]);
      await tab.button("Get an answer").click();
      await tab.done();
      assert.equal(tab.fake.questions[1].ticketBody, "jam");
    });

    test("the hook draws anything: text, another answer, an older one, another try", async (t) => {
      const fake = await fakeService((say, { version, refresh }, n) => {
        if (n === 3) return say({ type: "error", message: "No.", code: "storage", retryable: true });
        say({ type: "cached", response: refresh ? "new" : `answer ${version ?? 2}`, message: "Kept.", version: version ?? 2, versions: 2 });
        say({ type: "done" });
      });
      t.after(() => fake.stop());
      browser.pages.set(`/hook${react}.js`, await bundle(react, `
        import { createRoot } from "react-dom/client";
        import { useTicketChat } from "../../web/ticket-chat-react.js";
        function Own() {
          const { view, ...acts } = useTicketChat({ server: ${JSON.stringify(fake.server)}, ticketId: 7, ticketBody: "jam" });
          Object.assign(window, acts);
          return <p>{view.end?.type} {view.text}</p>;
        }
        createRoot(document.getElementById("root")!).render(<Own />);`));
      browser.pages.set(`/hook${react}.html`, html(`<div id="root"></div><script src="/hook${react}.js"></script>`));
      const page = await browser.tab(`/hook${react}.html`);
      t.after(() => page.context().close());
      const shows = (text) => page.getByText(text, { exact: true }).waitFor();
      await shows("done answer 2");
      await page.evaluate("show(1)");
      await shows("done answer 1");
      await page.evaluate("refresh()");
      await shows("error answer 1");
      await page.evaluate("retry()");
      await shows("done new");
      assert.deepEqual(fake.questions.map(({ version, refresh }) => version ?? refresh), [undefined, 1, true, true]);
      assert.deepEqual(page.problems, []);
    });

    test("an address that is none ends in an error, and a slash at its end does not matter", async (t) => {
      const tab = await open(t, (say) => say({ type: "done" }), { server: "ftp://localhost" }, { clock: true });
      for (let i = 0; i < 8; i++) await tab.page.clock.runFor(10_000);
      await tab.said(/The service cannot be reached/);
      await tab.mount({ server: `${tab.fake.server}/` });
      await tab.page.clock.runFor(1_000);
      await until("the question", () => tab.fake.questions.length === 1);
      assert.equal(tab.fake.paths[0], "/api/websocket/chat/7");
    });

    test("a server renders it without a WebSocket, and the browser takes that over", async (t) => {
      const fake = await fakeService((say) => say({ type: "done" }));
      t.after(() => fake.stop());
      const props = { server: fake.server, ticketId: 7, ticketBody: "jam" };
      const rendered = await renderOnServer(react, props);
      assert.equal(rendered, '<ticket-chat class="ticket-chat"></ticket-chat>');
      const script = await bundle(react, `
        import { hydrateRoot } from "react-dom/client";
        import { TicketChat } from "../../web/TicketChat";
        window.done = [];
        hydrateRoot(document.getElementById("root")!,
          <TicketChat {...${JSON.stringify(props)}} onDone={(answer, kept) => window.done.push([answer, kept])} />);`);
      browser.pages.set(`/ssr${react}.js`, script);
      browser.pages.set(`/ssr${react}.html`, html(`<div id="root">${rendered}</div><script src="/ssr${react}.js"></script>`));
      const page = await browser.tab(`/ssr${react}.html`, { locale: "en-US" });
      t.after(() => page.context().close());
      await seen(page).done();
      assert.equal(await seen(page).line(), "The answer is complete.");
      assert.deepEqual(page.problems, []);
      assert.equal(fake.questions.length, 1);
    });
  });
}

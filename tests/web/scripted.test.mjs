// web/TicketChat.tsx in a real Chromium, in front of a scripted service: what the real one seldom says.
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
    test("frames and fields that it does not know are ignored", async (t) => {
      const tab = await open(t, (say) => {
        say({ type: "status", state: "warming-up", eta: 3 });
        say({ type: "usage", tokens: 3 });
        say("not JSON");
        say({ type: "stream", content: "a", tokens: 1 });
        say({ type: "pong" });
        say({ type: "stream", content: "b" });
        say({ type: "done", model: "x" });
      });
      assert.deepEqual(await tab.done(), [["ab", false]]);
      await until("a clean close", () => tab.fake.closed[0] === 1000);
      assert.deepEqual(tab.page.problems, []);
    });

    test("the answer is text, never HTML, and keeps its lines", async (t) => {
      const evil = '<img src=x onerror="window.pwned=1"><b>bold</b>\n\n    indented\n**md** <script>window.pwned=1</script>';
      const tab = await open(t, (say) => {
        say({ type: "stream", content: evil });
        say({ type: "done" });
      });
      await tab.done();
      assert.equal(await tab.text(), evil);
      assert.equal(await tab.page.locator(".ticket-chat img, .ticket-chat b, .ticket-chat script").count(), 0);
      assert.equal(await tab.page.evaluate(() => window.pwned), undefined);
      const style = await tab.page.locator(".ticket-chat > div").evaluate((e) => getComputedStyle(e).whiteSpace);
      assert.equal(style, "pre-wrap");
    });

    test("a kept answer after some text replaces it", async (t) => {
      const tab = await open(t, (say) => {
        say({ type: "stream", content: "the begin" });
        say({ type: "cached", response: "the whole answer", message: "Kept.", createdAt: "2026-11-23T11:30:00Z", bodyChanged: true });
        say({ type: "done" });
      });
      assert.deepEqual(await tab.done(), [["the whole answer", true]]);
      assert.equal(await tab.line(), "Kept. (11/23/2026, 8:30:00 AM) The ticket's text has changed since this answer.");
    });

    test("an answer at the length limit is one", async (t) => {
      const tab = await open(t, (say) => {
        say({ type: "stream", content: "cut" });
        say({ type: "done", reason: "length" });
      });
      assert.deepEqual(await tab.done(), [["cut", false]]);
      assert.equal(await tab.line(), "The model stopped at its length limit.");
    });

    test("the retry button counts retryAfter down; there is none for what a retry cannot help", async (t) => {
      const tab = await open(t, (say, _question, n) => {
        if (n === 1) say({ type: "error", message: "Full.", code: "queue_full", retryable: true, retryAfter: 2 });
        else say({ type: "error", message: "No.", code: "model_missing", retryable: false });
      });
      await tab.said(/^Full\.$/);
      const button = tab.page.locator("button");
      assert.match(await button.textContent(), /^Try again \([12]\)$/);
      assert.equal(await button.isDisabled(), true);
      await until("the button", () => button.isEnabled());
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
      await tab.button("Write another answer").click();
      assert.deepEqual((await tab.done(2))[1], ["answer 3", false]);
      await tab.mount({ ticketBody: "jam again" });
      await tab.done(3);
      assert.deepEqual(tab.fake.questions.map((question) => question.refresh), [false, true, true, false]);
    });

    test("a refresh that fails leaves the old answer to be read, as a whole one", async (t) => {
      const tab = await open(t, (say, _question, n) => {
        if (n > 1) return say({ type: "error", message: "No luck.", code: "upstream_error", retryable: true });
        say({ type: "stream", content: "the first answer" });
        say({ type: "done" });
      });
      await tab.done();
      await tab.button("Write another answer").click();
      assert.equal(await tab.said(/luck/), "No luck.");
      assert.equal(await tab.text(), "the first answer");
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

    test("it pings every 25 seconds, and only a silent connection is given up", async (t) => {
      const tab = await open(t, (say, _question, n) => n > 1 && say({ type: "done" }), {}, { clock: true, pong: () => false });
      await tab.said(/Waiting for the answer/);
      await tab.page.clock.runFor(25_000);
      await until("a ping", () => tab.page.sent.some((message) => message.type === "ping"));
      await tab.page.clock.runFor(25_000);
      await tab.said(/No connection/);
      await tab.page.clock.runFor(1_000);
      await until("another question", () => tab.fake.questions.length === 2);
    });

    test("a connection that answers pings is kept", async (t) => {
      const tab = await open(t, () => {}, {}, { clock: true });
      await tab.said(/Waiting for the answer/);
      for (let n = 1; n <= 4; n++) {
        await tab.page.clock.runFor(25_000);
        await until("a pong", () => tab.page.received.length === n);
      }
      assert.equal(tab.fake.questions.length, 1);
      assert.equal(tab.fake.closed.length, 0);
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
      assert.match(rendered, /role="status">Conectando…</);
      assert.match(rendered, /aria-busy="true"/);
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

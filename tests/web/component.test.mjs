// The React component in a real Chromium, in front of the real service with a replayed Ollama.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openBrowser, seen, VERSIONS } from "./browser.mjs";
import { recording, start, textOf, until } from "./service.mjs";

const BODY = "A impressora do 2º andar não imprime: luz vermelha piscando 🖨️";
const NAME = "stream-emoji";
const ANSWER = textOf(NAME);
const PACED = ["--pace", 60, recording(NAME)]; // some seconds in all
const SLOW = ["--pace", 200, recording(NAME)]; // time enough to open another tab

let browser;
before(async () => (browser = await openBrowser()));
after(() => browser?.stop());

/** Starts a service for one test. */
async function served(t, options = { replay: PACED }) {
  const service = await start(options);
  t.after(() => service.stop());
  return service;
}

for (const react of VERSIONS) {
  /** Opens a tab for one test and mounts the component in it. */
  const open = async (t, service, props = {}, { strict = false, ...options } = {}) => {
    const page = await browser.tab(`/${react}.html`, options);
    t.after(() => page.context().close());
    const mount = (more) =>
      page.evaluate(([p, s]) => window.mount(p, s), [{ server: service.server, ticketId: 42, ticketBody: BODY, ...props, ...more }, strict]);
    await mount();
    return { page, mount, ...seen(page), photo: (name) => seen(page).photo(`react${react}-${name}`) };
  };

  /** Every text that was ever shown is a beginning of the answer: nothing doubled, nothing lost. */
  async function assertNeverWrong(page, answer = ANSWER) {
    const [texts, right] = await page.evaluate((whole) => {
      const characters = [...whole];
      return [window.texts, characters.map((_, n) => window.shown(characters.slice(0, n + 1).join("")))];
    }, answer);
    for (const text of texts) assert.ok(text === "" || right.includes(text), `shown: ${JSON.stringify(text)}`);
    return texts;
  }
  const shown = (page, answer = ANSWER) => page.evaluate((text) => window.shown(text), answer);

  describe(`React ${react}`, () => {
    test("a cold answer grows and becomes complete; the next load has it from the cache", async (t) => {
      const service = await served(t);
      const first = await open(t, service);
      await first.photo("1-loader");
      await first.grown(40);
      assert.equal(await first.busy(), true);
      assert.match(await first.line(), /Escrevendo/);
      assert.equal(await first.button("Interromper").count(), 1);
      await first.photo("2-writing");
      assert.deepEqual(await first.done(), [[ANSWER, false]]);
      const texts = await assertNeverWrong(first.page);
      assert.ok(texts.length > 5, `it was seen growing only ${texts.length} times`);
      assert.equal(texts.at(-1), await shown(first.page));
      assert.equal(await first.busy(), false);
      assert.match(await first.line(), /parou ao atingir o limite/); // as it was recorded
      await first.photo("3-done");

      const second = await open(t, service);
      assert.deepEqual(await second.done(), [[ANSWER, true]]);
      assert.equal(await second.text(), await shown(second.page));
      const cached = JSON.parse(second.page.received.find((frame) => frame.includes('"cached"')));
      assert.ok((await second.line()).startsWith(cached.message));
      assert.match(await second.time(), /^Escrita (agora há pouco|há \d+ minutos?)$/);
      assert.ok(Math.abs(Date.now() - new Date(cached.createdAt)) < 600_000, `createdAt ${cached.createdAt} is now, in UTC`);
      await second.photo("4-cached");

      assert.equal(service.requests(), 1);
      for (const { page } of [first, second]) {
        assert.deepEqual(page.sent, [{ ticketBody: BODY, status: true, thread: true, sources: true, lang: "pt-BR" }]);
        assert.equal(await page.locator("ticket-chat").getAttribute("class"), "ticket-chat");
        assert.equal(page.received.filter((frame) => /"type":"(done|error)"/.test(frame)).length, 1);
        await until("the socket to close", async () => String(await seen(page).sockets()) === "3");
        assert.deepEqual(page.problems, []);
      }
      await until("the handlers to end", () => service.chats().length === 0);
    });

    test("while nothing has come it says what the service says", async (t) => {
      const service = await served(t, { replay: ["--delay", 10_000, ...PACED], env: { TICKETCHAT_GENERATIONS: "1" } });
      const first = await open(t, service, { ticketId: 1 }, { locale: "en-US" });
      await until("the first request", () => service.requests() === 1);
      const second = await open(t, service, { ticketId: 2 }, { locale: "en-US" });
      assert.equal(await second.said(/position/), "In the queue: position 1");
      assert.equal(await second.busy(), true);
      await second.photo("5-queued");
      await first.done();
      await second.done();
      assert.deepEqual(second.page.problems, []);
    });

    test("an error has a retry button, which works once Ollama is there", async (t) => {
      const service = await served(t, {});
      const tab = await open(t, service);
      await tab.idle();
      const error = JSON.parse(tab.page.received.at(-1));
      assert.equal(error.code, "upstream_unreachable");
      assert.equal(await tab.line(), error.message);
      await tab.photo("6-error");
      await service.startOllama(PACED);
      await tab.button("Tentar novamente").click();
      assert.deepEqual(await tab.done(), [[ANSWER, false]]);
      assert.equal(await tab.text(), await shown(tab.page));
      assert.deepEqual(tab.page.problems, []);
    });

    test("a connection that breaks in mid-stream is taken up again, and nothing is doubled", async (t) => {
      const service = await served(t);
      const tab = await open(t, service);
      await tab.grown(20);
      const [pid, ...others] = service.chats();
      assert.equal(others.length, 0);
      service.kill(pid);
      await tab.said(/Sem conexão/);
      await tab.photo("7-reconnecting");
      const [[answer]] = await tab.done();
      assert.equal(answer, ANSWER);
      await assertNeverWrong(tab.page);
      assert.equal((await tab.sockets()).length, 2);
      assert.equal(service.requests(), 1, "the generation went on meanwhile");
      assert.deepEqual(tab.page.problems, []);
    });

    test("a restart of the whole service in mid-stream, too", async (t) => {
      const service = await served(t);
      const tab = await open(t, service);
      await tab.grown(20);
      await service.stopWebsocketd();
      await tab.said(/Sem conexão/);
      await sleep(1000);
      await service.startWebsocketd();
      const [[answer]] = await tab.done();
      assert.equal(answer, ANSWER);
      assert.equal(await tab.text(), await shown(tab.page));
      await assertNeverWrong(tab.page);
      assert.equal(service.requests(), 1);
      assert.deepEqual(tab.page.problems, []);
    });

    test("two tabs on one ticket see the same text, and the model is asked once", async (t) => {
      const service = await served(t, { replay: SLOW });
      const one = await open(t, service);
      await one.grown(20);
      const two = await open(t, service);
      await two.grown(20);
      assert.equal(await one.busy(), true, "both watch while it is written");
      assert.deepEqual([await one.done(), await two.done()], [[[ANSWER, false]], [[ANSWER, false]]]);
      await assertNeverWrong(two.page);
      assert.equal(service.requests(), 1);
      assert.deepEqual([...one.page.problems, ...two.page.problems], []);
    });

    test("stop ends it for everybody, and keeps nothing", async (t) => {
      const service = await served(t, { replay: ["--pace", 600, recording(NAME)] });
      const one = await open(t, service);
      const two = await open(t, service);
      await one.grown(20);
      await two.grown(20);
      await one.button(/^Interromper/).click();
      for (const tab of [one, two]) {
        await tab.idle();
        await until("the error frame", () => tab.page.received.some((frame) => JSON.parse(frame).code === "stopped"));
        assert.match(await tab.line(), /incompleto/);
        assert.equal((await tab.sockets()).length, 1, "nobody asks again unasked");
        assert.deepEqual(await tab.page.evaluate(() => window.done), []);
        await assertNeverWrong(tab.page);
      }
      await one.photo("8-stopped");
      await one.button("Tentar novamente").click();
      assert.deepEqual(await one.done(), [[ANSWER, false]]);
      assert.equal(service.requests(), 2);
      assert.deepEqual([...one.page.problems, ...two.page.problems], []);
    });

    test("another answer replaces the first one, which stays readable meanwhile", async (t) => {
      const other = "stream-pt";
      const service = await served(t, { replay: ["--pace", 15, "--times", 1, "--then", recording(other), recording(NAME)] });
      const tab = await open(t, service);
      await tab.done();
      await assertNeverWrong(tab.page);
      await tab.page.evaluate(() => (window.texts = []));
      await tab.button("Pedir outra resposta").click();
      assert.deepEqual(await tab.done(2), [[ANSWER, false], [textOf(other), false]]);
      assert.equal(await tab.text(), await shown(tab.page, textOf(other)));
      assert.equal(await tab.page.evaluate(() => window.texts.shift()), await shown(tab.page));
      await assertNeverWrong(tab.page, textOf(other));
      assert.equal(tab.page.sent[1].refresh, true);
      assert.equal(service.requests(), 2);

      await tab.mount({ ticketBody: `${BODY} (resolvido?)` });
      assert.deepEqual((await tab.done(3))[2], [textOf(other), true], "another text asks again, but not for another answer");
      assert.match(await tab.line(), /outro texto deste chamado/);
      await tab.photo("9-body-changed");
      assert.equal(tab.page.sent[2].refresh, undefined);
      assert.equal(service.requests(), 2);
      assert.deepEqual(tab.page.problems, []);
    });

    test("StrictMode opens one socket; unmounting leaves neither socket nor timer; coming back goes on", async (t) => {
      const service = await served(t);
      const tab = await open(t, service, {}, { strict: true });
      await tab.grown(20);
      assert.deepEqual(await tab.sockets(), [1]);
      assert.equal(service.chats().length, 1);
      await tab.page.evaluate(() => window.unmount());
      await until("the socket to close", async () => String(await tab.sockets()) === "3");
      await until("the timers to go", () => tab.page.evaluate(() => window.timers.size === 0));
      await until("the handler to end", () => service.chats().length === 0);
      await tab.mount();
      assert.equal((await tab.done())[0][0], ANSWER);
      await assertNeverWrong(tab.page);
      assert.equal((await tab.sockets()).length, 2);
      assert.equal(service.requests(), 1, "the answer was finished without a viewer");
      assert.deepEqual(tab.page.problems, []);
    });

    test("unmounting while it waits to reconnect ends that too", async (t) => {
      const service = await served(t);
      const tab = await open(t, service, {}, { strict: true });
      await tab.grown(1);
      await service.stopWebsocketd();
      await tab.said(/Sem conexão/);
      await tab.page.evaluate(() => window.unmount());
      const { length } = await tab.sockets();
      await until("the timers to go", () => tab.page.evaluate(() => window.timers.size === 0));
      await sleep(1500);
      assert.equal((await tab.sockets()).length, length);
    });

    test("it gives up after half a minute with an error and a button", async (t) => {
      const service = await served(t);
      await service.stopWebsocketd();
      const tab = await open(t, service, {}, { locale: "en-GB", clock: true });
      await tab.said(/No connection/);
      const begun = await tab.page.evaluate(() => Date.now());
      await until("the end", async () => {
        await tab.page.clock.runFor(500);
        return !(await tab.busy());
      });
      const seconds = (await tab.page.evaluate(() => Date.now()) - begun) / 1000;
      assert.ok(seconds > 15, `only ${seconds} s`);
      assert.equal(await tab.line(), "The service cannot be reached.");
      assert.equal((await tab.sockets()).length, 8);
      await tab.photo("10-unreachable");
      await service.startWebsocketd();
      await tab.button("Try again").click();
      assert.deepEqual(await tab.done(), [[ANSWER, false]]);
      assert.deepEqual(tab.page.problems, []);
    });

    test("another ticket starts from nothing", async (t) => {
      const service = await served(t, { replay: [recording("stream-stop")] });
      const tab = await open(t, service);
      assert.deepEqual(await tab.done(), [[textOf("stream-stop"), false]]);
      assert.match(await tab.line(), /Resposta completa/);
      await service.stopOllama();
      await tab.mount({ ticketId: "9007199254740993" });
      await tab.said(/IA está fora do ar/);
      assert.equal(await tab.text(), "");
      await until("the socket to close", async () => String(await tab.sockets()) === "3,3");
      assert.deepEqual(tab.page.problems, []);
    });
  });
}

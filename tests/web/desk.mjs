// Pages of a help desk with <ticket-chat> in them, in front of a scripted service.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { html, openBrowser } from "./browser.mjs";
import { ROOT } from "./documentation.mjs";
import { fakeService } from "./fake.mjs";
import { until } from "./service.mjs";
import { chatIn } from "./sight.mjs";

/** The modules of the element. */
export const MODULES = readdirSync(`${ROOT}/web`).sort().filter((name) => /^ticket-chat.*(?<!-react)\.js$/.test(name));

/** A browser with such pages. */
export async function openDesks() {
  const browser = await openBrowser();
  for (const folder of ["", "/again"])
    for (const name of MODULES) browser.pages.set(`${folder}/${name}`, readFileSync(`${ROOT}/web/${name}`, "utf8"));
  const main = '<html lang="en"><main><h1>Help desk</h1><input aria-label="search"></main>';
  browser.pages.set("/bare.html", html(main));
  browser.pages.set("/desk.html", html(`${main}<script type="module" src="/ticket-chat.js"></script>`));
  return browser;
}

/** Runs in the page: remembers all events of every <ticket-chat>, and what its status has said. */
function listen() {
  window.told = [];
  window.lines = [];
  for (const type of ["frame", "done", "error", "turn"])
    addEventListener(`ticket-chat-${type}`, ({ detail }) => window.told.push([type, detail]));
  window.follow = (chat) => {
    const status = chat.shadowRoot.querySelector("[role=status]");
    new MutationObserver((records) => {
      for (const { addedNodes } of records) // as it was, whatever has become of it since
        if (addedNodes.length) window.lines.push(Array.from(addedNodes, (node) => node.textContent).join(""));
    }).observe(status, { subtree: true, childList: true, characterData: true });
  };
}

/** A page of a help desk; `script` is what the service says. */
export async function openDesk(browser, t, script, { path = "/desk.html", pong, paused = false, ...options } = {}) {
  const fake = await fakeService(script, { pong });
  t.after(() => fake.stop());
  const page = await browser.tab(path, { locale: "en-US", clock: paused, ...options });
  t.after(() => page.context().close());
  if (paused) await page.clock.pauseAt(Date.now() + 60_000); // time passes when told to, by clock.runFor
  await page.evaluate(listen);
  const tab = {
    page, fake, ...chatIn(page),
    /** Puts a <ticket-chat> with these properties into the page. */
    add: (properties) => page.evaluate((given) => {
      window.chat = document.createElement("ticket-chat");
      Object.assign(window.chat, given);
      document.querySelector("main").append(window.chat);
      if (window.chat.shadowRoot) window.follow(window.chat);
    }, { server: fake.server, ticketId: 7, ticketBody: "jam", ...properties }),
    set: (properties) => page.evaluate((given) => void Object.assign(window.chat, given), properties),
    told: (type, n = 1) => until(`${n} ${type}`, async () => {
      const details = (await page.evaluate(() => window.told)).filter(([name]) => name === type).map(([, detail]) => detail);
      return details.length >= n && details;
    }),
    asked: (n = 1) => until(`question ${n}`, () => fake.questions.length >= n && fake.questions),
    lines: () => page.evaluate(() => window.lines),
    focused: () => page.evaluate(() => {
      const inner = document.activeElement.shadowRoot?.activeElement;
      return (inner ?? document.activeElement).className || document.activeElement.localName;
    }),
  };
  return tab;
}

/** Nothing more is asked for half a second. */
export async function quiet(tab, n) {
  await tab.page.waitForTimeout(500);
  assert.equal(tab.fake.questions.length, n);
}

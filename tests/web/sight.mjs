// What a person sees of <ticket-chat>, and what axe says to it. Playwright looks into open shadow roots by itself.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./service.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const SCREENSHOTS = process.env.SCREENSHOTS ?? join(tmpdir(), "ticketchat-screenshots");

export const DESKTOP = { locale: "pt-BR", viewport: { width: 1000, height: 800 } };
export const PHONE = { locale: "en-US", viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/** The one <ticket-chat> of a page. */
export function chatIn(page) {
  const status = page.locator("ticket-chat [role=status]");
  const chat = {
    status: () => status.innerText(),
    said: (words) => until(`the status ${words}`, async () => {
      const text = (await status.count()) ? await status.innerText() : "";
      return words.test(text) && text;
    }),
    answer: () => page.locator("ticket-chat section").textContent(),
    grown: (length = 1) => until(`${length} characters`, async () => (await chat.answer()).length >= length),
    busy: () => page.locator("ticket-chat section").evaluate((section) => section.ariaBusy === "true"),
    button: (name) => page.locator("ticket-chat").getByRole("button", { name }),
    elapsed: () => page.locator("ticket-chat time").textContent(),
    sockets: () => page.evaluate(() => window.sockets.map((socket) => socket.readyState)), // 1: open
  };
  return chat;
}

/** axe finds nothing to complain about. */
export async function accessible(page, what) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  const { violations } = await page.evaluate((values) => window.axe.run(document, { runOnly: { type: "tag", values } }), RULES);
  const found = violations.map(({ id, help, nodes }) =>
    `${id}: ${help}\n${nodes.map(({ target, failureSummary }) => `    ${target.join(" ")}\n    ${failureSummary}`).join("\n")}`);
  assert.deepEqual(found, [], `${what}:\n${found.join("\n")}`);
}

/** A state, in the light and in the dark: for axe, and as pictures to look at. Nothing may be wider than the screen. */
export async function look(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await accessible(page, `${name}, ${colorScheme}`);
    await page.screenshot({ path: `${SCREENSHOTS}/${name}-${colorScheme}.png` });
  }
  const { scrollWidth, clientWidth } = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return { scrollWidth, clientWidth };
  });
  assert.ok(scrollWidth <= clientWidth, `${name}: ${scrollWidth} pixels wide in ${clientWidth}`);
}

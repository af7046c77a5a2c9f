// A real Chromium with the component in a page, for both versions of React.
import { createServer } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { ROOT } from "./documentation.mjs";
import { DEADLINE, until } from "./service.mjs";

const WEB = `${ROOT}/tests/web`;
// Each window has two pages for what the address bar suggests, which cost more than ours.  Chromium takes only the last of
// these flags: behind them is what Playwright switches off.
const FEATURES = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "AutoDeElevate", "AvoidUnnecessaryBeforeUnloadCheckSync",
  "BoundaryEventDispatchTracksNodeRemoval", "DestroyProfileOnBrowserClose", "DialMediaRouteProvider", "GlobalMediaControls",
  "HttpsUpgrades", "LensOverlay", "MediaRouter", "OptimizationHints", "PaintHolding", "RenderDocument",
  "ThirdPartyStoragePartitioning", "Translate"];
export const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", `--disable-features=${FEATURES}`];

// Chromium without what is around the page takes a third less of a processor.
export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium-headless-shell";

export const VERSIONS = ["18", "19"];
const SCREENSHOTS = process.env.SCREENSHOTS ?? join(tmpdir(), "ticketchat-screenshots");

/** Bundles a script with one version of React. */
export async function bundle(react, source, options = {}) {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: WEB, loader: "tsx" },
    alias: { react: `${WEB}/node_modules/react${react}`, "react-dom": `${WEB}/node_modules/react-dom${react}` },
    bundle: true, write: false, jsx: "automatic", format: "iife", logLevel: "error",
    define: { "process.env.NODE_ENV": '"development"' }, // StrictMode mounts twice in development only
    ...options,
  });
  return outputFiles[0].text;
}

/** What a server renders: HTML, made without a browser. */
export async function renderOnServer(react, props) {
  const code = await bundle(react, `
    import { renderToString } from "react-dom/server";
    import { TicketChat } from "../../web/TicketChat";
    export const html = renderToString(<TicketChat {...${JSON.stringify(props)}} />);`, { format: "cjs", platform: "node" });
  const folder = mkdtempSync(join(tmpdir(), "ticketchat-ssr-"));
  const had = Object.getOwnPropertyDescriptor(globalThis, "WebSocket");
  globalThis.WebSocket = class { constructor() { throw new Error("a WebSocket on the server"); } };
  try {
    writeFileSync(`${folder}/ssr.cjs`, code);
    return createRequire(import.meta.url)(`${folder}/ssr.cjs`).html;
  } finally {
    if (had) Object.defineProperty(globalThis, "WebSocket", had);
    else delete globalThis.WebSocket;
    rmSync(folder, { recursive: true });
  }
}

/** Runs in the page before everything else: remembers sockets, timers and every text that was ever shown. */
function watch() {
  window.sockets = [];
  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      window.sockets.push(this);
    }
  };
  window.timers = new Set();
  for (const [set, clear, once] of [["setTimeout", "clearTimeout", true], ["setInterval", "clearInterval", false]]) {
    const [realSet, realClear] = [window[set], window[clear]];
    window[set] = (callback, ...rest) => {
      const id = realSet((...args) => {
        if (once) window.timers.delete(id);
        callback(...args);
      }, ...rest);
      window.timers.add(id);
      return id;
    };
    window[clear] = (id) => {
      window.timers.delete(id);
      realClear(id);
    };
  }
  window.texts = [];
  const { attachShadow } = Element.prototype;
  Element.prototype.attachShadow = function (...args) {
    const root = attachShadow.apply(this, args);
    new MutationObserver(() => {
      const text = root.querySelector("section")?.textContent ?? "";
      if (text !== (window.texts.at(-1) ?? "")) window.texts.push(text);
    }).observe(root, { subtree: true, childList: true, characterData: true });
    return root;
  };
}

const bundles = {}; // of who asks for them

/** With keepPages it does as browsers do: a page that is left may come back as it was. Only the whole browser can. */
export async function openBrowser({ flags = [], keepPages = false } = {}) {
  const browser = await chromium.launch({
    executablePath: keepPages ? process.env.CHROMIUM ?? "/usr/bin/chromium" : CHROMIUM, args: [...FLAGS, ...flags],
    ignoreDefaultArgs: keepPages ? ["--disable-back-forward-cache"] : [],
  });
  const pages = new Map(); // path -> body, or what makes it
  const server = createServer(async (request, response) => {
    const page = pages.get(request.url);
    const body = typeof page === "function" ? await page() : page;
    response.writeHead(body === undefined ? 404 : 200,
      { "Content-Type": request.url.endsWith(".js") ? "text/javascript; charset=utf-8" : "text/html; charset=utf-8" });
    response.end(body);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  pages.set("/favicon.ico", "");
  for (const react of VERSIONS) {
    pages.set(`/${react}.js`, () => (bundles[react] ??= bundle(react, 'import "./page";')));
    pages.set(`/${react}.html`, html(`<div id="root"></div><script src="/${react}.js"></script>`));
  }

  return {
    origin, pages,

    /** A tab at a path of ours or an address; its problems (exceptions, console errors) are collected. */
    async tab(path, { locale = "pt-BR", clock = false, ...options } = {}) {
      const context = await browser.newContext({ locale, timezoneId: "America/Sao_Paulo", viewport: { width: 640, height: 480 }, ...options });
      const page = await context.newPage();
      page.setDefaultTimeout(DEADLINE);
      page.problems = [];
      page.sent = [];
      page.received = [];
      page.on("pageerror", (error) => page.problems.push(String(error)));
      page.on("console", (message) => {
        // Chromium itself reports each failed connection.
        if (["error", "warning"].includes(message.type()) && !/^WebSocket connection to .* failed/.test(message.text()))
          page.problems.push(message.text());
      });
      page.on("websocket", (socket) => {
        socket.on("framesent", ({ payload }) => page.sent.push(JSON.parse(payload)));
        socket.on("framereceived", ({ payload }) => page.received.push(payload));
      });
      if (clock) await page.clock.install(); // for tests that need not wait themselves
      await page.addInitScript(watch);
      await page.goto(new URL(path, origin).href);
      return page;
    },

    async stop() {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const html = (body) => `<!doctype html><meta charset="utf-8"><title>test</title><body>${body}`;

/** What a person sees in a tab of the one <ticket-chat> in it. */
export function seen(page) {
  const part = (selector, field = "textContent") => page.evaluate(([selector, field]) =>
    document.querySelector("ticket-chat")?.shadowRoot?.querySelector(selector)?.[field] ?? "", [selector, field]);
  return {
    text: () => part("section"),
    line: () => part(".line"),
    time: () => part("time"),
    button: (name) => page.getByRole("button", { name }),
    busy: async () => /\bbusy\b/.test(await part(".chat", "className")),
    idle: () => until("the end of the question", async () => !/\b(busy|idle)\b|^$/.test(await part(".chat", "className"))),
    done: (n = 1) => until(`${n} complete answers`, () => page.evaluate((n) => window.done.length >= n && window.done, n)),
    said: (words) => until(`the line ${words}`, async () => {
      const line = await part(".line");
      return words.test(line) && line;
    }),
    grown: (length = 1) => until(`${length} characters`, async () => (await part("section")).length >= length),
    sockets: () => page.evaluate(() => window.sockets.map((socket) => socket.readyState)), // 1: open
    photo: (name) => page.screenshot({ path: `${SCREENSHOTS}/${name}.png` }),
  };
}

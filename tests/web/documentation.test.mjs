// websocket.md is true: what it prints is what there is, and runs as printed.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { html, openBrowser, VERSIONS } from "./browser.mjs";
import { blocks, only, ROOT } from "./documentation.mjs";
import { DEADLINE, recording, start, textOf, until } from "./service.mjs";

const markdown = readFileSync(`${ROOT}/websocket.md`, "utf8");

/** What a frontend person is told to copy for the React component. */
const copied = markdown.match(/or copy from `web\/` into one folder [^:]*:\n([^]*?)\.$/m)[1].split(/,\s+/).map((name) => name.replaceAll("`", ""));

test("the files to be copied are all that it takes, and their types name what they export", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "ticketchat-copy-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const file of copied) copyFileSync(`${ROOT}/web/${file}`, `${folder}/${file}`);
  await build({ entryPoints: ["ticket-chat-react.js", "TicketChat.tsx"].map((name) => `${folder}/${name}`), outdir: folder, bundle: true, write: false, external: ["react", "react/*"], logLevel: "silent" });
  for (const file of copied.filter((name) => name.endsWith(".d.ts"))) {
    const types = readFileSync(`${folder}/${file}`, "utf8");
    const path = `${folder}/${file.replace(".d.ts", ".mjs")}`;
    await build({ entryPoints: [`${folder}/${file.replace(".d.ts", ".js")}`], outfile: path, bundle: true, format: "esm", alias: { react: `${ROOT}/tests/web/node_modules/react19` }, platform: "node", logLevel: "silent" });
    const module = await import(path);
    const named = [...types.matchAll(/^export (?:declare )?(?:class|function|const) (\w+)/gm)].map(([, name]) => name);
    assert.ok(named.length > 0, file);
    for (const name of named) assert.ok(name in module, `${name} of ${file}`);
  }
});

for (const react of VERSIONS) {
  test(`component, usage example and test page are strict TypeScript for React ${react}`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), "ticketchat-tsc-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const modules = `${ROOT}/tests/web/node_modules`;
    for (const file of copied) copyFileSync(`${ROOT}/web/${file}`, `${folder}/${file}`);
    writeFileSync(`${folder}/TicketPage.tsx`, only(markdown, "tsx usage").text.replace("ticketchat/react", "./ticket-chat-react.js"));
    writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({
      compilerOptions: {
        strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, noImplicitReturns: true,
        noImplicitOverride: true, noFallthroughCasesInSwitch: true, noUnusedLocals: true, noUnusedParameters: true,
        noPropertyAccessFromIndexSignature: true, isolatedModules: true, verbatimModuleSyntax: true,
        noEmit: true, jsx: "react-jsx", target: "ES2021", lib: ["ES2021", "DOM"], module: "ESNext", moduleResolution: "Bundler", types: [],
        paths: Object.fromEntries(["react", "react-dom"].flatMap((name) => [
          [name, [`${modules}/types-${name}${react}`]], [`${name}/*`, [`${modules}/types-${name}${react}/*`]]])),
      },
      files: ["TicketChat.tsx", "TicketPage.tsx", `${ROOT}/tests/web/page.tsx`],
    }));
    const tsc = spawnSync(process.execPath, [`${modules}/typescript/bin/tsc`, "-p", folder], { encoding: "utf8" });
    assert.equal(tsc.stdout + tsc.stderr, "");
    assert.equal(tsc.status, 0);
  });
}

test("every JSON example is one valid message", () => {
  const examples = blocks(markdown).filter(({ info }) => info === "json").map(({ text }) => JSON.parse(text));
  const types = new Set(examples.map(({ type }) => type));
  for (const type of ["open", "rate", "write", "stop", "ping", "pong", "stream", "cached", "done", "error", "status"]) assert.ok(types.has(type), type);
});

test("every error code is in the table, with the right word about a retry", () => {
  const table = new Map([...markdown.matchAll(/^\| `([a-z_]+)` \| (yes|no) \|/gm)].map((m) => [m[1], m[2]]));
  const source = readFileSync(`${ROOT}/lib/frame/failure.c`, "utf8");
  const codes = [...source.matchAll(/\{ "([a-z_]+)", (true|false),/g)].filter(([, code]) => code !== "none");
  assert.ok(codes.length > 20, `lib/frame/failure.c was not understood: ${codes.length} codes`);
  for (const [, code, retryable] of codes) assert.equal(table.get(code), retryable === "true" ? "yes" : "no", code);
});

test("the limits are those of the service", () => {
  const source = ["lib/base/limit.h", "handlers/chat.c"].map((file) => readFileSync(`${ROOT}/${file}`, "utf8")).join("");
  const define = (name) => source.match(new RegExp(`#define\\s+${name}\\s+(.+)`))?.[1];
  assert.equal(define("FRAME_MAX"), "4000");
  assert.equal(define("QUESTIONS_WAITING"), "4");
  assert.equal(define("MESSAGE_DEPTH"), "64");
  assert.equal(define("MESSAGE_TIMEOUT"), "2000");
  assert.equal(define("MESSAGE_MAX\\(text\\)"), "((text) * 6 + 32768)"); // 425,984 with MAX_TICKET_BYTES=65536
});

test("the plain JavaScript runs as printed", async (t) => {
  const service = await start({ replay: ["--pace", 20, recording("stream-emoji")] });
  t.after(() => service.stop());
  // The address in the text is the default one; here it leads to our port.
  const browser = await openBrowser({ flags: [`--host-resolver-rules=MAP localhost:5000 127.0.0.1:${service.port}`] });
  t.after(() => browser.stop());
  browser.pages.set("/plain.js", only(markdown, "js").text);
  browser.pages.set("/plain.html", html('<pre id="answer"></pre><script src="/plain.js"></script>'));
  for (const load of ["cold", "cached"]) {
    const page = await browser.tab("/plain.html");
    await until(`the ${load} answer`, () => page.evaluate("ended && socket.readyState === WebSocket.CLOSED"));
    assert.equal(await page.locator("#answer").textContent(), textOf("stream-emoji"));
    assert.deepEqual(page.problems, []);
    await page.context().close();
  }
  assert.equal(service.requests(), 1);

  await service.stopOllama();
  const page = await browser.tab("/plain.html");
  await page.evaluate("ended = false; output.textContent = ''");
  await page.route("**/plain.js", (route) => route.fulfill({ body: only(markdown, "js").text.replace("chat/42", "chat/43") }));
  await page.reload();
  await until("the error", () => page.evaluate("ended"));
  assert.match(await page.locator("#answer").textContent(), /^\n\[.*(?:AI|IA) .*\]$/);
});

test("the element runs as printed", async (t) => {
  const service = await start({ replay: [recording("stream-stop")] });
  t.after(() => service.stop());
  const browser = await openBrowser({ flags: [`--host-resolver-rules=MAP localhost:5000 127.0.0.1:${service.port}`] });
  t.after(() => browser.stop());
  browser.pages.set("/element.html", html(only(markdown, "html").text));
  /* And in a page that allows no more than what is printed. */
  const policy = only(markdown, "csp").text.trim();
  browser.pages.set("/strict.html", `<!doctype html><head><title>test</title><link rel="icon" href="data:,">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; ${policy}"></head>${only(markdown, "html").text}`);
  for (const path of ["/element.html", "/strict.html"]) {
    const page = await browser.tab(path);
    t.after(() => page.context().close());
    await page.getByText(textOf("stream-stop").trim()).waitFor();
    assert.deepEqual(page.problems, []);
  }
});

test("the client alone runs as printed", async (t) => {
  const service = await start({ replay: ["--pace", 20, recording("stream-emoji")] });
  t.after(() => service.stop());
  const browser = await openBrowser({ flags: [`--host-resolver-rules=MAP localhost:5000 127.0.0.1:${service.port}`] });
  t.after(() => browser.stop());
  browser.pages.set("/ticket-chat-client.js", readFileSync(`${ROOT}/web/ticket-chat-client.js`, "utf8"));
  browser.pages.set("/example.js", only(markdown, "js client").text);
  browser.pages.set("/example.html", html('<pre id="answer"></pre><script type="module" src="/example.js"></script>'));
  const page = await browser.tab("/example.html");
  t.after(() => page.context().close());
  const says = (text) => until(text, async () => (await page.locator("#answer").textContent()) === text);
  await says(textOf("stream-emoji"));
  await until("the handler to end", () => service.chats().length === 0);
  await service.stopWebsocketd();
  await page.clock.install();
  await page.reload();
  await until("the end", async () => {
    await page.clock.runFor(1000);
    return /\n\[no connection\]$/.test(await page.locator("#answer").textContent());
  });
  assert.deepEqual(page.problems, []);
});

test("the shell line runs as printed", async (t) => {
  const service = await start({ replay: [recording("stream-emoji")] });
  t.after(() => service.stop());
  const line = blocks(markdown).filter(({ info }) => info === "sh").map(({ text }) => text).find((text) => text.startsWith("printf"));
  const { stdout, stderr, status } = spawnSync("sh", ["-c", line], { cwd: ROOT, env: service.env, encoding: "utf8", timeout: DEADLINE });
  assert.equal(status, 0, stderr);
  const frames = stdout.trim().split("\n").map((frame) => JSON.parse(frame));
  assert.equal(frames.at(-1).type, "done");
  assert.equal(frames.map((frame) => frame.content ?? "").join(""), textOf("stream-emoji"));
});

test("the links inside lead somewhere", () => {
  const anchors = [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title]) => `#${title.toLowerCase().replace(/[^\w -]/g, "").replace(/ /g, "-")}`);
  const links = [...markdown.matchAll(/\]\((#[^)]+)\)/g)].map(([, link]) => link);
  assert.ok(links.length > 3);
  for (const link of links) assert.ok(anchors.includes(link), link);
  for (const [, file] of markdown.matchAll(/`((?:web|tests|lib)\/[\w./]+)`/g)) assert.ok(existsSync(`${ROOT}/${file}`), file);
});

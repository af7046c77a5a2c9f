// web/ as a package: what Node and bundlers make of it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { VERSIONS } from "./browser.mjs";
import { ROOT } from "./documentation.mjs";

const MODULES = `${ROOT}/tests/web/node_modules`;
const PACKAGE = JSON.parse(readFileSync(`${ROOT}/web/package.json`, "utf8"));
const ENTRIES = Object.keys(PACKAGE.exports).filter((name) => !name.endsWith(".json"));

let folder; // with one project for each React, which has installed what `npm pack' made
before(() => {
  folder = mkdtempSync(join(tmpdir(), "ticketchat-package-"));
  const pack = spawnSync("npm", ["pack", "--silent", "--pack-destination", folder, `${ROOT}/web`], { encoding: "utf8" });
  assert.equal(pack.status, 0, pack.stderr);
  for (const react of VERSIONS) {
    const modules = `${folder}/${react}/node_modules`;
    mkdirSync(`${modules}/@types`, { recursive: true });
    mkdirSync(`${modules}/ticketchat`);
    const { status } = spawnSync("tar", ["-xzf", `${folder}/${pack.stdout.trim()}`, "-C", `${modules}/ticketchat`, "--strip-components=1"]);
    assert.equal(status, 0);
    for (const name of ["react", "react-dom"]) {
      cpSync(`${MODULES}/${name}${react}`, `${modules}/${name}`, { recursive: true }); // a link would be looked through
      cpSync(`${MODULES}/types-${name}${react}`, `${modules}/@types/${name}`, { recursive: true });
    }
    for (const name of ["csstype", "@types/prop-types"]) symlinkSync(`${MODULES}/${name}`, `${modules}/${name}`);
    writeFileSync(`${folder}/${react}/package.json`, '{ "type": "module" }');
  }
});
after(() => folder && rmSync(folder, { recursive: true }));

/** Options that make this Node as strict about modules as Node 18 is: a file is one where its package says so. */
const STRICT = ["--no-experimental-detect-module", "--no-experimental-require-module"]
  .filter((flag) => process.allowedNodeEnvironmentFlags.has(flag.replace("--no-", "--")));

/** Runs a module and tells what it printed. */
function run(source, { cwd = ROOT, flags = STRICT } = {}) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, "--input-type=module", "--eval", source], { cwd, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

test("Node takes the words and the client for modules, as old as it may be", () => {
  for (const name of ["page-words", "ticket-chat-words", "ticket-chat-client", "ticket-chat-markdown"])
    assert.match(run(`console.log(Object.keys(await import(${JSON.stringify(`${ROOT}/web/${name}.js`)})).join())`), /\w/, name);
  assert.equal(run('import { words } from "./web/ticket-chat-words.js"; console.log(words("en").stop);'), "Stop");
});

test("every entry of the package is there, with its types, and nothing of the page is", () => {
  const root = `${folder}/18/node_modules/ticketchat`;
  assert.ok(ENTRIES.length >= 5);
  for (const name of ENTRIES) for (const file of Object.values(PACKAGE.exports[name])) assert.ok(existsSync(`${root}/${file}`), file);
  for (const file of ["page.js", "page.css", "index.html", "page-words.js"]) assert.equal(existsSync(`${root}/${file}`), false, file);
});

for (const react of VERSIONS) {
  const cwd = () => `${folder}/${react}`;

  test(`Node loads every entry, and renders on a server, beside React ${react}`, () => {
    for (const name of ENTRIES) {
      const specifier = name.replace(/^\./, "ticketchat");
      assert.match(run(`console.log(Object.keys(await import("${specifier}")).join())`, { cwd: cwd() }), /\w/, specifier);
    }
    const rendered = run(`
      import { createElement } from "react";
      import { renderToString } from "react-dom/server";
      import { TicketChat } from "ticketchat/react";
      console.log(renderToString(createElement(TicketChat, { ticketId: 42, ticketBody: "jam", className: "wide", lang: "en" })));`, { cwd: cwd() });
    assert.equal(rendered, '<ticket-chat lang="en" class="ticket-chat wide"></ticket-chat>');
  });

  const resolution = react === "18" ? "node16" : "bundler";
  test(`component and element are typed in JSX, React ${react}, resolved as ${resolution}`, () => {
    writeFileSync(`${cwd()}/page.tsx`, `
      import { useRef } from "react";
      import { TicketChat, useTicketChat, type TicketChatProps } from "ticketchat/react";
      import type { TicketChat as Element } from "ticketchat";
      import { endpoint, ticketNumber } from "ticketchat/client";
      import { words } from "ticketchat/words";
      import { MarkdownView } from "ticketchat/markdown";
      export const props: TicketChatProps = { ticketId: "42", ticketBody: "jam", onDone: (answer, kept, whole) => console.log(answer.length, kept, whole.version) };
      // @ts-expect-error
      export const wrong: TicketChatProps = { ticketId: "42", ticketBody: 42 };
      export function Page() {
        const chat = useRef<Element>(null);
        const { view, show } = useTicketChat({ ticketId: 42, ticketBody: words("en").stop + endpoint("/", ticketNumber(42)) + MarkdownView.name });
        // @ts-expect-error
        const odd = <ticket-chat ticket-body={42} />;
        return <>
          <TicketChat ref={chat} {...props} style={{ margin: 0 }} onClick={() => chat.current?.refresh()} onError={({ code }) => console.log(code)} />
          <ticket-chat ticket-id="42" ticket-body="jam" manual lang="es" ref={chat} className="wide" />
          <TicketChat ticketId={7} lazy thread="off" ratings={false} write onTurn={({ question, session }) => console.log(question.length, session)} />
          <ticket-chat ticket-id="42" lazy thread="off" ratings="off" write="off" />
          <p onClick={() => show(1)}>{view.viewers}{odd}</p>
        </>;
      }`);
    const { stdout } = spawnSync(process.execPath, [`${MODULES}/typescript/bin/tsc`, "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--jsx", "react-jsx",
      "--target", "es2022", "--module", resolution === "bundler" ? "esnext" : "node16", "--moduleResolution", resolution, "page.tsx"],
    { cwd: cwd(), encoding: "utf8" });
    assert.equal(stdout, "");
  });
}

test("what Next.js asks of a component for browsers stands first in it", () => {
  for (const name of ["ticket-chat-react.js", "TicketChat.tsx"]) assert.match(readFileSync(`${ROOT}/web/${name}`, "utf8"), /^"use client";\n/, name);
});

test("no module asks a bundler for a file beside it, and in a bundle the page's own server is asked", async () => {
  const { outputFiles: [{ text }], warnings } = await build({
    stdin: { contents: 'import "ticketchat";', resolveDir: `${folder}/19` }, bundle: true, write: false, format: "esm", logLevel: "silent",
  });
  assert.deepEqual(warnings, []);
  assert.doesNotMatch(text, /new URL\([^()]*import\.meta/);
  const home = text.match(/HOME = (.+);/)[1];
  const at = (url) => Function("meta", `return ${home.replaceAll("import.meta", "meta")}`)({ url });
  assert.equal(at("http://desk.example/ai/ticket-chat.js"), "http://desk.example/ai/");
  assert.equal(at("https://desk.example/ticket-chat.js?v=2"), "https://desk.example/");
  for (const url of [undefined, "file:///srv/app/node_modules/ticketchat/ticket-chat.js", "https://app.example/assets/index-3f2a.js",
    "http://localhost:5173/node_modules/.vite/deps/ticketchat.js?v=1"]) assert.equal(at(url), "/", url);
});

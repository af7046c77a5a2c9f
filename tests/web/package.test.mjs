// web/ as a package: what Node and bundlers make of it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { ROOT } from "./documentation.mjs";

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

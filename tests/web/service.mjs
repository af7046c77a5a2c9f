// Starts the real service for a test: websocketd, the handlers in build/ and a replayed Ollama, all on free loopback
// ports and in a temporary folder; stops what it started, by pid, and removes the folder.
//
//     const service = await start({ replay: ["--pace", "40", recording("stream-emoji")] });
//     service.server                  "ws://127.0.0.1:PORT", for the component
//     await service.stop();
//
// CHAT, BIN, WEB_FILES, REPLAY and RECORDINGS name others than those of build/ and tests/, for trying the suite itself.
import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "./documentation.mjs";

export const DEADLINE = 60_000; // generous: the machine may be busy
const CHAT = process.env.CHAT ?? `${ROOT}/build/libexec/chat`;
export const BIN = process.env.BIN ?? `${ROOT}/build/bin`;
const RECORDINGS = process.env.RECORDINGS ?? `${ROOT}/tests/ollama`;
const REPLAY = process.env.REPLAY ?? `${ROOT}/build/tests/replay`;
const WEB = process.env.WEB_FILES ?? `${ROOT}/build/web`;

const folders = new Set();
process.on("exit", () => folders.forEach(sweep)); // only if a test died half-way
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

/** A recorded answer of Ollama. */
export const recording = (name) => {
  const file = ["http", "response.http"].map((end) => `${RECORDINGS}/${name}.${end}`).find(existsSync);
  if (!file) throw new Error(`no recording ${name} in ${RECORDINGS}`);
  return file;
};

/** The text that a recording holds. */
export const textOf = (name) =>
  readFileSync(recording(name), "utf8")
    .split(/\r?\n/)
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line).response ?? "")
    .join("");

/** Calls check until it returns something truthy. */
export async function until(what, check, deadline = DEADLINE) {
  for (const end = Date.now() + deadline; ; await sleep(30)) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`timed out waiting for ${what}`);
  }
}

/** Below those that the kernel gives to whoever connects: nobody else takes it before it is listened on. */
export async function freePort() {
  for (;;) {
    const port = 10000 + Math.floor(Math.random() * 22000);
    const server = createServer().listen(port, "127.0.0.1");
    const free = await new Promise((resolve) => server.once("listening", () => resolve(true)).once("error", () => resolve(false)));
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** Processes with this text in their environment: ours, whatever they have become a child of. */
function processesWith(text) {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return pid !== process.pid && readFileSync(`/proc/${pid}/environ`, "utf8").includes(text);
    } catch {
      return false;
    }
  });
}

function sweep(folder, tries = 20) {
  for (const pid of processesWith(`TICKETCHAT_RUN_DIR=${folder}/`)) kill(pid, "SIGKILL");
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  } catch (e) {
    // Somebody was about to start, or had not died yet, and made a file.
    if (tries === 0) throw e;
    sweep(folder, tries - 1);
  }
  folders.delete(folder);
}

function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // gone already
  }
}

async function end(child, signal = "SIGTERM") {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  kill(child.pid, signal);
  await gone;
}

/** What run.sh tells websocketd about the page. */
function pageFlags() {
  const script = 'web=$1 checkout=yes flags=; eval "$(sed -n "/^web_flags()/,/^}/p" "$2")"; web_flags; printf %s "$flags"';
  const flags = spawnSync("sh", ["-euc", script, "sh", WEB, `${ROOT}/run.sh`], { encoding: "utf8" }).stdout.split("\n").filter(Boolean);
  if (flags.length < 2) throw new Error("run.sh has no flags for the page");
  return flags;
}

export async function start({ replay, env: settings = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "ticketchat-web-"));
  folders.add(folder);
  mkdirSync(`${folder}/run`, { mode: 0o700 });
  const port = await freePort();
  const upstream = await freePort();
  const env = {
    PATH: process.env.PATH,
    TICKETCHAT_DATABASE: `${folder}/t.db`,
    TICKETCHAT_RUN_DIR: `${folder}/run`,
    TICKETCHAT_LOG: `${folder}/log`,
    OLLAMA_SERVER: `http://127.0.0.1:${upstream}/api/generate`,
    OLLAMA_MODEL: "replay",
    TICKETCHAT_AUTH: "off", // without it chat believes that 0.1 has started websocketd
    ...settings,
  };
  let websocketd;
  let ollama;

  async function listening(p) {
    await until(`port ${p}`, () => new Promise((resolve) => {
      const socket = connect(p, "127.0.0.1");
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    }));
  }

  const service = {
    folder, port, env,
    server: `ws://127.0.0.1:${port}`,
    page: `http://127.0.0.1:${port}/`,
    url: (ticket) => `ws://127.0.0.1:${port}/api/websocket/chat/${ticket}`,

    /** The replayed Ollama, always on the same port. */
    async startOllama(options) {
      ollama = spawn(REPLAY, ["-p", upstream, "--log", `${folder}/requests`, ...options].map(String),
        { env, stdio: ["ignore", "ignore", "inherit"] });
      await listening(upstream);
    },
    stopOllama: () => end(ollama),

    async startWebsocketd() {
      const names = Object.keys(env).join(",");
      websocketd = spawn("websocketd", [`--port=${port}`, "--address=127.0.0.1", "--loglevel=fatal",
        `--passenv=${names}`, ...pageFlags(), CHAT], { env, cwd: folder, stdio: ["ignore", "inherit", "ignore"] });
      await listening(port);
    },
    stopWebsocketd: () => end(websocketd, "SIGKILL"),
    /** Takes connections, but says nothing; until resume() or stop(). */
    pause: () => kill(websocketd?.pid, "SIGSTOP"),
    resume: () => kill(websocketd?.pid, "SIGCONT"),

    /** The chat processes: one per open connection. */
    chats: () => readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
      try {
        return Number(readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) \S+ /s, "").split(" ")[0]) === websocketd.pid;
      } catch {
        return false;
      }
    }),
    /** The answer processes: one per running generation. */
    generators: () => processesWith(`TICKETCHAT_RUN_DIR=${folder}/`).filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/comm`, "utf8").split("-")[0].trim() === "answer";
      } catch {
        return false;
      }
    }),
    kill: (pid) => kill(pid, "SIGKILL"),

    /** How often the model was asked. */
    requests() {
      const log = `${folder}/requests`;
      return existsSync(log) ? (readFileSync(log, "utf8").match(/^request .*POST/gm) ?? []).length : 0;
    },

    log: () => (existsSync(env.TICKETCHAT_LOG) ? readFileSync(env.TICKETCHAT_LOG, "utf8") : ""),

    async stop() {
      service.resume();
      await end(websocketd);
      await end(ollama);
      if (process.env.KEEP_LOGS) appendFileSync(process.env.KEEP_LOGS, service.log());
      sweep(folder);
    },
  };

  if (existsSync(`${BIN}/sessions`)) {
    const migrated = spawnSync(`${BIN}/sessions`, ["migrate"], { env, encoding: "utf8" });
    if (migrated.status !== 0) throw new Error(`sessions migrate: ${migrated.status} ${migrated.stderr}`);
  }
  try {
    if (replay) await service.startOllama(replay);
    await service.startWebsocketd();
  } catch (error) {
    await service.stop();
    throw error;
  }
  return service;
}

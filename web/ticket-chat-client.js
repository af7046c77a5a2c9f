/*
 * The protocol of websocket.md for one ticket of one service; displays nothing. Types and use: ticket-chat-client.d.ts.
 * A listener may call any method: each calls the listeners last. EventTarget reports what they throw.
 */
const PING_MS = 25_000; // proxies cut connections that are silent for a minute
const ALIVE_MS = 5_000; // then a silent connection is dead
const CONNECT_MS = 15_000; // the maximum time of a handshake
const STABLE_MS = 60_000; // after this time the tries count from zero again
const MAX_TRIES = 8; // half a minute in all
const MAX_TICKET = 2n ** 63n - 1n;
const MOST = 6; // connections of one page's lazy elements at a time
const PAGE_EVENTS = ["visibilitychange", "online", "offline", "pagehide"];

const UNKNOWN = { position: undefined, viewers: undefined };
const FRESH = { fresh: true, partial: false, cached: undefined, version: undefined, versions: undefined, session: undefined, sources: undefined, turns: [] };
const IDLE = { state: "idle", text: "", fresh: false, partial: false, turns: [] };

/* The ends that the client itself makes; their `message' is up to the page. */
const LOST = { type: "error", code: "connection_lost", message: "", retryable: true };
const STOPPED = { type: "error", code: "stopped", message: "", retryable: true };

export function ticketNumber(id) {
  const digits = String(id ?? "").normalize("NFKC").trim().replace(/^#\s*/, "").replace(/^0+(?=\d)/, "");
  return /^[1-9]\d{0,18}$/.test(digits) && BigInt(digits) <= MAX_TICKET ? digits : "";
}

export function endpoint(server, ticketId) {
  const url = new URL(server, globalThis.location?.href);
  url.protocol = url.protocol.replace(/^http/, "ws");
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/api/websocket/chat/${encodeURIComponent(ticketNumber(ticketId) || ticketId)}`;
  url.search = url.hash = "";
  return url.href;
}

const hidden = () => globalThis.document?.visibilityState === "hidden";
const offline = () => globalThis.navigator?.onLine === false;

/* Of lazy clients: the sockets until they are closed, and what waits for its turn. */
const going = new Set();
const waiting = new Set();

function admit() {
  for (const open of waiting) {
    if (going.size >= MOST) return;
    waiting.delete(open);
    open();
  }
}

function release(socket) {
  if (going.delete(socket)) queueMicrotask(admit);
}

export class TicketChatClient {
  #options;
  #view = IDLE;
  #changes = new EventTarget();
  #question;
  #socket;
  #timer; // until the next connection, the end of a handshake or the next ping
  #opened = 0;
  #tries = 0;
  #unanswered = false;
  #stopping = false;

  constructor(options) {
    this.#options = options;
    this.token = options.token;
    this.lang = options.lang;
  }

  get view() {
    return this.#view;
  }

  subscribe = (listener) => {
    const call = () => listener();
    this.#changes.addEventListener("change", call);
    return () => this.#changes.removeEventListener("change", call);
  };

  ask(question = this.#question) {
    this.#leave();
    this.#question = question;
    this.#tries = 0;
    this.#stopping = false;
    for (const type of PAGE_EVENTS) globalThis.addEventListener?.(type, this.#onPage);
    this.#timer = setTimeout(this.#connect); // not at once, because React's StrictMode closes first
    this.#show({ state: "connecting", ...UNKNOWN, fresh: false, end: undefined });
  }

  stop() {
    if (!this.#busy) return;
    if (this.#socket?.readyState !== WebSocket.OPEN) return this.#end(STOPPED);
    this.#stopping = true; // a reconnect must not start the answer again
    this.#send({ type: "stop", token: this.token });
    this.#probe();
  }

  add(turn) {
    this.#show({ turns: [...this.#view.turns, turn] });
  }

  close() {
    this.#leave();
    if (this.#busy) this.#show({ state: "idle", fresh: false });
  }

  get #busy() {
    return this.#view.state !== "idle" && !this.#view.end;
  }

  #show(change) {
    this.#view = { ...this.#view, ...change };
    this.#changes.dispatchEvent(new Event("change"));
  }

  #end(end, change) {
    this.#leave();
    this.#show({ ...change, end });
  }

  #leave() {
    this.#hangUp();
    for (const type of PAGE_EVENTS) globalThis.removeEventListener?.(type, this.#onPage);
  }

  #hangUp() {
    clearTimeout(this.#timer);
    waiting.delete(this.#open);
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onerror = null;
    socket.onclose = () => release(socket);
    if (socket.readyState === WebSocket.CLOSED) release(socket);
    socket.close(1000);
  }

  #send(message) {
    // The service refuses half an emoji; older browsers have no toWellFormed.
    this.#socket.send(JSON.stringify(message, (key, value) => typeof value === "string" && value.toWellFormed?.() || value));
  }

  /* No terminal frame came. Without a network there is only a first try, for a service on this computer. */
  #lost = () => {
    this.#hangUp();
    if (offline() || (this.#opened && Date.now() - this.#opened > STABLE_MS)) this.#tries = 0;
    const over = ++this.#tries >= MAX_TRIES;
    if (this.#stopping || (over && !hidden())) return this.#end(LOST);
    const pause = Math.min(250 * 2 ** this.#tries, 10_000) * (0.5 + Math.random() / 2);
    if (!over && !offline()) this.#timer = setTimeout(this.#again, pause); // otherwise when the page is seen again
    this.#show({ state: "reconnecting", ...UNKNOWN, fresh: false });
  };

  #again = () => {
    if (!offline()) this.#connect();
  };

  #connect = () => {
    this.#hangUp();
    if (!this.#options.lazy) return this.#open();
    waiting.add(this.#open);
    admit();
  };

  #open = () => {
    this.#opened = 0;
    this.#unanswered = false;
    let socket;
    try {
      socket = this.#socket = new WebSocket(endpoint(this.#options.server, this.#options.ticketId));
    } catch {
      return this.#end(LOST); // invalid address, or ws:// in an https:// page: trying again is useless
    }
    if (this.#options.lazy) going.add(socket);
    this.#timer = setTimeout(this.#lost, CONNECT_MS);
    socket.onclose = this.#lost;
    /* If a policy forbids the connection, Chromium fires no `close'. */
    socket.onerror = () => socket.readyState === WebSocket.CLOSED && this.#lost();
    socket.onopen = () => {
      clearTimeout(this.#timer);
      this.#opened = Date.now();
      this.#send({ ...this.#question, status: true, lang: this.lang, token: this.token });
      this.#timer = setTimeout(this.#ping, PING_MS);
      this.#show({ state: "waiting" });
    };
    socket.onmessage = ({ data }) => {
      let frame;
      this.#unanswered = false; // any frame shows that the connection works
      try {
        frame = JSON.parse(data);
      } catch {
        return;
      }
      if (!frame?.type || frame.type === "pong") return;
      try {
        this.#options.onFrame?.(frame);
      } finally {
        if (socket === this.#socket) this.#take(frame);
      }
    };
  };

  #take(frame) {
    const { version, versions, session } = frame;
    switch (frame.type) {
      case "status":
        return this.#show({ state: frame.state, position: frame.position, viewers: frame.viewers });
      case "stream": // each connection gets the answer from its first character
        return this.#show({
          ...FRESH, state: "generating", text: (this.#view.fresh ? this.#view.text : "") + frame.content, partial: true,
        });
      case "cached":
        return this.#show({ ...FRESH, text: frame.response, cached: frame, version, versions, session });
      case "sources":
        return this.#show({ sources: frame.sources });
      case "turn":
        return this.add(frame);
      case "done":
        return this.#end(frame, { partial: false, ...(versions && { version: versions, versions }), ...(session && { session }) });
      case "rated":
      case "error":
        return this.#end(frame);
    } // other types, which later versions may send, are ignored
  }

  #ping = (pause = PING_MS) => {
    if (this.#unanswered) return this.#lost();
    this.#unanswered = true;
    this.#send({ type: "ping" });
    this.#timer = setTimeout(this.#ping, pause);
  };

  #probe() {
    clearTimeout(this.#timer);
    this.#unanswered = false;
    this.#ping(ALIVE_MS);
  }

  /* The page is left, or seen again, or the network comes or goes: the connection may be dead. */
  #onPage = ({ type }) => {
    if (type === "pagehide") return this.#lost();
    if (hidden() && type !== "online") return;
    this.#tries = 0;
    if (!this.#socket) this.#again();
    if (!this.#socket) this.#show({}); // the view differs while offline
    else if (this.#socket.readyState === WebSocket.OPEN) this.#probe();
  };
}

/*
 * The protocol of websocket.md, without any looks: one ticket of one service. Used by <ticket-chat> and by
 * TicketChat.tsx; the types are in ticket-chat-client.d.ts.
 *
 *     const chat = new TicketChatClient({ server: "http://localhost:5000", ticketId: 42 });
 *     chat.subscribe(() => console.log(chat.view.state, chat.view.text));
 *     chat.ask({ ticketBody: "printer jam" });
 */
const PING_MS = 25_000; // proxies cut connections that are silent for a minute
const WAKE_MS = 5_000; // a connection that has slept and does not answer for so long is dead
const CONNECT_MS = 15_000; // so long may a handshake take
const STABLE_MS = 60_000; // a connection that lasted so long was a good one
const MAX_TRIES = 8; // half a minute in all

const IDLE = { state: "idle", text: "", fresh: false, partial: false };

/* The ends that are not the service's: `message' is left to whoever shows them. */
const LOST = { type: "error", code: "connection_lost", message: "", retryable: true };
const STOPPED = { type: "error", code: "stopped", message: "", retryable: true };

/* The WebSocket address of a ticket, with ws: for http:, and below the path of the server. */
export function endpoint(server, ticketId) {
  const url = new URL(server, globalThis.location?.href);
  url.protocol = url.protocol.replace(/^http/, "ws");
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/api/websocket/chat/${encodeURIComponent(ticketId)}`;
  url.search = url.hash = "";
  return url.href;
}

export class TicketChatClient {
  #options;
  #view = IDLE;
  #listeners = new Set();
  #question;
  #socket;
  #timer; // until the next connection, the end of a handshake or the next ping
  #opened = 0;
  #tries = 0;
  #unanswered = false; // a ping waits for its pong
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
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  ask(question) {
    this.close();
    this.#question = question;
    this.#tries = 0;
    this.#stopping = false;
    document.addEventListener("visibilitychange", this.#wake);
    addEventListener("online", this.#wake);
    this.#show({ state: "connecting", position: undefined, fresh: false, end: undefined });
    this.#timer = setTimeout(this.#connect); // not yet: React's StrictMode closes at once
  }

  stop() {
    if (!this.#question) return;
    this.#stopping = true; // a lost connection must not start the answer again
    if (this.#socket?.readyState === WebSocket.OPEN) this.#send({ type: "stop", token: this.token });
    else this.#end(STOPPED);
  }

  close() {
    this.#hangUp();
    this.#question = undefined;
    globalThis.document?.removeEventListener("visibilitychange", this.#wake);
    globalThis.removeEventListener?.("online", this.#wake);
  }

  #show(change) {
    this.#view = { ...this.#view, ...change };
    for (const listener of [...this.#listeners]) listener();
  }

  #end(end, change) {
    this.close();
    this.#show({ ...change, end });
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  #hangUp() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
  }

  /* The connection went without a terminal frame. Its close code (mostly 1006) tells nothing. */
  #lost = () => {
    this.#hangUp();
    if (this.#opened && Date.now() - this.#opened > STABLE_MS) this.#tries = 0;
    if (this.#stopping || ++this.#tries >= MAX_TRIES) return this.#end(LOST);
    this.#show({ state: "reconnecting", position: undefined, fresh: false });
    const pause = Math.min(250 * 2 ** this.#tries, 10_000) * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(this.#connect, pause);
  };

  #connect = () => {
    let text = ""; // every connection gets the answer from its first character
    this.#hangUp();
    this.#opened = 0;
    this.#unanswered = false;
    try {
      this.#socket = new WebSocket(endpoint(this.#options.server, this.#options.ticketId));
    } catch {
      return this.#end(LOST); // no such address, or ws:// in an https:// page: no use in trying again
    }
    this.#timer = setTimeout(this.#lost, CONNECT_MS);
    this.#socket.onclose = this.#lost;
    this.#socket.onopen = () => {
      clearTimeout(this.#timer);
      this.#opened = Date.now();
      this.#show({ state: "waiting" });
      this.#send({ ...this.#question, status: true, lang: this.lang, token: this.token });
      this.#timer = setTimeout(this.#ping, PING_MS);
    };
    this.#socket.onmessage = ({ data }) => {
      let frame;
      this.#unanswered = false; // any frame is a sign of life
      try {
        frame = JSON.parse(data);
      } catch {
        return;
      }
      if (frame.type === "pong") return;
      this.#options.onFrame?.(frame);
      const { version, versions } = frame;
      switch (frame.type) {
        case "status":
          return this.#show({ state: frame.state, position: frame.position });
        case "stream":
          text += frame.content;
          return this.#show({
            state: "generating", text, fresh: true, partial: true,
            cached: undefined, version: undefined, versions: undefined,
          });
        case "cached":
          return this.#show({ text: frame.response, fresh: true, partial: false, cached: frame, version, versions });
        case "done":
          return this.#end(frame, this.#view.cached ? {} : { partial: false, version: versions, versions });
        case "error":
          return this.#end(frame);
      } // the rest, which later versions may send, is ignored
    };
  };

  #ping = (pause = PING_MS) => {
    if (this.#unanswered) return this.#lost();
    this.#unanswered = true;
    this.#send({ type: "ping" });
    this.#timer = setTimeout(this.#ping, pause);
  };

  /* The page is seen again, or the network is back: timers stood still, and the connection may be long dead. */
  #wake = () => {
    if (document.visibilityState !== "visible" || this.#socket?.readyState === WebSocket.CONNECTING) return;
    clearTimeout(this.#timer);
    this.#unanswered = false;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#ping(WAKE_MS);
    else this.#connect();
  };
}

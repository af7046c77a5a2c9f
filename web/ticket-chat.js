/*
 * <ticket-chat>: shows the AI answer for one help-desk ticket while it is written. ticket-chat.d.ts says how to use and
 * style it.
 */
import { TicketChatClient, ticketNumber } from "./ticket-chat-client.js";
import { htmlOf, textOf } from "./ticket-chat-copy.js";
import { MarkdownView } from "./ticket-chat-markdown.js";
import { styleSheet } from "./ticket-chat-style.js";
import { age, hint, isCut, isForAnother, language, statusLine, words } from "./ticket-chat-words.js";

/* The service that this module came from; in a bundle, the page's own. */
const HOME = import.meta.url?.match(/^https?:.*\/(?=ticket-chat\.js(?:[?#]|$))/)?.[0] ?? "/";
const QUIET_MS = 250; // a saved answer arrives before anybody could read "connecting"
const PATIENCE = 3; // seconds; after a longer wait the time is shown
const NOTICE_MS = 4_000;
const PROPERTIES = ["ticketId", "ticketBody", "server", "token"];
const SIGNS = { previous: "‹", next: "›", copyCode: "" }; // CSS draws the label of the last one, so that it is not text of the answer
const NOTHING = { state: "idle", text: "" };

const kebab = (name) => name.replace(/[A-Z]/, (c) => `-${c.toLowerCase()}`);

function make(tag, name, ...children) {
  const node = document.createElement(tag);
  node.className = node.part = name;
  node.append(...children);
  return node;
}

/* An unchanged text is not announced again. */
function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/* A complete answer, for the page. */
const whole = (view) => {
  const { text, cached, version = 1, versions = version, end } = view;
  return { text, cached: Boolean(cached), version, versions, bodyChanged: isForAnother(view),
    reason: end.reason ?? cached?.reason };
};

const duration = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 19).replace(/^(00:)?0?/, "");

const outdated = (view) => isForAnother(view) && !(view.version < view.versions);

function tone(view) {
  const { state, version, versions, end } = view;
  if (!end) return state === "idle" ? "idle" : "busy";
  if (end.type === "error") return end.code === "stopped" ? "neutral" : "error";
  if (outdated(view) || isCut(view)) return "warning";
  return version < versions ? "neutral" : "good";
}

/* A server that renders pages may load this module; it then defines no element. */
export class TicketChat extends (globalThis.HTMLElement ?? class {}) {
  static observedAttributes = [...PROPERTIES.map(kebab), "lang", "manual"];
  static {
    for (const name of PROPERTIES) {
      Object.defineProperty(this.prototype, name, {
        get() {
          return this.#given[name];
        },
        set(value) {
          if (this.#given[name] === (value ??= undefined)) return;
          this.#given[name] = value;
          if (name === "token" && this.#view.end?.code === "unauthorized") this.#asked = undefined;
          this.#change();
        },
      });
    }
  }

  #given = {}; // the properties
  #client;
  #place; // the service and ticket
  #asked; // the text that was asked
  #question;
  #changing = false;
  #left = false; // removed from the page while busy
  #end; // the end that was reported
  #since = 0; // when the question began or ended
  #frame; // the next animation frame
  #quiet; // until "connecting" may be shown
  #clock; // until a shown time changes
  #unnotice;
  #parts = {};
  #markdown;

  constructor() {
    super();
    const p = this.#parts;
    const span = (name) => (p[name] = make("span", name));
    const button = (name, act) => {
      const node = (p[name] = make("button", name));
      node.type = "button";
      node.part = `button ${kebab(name)}`;
      node.addEventListener("click", () => node.ariaDisabled !== "true" && act());
      return node;
    };
    const step = (by) => () => this.ask({ version: this.#view.version + by });
    p.indicator = span("indicator");
    p.status = make("p", "status", span("line"), " ", span("notice"), span("hint"));
    p.time = make("time", "time");
    p.actions = make("div", "actions", button("retry", () => this.#start()), button("kept", () => this.ask()));
    p.head = make("div", "head", p.indicator, make("div", "lines", span("ticket"), p.status, p.time),
      button("stop", () => this.stop()), p.actions);
    p.answer = make("section", "answer");
    p.version = make("div", "version", button("previous", step(-1)), span("number"), button("next", step(1)));
    p.foot = make("div", "foot", button("refresh", () => this.refresh()),
      button("copy", () => this.#copy(textOf(p.answer), htmlOf(p.answer))),
      button("copyMarkdown", () => this.#copy(this.#view.text)), p.version);
    p.draft = make("p", "draft");
    p.chat = make("div", "chat", p.head, p.answer, p.draft, p.foot);
    p.status.role = "status";
    p.status.ariaAtomic = "false"; // only new text is announced
    p.status.tabIndex = -1; // takes the focus when its button disappears
    p.indicator.ariaHidden = "true";
    p.answer.lang = ""; // the ticket's language
    p.answer.dir = "auto";
    p.answer.addEventListener("click", ({ target }) => {
      if (target.className === "copyCode") this.#copy(target.parentNode.querySelector("code").textContent);
    });
    this.#markdown = new MarkdownView(p.answer, { copyCode: true });
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styleSheet()];
    root.append(p.chat);
    this.#render(); // empty, because a status that appears with its text is not announced
    for (const name of [...PROPERTIES, "manual"]) {
      if (!Object.hasOwn(this, name)) continue; // set before this class was defined
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
  }

  get manual() {
    return (this.getAttribute("manual") ?? "false") !== "false"; // React 18 writes "false"
  }

  set manual(value) {
    this.toggleAttribute("manual", Boolean(value));
  }

  ask({ refresh, version } = {}) {
    this.#prepare();
    const { ticketBody } = this.#given;
    if (!this.#client || !ticketBody?.trim()) return;
    this.#asked = ticketBody;
    this.#question = { ticketBody, refresh, version };
    this.#start();
  }

  refresh() {
    this.ask({ refresh: true });
  }

  stop() {
    this.#client?.stop();
  }

  connectedCallback() {
    this.#change();
  }

  disconnectedCallback() {
    this.#change();
  }

  attributeChangedCallback(name, _old, value) {
    const property = PROPERTIES.find((key) => kebab(key) === name);
    if (property) this[property] = value;
    else this.#change();
  }

  get #view() {
    return this.#client?.view ?? NOTHING;
  }

  get #busy() {
    const { state, end } = this.#view;
    return state !== "idle" && !end;
  }

  get #lang() {
    for (let node = this; node; node = node.getRootNode().host) {
      const { lang } = node.closest("[lang]") ?? {};
      if (lang) return language(lang);
    }
    return language(navigator.language);
  }

  /* The level of the first heading in the answer: one below the heading above this element. */
  get #level() {
    for (let node = this; node; node = node.getRootNode().host) {
      const before = [...node.getRootNode().querySelectorAll("h1, h2, h3, h4, h5")]
        .findLast((heading) => heading.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING);
      if (before) return Number(before.localName[1]) + 1;
    }
    return 2;
  }

  /* Several properties may change, and the element may move in the page: react once, after all changes. */
  #change() {
    if (this.#changing) return;
    this.#changing = true;
    queueMicrotask(() => {
      this.#changing = false;
      if (this.isConnected) this.#settle();
      else this.#leave();
    });
  }

  #settle() {
    const { ticketBody } = this.#given;
    this.#prepare();
    if (!this.manual && ticketBody?.trim() && ticketBody !== this.#asked) this.ask();
    else if (this.#left && this.#client) this.#start();
    else this.#render();
    this.#left = false;
  }

  #prepare() {
    const { ticketId, server, token } = this.#given;
    const place = ticketId ? `${server || HOME} ${ticketNumber(ticketId) || ticketId}` : undefined;
    if (place !== this.#place) {
      this.#client?.close();
      this.#place = place;
      this.#asked = this.#end = this.#client = undefined;
      this.#left = false;
      if (place) {
        const onFrame = (frame) => this.#tell("frame", frame);
        this.#client = new TicketChatClient({ server: server || HOME, ticketId, onFrame });
        this.#client.subscribe(this.#changed);
      }
      this.#render();
    }
    if (place) Object.assign(this.#client, { token, lang: this.#lang });
  }

  #start() {
    this.#since = Date.now();
    this.#client.ask(this.#question);
    if (!this.isConnected) this.#change();
  }

  #leave() {
    this.#left ||= this.#busy;
    this.#client?.close();
    for (const timer of [this.#clock, this.#unnotice]) clearTimeout(timer);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(`ticket-chat-${type}`, { detail, bubbles: true, composed: true }));
  }

  #changed = () => {
    const { state, fresh, end } = this.#view;
    if (!end && (state === "connecting" || state === "waiting")) this.#quiet ??= setTimeout(this.#render, QUIET_MS);
    else if (!end && fresh) this.#frame ??= requestAnimationFrame(this.#render); // many tokens, one rendering
    else this.#render();
    if (this.#end === end) return;
    this.#end = end;
    if (!end) return;
    this.#since = Date.now();
    this.#tell(end.type, end.type === "done" ? whole(this.#view) : end);
  };

  #render = () => {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#quiet);
    this.#frame = this.#quiet = undefined;
    const { chat, head, ticket, line, hint: help, answer, draft, foot, actions, version, number, status } = this.#parts;
    const { stop, retry, kept, refresh, copy, copyMarkdown, previous, next } = this.#parts;
    const ticketId = ticketNumber(this.#given.ticketId) || this.#given.ticketId;
    const view = this.#view;
    const { text, end } = view;
    const busy = this.#busy;
    const failed = end?.type === "error";
    const done = end?.type === "done";
    const several = view.versions > 1 && (end || this.#question.version);
    const lang = this.#lang;
    const w = words(lang);
    const { activeElement } = this.shadowRoot;

    chat.className = `chat ${tone(view)}`;
    head.lang = draft.lang = foot.lang = lang;
    put(ticket, view.state === "idle" ? "" : w.ticket(ticketId));
    put(line, statusLine(view, lang, false));
    put(help, hint(view, lang));
    put(draft, text ? w.draft : "");
    this.#markdown.update(text, { whole: Boolean(end) || !view.partial, level: this.#level });
    answer.hidden = !text;
    answer.ariaBusy = String(busy);
    answer.ariaLabel = w.answer(ticketId);
    answer.classList.toggle("old", busy && !view.fresh);
    put(number, several ? w.version(view.version, view.versions) : "");

    for (const button of this.shadowRoot.querySelectorAll("button")) {
      const label = (button.ariaLabel = w[button === stop && view.viewers > 1 ? "stopAll" : button.className]);
      put(button, SIGNS[button.className] ?? label);
    }
    stop.hidden = !busy || view.state === "saving"; // too late
    retry.hidden = !failed || !end.retryable;
    kept.hidden = !failed || !view.partial || !this.#question.refresh;
    refresh.hidden = !done;
    copy.hidden = copyMarkdown.hidden = !end || !text;
    version.hidden = !several;
    previous.ariaDisabled = String(busy || view.version <= 1);
    next.ariaDisabled = String(busy || view.version >= view.versions);
    const place = outdated(view) ? actions : foot; // beside the reason for it
    if (refresh.parentNode !== place) place.prepend(refresh);
    for (const group of [actions, foot]) group.hidden = [...group.children].every((node) => node.hidden);
    if (activeElement && (activeElement.closest("[hidden]") || this.shadowRoot.activeElement !== activeElement))
      status.focus({ preventScroll: true });
    this.#tick();
  };

  /* Updates what time alone changes; none of it is announced. */
  #tick = () => {
    const { retry, time } = this.#parts;
    const { fresh, cached, end } = this.#view;
    const lang = this.#lang;
    const w = words(lang);
    const waiting = this.#busy && !fresh;
    const seconds = Math.floor((Date.now() - this.#since) / 1000);
    const left = Math.ceil(end?.retryAfter ?? 0) - seconds;
    const date = waiting ? "" : cached?.createdAt ?? "";
    const when = age(date, lang);

    put(time, waiting && seconds >= PATIENCE ? duration(seconds) : when && w.written(when));
    time.ariaHidden = String(waiting);
    time.dateTime = date;
    time.title = when && new Date(date).toLocaleString(lang, { dateStyle: "long", timeStyle: "short" });
    retry.ariaDisabled = String(left > 0);
    put(retry, w.retry + (left > 0 ? ` (${duration(left)})` : ""));
    clearTimeout(this.#clock);
    if (waiting || left > 0) this.#clock = setTimeout(this.#tick, 1000);
    else if (when) this.#clock = setTimeout(this.#tick, 30_000);
  };

  async #copy(text, html) {
    const { notice } = this.#parts;
    const { activeElement } = this.shadowRoot;
    const w = words(this.#lang);
    let done = true;
    const data = Object.fromEntries([["text/plain", text], ["text/html", html]].filter(([, content]) => content));
    try {
      const blobs = Object.entries(data).map(([type, content]) => [type, new Blob([content], { type })]);
      await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs))]);
    } catch { // http:, or not allowed
      const area = this.shadowRoot.appendChild(make("textarea", "copied"));
      area.value = text;
      area.addEventListener("copy", (event) => {
        for (const [type, content] of Object.entries(data)) event.clipboardData.setData(type, content);
        event.preventDefault();
        event.stopPropagation();
      });
      area.select();
      done = document.execCommand("copy");
      area.remove();
      activeElement?.focus({ preventScroll: true });
    }
    notice.textContent = done ? w.copied : w.notCopied;
    clearTimeout(this.#unnotice);
    this.#unnotice = setTimeout(() => put(notice, ""), NOTICE_MS);
  }
}

if (globalThis.customElements && !customElements.get("ticket-chat")) customElements.define("ticket-chat", TicketChat);

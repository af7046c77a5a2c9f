/*
 * <ticket-chat>: shows the AI answer for one help-desk ticket while it is written. ticket-chat.d.ts says how to use and
 * style it. What only an answer needs is loaded with it.
 */
import { TicketChatClient, ticketNumber } from "./ticket-chat-client.js";
import { MarkdownView } from "./ticket-chat-markdown.js";
import { styleSheet } from "./ticket-chat-style.js";
import { button, kebab, make, plain, put } from "./ticket-chat-parts.js";
import { age, hint, isCut, isForAnother, language, statusLine, words } from "./ticket-chat-words.js";

/* Where this module came from; in a bundle, the page's own server. */
const HOME = import.meta.url?.match(/^https?:.*\/(?=ticket-chat\.js(?:[?#]|$))/)?.[0] ?? "/";
const QUIET_MS = 250; // a saved answer comes sooner
const PATIENCE = 3; // seconds; after a longer wait the time is shown
const NOTICE_MS = 6_000;
const PROPERTIES = ["ticketId", "ticketBody", "server", "token"];
const SWITCHES = { manual: false, lazy: false, thread: true, ratings: true, sources: true, write: undefined }; // write: if there is a token
const SIGNS = { previous: "‹", next: "›", copyCode: "" }; // CSS draws the last one: it is no text of the answer
const NOTHING = { state: "idle", text: "", turns: [] };

const whole = (view) => {
  const { text, cached, version = 1, versions = version, end } = view;
  return { text, cached: Boolean(cached), version, versions, bodyChanged: isForAnother(view),
    reason: end.reason ?? cached?.reason, ...(cached?.author !== undefined && { author: cached.author }) };
};

const duration = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 19).replace(/^(00:)?0?/, "");

const outdated = (view) => isForAnother(view) && !(view.version < view.versions);

function tone(view, lazy) {
  const { state, version, versions, end } = view;
  if (!end) return state !== "idle" ? "busy" : lazy ? "neutral" : "idle";
  if (end.type === "error") return /^(stopped|no_answer)$/.test(end.code) ? "neutral" : "error";
  if (outdated(view) || isCut(view)) return "warning";
  return version < versions ? "neutral" : "good";
}

/* On a server this module defines no element. */
export class TicketChat extends (globalThis.HTMLElement ?? class {}) {
  static observedAttributes = [...PROPERTIES.map(kebab), "lang", ...Object.keys(SWITCHES)];
  static #eye;
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
    for (const [name, preset] of Object.entries(SWITCHES)) {
      Object.defineProperty(this.prototype, name, {
        get() {
          const value = this.getAttribute(name); // React 18 writes "false"
          return value === null ? preset ?? Boolean(this.token) : !/^(off|false)$/.test(value);
        },
        set(value) {
          if (preset === false) this.toggleAttribute(name, Boolean(value));
          else if (value === undefined || value === null) this.removeAttribute(name);
          else this.setAttribute(name, { true: "", false: "off" }[value] ?? value);
        },
      });
    }
  }

  #given = {};
  #client;
  #place;
  #asked;
  #question;
  #talk; // what people add, once it is loaded
  #changing = false;
  #left = false; // removed from the page while busy
  #seen = false;
  #end; // as reported
  #since = 0; // when the question began or ended
  #frame;
  #quiet; // until "connecting" may be shown
  #clock; // until a shown time changes
  #unnotice;
  #parts = {};
  #markdown;

  constructor() {
    super();
    const p = this.#parts;
    const own = (tag, name, ...children) => (p[name] = make(tag, name, ...children));
    const act = (name, does) => (p[name] = button(name, does));
    const step = (by) => () => this.ask({ version: this.#view.version + by });
    own("p", "status", own("span", "line"), " ", own("span", "notice"), own("span", "hint"));
    own("div", "actions", act("retry", () => this.#again()), act("kept", () => this.ask()), act("ask", () => this.ask()));
    own("div", "head", own("span", "indicator"), make("div", "lines", own("span", "ticket"), p.status, own("time", "time")),
      act("stop", () => this.stop()), p.actions);
    own("section", "answer");
    own("div", "version", act("previous", step(-1)), own("span", "number"), act("next", step(1)));
    own("div", "foot", act("refresh", () => this.refresh(this.#talk?.instruction.value)),
      act("copy", () => this.#copy(p.answer)), act("copyMarkdown", () => this.#copy(this.#view.text)), p.version);
    own("div", "chat", p.head, p.answer, own("p", "instructed"), own("p", "draft"), p.foot);
    p.status.role = "status";
    p.status.ariaAtomic = "false"; // only new text is announced
    p.status.tabIndex = -1; // takes the focus when its button disappears
    p.indicator.ariaHidden = "true";
    p.answer.lang = ""; // the ticket's language
    p.answer.dir = "auto";
    p.chat.addEventListener("click", ({ target }) => {
      if (target.className === "copyCode") this.#copy(target.parentNode.querySelector("code").textContent);
    });
    this.#markdown = new MarkdownView(p.answer, { copyCode: true });
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styleSheet()];
    root.append(p.chat);
    this.#render(); // empty: a status that appears with its text is not announced
    for (const name of [...PROPERTIES, ...Object.keys(SWITCHES)]) {
      if (!Object.hasOwn(this, name)) continue; // set before this class was defined
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
  }

  ask({ refresh, version, instruction } = {}) {
    const { ticketBody } = this.#given;
    if (ticketBody?.trim()) this.#begin({ ticketBody, refresh, version, instruction });
    else if (version) this.#begin({ type: "open", version });
  }

  open() {
    this.#begin({ type: "open" });
  }

  refresh(instruction) {
    this.ask({ refresh: true, instruction: instruction?.trim?.() || undefined });
  }

  stop() {
    this.#last?.stop();
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

  get #last() {
    return this.#talk?.client ?? this.#client;
  }

  get #now() {
    return this.#last?.view ?? NOTHING;
  }

  get #busy() {
    const { state, end } = this.#now;
    return state !== "idle" && !end;
  }

  get #home() {
    return this.#given.server || HOME;
  }

  get #lang() {
    for (let node = this; node; node = node.getRootNode().host) {
      const { lang } = node.closest("[lang]") ?? {};
      if (lang) return language(lang);
    }
    return language(navigator.language);
  }

  get #words() {
    return words(this.#lang);
  }

  /* One below the heading above this element. */
  get #level() {
    for (let node = this; node; node = node.getRootNode().host) {
      const before = [...node.getRootNode().querySelectorAll("h1, h2, h3, h4, h5")]
        .findLast((heading) => heading.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING);
      if (before) return Number(before.localName[1]) + 1;
    }
    return 2;
  }

  #change() {
    if (this.#changing) return;
    this.#changing = true;
    queueMicrotask(() => {
      this.#changing = false;
      this.#watch();
      if (this.isConnected) this.#settle();
      else this.#leave();
    });
  }

  #watch() {
    if (!this.lazy && !TicketChat.#eye) return;
    TicketChat.#eye ??= new IntersectionObserver((all) => all.forEach(({ target, isIntersecting }) => target.#see(isIntersecting)));
    TicketChat.#eye[this.lazy && this.isConnected ? "observe" : "unobserve"](this);
  }

  #see(seen) {
    this.#seen = seen;
    if (!seen && this.#opening) this.#client.close();
    this.#change();
  }

  get #opening() {
    return this.lazy && !this.manual && this.#busy && this.#last === this.#client && this.#question.type === "open";
  }

  #settle() {
    const { ticketBody } = this.#given;
    this.#prepare();
    if (!this.manual && !this.lazy && ticketBody?.trim() && ticketBody !== this.#asked) this.ask();
    else if (this.#left && this.#client) this.#again();
    else if (!this.manual && this.lazy && this.#seen && this.#view.state === "idle") this.open();
    else this.#render();
    this.#left = false;
  }

  #prepare() {
    const { ticketId, token } = this.#given;
    const place = ticketId ? `${this.#home} ${ticketNumber(ticketId) || ticketId}` : undefined;
    if (place !== this.#place) {
      this.#client?.close();
      this.#talk?.leave();
      this.#place = place;
      this.#asked = this.#end = this.#client = this.#talk = undefined;
      this.#left = false;
      if (place) this.#client = this.#make(this.#changed);
      this.#render();
    }
    if (place) Object.assign(this.#client, { token, lang: this.#lang });
  }

  #make(changed) {
    const { ticketId, token } = this.#given;
    const client = new TicketChatClient({ server: this.#home, ticketId, token, lang: this.#lang, lazy: this.lazy,
      onFrame: (frame) => this.#tell("frame", frame) });
    client.subscribe(() => changed(client.view));
    return client;
  }

  #begin(question) {
    this.#prepare();
    if (!this.#client) return;
    this.#asked = this.#given.ticketBody;
    this.#question = { ...question, thread: this.thread || (this.ratings || this.write ? false : undefined), sources: this.sources || undefined };
    this.#talk?.forget();
    this.#again();
  }

  #again() {
    this.#since = Date.now();
    this.#last.ask(this.#last === this.#client ? this.#question : undefined);
    if (!this.isConnected) this.#change();
  }

  #leave() {
    this.#left ||= this.#busy && !this.#opening;
    this.#last?.close();
    for (const timer of [this.#clock, this.#unnotice]) clearTimeout(timer);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(`ticket-chat-${type}`, { detail, bubbles: true, composed: true }));
  }

  #changed = () => {
    const { state, fresh, end } = this.#now;
    if (!end && (state === "connecting" || state === "waiting")) this.#quiet ??= setTimeout(this.#render, QUIET_MS);
    else if (!end && fresh) this.#frame ??= requestAnimationFrame(this.#render); // many tokens, one rendering
    else this.#render();
    if (this.#end === end) return;
    this.#end = end;
    if (!end) return;
    this.#since = Date.now();
    const turn = this.#talk?.ended(end, this.#question);
    if (turn) this.#tell("turn", turn);
    else this.#tell(end.type, end.type === "done" ? whole(this.#view) : end);
  };

  /* Loads what an answer needs, as the service may go later. */
  async #load({ text, end, session, sources }) {
    if (text) import("./ticket-chat-copy.js").catch(() => {});
    if (this.#talk || !session || end?.type !== "done" || !(this.thread || this.ratings || this.write || sources?.length)) return;
    const place = this.#place;
    const { Talk } = await import("./ticket-chat-talk.js").catch(() => ({}));
    if (!Talk || this.#talk || place !== this.#place) return;
    this.#talk = new Talk(this, {
      place, home: this.#home, root: this.shadowRoot, parts: this.#parts, client: this.#client,
      make: (changed) => this.#make(changed ?? this.#changed), busy: () => this.#busy, began: () => (this.#since = Date.now()),
      render: this.#render, notify: (text) => this.#notify(text),
    });
    this.#render();
  }

  #render = () => {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#quiet);
    this.#frame = this.#quiet = undefined;
    const p = this.#parts;
    const ticketId = ticketNumber(this.#given.ticketId) || this.#given.ticketId;
    const view = this.#view;
    const now = this.#now;
    const { text, end, cached } = view;
    const { refresh, version, type, instruction: given } = this.#question ?? {};
    const busy = this.#busy;
    const failed = now.end?.type === "error";
    const several = view.versions > 1 && (end || version);
    const opened = !this.#given.ticketBody?.trim();
    const level = this.#level;
    const lang = this.#lang;
    const w = words(lang);
    const { activeElement } = this.shadowRoot;
    const { author, instruction } = cached ?? (view.fresh ? { instruction: given } : {});

    p.chat.className = `chat ${tone(now, this.lazy)}`;
    p.chat.lang = lang;
    put(p.ticket, now.state === "idle" && !this.lazy ? "" : w.ticket(ticketId));
    put(p.line, statusLine(now, lang, false));
    put(p.hint, hint(now, lang));
    put(p.draft, !text ? "" : author ? w.author(plain(author)) : author === undefined ? w.draft : w.person);
    put(p.instructed, instruction ? w.instructed(plain(instruction)) : "");
    this.#markdown.update(text, { whole: Boolean(end) || !view.partial, level, adapt: this.#talk?.cite(view) });
    p.answer.hidden = !text;
    p.answer.ariaBusy = String(busy && now === view);
    p.answer.ariaLabel = w.answer(ticketId);
    p.answer.classList.toggle("old", busy && !view.fresh);
    put(p.number, several ? w.version(view.version, view.versions) : "");
    p.stop.hidden = !busy || now.state === "saving"; // too late
    p.retry.hidden = !failed || !now.end.retryable;
    p.kept.hidden = !failed || !view.partial || !refresh;
    p.ask.hidden = !failed || type !== "open" || opened || now !== view;
    p.refresh.hidden = end?.type !== "done" || busy || opened;
    p.copy.hidden = p.copyMarkdown.hidden = !end || !text;
    p.version.hidden = !several;
    p.previous.ariaDisabled = String(busy || view.version <= 1);
    p.next.ariaDisabled = String(busy || view.version >= view.versions);
    const place = outdated(view) ? p.actions : p.foot; // beside the reason for it
    if (p.refresh.parentNode !== place) place.prepend(p.refresh);
    this.#talk?.show(view, lang, level);
    for (const node of this.shadowRoot.querySelectorAll("button")) {
      const name = node === p.stop && now.viewers > 1 ? "stopAll" : node.className;
      if (!w[name]) continue;
      node.ariaLabel = w[name];
      put(node, SIGNS[name] ?? w[name]);
    }
    for (const group of [p.actions, p.foot]) group.hidden = [...group.children].every((node) => node.hidden);
    if (activeElement && (activeElement.closest("[hidden]") || this.shadowRoot.activeElement !== activeElement))
      p.status.focus({ preventScroll: true });
    this.#tick();
    this.#load(view);
  };

  /* What time alone changes is not announced. */
  #tick = () => {
    const { retry, time } = this.#parts;
    const { fresh, end } = this.#now;
    const lang = this.#lang;
    const w = this.#words;
    const waiting = this.#busy && !fresh;
    const seconds = Math.floor((Date.now() - this.#since) / 1000);
    const left = Math.ceil(end?.retryAfter ?? 0) - seconds;
    const date = this.#busy ? "" : this.#view.cached?.createdAt ?? "";
    const when = age(date, lang);

    put(time, waiting && seconds >= PATIENCE ? duration(seconds) : when && (/^(now|agora|ahora)$/.test(when) ? w.justNow : w.written(when)));
    time.ariaHidden = String(waiting);
    time.dateTime = date;
    time.title = when && new Date(date).toLocaleString(lang, { dateStyle: "long", timeStyle: "short" });
    retry.ariaDisabled = String(left > 0);
    put(retry, w.retry + (left > 0 ? ` (${duration(left)})` : ""));
    clearTimeout(this.#clock);
    if (waiting || left > 0) this.#clock = setTimeout(this.#tick, 1000);
    else if (when) this.#clock = setTimeout(this.#tick, 30_000);
  };

  async #copy(what) {
    const copied = await import("./ticket-chat-copy.js").then(({ copy }) => copy(this.shadowRoot, what)).catch(() => false);
    this.#notify(copied ? this.#words.copied : this.#words.notCopied);
  }

  #notify(text) {
    const { notice } = this.#parts;
    notice.textContent = text;
    clearTimeout(this.#unnotice);
    this.#unnotice = setTimeout(() => put(notice, ""), NOTICE_MS);
  }
}

if (globalThis.customElements && !customElements.get("ticket-chat")) customElements.define("ticket-chat", TicketChat);

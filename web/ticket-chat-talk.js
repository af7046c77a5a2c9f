/*
 * What people add to an answer of <ticket-chat>: ratings, a text of their own, an instruction, and the thread of questions.
 * If the answer has sources, ticket-chat-sources.js shows them.
 * A text that somebody types stays until the service has it, also over a reload and while another ticket is shown.
 */
import { MarkdownView } from "./ticket-chat-markdown.js";
import { button, make, plain, put } from "./ticket-chat-parts.js";
import { sheetOf } from "./ticket-chat-style.js";
import { inLanguages, language, words } from "./ticket-chat-words.js";

const REASONS = ["reason", "wrong", "incomplete", "unsafe", "language", "other"]; // the first one is the title
const IME = 229; // the code of a key that belongs to an input method, where isComposing is false already
const refused = new Set(); // what a service does not offer

const WORDS = inLanguages({
  instruction: ["Instrução para a IA (opcional)", "Instruction for the AI (optional)", "Instrucción para la IA (opcional)"],
  good: ["Boa resposta", "Good answer", "Buena respuesta"],
  bad: ["Resposta ruim", "Bad answer", "Mala respuesta"],
  reason: ["O que há de errado?", "What is wrong?", "¿Qué está mal?"],
  wrong: ["Está errada", "It is wrong", "Es incorrecta"],
  incomplete: ["Está incompleta", "It is incomplete", "Está incompleta"],
  unsafe: ["É perigosa", "It is dangerous", "Es peligrosa"],
  language: ["Está no idioma errado", "It is in the wrong language", "Está en un idioma equivocado"],
  other: ["Outro motivo", "Another reason", "Otro motivo"],
  comment: ["Comentário (opcional)", "Comment (optional)", "Comentario (opcional)"],
  rated: ["Avaliação salva.", "Your rating is saved.", "Valoración guardada."],
  send: ["Enviar", "Send", "Enviar"],
  cancel: ["Cancelar", "Cancel", "Cancelar"],
  edit: ["Editar", "Edit", "Editar"],
  text: ["Sua resposta", "Your answer", "Su respuesta"],
  save: ["Salvar para todos", "Save for everyone", "Guardar para todos"],
  newest: ["A resposta mais nova está acima; seu texto continua aqui.", "The newest answer is above; your text is still here.",
    "La respuesta más nueva está arriba; su texto sigue aquí."],
  thread: ["Perguntas e respostas", "Questions and answers", "Preguntas y respuestas"],
  question: ["Outra pergunta (Enter envia)", "Another question (Enter sends)", "Otra pregunta (Intro envía)"],
});

export const talkWords = (lang) => WORDS[language(lang)];

const styleSheet = sheetOf(`
.rating, .buttons { display: flex; flex-wrap: wrap; align-items: center; gap: .5em; }
.instruction { flex: 1 1 17em; }
:is(.editor, .why, .follow) { display: grid; gap: .5em; padding: .75em 0; }
.why { flex-basis: 100%; }
.problem { margin: 0; color: var(--error); }
.problem:empty { display: none; }
input, select, textarea { background: var(--background); border-color: var(--muted); cursor: auto; min-width: 0; }
textarea { max-height: 60vh; resize: vertical; field-sizing: content; }
.text { min-height: 12em; }
::placeholder { color: var(--muted); opacity: 1; }
.thread { margin: 0; padding: 0; list-style: none; border-top: 1px solid var(--border); }
.turn { padding: .75em 0; }
.asked { margin: 0 0 .75em; padding: .5em .75em; font-weight: 600; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: 8px;
  background: color-mix(in srgb, var(--accent) 9%, var(--background)); }
.rating button::before { content: ""; display: inline-block; width: 16px; height: 16px; vertical-align: -2px; background: currentColor;
  clip-path: path("M1 7h3v8H1zM5 7l3-6q2 0 2 2v3h5l-2 9H5z"); }
.rating .bad::before { rotate: 180deg; }
.rating [data-count]::after { content: attr(data-count); padding-left: .375em; }
[aria-pressed=true] { color: var(--accent); border-color: currentColor; }
[type=submit] { color: var(--on-accent); background: var(--accent); border-color: var(--accent); }
`);

/* What is typed stays with this tab; the storage may be full or forbidden. */
function draft(key, text) {
  try {
    if (text === undefined) return sessionStorage.getItem(key) ?? "";
    if (text) sessionStorage.setItem(key, text);
    else sessionStorage.removeItem(key);
  } catch {
    // then it stays while the element does
  }
  return "";
}

/* The text of an error. What a service does not offer is not offered again. */
function fault({ code, message }, what, home, lang) {
  if (code === "not_allowed") refused.add(`${what} ${home}`);
  return message || words(lang)[code];
}

/*
 * A form around a field. `send' gets the text and returns a promise of what is wrong, if something is: the form says so,
 * and keeps the text. Enter sends if `quick', otherwise Ctrl+Enter.
 */
function form(name, field, fields, buttons, send, quick) {
  const problem = make("p", "problem");
  const node = make("form", name, ...fields, problem, make("div", "buttons", ...buttons));
  node.say = (wrong = "") => {
    put(problem, wrong);
    field.ariaInvalid = String(Boolean(wrong));
    if (wrong) field.focus();
  };
  problem.id = `${name}-problem`;
  field.setAttribute("aria-describedby", problem.id);
  field.dir = "auto";
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.keyCode === IME) return;
    if (!(event.ctrlKey || event.metaKey || (quick && !event.shiftKey))) return;
    event.preventDefault();
    node.requestSubmit();
  });
  let sending = false;
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sending) return;
    sending = true;
    node.say(await send(field.value));
    sending = false;
  });
  return node;
}

class Thumbs {
  constructor(rate) {
    const [good, bad] = [true, false].map((value) => button(value ? "good" : "bad", () => rate(this, value)));
    Object.assign(this, { good, bad, node: make("div", "rating", good, bad) });
  }

  /* Shows what is known about an answer's ratings: nothing at first. */
  show(session, own, counts = {}) {
    if (session === this.session && own === undefined) return;
    this.session = session;
    for (const name of ["good", "bad"]) {
      this[name].ariaPressed = String(own === (name === "good"));
      if (counts[name]) this[name].dataset.count = counts[name];
      else delete this[name].dataset.count;
    }
  }
}

/* A question and its answer. */
class Turn {
  constructor(rate) {
    this.asked = make("p", "asked");
    this.asked.role = "heading";
    this.answer = make("div", "answer");
    this.thumbs = new Thumbs(rate);
    this.node = make("li", "turn", this.asked, this.answer, this.thumbs.node);
    for (const node of [this.asked, this.answer]) Object.assign(node, { dir: "auto", lang: "" });
    this.markdown = new MarkdownView(this.answer, { copyCode: true });
  }

  show(turn, level, busy, rated, adapt) {
    this.answer.ariaBusy = String(busy);
    this.thumbs.node.hidden = !rated || !turn.session;
    if (turn === this.turn && level === this.level && adapt === this.adapt) return;
    Object.assign(this, { turn, level, adapt });
    put(this.asked, plain(turn.question));
    this.asked.ariaLevel = level;
    this.markdown.update(turn.response, { whole: !busy, level: level + 1, adapt });
    this.thumbs.show(turn.session);
  }
}

export class Talk {
  client; // of a question, if that was asked last
  #chat;
  #own; // what the element lets this class do
  #typed; // the question that was asked last
  #live = false; // whether it is not in the thread yet
  #base; // the session that the editor's text replaces
  #rated; // the thumbs that were pressed last
  #left = false; // another ticket is shown
  #turns = [];
  #nodes;
  #sources; // once they are needed and loaded

  constructor(chat, own) {
    this.#chat = chat;
    this.#own = own;
    const { parts, root } = own;
    const text = make("textarea", "text");
    const comment = make("textarea", "comment");
    const question = make("textarea", "question");
    const reason = make("select", "reason", ...REASONS.map((name) => make("option", name)));
    const edit = button("edit", () => this.#edit());
    const instruction = (this.instruction = make("input", "instruction"));
    const thumbs = new Thumbs(this.#rate);
    const editor = form("editor", text, [text], [button("save"), button("cancel", () => this.#closeEditor())], this.#write);
    const why = form("why", comment, [reason, comment], [button("send"), button("cancel", () => this.#close(why, this.#rated.bad))], this.#explain);
    const thread = make("ol", "thread");
    const follow = form("follow", question, [question], [button("send")], this.#ask, true);
    this.#nodes = { text, comment, question, reason, edit, instruction, thumbs, editor, why, thread, follow };

    editor.hidden = why.hidden = true;
    thread.role = "list"; // Safari takes a list without marks for none
    text.required = true;
    instruction.dir = "auto";
    instruction.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing && event.keyCode !== IME) chat.refresh(instruction.value);
    });
    question.value = draft(this.#key("question"));
    text.addEventListener("input", () => draft(this.#key("text"), text.value));
    question.addEventListener("input", () => draft(this.#key("question"), question.value));
    parts.copy.before(edit);
    parts.version.before(thumbs.node, why);
    parts.chat.append(editor, thread, follow);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, styleSheet()];
  }

  /* What makes the links in the answer of a view. */
  cite(view) {
    return this.#sources?.cite(this.#given(view), this.#own.parts.chat.lang);
  }

  #given({ sources }) {
    return this.#chat.sources && sources?.length ? sources : undefined;
  }

  async #showSources(view, lang) {
    if (this.#sources) return this.#sources.show(this.#given(view), lang);
    if (!this.#given(view) || this.#sources === null) return undefined;
    this.#sources = null; // on its way
    const { Sources } = await import("./ticket-chat-sources.js").catch(() => ({}));
    this.#sources = Sources && !this.#left ? new Sources(this.#own) : undefined;
    return this.#sources && this.#own.render();
  }

  /* Shows what belongs to the view of an answer. */
  show(view, lang, level) {
    const chat = this.#chat;
    const { question, edit, instruction, thumbs, thread, follow, why } = this.#nodes;
    const { parts, root, busy: isBusy } = this.#own;
    const [busy, done, w] = [isBusy(), view.end?.type === "done", talkWords(lang)];
    const offers = (what, wanted) => wanted && !refused.has(`${what} ${this.#own.home}`);
    const rated = offers("rate", chat.ratings);
    const now = this.client?.view;

    const live = this.#live && now && (now.end?.type === "error" ? now.partial : true);
    const turns = !chat.thread ? [] : live ? [...view.turns, { question: this.#typed, response: now.text }] : view.turns;
    while (this.#turns.length > turns.length) this.#turns.pop().node.remove();
    for (const [n, turn] of turns.entries()) {
      if (!this.#turns[n]) thread.append((this.#turns[n] = new Turn(this.#rate)).node);
      this.#turns[n].show(turn, level, busy && live && n === turns.length - 1, rated, this.cite(view));
    }
    this.#showSources(view, lang);
    thread.hidden = !turns.length;
    thread.ariaLabel = w.thread;
    follow.hidden = !chat.thread || !done || !view.session;
    thumbs.node.hidden = !rated || !done || !view.session;
    thumbs.show(view.session);
    edit.hidden = !done || busy || !view.session || view.version < view.versions || !offers("write", chat.write);
    instruction.hidden = parts.refresh.hidden || !offers("instruction", chat.write);
    if (instruction.previousSibling !== parts.refresh) parts.refresh.after(instruction);
    if (!rated) why.hidden = true;

    for (const node of root.querySelectorAll("button, input, textarea, select, option")) {
      const { className: name, dataset } = node;
      if (!w[name]) continue;
      const label = w[name] + (dataset.count ? ` (${dataset.count})` : "");
      if (node.localName !== "option") node.ariaLabel = label;
      if ("placeholder" in node) node.placeholder = label;
      else if (!/^(good|bad|reason)$/.test(name) || node.localName === "option") put(node, label);
    }
    question.enterKeyHint = "send";
  }

  /* What was asked last has ended; returns the turn if that was a question. */
  ended(end, asked) {
    const { question, instruction } = this.#nodes;
    if (!this.client) {
      if (end.type === "error" && asked.instruction) this.#fault(end, "instruction");
      else if (asked.instruction) instruction.value = "";
      return undefined;
    }
    if (end.type === "error") {
      question.value ||= this.#typed;
      this.#own.render();
      return undefined;
    }
    const { text, cached } = this.client.view;
    const turn = { question: this.#typed, response: text, session: end.turn ?? cached?.turn };
    this.#live = false;
    if (question.value === this.#typed) question.value = "";
    draft(this.#key("question"), question.value);
    const { client } = this.#own;
    if (client.view.turns.some(({ session }) => session && session === turn.session)) this.#own.render(); // asked before
    else client.add(turn);
    return turn;
  }

  /* Something else is asked. */
  forget() {
    this.client?.close();
    this.client = undefined;
    this.#live = false;
  }

  /* Another ticket is shown. */
  leave() {
    const { edit, instruction, thumbs, editor, why, thread, follow } = this.#nodes;
    this.forget();
    this.#left = true;
    for (const node of [edit, instruction, thumbs.node, editor, why, thread, follow]) node.remove();
    this.#sources?.remove();
  }

  #key(name) {
    return `ticket-chat ${this.#own.place} ${name}`;
  }

  #fault(end, what) {
    const text = fault(end, what, this.#own.home, this.#own.parts.chat.lang);
    this.#own.render();
    return text;
  }

  get #words() {
    return talkWords(this.#own.parts.chat.lang);
  }

  /* Sends a message on a connection of its own; gives the frame that ends it. */
  #post(message) {
    return new Promise((resolve) => this.#own.make(({ end }) => end && resolve(end)).ask(message));
  }

  #close(node, back) {
    back.focus();
    node.hidden = true;
  }

  #rate = async (thumbs, good) => {
    const { why, reason } = this.#nodes;
    this.#rated = thumbs;
    why.hidden = good;
    if (!good) {
      thumbs.node.after(why);
      why.say();
      this.#own.render();
      reason.focus();
    }
    const wrong = await this.#judge(good);
    if (wrong) this.#own.notify(wrong);
  };

  async #judge(good, more) {
    const thumbs = this.#rated;
    const { session } = thumbs;
    const end = await this.#post({ type: "rate", session, good, ...more });
    if (this.#left) return undefined;
    if (end.type !== "rated") return this.#fault(end, "rate");
    thumbs.show(session, good, end);
    this.#own.render();
    this.#own.notify(this.#words.rated);
    return undefined;
  }

  #explain = async (comment) => {
    const { why, reason } = this.#nodes;
    const wrong = await this.#judge(false, { reason: REASONS[reason.selectedIndex || NaN], comment: comment.trim() || undefined });
    if (wrong) return wrong;
    this.#close(why, this.#rated.bad);
    why.reset();
    return undefined;
  };

  #edit() {
    const { editor, text } = this.#nodes;
    const { view } = this.#own.client;
    if (editor.hidden) {
      text.value = draft(this.#key("text")) || view.text;
      this.#base = view.session;
      editor.say();
    }
    editor.hidden = false;
    text.focus();
  }

  #closeEditor() {
    const { editor, edit } = this.#nodes;
    draft(this.#key("text"), "");
    this.#close(editor, edit);
  }

  #write = async (response) => {
    const end = await this.#post({ type: "write", response, session: this.#base });
    if (end.type === "done") draft(this.#key("text"), "");
    if (this.#left) return undefined;
    if (end.code === "answer_changed") {
      this.#base = end.session;
      this.#chat.ask({ version: end.version });
      return `${end.message} ${this.#words.newest}`;
    }
    if (end.type === "error") return this.#fault(end, "write");
    this.#closeEditor();
    this.#chat.ask({ version: end.versions });
    return undefined;
  };

  #ask = async (text) => {
    const { question } = this.#nodes;
    if (this.#own.busy() || !text.trim()) return;
    this.forget();
    this.#typed = text;
    this.#live = true;
    question.value = "";
    this.#own.began();
    this.client = this.#own.make();
    this.client.ask({ question: text, session: this.#own.client.view.session });
  };
}

/*
 * The page of the service: a form for <ticket-chat>. The address has the ticket's number, but not its text; a link opens
 * what is saved and starts no answer. A text that was asked is stored with this entry of the browser's history, so that a
 * reload shows the same. Text that is typed but not asked yet is stored for this tab (sessionStorage), by entry, and
 * returns after a reload, Back and Forward.
 */
import "./ticket-chat.js";
import { WORDS } from "./page-words.js";
import { ticketNumber } from "./ticket-chat-client.js";
import { language } from "./ticket-chat-words.js";

const MARGIN = 16; // pixels below the answer
const SLACK = 48; // pixels from the end of the answer that still count as being at its end

const [form, chat] = ["form", "ticket-chat"].map((tag) => document.querySelector(tag));
const [number, text, token, note] = ["number", "text", "token", "link"].map((id) => document.getElementById(id));
const [example, printed] = ["example", "print"].map((id) => document.getElementById(id));
const lang = language(navigator.language);
const w = WORDS[lang];
let own; // the typed text while the example replaces it
let opening; // the ticket of a link, until it is known what is saved
let asked = false;
let atEnd = true;
let writing = false;

function translate() {
  document.documentElement.lang = lang;
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = w[node.dataset.word];
  text.placeholder = w.placeholder;
  document.getElementById("embed").textContent =
    `<script type="module" src="${new URL("ticket-chat.js", location)}"></script>\n` +
    `<ticket-chat ticket-id="42" ticket-body="${w.placeholder}"></ticket-chat>`;
}

function show(ticketBody) {
  printed.hidden = !ticketBody;
  printed.querySelector("p").textContent = ticketBody ?? "";
}

/* Without a text it opens what is saved. */
function ask(ticket, ticketBody) {
  document.title = `${ticket} – ${w.title}`;
  note.textContent = "";
  show(ticketBody);
  Object.assign(chat, { ticketId: ticket, ticketBody, token: token.value || undefined });
  asked = atEnd = true;
  opening = ticketBody ? undefined : ticket;
  if (opening) chat.open();
  else chat.ask();
}

/* The text that a link's answer was written for, if the service shows it, unless somebody types another one. */
function opened({ ticketBody }) {
  if (!opening || !ticketBody) return;
  chat.ticketBody = ticketBody;
  show(ticketBody);
  if (!text.value) text.value = ticketBody;
  check();
}

/* There is nothing to show for a link: the form is. */
function empty(code) {
  chat.ticketId = undefined;
  document.title = w.title;
  note.textContent = code === "no_answer" ? w.noAnswer(opening) : w.onlyLink(opening);
}

/* The typed text of this entry of the history; the storage may be full or forbidden. */
function draft(act) {
  try {
    return act(sessionStorage, `ticketchat ${history.state.entry}`);
  } catch {
    return undefined;
  }
}

const typed = () => draft((storage, key) => JSON.parse(storage.getItem(key)));
const forget = () => draft((storage, key) => storage.removeItem(key));
const keep = () =>
  draft((storage, key) => storage.setItem(key, JSON.stringify({ number: number.value, text: text.value, own })));
const entry = (state) => ({ ...state, entry: crypto.getRandomValues(new Uint32Array(2)).join("") });

/* Restores what the address and this entry of the history contain, and what was typed since then. */
function restore() {
  if (!history.state?.entry) history.replaceState(entry(history.state), "");
  const given = new URLSearchParams(location.search).get("ticket") ?? "";
  const ticket = ticketNumber(given);
  const body = history.state.text;
  const since = typed();
  number.value = since?.number ?? (ticket || given);
  text.value = since?.text ?? body ?? "";
  own = since?.own;
  check();
  if (ticket) return ask(ticket, body);
  chat.ticketId = undefined; // shows nothing of another ticket
  show();
  document.title = w.title;
  note.textContent = "";
}

/* What is wrong with a number; "" if it is valid. */
function wrong(id) {
  if (!id.trim() || ticketNumber(id)) return "";
  const digits = /^\s*#?\s*(\d+)\s*$/.exec(id.normalize("NFKC"))?.[1];
  return !digits ? w.badNumber : /[1-9]/.test(digits) ? w.tooBig : w.noZero;
}

function check() {
  number.setCustomValidity(wrong(number.value));
  text.required = !opening || !token.value; // a link that needs a token needs nothing else
  text.setCustomValidity(text.value.trim() || !text.required ? "" : w.noText);
  example.textContent = own === undefined ? w.example : w.own;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  number.value = ticketNumber(number.value);
  if (!text.value.trim()) return ask(number.value);
  forget();
  const address = `?ticket=${number.value}`;
  const state = entry({ text: text.value });
  if (location.search === address) history.replaceState(state, "");
  else history.pushState(state, "", address);
  if (own !== undefined) keep();
  ask(number.value, text.value);
});
form.addEventListener("input", () => {
  check();
  keep();
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
/* The example replaces a typed text; the next click brings that text back. */
example.addEventListener("click", () => {
  const mine = text.value.trim() && text.value !== w.placeholder ? text.value : undefined;
  [text.value, own] = [own ?? w.placeholder, mine];
  number.value ||= "42";
  form.querySelector("button").focus();
  check();
  keep();
});
addEventListener("popstate", restore);

chat.addEventListener("ticket-chat-frame", ({ detail }) => detail.type === "cached" && opened(detail));
chat.addEventListener("ticket-chat-error", ({ detail: { code } }) => {
  if (code === "unauthorized") document.getElementById("token-field").hidden = false;
  if (opening && /^(no_answer|not_allowed|bad_request)$/.test(code)) empty(code);
});

/* After a question, the page scrolls to the beginning of the answer. While the answer is written, the page follows its
   end if that is visible; if the user reads further up, the page does not scroll. */
const beyond = () => chat.getBoundingClientRect().bottom + MARGIN - innerHeight;
function follow() {
  if (asked) chat.scrollIntoView({ block: "nearest" });
  else if (writing && atEnd) scrollBy(0, Math.max(0, beyond()));
  asked &&= !chat.offsetHeight;
}
addEventListener("scroll", () => (atEnd = beyond() < SLACK), { passive: true });
new ResizeObserver(follow).observe(chat);
chat.addEventListener("ticket-chat-frame", ({ detail }) => (writing ||= detail.type === "stream"));
for (const end of ["done", "error"]) {
  chat.addEventListener(`ticket-chat-${end}`, () => {
    follow();
    writing = false;
  });
}

translate();
restore();

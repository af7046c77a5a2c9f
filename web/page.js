/*
 * The page of the service: a form in front of <ticket-chat>. The ticket's number is in the address; its text is not,
 * but stays with this entry of the browser's history, so that a reload shows the same.
 */
import "./ticket-chat.js";
import { WORDS } from "./page-words.js";
import { language } from "./ticket-chat-words.js";

const MARGIN = 16; // pixels below the answer
const SLACK = 48; // so many pixels from its end count as being there

const [form, chat] = ["form", "ticket-chat"].map((tag) => document.querySelector(tag));
const [number, text, token, note] = ["number", "text", "token", "link"].map((id) => document.getElementById(id));
const lang = language(navigator.language);
const w = WORDS[lang];
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

function ask() {
  document.title = `${number.value} – ${w.title}`;
  note.textContent = "";
  Object.assign(chat, { ticketId: number.value, ticketBody: text.value, token: token.value || undefined });
  asked = atEnd = true;
  chat.ask();
}

/* What the address and this entry of the history say. */
function restore() {
  number.value = new URLSearchParams(location.search).get("ticket") ?? "";
  text.value = history.state?.text ?? "";
  check();
  if (form.checkValidity()) return ask();
  chat.ticketId = undefined; // nothing of another ticket
  document.title = w.title;
  note.textContent = number.validity.valid ? w.onlyLink(number.value) : "";
}

function check() {
  number.setCustomValidity(number.validity.patternMismatch ? w.badNumber : "");
  text.setCustomValidity(text.value.trim() ? "" : w.noText);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  number.value = number.value.trim();
  const address = `?ticket=${number.value}`;
  const state = { text: text.value };
  if (location.search === address) history.replaceState(state, "");
  else history.pushState(state, "", address);
  ask();
});
form.addEventListener("input", check);
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
document.getElementById("example").addEventListener("click", () => {
  number.value ||= "42";
  text.value = w.placeholder;
  check();
  form.querySelector("button").focus();
});
addEventListener("popstate", restore);

chat.addEventListener("ticket-chat-error", ({ detail }) => {
  if (detail.code === "unauthorized") document.getElementById("token-field").hidden = false;
});

/* Who has asked sees the answer begin. Who sees its end while it is written goes on to; who reads further up is left
   alone. */
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

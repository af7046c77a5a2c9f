/*
 * The notes that the model was given for an answer of <ticket-chat>: a list under the answer, and a link for each [1] in it
 * that names one of them. Titles and addresses are not trusted.
 */
import { make, plain, put } from "./ticket-chat-parts.js";
import { sheetOf } from "./ticket-chat-style.js";
import { inLanguages, language } from "./ticket-chat-words.js";

const WORDS = inLanguages({
  sources: ["Fontes", "Sources", "Fuentes"],
  source: ["Fonte %: %", "Source %: %", "Fuente %: %"],
  ticket: ["chamado %", "ticket %", "ticket %"],
  uncited: ["não citada", "not cited", "no citada"],
});

export const sourceWords = (lang) => WORDS[language(lang)];

const styleSheet = sheetOf(`
.sources { padding-bottom: 1em; font-size: .875em; overflow-wrap: anywhere; }
.sources p { margin: 0; font-weight: 600; }
.sources ol { margin: 0; padding: 0; list-style: none; }
.sources li { padding: .25em 0; scroll-margin-top: 6em; }
.sources a { color: var(--accent); }
.sources bdi, .unused, .unused a { color: var(--muted); }
`);

const PLACE = "#source-"; // and the number

/* An address of the web, or undefined. */
function safe(address) {
  try {
    const url = new URL(address);
    if (/^https?:$/.test(url.protocol) && url.host && !url.username && !url.password) return url;
  } catch {
    // it is none
  }
  return undefined;
}

/* Turns each [1] that names a source into a link, in nodes of ticket-chat-markdown.js, but not in code and in links. No other
   link becomes it, or the reverse, as it is in a span. */
function cite(node, links) {
  if (!node.tag || /^(?:a|code)$/.test(node.tag)) return;
  const whole = [];
  for (const child of node.children) {
    if (typeof child === "string" && typeof whole.at(-1) === "string") whole.push(whole.pop() + child);
    else whole.push(child);
  }
  for (const child of whole) cite(child, links);
  node.children = whole.flatMap((child) => (child.tag ? child : child.split(/(\[[1-9]\d?\](?!\())/).map((part) =>
    (links[part] ? { tag: "span", children: [{ tag: "a", children: [part], attributes: links[part] }], attributes: {} } : part))));
}

export class Sources {
  #node = make("div", "sources");
  #list = document.createElement("ol");
  #title = document.createElement("p");
  #shown; // the sources and the language
  #given;
  #adapt;

  constructor({ parts, root }) {
    this.#node.role = "region";
    this.#title.id = "sources-title";
    this.#node.setAttribute("aria-labelledby", this.#title.id);
    this.#list.role = "list";
    this.#node.append(this.#title, this.#list);
    parts.answer.after(this.#node);
    parts.chat.addEventListener("click", (event) => {
      const place = event.target.closest("a")?.getAttribute("href");
      if (!place?.startsWith(PLACE)) return;
      event.preventDefault(); // no page has this place, as it is in the element
      root.getElementById(place.slice(1))?.focus();
    });
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, styleSheet()];
  }

  /* What makes the links in an answer with these sources; the same as long as they are. */
  cite(given, lang) {
    const key = given && JSON.stringify([given, language(lang)]);
    if (key === this.#given) return this.#adapt;
    this.#given = key;
    const w = sourceWords(lang);
    const links = { __proto__: null };
    for (const { n, title, url } of given ?? []) {
      const href = safe(url)?.href;
      links[`[${n}]`] = { part: "cite", href: href ?? PLACE + n, target: href && "_blank",
        rel: href && "noopener noreferrer nofollow", "aria-label": w.source(n, plain(title)) };
    }
    this.#adapt = given && ((nodes) => nodes.forEach((node) => cite(node, links)));
    return this.#adapt;
  }

  show(given, lang) {
    const w = sourceWords(lang);
    this.#node.hidden = !given;
    const shown = given && JSON.stringify([given, language(lang)]);
    if (!given || shown === this.#shown) return;
    this.#shown = shown;
    put(this.#title, w.sources);
    this.#list.replaceChildren(...given.map((source) => this.#item(source, w)));
  }

  remove() {
    this.#node.remove();
  }

  #item({ n, title, url, ticket, cited }, w) {
    const address = safe(url);
    const label = document.createElement(address ? "a" : "span");
    const item = make("li", cited ? "source" : "source unused", `[${n}] `, label);
    item.id = PLACE.slice(1) + n;
    item.tabIndex = -1;
    Object.assign(label, { textContent: plain(title), dir: "auto", lang: "" });
    if (address) {
      Object.assign(label, { href: address.href, target: "_blank", rel: "noopener noreferrer nofollow" });
      const host = document.createElement("bdi");
      host.textContent = ` (${address.host})`;
      item.append(host);
    }
    if (ticket && !title.includes(ticket)) item.append(` · ${w.ticket(ticket)}`);
    if (!cited) item.append(` – ${w.uncited}`);
    return item;
  }
}

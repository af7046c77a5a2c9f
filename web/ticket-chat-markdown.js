/*
 * Markdown from a language model, shown while it is written.
 *
 *     const view = new MarkdownView(element);
 *     view.update("# Printer\n\nOpen the **cov");
 *     view.update("# Printer\n\nOpen the **cover** first.");
 *
 * The text is not trusted. It becomes a tree of plain objects first, whose tags and attributes are all written down
 * here; patch() makes the DOM like it and keeps the nodes that are right already. HTML is text, pictures are links, and
 * only http:, https: and mailto: are linked, with the host in sight. No expression here looks at a text more often than
 * a fixed number of times, so that a nasty text takes no longer than a nice one of its size.
 */
const DEPTH = 16; // of blocks in blocks, and of emphasis in emphasis: what is deeper stays text
const ADDRESS = 2000; // characters: what is longer stays text

const el = (tag, children = [], attributes = {}) => ({ tag, children, attributes });
const textOf = (node) => (typeof node === "string" ? node : node.children.map(textOf).join(""));

/* Blocks. A parser gets the lines, the first of its own, whether they end where the text ends so far, and how deep it
 * is; it returns its node and the first line that is not its own. */

const HEADING = /^(#{1,6})(?:[ \t]|$)/;
const FENCE = /^(`{3,}|~{3,})([^`]*)$/;
const RULE = /^(?:-{3,}|\*{3,}|_{3,})$/;
const MARKER = /^(?:\d{1,9}(?=[.)]))?[-+*.)](?=[ \t]|$)/;
const INTERRUPTS = /^(?:[-+*]|1[.)])[ \t]+\S/; // a list that needs no empty line before it
const MARKS = /^[-+*#>`~_=|]+$/;

function columns(line) {
  let n = 0;
  for (const c of line) {
    if (c !== " " && c !== "\t") break;
    n += c === " " ? 1 : 4 - (n % 4);
  }
  return n;
}

/* The line without its first n columns, as far as they are empty. */
function dedent(line, n) {
  let i = 0;
  let column = 0;
  for (; column < n && (line[i] === " " || line[i] === "\t"); i++) column += line[i] === " " ? 1 : 4 - (column % 4);
  return " ".repeat(Math.max(0, column - n)) + line.slice(i);
}

function kindOf(lines, i, open, depth) {
  const line = lines[i].trim();
  if (!line) return "blank";
  if (open && i === lines.length - 1 && MARKS.test(line)) return "blank"; // the first characters of who knows what
  if (HEADING.test(line)) return "heading";
  if (FENCE.test(line)) return "fence";
  if (/^[-*_]/.test(line) && RULE.test(line.replace(/[ \t]/g, ""))) return "rule";
  if (depth < DEPTH && line[0] === ">") return "quote";
  if (depth < DEPTH && isMarker(line)) return "list";
  return isTable(lines, i, open) ? "table" : "text";
}

const isMarker = (line) => MARKER.test(line) && !/^[.)]/.test(line);

function blocks(lines, open, depth, starts = []) {
  const nodes = [];
  for (let i = 0; i < lines.length; ) {
    const kind = kindOf(lines, i, open, depth);
    if (kind === "blank") {
      i++;
      continue;
    }
    starts.push(i);
    const [node, end] = BLOCKS[kind](lines, i, open, depth);
    nodes.push(node);
    i = end;
  }
  return nodes;
}

const BLOCKS = {
  heading(lines, i, open) {
    const line = lines[i].trim();
    const level = HEADING.exec(line)[1].length;
    let end = line.length;
    while (line[end - 1] === "#") end--;
    const text = line.slice(level, /[ \t]/.test(line[end - 1]) ? end : undefined).trim();
    return [el(`h${Math.min(level + 2, 6)}`, inline(text, open && i === lines.length - 1)), i + 1];
  },

  fence(lines, i, open) {
    const [, fence, info] = FENCE.exec(lines[i].trim());
    const indent = columns(lines[i]);
    const code = [];
    let closed = false;
    for (i++; i < lines.length && !closed; i++) {
      const line = lines[i].trim();
      closed = line.startsWith(fence) && line === fence[0].repeat(line.length);
      if (!closed) code.push(dedent(lines[i], indent));
    }
    // The end of the text may be the beginning of the end.
    if (open && !closed && code.length && fence.startsWith(code.at(-1).trim())) code.pop();
    const language = /^[\w.+#-]{1,30}/.exec(info.trim())?.[0];
    return [el("pre", [el("code", merged([code.join("\n")]))], language ? { "data-language": language } : {}), i];
  },

  rule: (lines, i) => [el("hr"), i + 1],

  quote(lines, i, open, depth) {
    const inner = [];
    for (; lines[i]?.trimStart()[0] === ">"; i++) inner.push(lines[i].trimStart().slice(1).replace(/^ /, ""));
    return [el("blockquote", blocks(inner, open && i === lines.length, depth + 1)), i];
  },

  list(lines, i, open, depth) {
    const marker = (line) => MARKER.exec(line.trimStart())[0];
    const first = marker(lines[i]);
    const items = [];
    while (i < lines.length && kindOf(lines, i, false, depth) === "list" && marker(lines[i]).at(-1) === first.at(-1)) {
      const indent = columns(lines[i]);
      const { length } = marker(lines[i]);
      const item = [lines[i].trimStart().slice(length).trimStart()];
      for (i++; i < lines.length; i++) {
        if (!lines[i].trim()) item.push("");
        else if (columns(lines[i]) >= indent + 2) item.push(dedent(lines[i], indent + length + 1));
        else if (item.at(-1) && kindOf(lines, i, open, depth) === "text" && !isNumber(lines, i, open, first)) item.push(lines[i]);
        else break;
      }
      const [head, ...rest] = blocks(item, open && i === lines.length, depth + 1);
      items.push(el("li", !head ? [] : head.tag === "p" ? [...head.children, ...rest] : [head, ...rest]));
    }
    if (i < lines.length && isNumber(lines, i, open, first)) {
      items.push(el("li"));
      i++;
    }
    const start = parseInt(first, 10);
    return [el(first.length > 1 ? "ol" : "ul", items, start >= 0 && start !== 1 ? { start: String(start) } : {}), i];
  },

  table(lines, i, open) {
    const row = (tag, n) => el("tr", cells(lines[n]).map((cell, k) =>
      el(tag, inline(cell, open && n === lines.length - 1), align[k] ? { "data-align": align[k] } : {})));
    const align = isDelimiter(lines[i + 1]) ? cells(lines[i + 1]).map((c) =>
      c.endsWith(":") ? (c.startsWith(":") ? "center" : "right") : undefined) : [];
    const head = row("th", i);
    const rows = [];
    for (i += 2; lines[i]?.includes("|") && /text|table/.test(kindOf(lines, i, open, DEPTH)); i++) rows.push(row("td", i));
    const label = head.children.map(textOf).filter(Boolean).join(", ").slice(0, 100) || "Table";
    return [el("div", [el("table", [el("thead", [head]), ...(rows.length ? [el("tbody", rows)] : [])])],
      { role: "region", tabindex: "0", "aria-label": label }), Math.min(i, lines.length)];
  },

  text(lines, i, open, depth) {
    const own = [];
    do own.push(lines[i++].trim());
    while (i < lines.length && continues(lines, i, open, depth));
    return [el("p", inline(own.join("\n"), open && i === lines.length)), i];
  },
};

function continues(lines, i, open, depth) {
  const kind = kindOf(lines, i, open, depth);
  return kind === "text" || (kind === "list" && !INTERRUPTS.test(lines[i].trimStart()));
}

/* In a numbered list the text ends with what will be the next number. */
const isNumber = (lines, i, open, first) =>
  open && i === lines.length - 1 && first.length > 1 && /^\d{1,9}$/.test(lines[i].trim());

function cells(line) {
  const row = line.trim().split(/(?<!\\)\|/);
  if (row[0] === "") row.shift();
  if (row.at(-1) === "") row.pop();
  return row.map((cell) => cell.replaceAll("\\|", "|").trim());
}

const isDelimiter = (line = "") =>
  /^[|:\- \t]+$/.test(line) && line.includes("|") && cells(line).every((cell) => /^:?-+:?$/.test(cell));

function isTable(lines, i, open) {
  const [line, next] = [lines[i], lines[i + 1]];
  if (!line.includes("|")) return false;
  if (isDelimiter(next) && cells(line).length === cells(next).length) return true;
  // At the end of the text what begins like a table is one.
  return open && line.trimStart()[0] === "|" &&
    (next === undefined || (i === lines.length - 2 && /^[ \t]*[|:-][|:\- \t]*$/.test(next)));
}

/* What stands in a line. */

const SPECIAL = /[\\`\n\]]|!?\[|\*+|_+|~+|`+|(?<![a-z0-9])(?:https?:\/\/|mailto:)[^\s<>[\]`"]+/gi;
const TAGS = { "*": "em", _: "em", "**": "strong", __: "strong", "~~": "del" };

/* Neighbouring strings are one. */
function merged(nodes) {
  const out = [];
  let text = [];
  for (const node of [...nodes, null]) {
    if (typeof node === "string") text.push(node);
    else {
      const joined = text.join("");
      if (joined) out.push(joined);
      if (node) out.push(node);
      text = [];
    }
  }
  return out;
}

/* For each run of backticks where the next one of its length is. */
function codeEnds(s) {
  const ends = new Map();
  const next = new Map();
  for (const { index, 0: run } of [...s.matchAll(/`+/g)].reverse()) {
    ends.set(index, next.get(run.length));
    next.set(run.length, index);
  }
  return ends;
}

/* The address in "(address)" or "(address "title")" at i, and where that ends. */
function target(s, i) {
  if (s[i] !== "(") return undefined;
  let end = i + 1;
  for (let depth = 0; end < s.length && end - i < ADDRESS && !/\s/.test(s[end]); end++) {
    if (s[end] === "\\") end++;
    else if (s[end] === "(" && ++depth > 4) return undefined;
    else if (s[end] === ")" && --depth < 0) break;
  }
  const url = safe(s.slice(i + 1, end).replace(/^<|>$/g, "").replace(/\\([!-/:-@[-`{-~])/g, "$1"));
  if (s[end] === " " && /["']/.test(s[end + 1])) {
    const title = s.slice(end + 2, end + ADDRESS).indexOf(`${s[end + 1]})`);
    if (title >= 0) end += title + 3;
  }
  return url && s[end] === ")" ? { url, end: end + 1 } : undefined;
}

function safe(address) {
  try {
    const url = new URL(address);
    if (/^https?:$/.test(url.protocol) ? !url.username && !url.password : url.protocol === "mailto:" && url.pathname)
      return address.length < ADDRESS ? url : undefined;
  } catch {
    // no address
  }
  return undefined;
}

/* The label of a link links nowhere else. */
const unlinked = (nodes) => nodes.flatMap((node) =>
  typeof node === "string" ? [node]
  : node.tag === "bdi" ? []
  : node.tag === "a" ? unlinked(node.children)
  : [el(node.tag, unlinked(node.children), node.attributes)]);

function link(label, url) {
  const where = url.host || url.pathname;
  const children = merged(unlinked(label));
  const shown = children.map(textOf).join("").toLowerCase().replace(/^(?:https?:\/\/|mailto:)/, "");
  const shows = shown.startsWith(where.toLowerCase()) && /^(?:$|[/?#])/.test(shown.slice(where.length));
  if (!shows) children.push(el("bdi", [` (${where})`]));
  return el("a", children, { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow" });
}

/* A bare address without the punctuation of the sentence behind it. */
function bare(match) {
  let end = match.length;
  let brackets = match.split(")").length - match.split("(").length;
  while (/[.,;:!?'*_~)]/.test(match[end - 1])) {
    if (match[end - 1] === ")" && brackets-- <= 0) break;
    end--;
  }
  return match.slice(0, end);
}

function inline(s, open) {
  const out = []; // nodes and strings
  const stack = []; // the marks that may still be closed, which are strings in out so far
  const ends = s.includes("`") ? codeEnds(s) : undefined;
  const lastBreak = open ? Math.max(...[" ", "\n", ")"].map((c) => s.lastIndexOf(c))) : 0;

  const opens = (mark) => {
    if (stack.length === DEPTH) stack.shift();
    stack.push({ mark, at: out.length });
    out.push(mark);
  };
  const close = (k) => {
    const children = out.splice(stack[k].at + 1);
    out.pop();
    stack.length = k;
    return children;
  };

  for (let i = 0; i < s.length; ) {
    SPECIAL.lastIndex = i;
    const match = SPECIAL.exec(s);
    if (!match) {
      out.push(s.slice(i));
      break;
    }
    const [mark] = match;
    const at = match.index;
    if (at > i) out.push(s.slice(i, at));
    i = at + mark.length;
    if (mark === "\\") {
      if (/[!-/:-@[-`{-~]/.test(s[i] ?? "")) out.push(s[i++]);
      else if (s[i] !== "\n") out.push(mark);
    } else if (mark === "\n") {
      out.push(el("br"));
    } else if (mark[0] === "`") {
      let end = ends.get(at);
      if (end === undefined && open && !s.includes("\n", i)) end = s.length;
      if (end === undefined) out.push(mark);
      else if (end > i) {
        const code = s.slice(i, end).replaceAll("\n", " ");
        out.push(el("code", [/^ .* $/.test(code) && code.trim() ? code.slice(1, -1) : code]));
      }
      if (end !== undefined) i = end + mark.length;
    } else if (mark.endsWith("[")) {
      opens(mark);
    } else if (mark === "]") {
      const k = stack.findLastIndex((entry) => entry.mark.endsWith("["));
      const found = k >= 0 && target(s, i);
      if (found) {
        out.push(link(close(k), found.url));
        i = found.end;
      } else if (k >= 0 && open && s[i] === "(" && i > lastBreak) {
        out[stack[k].at] = ""; // an address that is not there yet
        stack.splice(k, 1);
        i = s.length;
      } else {
        if (k >= 0) stack.splice(k, 1);
        out.push(mark);
      }
    } else if (/^[*_~]/.test(mark)) {
      emphasis(mark, s[at - 1] ?? " ", s[i] ?? " ", open && i === s.length);
    } else {
      const address = bare(mark);
      const url = safe(address);
      out.push(url ? link([address], url) : address);
      i = at + address.length;
    }
  }
  while (open && stack.length) {
    const tag = TAGS[stack.at(-1).mark];
    if (tag) out.push(el(tag, merged(close(stack.length - 1))));
    else stack.pop();
  }
  return merged(out);

  function emphasis(run, before, after, last) {
    const c = run[0];
    const word = (other) => c === "_" && /[\p{L}\p{N}]/u.test(other);
    let rest = run.length;
    if (rest > 3 || (c === "~" && rest !== 2)) return out.push(run);
    while (rest && /\S/.test(before) && !word(after)) {
      const k = stack.findLastIndex(({ mark }) => mark[0] === c && (mark.length === rest || rest === 3));
      if (k < 0) break;
      rest -= stack[k].mark.length;
      const { mark } = stack[k];
      out.push(el(TAGS[mark], merged(close(k))));
    }
    if (rest && /\S/.test(after) && !word(before)) {
      if (rest > 1) opens(c + c);
      if (rest !== 2) opens(c);
    } else if (!last) out.push(c.repeat(rest));
  }
}

/* Makes the children of a node, from one of them on, what they should be. */
function patch(parent, nodes, from = 0) {
  let old = parent.childNodes[from];
  for (const node of nodes) {
    if (old?.localName !== node.tag || !old) {
      const fresh = node.tag ? document.createElement(node.tag) : document.createTextNode("");
      if (old) old.replaceWith(fresh);
      else parent.append(fresh);
      old = fresh;
    }
    if (node.tag) {
      for (const { name } of [...old.attributes]) if (!(name in node.attributes)) old.removeAttribute(name);
      for (const [name, value] of Object.entries(node.attributes))
        if (old.getAttribute(name) !== value) old.setAttribute(name, value);
      patch(old, node.children);
    } else if (node.startsWith(old.data)) {
      if (node !== old.data) old.appendData(node.slice(old.length));
    } else {
      old.data = node;
    }
    old = old.nextSibling;
  }
  while (old) {
    const next = old.nextSibling;
    old.remove();
    old = next;
  }
}

export class MarkdownView {
  #container;
  #text = "";
  #from = 0; // what is before this place in the text will not change any more,
  #kept = 0; // and these are its nodes

  constructor(container) {
    this.#container = container;
    container.replaceChildren();
  }

  update(text) {
    text = text.replace(/\r\n?/g, "\n").replace(/\p{Bidi_Control}/gu, "");
    if (!text.startsWith(this.#text)) this.#from = this.#kept = 0;
    this.#text = text;
    const lines = text.slice(this.#from).split("\n");
    const { length } = lines;
    if (lines.at(-1) === "") lines.pop();
    const starts = [];
    patch(this.#container, blocks(lines, true, 0, starts), this.#kept);
    // Where a block begins is known for good once its first two lines are complete (a table needs two).
    const last = starts.findLastIndex((start) => start <= length - 3);
    if (last <= 0) return;
    this.#kept += last;
    for (const line of lines.slice(0, starts[last])) this.#from += line.length + 1;
  }
}

/*
 * Markdown of a language model, shown while it is written. The text is not trusted: it becomes a tree of el()s, whose
 * tags and attributes all stand here, and patch() makes the DOM like it. However nasty a text is, no character is
 * looked at more than a fixed number of times.
 */
const DEPTH = 16; // of blocks and of marks; what is deeper stays text

const HEADING = /^(#{1,6})(?=\s)/;
const FENCE = /^(`{3,}(?=[^`]*$)|~{3,})\s*([\w.+#-]{0,30})/;
const RULE = /^([-*_])(?:\s*\1){2,999}$/;
const ITEM = /^([-+*]|\d{1,9}[.)])(?:\s+|$)/;
const UNBORN = /^[-+*#>`~_=|:\s]*$/; // a last line that may become anything

const ADDRESS = String.raw`(?:https?|mailto):(?:[^\s<>()[\]"]|[([][^\s()[\]]{0,999}[)\]]){1,4000}`;
const MARK = new RegExp(String.raw`\\[!-/:-@[-\x60{-~\n]|[\n\]]|!?\[|\x60+|\*+|_+|(?<!~)~~(?!~)|` +
  String.raw`(?<![a-z0-9])${ADDRESS}(?<![.,;:!?'*_~])`, "gi");
const TARGET = new RegExp(String.raw`\(<?(${ADDRESS})>?\)`, "iy");
const UNFINISHED = /\((?:[hm][^\s()[\]]*)?$/iy;
const TAGS = { "*": "em", _: "em", "**": "strong", __: "strong", "~~": "del" };

const el = (tag, children = [], attributes = {}) => ({ tag, children, attributes });
const textOf = (node) => (node.tag ? node.children.map(textOf).join("") : node);

const columns = (line) => line.replaceAll("\t", "    ").search(/\S|$/);
const dedent = (line, n) => line.slice(n && line[0] === "\t" ? 1 : Math.min(n, line.search(/\S|$/)));
const cells = (line) => line.replace(/^\||(?<!\\)\|$/g, "").split(/(?<!\\)\|/)
  .map((cell) => cell.replaceAll("\\|", "|").trim());

/* The nodes of lines, each with its `start'. `open': the text ends here so far. */
function blocks(lines, open, depth) {
  const trimmed = lines.map((line) => {
    const text = line.trim();
    return text.endsWith("\\") && !line.endsWith("\\") ? `${text} ` : text; // not at the end of its line
  });
  const nodes = [];
  let i = 0; // a parser's second line
  const text = (s) => inline(s, open && i >= lines.length);
  const within = (own) => blocks(own, open && i >= lines.length, depth + 1);
  const take = (test, from = trimmed) => {
    const start = i;
    while (i < lines.length && test(trimmed[i])) i++;
    return from.slice(start, i);
  };

  const isItem = (line) => ITEM.test(line) && !RULE.test(line) && depth < DEPTH;
  const title = (line) => line.replace(/^#+|\s#+$/g, "").trim();

  /* What begins in line i. A mark with nothing behind it is a character that somebody wrote about. */
  const kind = () => {
    const line = trimmed[i] ?? "";
    const last = open && i === lines.length - 1;
    if (HEADING.test(line) && title(line)) return heading;
    if (FENCE.test(line)) return fence;
    if (RULE.test(line)) return rule;
    if (line[0] === ">" && depth < DEPTH && (line[1] || last || trimmed[i + 1]?.[0] === ">")) return quote;
    if (isItem(line) && (ITEM.exec(line)[0].length < line.length || last || (trimmed[i + 1] &&
      (columns(lines[i + 1]) > columns(lines[i]) || isItem(trimmed[i + 1]))))) return list;
    if (line.includes("|")) {
      const next = cells(trimmed[i + 1] ?? "");
      if (next.every((cell) => /^:?-+:?$/.test(cell)) ? next.length === cells(line).length
        : last && line[0] === "|") return table;
    }
    return line && paragraph;
  };

  function heading(line) {
    const [, { length }] = HEADING.exec(line);
    return el(`h${Math.min(length + 2, 6)}`, text(title(line)));
  }

  function fence(line) {
    const [, marks, language] = FENCE.exec(line);
    const indent = columns(lines[i - 1]);
    const code = take((other) => !other.startsWith(marks) || other.replaceAll(marks[0], ""), lines);
    if (i++ >= lines.length) while (code.at(-1)?.trim() === "") code.pop(); // it has no end
    return el("pre", [el("code", [code.map((other) => dedent(other, indent)).join("\n")])],
      { "data-language": language });
  }

  const rule = () => el("hr");

  function quote(line) {
    const own = [line, ...take((other) => other[0] === ">")];
    return el("blockquote", within(own.map((other) => other.replace(/^> ?/, ""))));
  }

  function list(line) {
    const [, first] = ITEM.exec(line);
    const items = [];
    for (i--; isItem(trimmed[i] ?? ""); ) {
      const [, marker] = ITEM.exec(trimmed[i]);
      if (marker.at(-1) !== first.at(-1)) break;
      const indent = columns(lines[i]);
      const own = [trimmed[i++].replace(ITEM, ""), ...take((other) =>
        !other || columns(lines[i]) > indent + 1 || (trimmed[i - 1] && /\D/.test(other) && !isItem(other) && kind() === paragraph), lines)
        .map((other) => dedent(other, indent + marker.length + 1))];
      items.push(el("li", within(own).flatMap((node, k) => (k || node.tag !== "p" ? node : node.children))));
    }
    return first[1] ? el("ol", items, { start: first.slice(0, -1) }) : el("ul", items);
  }

  function table(line) {
    const align = cells(trimmed[i++] ?? "").map((cell) => /:$/.test(cell) && (cell[0] === ":" ? "center" : "right"));
    const row = (tag, other) =>
      el("tr", cells(other).map((cell, k) => el(tag, inline(cell), { "data-align": align[k] })));
    const head = row("th", line);
    const body = take((other) => other.includes("|"));
    return el("div", [el("table", [head, ...body.map((other) => row("td", other))])],
      { role: "region", tabindex: "0", "aria-label": head.children.map(textOf).join(" ") });
  }

  function paragraph(line) {
    return el("p", text([line, ...take(() => kind() === paragraph)].join("\n")));
  }

  while (i < lines.length) {
    const [parse, start] = [kind(), i++];
    if (parse) nodes.push({ ...parse(trimmed[start]), start });
  }
  return nodes;
}

/* A link that shows its host; none if it is not harmless. */
function link(label, address) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return undefined;
  }
  const where = url.host || url.pathname;
  if (!/^(?:https?|mailto):$/.test(url.protocol) || !where || url.username || url.password) return undefined;
  const children = unlinked(label);
  const [shown] = children.map(textOf).join("").replace(/^(?:https?:\/\/|mailto:)/i, "").split(/[/?#]/, 1);
  if (shown.toLowerCase() !== where.toLowerCase()) children.push(el("bdi", [` (${where})`]));
  return el("a", children, { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow" });
}

/* There is no link in a link. */
const unlinked = (nodes) => nodes.flatMap((node) => (node.tag === "a" ? unlinked(node.children)
  : node.tag ? el(node.tag, unlinked(node.children)) : node));

/* The nodes of a text in a block. At an `open' end everything is closed. */
function inline(s, open) {
  const out = [];
  const stack = []; // marks that are text so far, and where in `out' comes what they may enclose
  let i = 0;
  const opens = (mark) => {
    if (stack.length === DEPTH) stack.shift();
    stack.push({ mark, at: out.push(mark) });
  };
  const closed = (k) => {
    const [{ at }] = stack.splice(k);
    return out.splice(at - 1).slice(1);
  };

  function emphasis(run) {
    const [before, after] = [s[i - run.length - 1] ?? " ", s[i] ?? " "];
    const inWord = (c) => run[0] === "_" && /[\p{L}\p{N}]/u.test(c);
    let n = run.length;
    if (n > 3) return out.push(run);
    while (n && /\S/.test(before) && !inWord(after)) {
      const k = stack.findLastIndex(({ mark }) => mark[0] === run[0] && (mark.length === n || n === 3));
      if (k < 0) break;
      const { mark } = stack[k];
      n -= mark.length;
      out.push(el(TAGS[mark], closed(k)));
    }
    if (n && /\S/.test(after) && !inWord(before)) {
      if (n > 1) opens(run.slice(0, 2));
      if (n !== 2) opens(run[0]);
    } else if (n > 2 || !open || i < s.length) {
      out.push(run.slice(0, n));
    }
  }

  function bracket() {
    const k = stack.findLastIndex(({ mark }) => mark.endsWith("["));
    if (k < 0) return out.push("]");
    TARGET.lastIndex = UNFINISHED.lastIndex = i;
    const target = TARGET.exec(s);
    const node = target && link(out.slice(stack[k].at), target[1].replace(/\\([^a-z0-9])/gi, "$1"));
    if (node) {
      closed(k);
      out.push(node);
      i = TARGET.lastIndex;
    } else if (open && UNFINISHED.test(s)) {
      out[stack[k].at - 1] = "";
      i = s.length;
    } else {
      out.push("]");
      stack.splice(k, 1);
    }
  }

  function code(run) {
    const rest = s.slice(i, i + 999); // enough for code
    const length = run.length > DEPTH ? -1 : rest.search(`(?<!\`)${run}(?!\`)`);
    if (length < 0 && (!open || rest.includes("\n"))) return out.push(run);
    const end = length < 0 ? s.length : i + length;
    const text = s.slice(i, end).replaceAll("\n", " ");
    if (text) out.push(el("code", [/^ .* $/.test(text) ? text.slice(1, -1) : text]));
    i = end + run.length;
  }

  for (let match; (match = MARK.exec(s)); MARK.lastIndex = i) {
    const [mark] = match;
    out.push(s.slice(i, match.index));
    i = MARK.lastIndex;
    if (mark.endsWith("\n")) out.push(el("br"));
    else if (mark[0] === "\\") out.push(mark[1]);
    else if (mark === "]") bracket();
    else if (mark.endsWith("[")) opens(mark);
    else if (mark[0] === "`") code(mark);
    else if (/^[*_~]/.test(mark)) emphasis(mark);
    else out.push(link([mark], mark) ?? mark);
  }
  out.push(s.slice(i));
  while (open && stack.length) {
    const { mark } = stack.at(-1);
    if (mark[1] && TAGS[mark]) out.push(el(TAGS[mark], closed(stack.length - 1)));
    else stack.pop();
  }
  return out;
}

/* Makes the children of a node, from one of them on, like the nodes; what is right stays. */
function patch(parent, nodes, from = 0) {
  let old = parent.childNodes[from];
  for (let k = 0; k < nodes.length; k++) {
    let node = nodes[k];
    while (typeof node === "string" && typeof nodes[k + 1] === "string") node += nodes[++k];
    if (!node) continue;
    if (!old || old.localName !== node.tag) {
      const made = node.tag ? document.createElement(node.tag) : new Text();
      parent.insertBefore(made, old);
      old?.remove();
      old = made;
    }
    if (node.tag) {
      for (const [name, value] of Object.entries(node.attributes)) {
        if (!value) old.removeAttribute(name);
        else if (old.getAttribute(name) !== value) old.setAttribute(name, value);
      }
      patch(old, node.children);
    } else if (!node.startsWith(old.data)) {
      old.data = node;
    } else if (node !== old.data) {
      old.appendData(node.slice(old.length)); // a selection in it stays
    }
    old = old.nextSibling;
  }
  for (let next; old; old = next) {
    next = old.nextSibling;
    old.remove();
  }
}

export class MarkdownView {
  #container;
  #text = "";
  #from = 0; // the text before this is finished
  #kept = 0; // so many nodes are

  constructor(container) {
    this.#container = container;
    container.replaceChildren();
  }

  update(text, { whole = false } = {}) {
    text = text.replace(/\r\n?/g, "\n").replace(/\p{Bidi_Control}/gu, "");
    if (!text.startsWith(this.#text)) this.#from = this.#kept = 0;
    this.#text = text;
    const lines = text.slice(this.#from).split("\n");
    const complete = lines.length - 1;
    if (!whole && UNBORN.test(lines[complete])) lines.pop();
    const nodes = blocks(lines, !whole, 0);
    patch(this.#container, nodes, this.#kept);
    // Two complete lines tell for good where a block begins.
    const k = nodes.findLastIndex(({ start }) => start < complete - 1);
    if (k < 1) return;
    this.#kept += k;
    this.#from += lines.slice(0, nodes[k].start).join("\n").length + 1;
  }
}

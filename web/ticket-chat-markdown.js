/*
 * Markdown of a language model, shown while it is written.
 *
 *     const view = new MarkdownView(element);
 *     view.update("Open the **cov");
 *     view.update("Open the **cover** first.");
 *
 * The text is not trusted. It becomes a tree of el()s, whose tags and attributes all stand in this file, and patch()
 * makes the DOM like it. HTML stays text, pictures become links, and links lead to http:, https: and mailto: only, with
 * the host in sight. Nothing here looks at a character more often than a fixed number of times.
 */
const DEPTH = 16; // of blocks in blocks and of marks in marks; what is deeper stays text
const ADDRESS = 2000; // characters; what is longer stays text

const HEADING = /^(#{1,6})(?:[ \t]|$)/;
const FENCE = /^(?:`{3,}(?=[^`]*$)|~{3,})/;
const RULE = /^([-*_])(?:[ \t]*\1){2,999}$/;
const ITEM = /^([-+*]|\d{1,9}[.)])(?:[ \t]+|$)/;
const INTERRUPTS = /^(?:[-+*]|1[.)])[ \t]+\S/; // an item that needs no empty line before it
const UNBORN = /^[-+*#>`~_=|:\s]*$/; // a last line that may become anything
const SPECIAL = new RegExp("[\\\\\n\\]]|!?\\[|`+|\\*+|_+|~+|(?<![a-z0-9])(?:https?://|mailto:)" +
  "(?:[^\\s<>()[\\]`\"]|\\([^\\s<>()[\\]`\"]{0,999}\\)){1,4000}(?<![.,;:!?'*_~])", "gi");
const TARGET = /\(<?((?:[^\s<>()\\]|\\\S|\([^\s<>()]{0,999}\)){1,4000})>?(?: (?:"[^"]{0,999}"|'[^']{0,999}'))?\)/y;
const TAGS = { "*": "em", _: "em", "**": "strong", __: "strong", "~~": "del" };

const el = (tag, children, attributes = {}) => ({ tag, children, attributes });
const textOf = (node) => (node.tag ? node.children.map(textOf).join("") : node);

const columns = (line) => line.match(/^[ \t]*/)[0].replaceAll("\t", "    ").length;
const dedent = (line, n) => line.slice(n && line[0] === "\t" ? 1 : Math.min(n, line.search(/[^ ]|$/)));
const cells = (line) => line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "").split(/(?<!\\)\|/)
  .map((cell) => cell.replaceAll("\\|", "|").trim());

/* The nodes of lines, which end where the text ends so far if that is `open'; `starts' gets the first line of each. */
function blocks(lines, open, depth = 0, starts = []) {
  const nodes = [];
  let i = 0;
  const atEnd = () => open && i >= lines.length;
  const take = (test) => {
    const from = i;
    while (i < lines.length && test(lines[i].trim())) i++;
    return lines.slice(from, i);
  };
  /* What begins in line i: one of the functions below. */
  const kind = () => {
    const line = lines[i].trim();
    if (HEADING.test(line)) return heading;
    if (FENCE.test(line)) return fence;
    if (RULE.test(line)) return rule;
    if (line[0] === ">" && depth < DEPTH) return quote;
    if (ITEM.test(line) && depth < DEPTH) return list;
    if (line.includes("|")) {
      const next = cells(lines[i + 1] ?? "");
      if (next.every((cell) => /^:?-+:?$/.test(cell)) ? next.length === cells(line).length
        : open && i === lines.length - 1 && line[0] === "|") return table;
    }
    return line && paragraph;
  };

  function heading(line) {
    const { length } = HEADING.exec(line)[1];
    i++;
    return el(`h${Math.min(length + 2, 6)}`, inline(line.slice(length).replace(/[ \t]#+$/, "").trim(), atEnd()));
  }

  function fence(line) {
    const indent = columns(lines[i++]);
    const [marks] = FENCE.exec(line);
    const language = /^[\w.+#-]{1,30}/.exec(line.slice(marks.length).trim())?.[0];
    const code = take((other) => !other.startsWith(marks) || other.replaceAll(marks[0], ""));
    i++;
    return el("pre", [el("code", [code.map((other) => dedent(other, indent)).join("\n")])], { "data-language": language });
  }

  function rule() {
    i++;
    return el("hr", []);
  }

  function quote() {
    const own = take((line) => line[0] === ">").map((line) => line.trimStart().replace(/^> ?/, ""));
    return el("blockquote", blocks(own, atEnd(), depth + 1));
  }

  function list() {
    const marker = () => (i < lines.length && kind() === list ? ITEM.exec(lines[i].trim())[1] : "");
    const first = marker();
    const ordered = first.length > 1;
    const number = () => ordered && open && i === lines.length - 1 && /^\d{1,9}$/.test(lines[i].trim()); // half a marker
    const items = [];
    while (marker().at(-1) === first.at(-1)) {
      const indent = columns(lines[i]);
      const { length } = marker();
      let before = lines[i++].trim().replace(ITEM, "");
      const own = [before, ...take((line) => {
        const mine = !line || columns(lines[i]) >= indent + 2 || (before && kind() === paragraph && !number());
        before = line;
        return mine;
      }).map((line) => dedent(line, indent + length + 1))];
      const [head, ...rest] = blocks(own, atEnd(), depth + 1);
      items.push(el("li", head?.tag === "p" ? [...head.children, ...rest] : head ? [head, ...rest] : []));
    }
    if (number()) {
      items.push(el("li", []));
      i++;
    }
    return el(ordered ? "ol" : "ul", items, { start: ordered && String(parseInt(first, 10)) });
  }

  function table(line) {
    const align = cells(lines[i + 1] ?? "").map((cell) => /:$/.test(cell) && (cell[0] === ":" ? "center" : "right"));
    const row = (tag, other) =>
      el("tr", cells(other).map((cell, k) => el(tag, inline(cell, atEnd()), { "data-align": align[k] })));
    i += 2;
    const head = row("th", line);
    const body = take((other) => other.includes("|") && [paragraph, table].includes(kind()));
    return el("div", [el("table", [el("thead", [head]), el("tbody", body.map((other) => row("td", other)))])],
      { role: "region", tabindex: "0", "aria-label": head.children.map(textOf).join(", ").slice(0, 100) });
  }

  function paragraph(line) {
    i++;
    const more = take((other) => kind() === paragraph || (kind() === list && !INTERRUPTS.test(other)));
    return el("p", inline([line, ...more.map((other) => other.trim())].join("\n"), atEnd()));
  }

  while (i < lines.length) {
    const parse = kind();
    if (parse) {
      starts.push(i);
      nodes.push(parse(lines[i].trim()));
    } else {
      i++;
    }
  }
  return nodes;
}

function safe(address) {
  if (address.length > ADDRESS || !/^(?:https?|mailto):/i.test(address)) return undefined; // sooner than new URL throws
  try {
    const url = new URL(address);
    return /^(?:https?|mailto):$/.test(url.protocol) && !url.username && !url.password ? url : undefined;
  } catch {
    return undefined;
  }
}

/* Nodes for the label of a link: there is no link in a link. */
const unlinked = (nodes) => nodes.flatMap((node) => {
  if (!node.tag) return node;
  const children = unlinked(node.children);
  return node.tag === "a" ? children : node.tag === "bdi" ? [] : el(node.tag, children);
});

function link(label, url) {
  const where = url.host || url.pathname;
  const children = unlinked(label);
  const shown = children.map(textOf).join("").toLowerCase().replace(/^(?:https?:\/\/|mailto:)/, "");
  if (!shown.startsWith(where.toLowerCase()) || !/^(?:$|[/?#])/.test(shown.slice(where.length)))
    children.push(el("bdi", [` (${where})`]));
  return el("a", children, { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow" });
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

/* The nodes of a text within a block. At an `open' end what is not closed yet is closed. */
function inline(s, open) {
  const out = [];
  const stack = []; // marks that may be closed yet: text in `out' so far, followed by what is `at' their places
  const ends = codeEnds(s);
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
    if (n > 3 || run === "~" || run === "~~~") return out.push(run);
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
    } else if (!open || i < s.length) {
      out.push(run.slice(0, n));
    }
  }

  function bracket() {
    const k = stack.findLastIndex(({ mark }) => mark.endsWith("["));
    TARGET.lastIndex = i;
    const target = k >= 0 && TARGET.exec(s);
    const url = target && safe(target[1].replace(/\\([!-/:-@[-`{-~])/g, "$1"));
    if (url) {
      i = TARGET.lastIndex;
      out.push(link(closed(k), url));
    } else if (k >= 0 && open && s[i] === "(" && i > unfinished) {
      out.push(...closed(k)); // its address is not complete yet
      i = s.length;
    } else {
      if (k >= 0) stack.splice(k, 1);
      out.push("]");
    }
  }
  const unfinished = Math.max(s.lastIndexOf(" "), s.lastIndexOf("\n"), s.lastIndexOf(")"));

  function code(run, at) {
    const end = ends.get(at) ?? (open && !s.includes("\n", i) ? s.length : -1);
    if (end < 0) return out.push(run);
    const text = s.slice(i, end).replaceAll("\n", " ");
    out.push(el("code", [/^ .*[^ ].* $/.test(text) ? text.slice(1, -1) : text]));
    i = end + run.length;
  }

  while (i < s.length) {
    SPECIAL.lastIndex = i;
    const { 0: mark, index } = SPECIAL.exec(s) ?? { 0: "", index: s.length };
    out.push(s.slice(i, index));
    i = index + mark.length;
    if (mark === "\\") out.push(/[!-/:-@[-`{-~]/.test(s[i]) ? s[i++] : s[i] === "\n" ? "" : mark);
    else if (mark === "\n") out.push(el("br", []));
    else if (mark[0] === "`") code(mark, index);
    else if (mark === "]") bracket();
    else if (mark.endsWith("[")) opens(mark);
    else if (/^[*_~]/.test(mark)) emphasis(mark);
    else if (mark) out.push(safe(mark) ? link([mark], safe(mark)) : mark);
  }
  while (open && stack.length) {
    const { mark } = stack.at(-1);
    if (TAGS[mark]) out.push(el(TAGS[mark], closed(stack.length - 1)));
    else stack.pop();
  }
  return out;
}

/* Makes the children of a node, from one of them on, like the nodes; those that are right already stay. */
function patch(parent, nodes, from = 0) {
  let old = parent.childNodes[from];
  for (let k = 0; k < nodes.length; k++) {
    let node = nodes[k];
    if (!node.tag) while (typeof nodes[k + 1] === "string") node += nodes[++k];
    if (!node) continue;
    if (!old || old.localName !== node.tag) {
      const made = node.tag ? document.createElement(node.tag) : document.createTextNode("");
      if (old) old.replaceWith(made);
      else parent.append(made);
      old = made;
    }
    if (node.tag) {
      for (const name of old.getAttributeNames()) if (!node.attributes[name]) old.removeAttribute(name);
      for (const [name, value] of Object.entries(node.attributes))
        if (value && old.getAttribute(name) !== value) old.setAttribute(name, value);
      patch(old, node.children);
    } else if (node.startsWith(old.data)) {
      old.appendData(node.slice(old.length)); // a selection in it stays
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
  #from = 0; // what is before this place is finished,
  #kept = 0; // and so many nodes are made of it

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
    if (UNBORN.test(lines.at(-1))) lines.pop();
    const starts = [];
    patch(this.#container, blocks(lines, true, 0, starts), this.#kept);
    // Where a block begins, its first two lines tell (a table needs both), once they are complete.
    const k = starts.findLastIndex((start) => start < length - 2);
    if (k < 1) return;
    this.#kept += k;
    this.#from += lines.slice(0, starts[k]).join("\n").length + 1;
  }
}

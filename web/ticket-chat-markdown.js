/*
 * Shows Markdown while it is written. The text is not trusted: it becomes a tree of el()s, whose tags and attributes are
 * all listed here, and patch() changes the DOM to match. Each character is read only a fixed number of times.
 */
const DEPTH = 16; // of blocks and of marks; deeper ones stay text

const HEADING = /^(#{1,6})(?=\s)/;
const FENCE = /^(`{3,}(?=[^`]*$)|~{3,})\s*(.*)/;
const INFO = /^([\w.+#-]{0,30})(?:\{[^}]*\})?(?:\s+(?:[\w-]+=(?:"[^"]*"|[^\s"]+)|\{[^}]*\}))*$/; // no words
const RULE = /^([-*_])(?:\s*\1){2,999}$/;
const ITEM = /^([-+*]|\d{1,9}[.)])(?:\s+|$)/;
const UNBORN = /^[-+*#>`~_=|:\s]*$/; // a last line whose meaning is not known yet

const ENTITY = String.raw`&(amp|lt|gt|quot|apos|nbsp|#38|#60|#62|#34|#39|#160);`;
const ADDRESS = String.raw`(?:https?|mailto):(?:(?!&(?:lt|gt|quot);)[^\s<>()[\]"]|[([][^\s()[\]]{0,999}[)\]]){1,4000}`;
const MARK = new RegExp(String.raw`\\[!-/:-@[-\x60{-~\n]|[\n\]]|!?\[|\x60+|\*+|_+|(?<!~)~~(?!~)|${ENTITY}|<br ?/?>|` +
  String.raw`(?<![a-z0-9])${ADDRESS}(?<![.,;:!?'*_~])`, "gi");
const TARGET = new RegExp(String.raw`\(<?(${ADDRESS})>?\)`, "iy");
const CHARACTERS = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\xa0" };
const UNFINISHED = /\((?:[hm][^\s()[\]]*)?$/iy;
const TAGS = { "*": "em", _: "em", "**": "strong", __: "strong", "~~": "del" };

/* How a path with blanks may begin, and what only a path has. */
const ROOT = /(?<![\p{L}\p{N}])(?:[a-z]:|hk[^\s\\]{0,40}|%[^\s\\%]{1,40}%)\\|(?<![^\s*_("'[])\\\\[\w?.]/iu;
const PATH = /\\[\p{L}\p{N}]|(?<![\p{L}\p{N}.\\])(?:\.\.?|~|\$[\w:{}]{1,40})\\|(?<!\\)\$\\|\\\*\.[\w*]|\\\.[a-z]|[\p{L}\p{N}]\\_\p{L}[\p{L}\p{N}]{0,40}_\p{L}/iu;
const ACCOUNT = /(?<![\w\\.-])[A-Z][A-Z\d-]{1,14}\\_[a-z](?![\w.-]*\\_)/; // not MAX\_SIZE, nor ID\_of\_user
const WORD = /(\s*)\S+/y;
const PUNCTUATION = /[\p{P}\p{S}]/u;
const LETTER = /[\p{L}\p{N}]/u;
const FACTOR = /[\p{Lu}\p{Ll}\p{N}]/u;

const el = (tag, children = [], attributes = {}) => ({ tag, children, attributes });
const textOf = (node) => (node.tag ? node.children.map(textOf).join("") : node);

const unescape = (s) => s.replace(new RegExp(ENTITY, "gi"), (_, name) =>
  CHARACTERS[name.toLowerCase()] ?? String.fromCharCode(name.slice(1)));

const columns = (line) => line.replaceAll("\t", "    ").search(/\S|$/);
const dedent = (line, n) => line.slice(n && line[0] === "\t" ? 1 : Math.min(n, line.search(/\S|$/)));
const cells = (line) => line.replace(/^\||(?<!\\)\|$/g, "").split(/(?<!\\)\|/)
  .map((cell) => cell.replaceAll("\\|", "|").trim());

/* The nodes of lines, each with its `start'. `open': the text may still grow here. */
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

  /* What begins in line i. A mark with nothing after it is an ordinary character. */
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
    const [, marks, info] = FENCE.exec(line);
    const [note, [, language] = []] = [open && i === lines.length ? "" : info, INFO.exec(info) ?? undefined];
    const indent = columns(lines[i - 1]);
    const code = take((other) => !other.startsWith(marks) || other.replaceAll(marks[0], ""), lines);
    if (i++ >= lines.length) while (code.at(-1)?.trim() === "") code.pop(); // the fence has no end
    const pre = el("pre", [el("code", [code.map((other) => dedent(other, indent)).join("\n")])],
      { "data-language": note && language });
    return note && language === undefined ? [el("p", inline(note)), pre] : pre;
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
        !other || columns(lines[i]) > indent + 1 ||
        (trimmed[i - 1] && /\D/.test(other) && !isItem(other) && kind() === paragraph), lines)
        .map((other) => dedent(other, indent + marker.length + 1))];
      items.push(el("li", within(own).flatMap((node, k) => (k || node.tag !== "p" ? node : node.children))));
    }
    return first[1] ? el("ol", items, { start: first.slice(0, -1) }) : el("ul", items);
  }

  function table(line) {
    const align = cells(trimmed[i++] ?? "").map((cell) => /:$/.test(cell) && (cell[0] === ":" ? "center" : "right"));
    const row = (tag, other) =>
      el("tr", cells(other).map((cell, k) => el(tag, inline(cell, false, true), { "data-align": align[k] })));
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
    if (parse) nodes.push(...[parse(trimmed[start])].flat().map((node) => ({ ...node, start })));
  }
  return nodes;
}

/* A link that shows its host; nothing if the link may be harmful. */
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

/* A link contains no other link. */
const unlinked = (nodes) => nodes.flatMap((node) => (node.tag === "a" ? unlinked(node.children)
  : node.tag ? el(node.tag, unlinked(node.children)) : node));

/* The nodes of a text in a block or a cell. At an `open' end all marks are closed. */
function inline(s, open, cell) {
  const out = [];
  const stack = []; // marks that are still text, and where in `out' their contents begin
  let i = 0;
  const opens = (mark) => {
    if (stack.length === DEPTH) stack.shift();
    stack.push({ mark, at: out.push(mark) });
  };
  const closed = (k) => {
    const [{ at }] = stack.splice(k);
    return out.splice(at - 1).slice(1);
  };

  /* Whether a backslash belongs to a path: there it is no escape, but protects what is behind it all the same. `end',
     `path' and `root' are of its word; `rooted': a path began before it; `opened': the last escape before a word. */
  let [end, path, root, rooted, opened] = [0, false, false, false, ""];
  function separates(at) {
    while (end <= at) {
      WORD.lastIndex = end;
      const [word, blank] = WORD.exec(s);
      rooted = (rooted || root) && !blank.includes("\n") && !/[.,;:!?]/.test(s[end - 1]);
      root = ROOT.test(word);
      path = root || PATH.test(word) || ACCOUNT.test(word);
      end = WORD.lastIndex;
    }
    const [before, mark, after] = [s[at - 1] ?? " ", s[at + 1], s[at + 2] ?? " "];
    if (path) return true;
    if (/[\s("'*_[]/.test(before)) opened = mark;
    else if (mark === opened) opened = "";
    else return rooted || (mark === "*" && LETTER.test(before) && !LETTER.test(after));
    return false;
  }

  /* By CommonMark's rules, but that `**' is free to stand beside punctuation, that 2*3*4 multiplies, that *.* is a
     wildcard, and that __init__.py is a name. */
  function flanks(run) {
    const at = i - run.length;
    const [before, beyond] = [...`  ${s.slice(Math.max(at - 4, 0), at)}`].reverse();
    const [after, behind] = [...s.slice(i, i + 4), " ", " "];
    const [space, gap] = [before, after].map((c) => /\s/.test(c));
    const [sign, mark] = [before, after].map((c) => PUNCTUATION.test(c));
    const strong = run.length > 1 && run[0] !== "_";
    const left = !gap && (strong || !mark || space || sign);
    const right = !space && (strong || !sign || gap || mark);
    if (run[0] === "_") {
      const name = /[.\\/]/.test(after) && LETTER.test(behind) || after === "(";
      const member = /[.\\/]/.test(before) && LETTER.test(beyond);
      return [left && (!right || sign) && !member, right && (!left || mark) && !name, name];
    }
    if (strong) return [left && !(/[/\\]/.test(before) && /[/\\]/.test(after)), right && !/\d\d/.test(before + after)];
    const times = FACTOR.test(before) && FACTOR.test(after) &&
      (/\d/.test(before + after) || !FACTOR.test(beyond) || !FACTOR.test(behind));
    return [left && !times && after !== "." && !(before === "." && mark), right && !times];
  }

  function emphasis(run) {
    const [opening, closing, name] = flanks(run);
    let n = run.length;
    if (n > 3) return out.push(run);
    while (n && (closing || name)) {
      let k = stack.findLastIndex(({ mark }) => mark[0] === run[0] && (mark.length === n || n === 3));
      if (k < 0) break;
      if (name) return stack.splice(k), out.push(run);
      const { mark } = stack[k];
      const inner = stack[k + 1];
      if (inner?.mark[0] === mark[0] && inner.at === stack[k].at + 1) { // ***a** b*: the other mark encloses it
        stack[k++].mark = out[inner.at - 2] = inner.mark;
        inner.mark = out[inner.at - 1] = mark;
      }
      n -= mark.length;
      out.push(el(TAGS[mark], closed(k)));
    }
    if (n && opening) {
      if (n > 1) opens(run.slice(0, 2));
      if (n !== 2) opens(run[0]);
    } else if (n > 2 || !open || i < s.length) {
      out.push(run.slice(0, n));
    }
  }

  function backslash(at, mark) {
    const literal = separates(at);
    const bold = literal && /^\*\*(?![*\p{L}\p{N}])/u.test(s.slice(i - 1, i + 2)) && stack.some((open) => open.mark === "**");
    if (literal) out.push("\\");
    if (bold) i--; // **C:\Temp\**
    else out.push(mark === "\n" ? el("br") : mark);
  }

  function bracket() {
    const k = stack.findLastIndex(({ mark }) => mark.endsWith("["));
    if (k < 0) return out.push("]");
    TARGET.lastIndex = UNFINISHED.lastIndex = i;
    const target = TARGET.exec(s);
    const node = target && link(out.slice(stack[k].at), unescape(target[1].replace(/\\([^a-z0-9])/gi, "$1")));
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
    if (mark[0] === "\\") backslash(match.index, mark[1]);
    else if (mark === "\n" || (mark[0] === "<" && cell)) out.push(el("br"));
    else if (mark[0] === "&" || mark[0] === "<") out.push(unescape(mark));
    else if (mark === "]") bracket();
    else if (mark.endsWith("[")) opens(mark);
    else if (mark[0] === "`") code(mark);
    else if (/^[*_~]/.test(mark)) emphasis(mark);
    else out.push(link([unescape(mark)], unescape(mark)) ?? unescape(mark));
  }
  out.push(s.slice(i));
  while (open && stack.length) {
    const { mark } = stack.at(-1);
    if (mark[1] && TAGS[mark]) out.push(el(TAGS[mark], closed(stack.length - 1)));
    else stack.pop();
  }
  return out;
}

/* An answer that begins with a Markdown fence is not code: removes the fence and its end. */
function unwrap(text, whole) {
  const lines = text.split("\n");
  const first = lines.findIndex((line) => line.trim());
  const [, marks, info] = FENCE.exec(lines[first]?.trim()) ?? [];
  if (!whole && marks && first === lines.length - 1) return ""; // it may become a fence
  if (!/^(?:markdown|md)$/i.test(info)) return text;
  lines[first] = "";
  let inner; // the fence of code inside
  for (let i = first + 1; i < lines.length; i++) {
    const [, fence, language] = FENCE.exec(lines[i].trim()) ?? [];
    const ends = fence && !language && fence.startsWith(inner ?? marks);
    if (ends && !inner) {
      lines[i] = "";
      break;
    }
    if (ends) inner = undefined;
    else inner ??= fence;
  }
  return lines.join("\n");
}

/* Changes the children of a node to match the nodes; correct ones stay. */
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
      old.appendData(node.slice(old.length)); // keeps a selection in it
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
  #kept = 0; // how many nodes are finished
  #tools; // in each block of code
  #level; // of the first heading
  #adapt;
  #top; // and how many marks it has

  constructor(container, { copyCode = false } = {}) {
    this.#container = container;
    this.#tools = copyCode ? [el("button", [], { type: "button", class: "copyCode", part: "button copy-code" })] : [];
    container.replaceChildren();
  }

  update(text, { whole = false, level, adapt } = {}) {
    text = text.replace(/\r\n?/g, "\n").replace(/\p{Bidi_Control}/gu, "");
    if (!text.startsWith(this.#text) || level !== this.#level || adapt !== this.#adapt) {
      this.#from = this.#kept = 0;
      this.#top = undefined;
    }
    this.#text = text;
    this.#level = level;
    this.#adapt = adapt;
    if (/^\s*(?:```|~~~)/.test(text)) text = unwrap(text, whole);
    const lines = text.slice(this.#from).split("\n");
    const complete = lines.length - 1;
    if (!whole && UNBORN.test(lines[complete])) lines.pop();
    const nodes = blocks(lines, !whole, 0);
    this.#finish(nodes);
    adapt?.(nodes);
    patch(this.#container, nodes, this.#kept);
    // Two complete lines decide finally where a block begins.
    let k = nodes.findLastIndex(({ start }) => start < complete - 1);
    while (k > 0 && nodes[k - 1].start === nodes[k].start) k--;
    if (k < 1) return;
    this.#kept += k;
    this.#from += lines.slice(0, nodes[k].start).join("\n").length + 1;
  }
  /* Adapts the nodes to the place of the answer: gives the first heading the wanted level. */
  #finish(nodes) {
    for (const node of nodes) {
      const [, depth] = /^h(\d)$/.exec(node.tag) ?? [];
      if (node.tag === "pre") node.children = [...this.#tools, ...node.children];
      else if (depth && this.#level) node.tag = `h${Math.min(6, this.#level + Math.max(0, depth - (this.#top ??= depth)))}`;
      else if (node.tag) this.#finish(node.children);
    }
  }
}

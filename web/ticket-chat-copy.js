/* Copies an answer from the page to the clipboard: as text that keeps invisible information, and as HTML. */
const BLOCKS = /^(?:p|h[1-6]|ul|ol|pre|blockquote|hr|div|table)$/;

const indent = (text, first, rest = " ".repeat(first.length)) =>
  text.split("\n").map((line, i) => ((i ? rest : first) + line).trimEnd()).join("\n");

/* Whether a label equals the address. */
function is(label, address) {
  try {
    return new URL(label).href === address;
  } catch {
    return false;
  }
}

function link(node, label) {
  const address = node.getAttribute("href");
  const shown = label.trim();
  if (is(shown, address) || is(`mailto:${shown}`, address)) return shown;
  return [shown, `(${address.replace(/^mailto:/, "")})`].filter(Boolean).join(" ");
}

function code(text) {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const marks = "`".repeat(longest + 1);
  const space = /^`|`$/.test(text) ? " " : "";
  return marks + space + text + space + marks;
}

function inline(node) {
  const { localName } = node;
  if (!localName) return node.data;
  if (localName === "br") return "\n";
  if (localName === "bdi" || localName === "button") return "";
  if (localName === "code") return code(node.textContent);
  const text = [...node.childNodes].map(inline).join("");
  if (localName === "a") return link(node, text);
  return localName === "del" ? `~~${text}~~` : text;
}

function block(node) {
  const { localName } = node;
  if (localName === "hr") return "---";
  if (localName === "pre") return fenced(node);
  if (localName === "blockquote") return indent(textOf(node), "> ", "> ");
  if (localName === "ul" || localName === "ol") {
    const start = Number(node.getAttribute("start") ?? 1);
    return [...node.children].map((item, i) =>
      indent(textOf(item, "\n"), localName === "ol" ? `${start + i}. ` : "- ")).join("\n");
  }
  if (localName === "div") {
    return [...node.querySelectorAll("tr")].map((row) =>
      [...row.children].map((cell) => inline(cell).replaceAll("\n", " / ")).join("\t")).join("\n");
  }
  return inline(node);
}

function fenced(node) {
  const text = node.querySelector("code").textContent;
  const marks = "`".repeat(Math.max(3, ...(text.match(/`+/g) ?? []).map((run) => run.length + 1)));
  return `${marks}${node.dataset.language ?? ""}\n${text}\n${marks}`;
}

/* The text of an answer's nodes: items with their marks, links with their addresses, code between its marks. */
function textOf(root, between = "\n\n") {
  const parts = []; // the parts of one line
  let inBlock = true;
  for (const node of root.childNodes) {
    const own = BLOCKS.test(node.localName);
    if (own) parts.push(block(node));
    else if (inBlock) parts.push(inline(node));
    else parts.push(parts.pop() + inline(node));
    inBlock = own;
  }
  return parts.join(between);
}

/* The same as HTML, without the parts that belong to the page. */
function htmlOf(root) {
  const copy = root.cloneNode(true);
  for (const node of copy.querySelectorAll("button")) node.remove();
  for (const node of copy.querySelectorAll("*"))
    for (const name of node.getAttributeNames())
      if (name !== "href" && name !== "start") node.removeAttribute(name);
  return copy.innerHTML;
}

/** Copies a text, or an answer's nodes; a promise of whether that worked. */
export async function copy(root, what) {
  const text = what.nodeType ? textOf(what) : what;
  const data = Object.entries({ "text/plain": text, ...(what.nodeType && { "text/html": htmlOf(what) }) });
  try {
    const blobs = data.map(([type, content]) => [type, new Blob([content], { type })]);
    await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs))]);
    return true;
  } catch { // http:, or not allowed
    const { activeElement } = root;
    const area = root.appendChild(document.createElement("textarea"));
    area.className = "copied";
    area.value = text;
    area.addEventListener("copy", (event) => {
      for (const item of data) event.clipboardData.setData(...item);
      event.preventDefault();
      event.stopPropagation();
    });
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    activeElement?.focus({ preventScroll: true });
    return done;
  }
}

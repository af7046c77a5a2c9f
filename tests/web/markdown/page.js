// In the page of markdown.test.mjs: what may be there, and ways to feed a view.
import { MarkdownView } from "/ticket-chat-markdown.js";

const ALIGN = { "data-align?": /^(right|center)$/ };
const LISTED = {
  p: {}, h3: {}, h4: {}, h5: {}, h6: {}, ul: {}, li: {}, blockquote: {}, code: {}, em: {}, strong: {}, del: {}, br: {},
  hr: {}, bdi: {}, table: {}, tr: {}, th: ALIGN, td: ALIGN,
  ol: { "start?": /^\d{1,9}$/ },
  pre: { "data-language?": /^[\w.+#-]{1,30}$/ },
  div: { role: /^region$/, tabindex: /^0$/, "aria-label?": /./ },
  a: { href: /^(https?:\/\/|mailto:)/, target: /^_blank$/, rel: /^noopener noreferrer nofollow$/ },
};
const HTML = "http://www.w3.org/1999/xhtml";
const DEEPEST = 60; // 16 blocks, of two elements each in lists, 16 marks, and some

/** What should not be there. */
window.offences = (root) => {
  const found = [];
  const walk = (node, depth) => {
    if (depth === DEEPEST) return found.push("too deep");
    if (node.nodeType === Node.TEXT_NODE) {
      if (/\p{Bidi_Control}/u.test(node.data)) found.push("a bidi control");
      if (!node.data || node.nextSibling?.nodeType === Node.TEXT_NODE) found.push("an empty text, or two in a row");
      return undefined;
    }
    const listed = node.namespaceURI === HTML && LISTED[node.localName];
    if (!listed) return found.push(`<${node.nodeName}>`);
    const rest = new Set(node.getAttributeNames());
    for (const [name, pattern] of Object.entries(listed)) {
      const value = node.getAttribute(name.replace("?", ""));
      if (value === null ? !name.endsWith("?") : !pattern.test(value)) found.push(`<${node.localName} ${name}=${value}>`);
      rest.delete(name.replace("?", ""));
    }
    for (const name of rest) found.push(`<${node.localName} ${name}>`);
    if (node.localName === "a") {
      const url = new URL(node.href);
      if (url.username || url.password) found.push(`a password in ${node.href}`);
      const where = (url.host || url.pathname).toLowerCase();
      if (!where || !node.textContent.toLowerCase().includes(where)) found.push(`${node.href} shows as ${node.textContent}`);
      if (node.parentElement.closest("a")) found.push("a link in a link");
    }
    for (const child of node.childNodes) walk(child, depth + 1);
  };
  for (const child of root.childNodes) walk(child, 0);
  return found;
};

/** A view in a shadow root, as in <ticket-chat>, or in the box of an earlier view. */
window.view = (box) => {
  if (!box) {
    const host = document.createElement("section");
    document.body.replaceChildren(host);
    box = document.createElement("div");
    host.attachShadow({ mode: "open" }).append(box);
  }
  const view = new MarkdownView(box);
  return { box, update: (text, options) => view.update(text, options) };
};

/** What a text becomes, as HTML; without the attributes that all of their kind have, see offences(). */
window.render = (text, whole = false) => {
  const { box, update } = window.view();
  update(text, { whole });
  return box.innerHTML.replaceAll(' target="_blank" rel="noopener noreferrer nofollow"', "").replaceAll(' role="region" tabindex="0"', "");
};

/**
 * Feeds a text up to each of its cuts, and says at last that it is whole. Returns the HTML before and after that, all
 * texts at the end, and what went wrong on the way: what should not be there, and changes of what was right already.
 */
window.feed = (text, cuts) => {
  const { box, update } = window.view();
  const wrong = new Set();
  const observer = new MutationObserver(() => {});
  let finished = [];
  observer.observe(box, { subtree: true, childList: true, characterDataOldValue: true, attributeOldValue: true });
  let html;
  for (const cut of [...cuts, Infinity]) {
    if (cut === Infinity) html = box.innerHTML;
    update(text.slice(0, cut), { whole: cut === Infinity });
    for (const offence of window.offences(box)) wrong.add(offence);
    for (const { type, target, attributeName, oldValue } of observer.takeRecords()) {
      if (finished.some((node) => node.contains(target))) wrong.add(`a finished <${target.nodeName}> changes`);
      if (type !== "childList" && oldValue === (attributeName ? target.getAttribute(attributeName) : target.data))
        wrong.add(`<${target.nodeName} ${attributeName}> gets what it has`);
    }
    if (!finished.every((node, i) => node === box.childNodes[i])) wrong.add("a finished block is replaced");
    finished = [...box.childNodes].slice(0, -3); // in each of the last two lines another block may begin
  }
  const texts = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  let shown = "";
  while (texts.nextNode()) shown += `${texts.currentNode.data} `;
  return { html, whole: box.innerHTML, text: shown, wrong: [...wrong] };
};

/** The milliseconds that a text takes in which a part is repeated for so many characters. */
window.time = (before, part, after, length) => {
  const text = before + part.repeat(length && Math.ceil(length / part.length)) + after;
  const box = document.createElement("div");
  const begun = performance.now();
  new MarkdownView(box).update(text);
  return performance.now() - begun;
};

window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
window.ready = true;

export const kebab = (name) => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);

export function make(tag, name, ...children) {
  const node = document.createElement(tag);
  node.className = node.part = name;
  node.append(...children);
  return node;
}

/* Without `act' it submits its form. */
export function button(name, act) {
  const node = make("button", name);
  node.type = act ? "button" : "submit";
  node.part = `button ${kebab(name)}`;
  node.addEventListener("click", () => node.ariaDisabled !== "true" && act?.());
  return node;
}

/* An unchanged text is not announced again. */
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/* A text without what turns the direction of writing. */
export const plain = (text) => text.replace(/\p{Bidi_Control}/gu, "");

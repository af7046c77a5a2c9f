// Finds the printed code in websocket.md.
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** All fenced blocks: the words after the fence, the text, and where that lies. */
export function blocks(markdown) {
  return [...markdown.matchAll(/^```(.+)\n([^]*?)^```$/gm)].map((m) => {
    const start = m.index + m[0].indexOf("\n") + 1;
    return { info: m[1], text: m[2], start, end: start + m[2].length };
  });
}

export function only(markdown, info) {
  const found = blocks(markdown).filter((block) => block.info === info);
  if (found.length !== 1) throw new Error(`websocket.md has ${found.length} blocks of \`${info}\`, not one`);
  return found[0];
}

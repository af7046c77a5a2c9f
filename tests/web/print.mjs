// Prints web/TicketChat.tsx into websocket.md, where the documentation shows it in full.
import { readFileSync, writeFileSync } from "node:fs";
import { componentBlock, ROOT } from "./documentation.mjs";

const file = `${ROOT}/websocket.md`;
const text = readFileSync(file, "utf8");
const { start, end } = componentBlock(text);
writeFileSync(file, text.slice(0, start) + readFileSync(`${ROOT}/web/TicketChat.tsx`, "utf8") + text.slice(end));

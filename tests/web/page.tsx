// The page that the tests drive: mounts the component, with StrictMode or without, and remembers what happened.
import { StrictMode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { TicketChat, type TicketChatProps } from "../../web/TicketChat";
import { MarkdownView } from "../../web/ticket-chat-markdown.js";

declare global {
  interface Window {
    done: [string, boolean][];
    mount: (props: TicketChatProps, strict?: boolean) => void;
    unmount: () => void;
    shown: (markdown: string) => string;
  }
}

let root: Root | undefined;

window.done = [];
window.mount = (props, strict = false) => {
  root ??= createRoot(document.getElementById("root")!);
  const chat = <TicketChat {...props} onDone={(answer, kept) => window.done.push([answer, kept])} />;
  root.render(strict ? <StrictMode>{chat}</StrictMode> : chat);
};
window.unmount = () => {
  root?.unmount();
  root = undefined;
};
/* What a person sees of an answer. */
window.shown = (markdown) => {
  const box = document.createElement("div");
  new MarkdownView(box).update(markdown);
  return box.textContent;
};

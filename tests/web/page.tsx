// The page that the tests drive: mounts the component, with StrictMode or without, and remembers what happened.
import { StrictMode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { TicketChat, type TicketChatProps } from "../../web/TicketChat";
import type { TicketChat as Element, WholeAnswer } from "../../web/ticket-chat.js";
import { MarkdownView } from "../../web/ticket-chat-markdown.js";

declare global {
  interface Window {
    done: [string, boolean][];
    whole: WholeAnswer[];
    told: string[]; // by onError and onFrame
    chat: Element | null; // the ref's
    mount: (props: TicketChatProps, strict?: boolean) => void;
    unmount: () => void;
    shown: (markdown: string) => string;
  }
}

let root: Root | undefined;

window.done = [];
window.whole = [];
window.told = [];
window.chat = null;
window.mount = (props, strict = false) => {
  root ??= createRoot(document.getElementById("root")!);
  const done: TicketChatProps["onDone"] = (answer, kept, whole) => {
    window.done.push([answer, kept]);
    window.whole.push(whole);
  };
  const chat = (
    <TicketChat {...props} ref={(node) => { window.chat = node; }} onDone={done}
      onError={({ code }) => window.told.push(`error ${code}`)} onFrame={({ type }) => window.told.push(type)}
      onTurn={({ question }) => window.told.push(`turn ${question}`)} />
  );
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

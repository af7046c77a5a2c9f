/* The types of ticket-chat.js, which defines <ticket-chat>. What is undefined is as an attribute that is not there. */
import type { ErrorFrame, Frame } from "./ticket-chat-client";

export class TicketChat extends HTMLElement {
  /** A string where it may be over 2^53. */
  ticketId: number | string | undefined;
  ticketBody: string | undefined;
  /** Default: where the module came from. */
  server: string | undefined;
  token: string | undefined;
  /** Asks only when `ask` is called. */
  manual: boolean;
  ask(question?: { refresh?: boolean; version?: number }): void;
  /** Another answer. */
  refresh(): void;
  /** Ends the running generation, for everyone who watches it. */
  stop(): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "ticket-chat": TicketChat;
  }
  interface HTMLElementEventMap {
    "ticket-chat-frame": CustomEvent<Frame>;
    "ticket-chat-done": CustomEvent<{ text: string; cached: boolean }>;
    "ticket-chat-error": CustomEvent<ErrorFrame>;
  }
}

/*
 * The types of ticket-chat.js, which defines <ticket-chat>:
 *
 *     <script type="module" src="http://localhost:5000/ticket-chat.js"></script>
 *     <ticket-chat ticket-id="42" ticket-body="printer jam"></ticket-chat>
 *
 * It asks as soon as it has an id and a text, and again when one of them changes; with `manual` only when `ask` is
 * called. The properties are attributes too (`ticket-id`); `undefined` is one that is not there. `lang` chooses among
 * pt-BR and English, without it the language of the page around it.
 *
 * Its colours and the like are custom properties: `--ticket-chat-font` (as in `font`), `-text`, `-muted`, `-background`,
 * `-border`, `-radius`, `-accent`, `-on-accent`, `-good`, `-warning`, `-error`. Light or dark follows the `color-scheme`
 * of the page. For the rest there are parts: `chat`, `head`, `indicator`, `status` (in it `line`, `notice`, `hint`),
 * `time`, `actions`, `answer`, `foot`, `version`, `button`, and each button by its name: `stop`, `retry`,
 * `kept`, `refresh`, `copy`, `copy-markdown`, `copy-code`, `previous`, `next`.
 */
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
  /** They bubble. */
  interface HTMLElementEventMap {
    "ticket-chat-frame": CustomEvent<Frame>;
    "ticket-chat-done": CustomEvent<{ text: string; cached: boolean }>;
    "ticket-chat-error": CustomEvent<ErrorFrame>;
  }
}

/*
 * The types of ticket-chat.js, which defines <ticket-chat>:
 *
 *     <script type="module" src="http://localhost:5000/ticket-chat.js"></script>
 *     <ticket-chat ticket-id="42" ticket-body="printer jam"></ticket-chat>
 *
 * The element asks as soon as id and text are set, and again when either changes; with `manual` it asks only when `ask`
 * is called. The properties are also attributes (`ticket-id`); `undefined` means that the attribute is missing. `lang` is
 * pt-BR, en or es; the default is the language of the page around the element.
 *
 * Custom properties set the design: `--ticket-chat-font` (as in `font`), `-text`, `-muted`, `-background`, `-border`,
 * `-radius`, `-accent`, `-on-accent`, `-good`, `-warning`, `-error`. The element is light or dark like the page
 * (`color-scheme`). These parts can be styled: `chat`, `head`, `indicator`, `ticket`, `status` (which contains `line`,
 * `notice`, `hint`), `time`, `actions`, `answer`, `draft` (the note that an AI wrote the answer), `foot`, `version`,
 * `button`, and each button by its name: `stop`, `retry`, `kept`, `refresh`, `copy`, `copy-markdown`, `copy-code`,
 * `previous`, `next`.
 */
import type { ErrorFrame, Frame } from "./ticket-chat-client.js";

/** The detail of `ticket-chat-done`, which also comes for an older answer that the user opens. */
export interface WholeAnswer {
  text: string;
  /** Whether it was saved before, and not written now. */
  cached: boolean;
  /** The number of this answer, from 1, and how many the ticket has; they are equal for the newest one. */
  version: number;
  versions: number;
  /** Whether it was written for a different text of the ticket. */
  bodyChanged: boolean;
  /** `length` if it ends at the model's limit. */
  reason?: string | undefined;
}

export class TicketChat extends HTMLElement {
  /** Use a string if it may exceed 2^53. */
  ticketId: number | string | undefined;
  ticketBody: string | undefined;
  /** Default: the service that the module came from; in a bundle, the page's own server. */
  server: string | undefined;
  token: string | undefined;
  /** Asks only when `ask` is called. */
  manual: boolean;
  ask(question?: { refresh?: boolean; version?: number }): void;
  /** Asks for another answer. */
  refresh(): void;
  /** Ends the running generation for everyone who watches it. */
  stop(): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "ticket-chat": TicketChat;
  }
  /** These events bubble. */
  interface HTMLElementEventMap {
    "ticket-chat-frame": CustomEvent<Frame>;
    "ticket-chat-done": CustomEvent<WholeAnswer>;
    "ticket-chat-error": CustomEvent<ErrorFrame>;
  }
}

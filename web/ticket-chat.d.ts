/*
 * The types of ticket-chat.js, which defines <ticket-chat>:
 *
 *     <script type="module" src="http://localhost:5000/ticket-chat.js"></script>
 *     <ticket-chat ticket-id="42" ticket-body="printer jam"></ticket-chat>
 *
 * It asks as soon as it has an id and a text, and again when one of them changes; with `manual` only when `ask` is
 * called. The properties are attributes too (`ticket-id`); `undefined` is one that is not there. `lang` chooses among
 * pt-BR, English and Spanish, without it the language of the page around it.
 *
 * Its colours and the like are custom properties: `--ticket-chat-font` (as in `font`), `-text`, `-muted`, `-background`,
 * `-border`, `-radius`, `-accent`, `-on-accent`, `-good`, `-warning`, `-error`. Light or dark follows the `color-scheme`
 * of the page. For the rest there are parts: `chat`, `head`, `indicator`, `ticket`, `status` (in it `line`, `notice`,
 * `hint`), `time`, `actions`, `answer`, `draft` (that an AI wrote it), `foot`, `version`, `button`, and each button by its name: `stop`, `retry`,
 * `kept`, `refresh`, `copy`, `copy-markdown`, `copy-code`, `previous`, `next`.
 */
import type { ErrorFrame, Frame } from "./ticket-chat-client.js";

/** What `ticket-chat-done` tells; an older answer that is looked at is told too. */
export interface WholeAnswer {
  text: string;
  /** It was saved before, and not written now. */
  cached: boolean;
  /** Which of how many answers of this ticket it is, from 1; the newest where both are the same. */
  version: number;
  versions: number;
  /** It was written for another text of the ticket. */
  bodyChanged: boolean;
  /** `length`: it ends at the model's limit. */
  reason?: string | undefined;
}

export class TicketChat extends HTMLElement {
  /** A string where it may be over 2^53. */
  ticketId: number | string | undefined;
  ticketBody: string | undefined;
  /** Default: the service that the module came from; in a bundle, the page's own server. */
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
    "ticket-chat-done": CustomEvent<WholeAnswer>;
    "ticket-chat-error": CustomEvent<ErrorFrame>;
  }
}

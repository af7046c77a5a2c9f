/*
 * The types of ticket-chat.js, which defines <ticket-chat>:
 *
 *     <script type="module" src="http://localhost:5000/ticket-chat.js"></script>
 *     <ticket-chat ticket-id="42" ticket-body="printer jam"></ticket-chat>
 *
 * The element asks as soon as id and text are set, and again when either changes; with `manual` it asks only when `ask`
 * is called, and with `lazy` it opens what is saved when it is seen, and asks only after a click. The properties are also
 * attributes (`ticket-id`); `undefined` means that the attribute is missing. `lang` is pt-BR, en or es; the default is the
 * language of the page around the element.
 *
 * Custom properties set the design: `--ticket-chat-font` (as in `font`), `-text`, `-muted`, `-background`, `-border`,
 * `-radius`, `-accent`, `-on-accent`, `-good`, `-warning`, `-error`. The element is light or dark like the page
 * (`color-scheme`). These parts can be styled: `chat`, `head`, `indicator`, `ticket`, `status` (which contains `line`,
 * `notice`, `hint`), `time`, `actions`, `answer`, `draft` (who wrote the answer), `instructed`, `sources`
 * (of `source`; `unused` where the answer does not cite it), `cite` (a number in the answer that names one), `foot`, `version`, `rating`,
 * `why` (the form for a reason, with `reason` and `comment`), `editor` (with `text`), `thread` (of `turn`, with `asked`),
 * `follow` (the form for a question, with `question`), `problem`, `button`, and each button by its name: `stop`, `retry`,
 * `kept`, `ask`, `refresh`, `edit`, `copy`, `copy-markdown`, `copy-code`, `previous`, `next`, `good`, `bad`, `save`, `send`,
 * `cancel`; beside `refresh` there is the field `instruction`.
 */
import type { ErrorFrame, Frame, Turn } from "./ticket-chat-client.js";

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
  /** Present if a person wrote it; empty if the name is not known. */
  author?: string | undefined;
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
  /** For lists: opens what is saved when it is seen, and asks only after a click. */
  lazy: boolean;
  /** Whether the thread, with a field for the next question, the thumbs, and the notes that the model was given are shown where the service has them; by default they are. */
  get thread(): boolean;
  set thread(on: boolean | "on" | "off" | undefined);
  get ratings(): boolean;
  set ratings(on: boolean | "on" | "off" | undefined);
  get sources(): boolean;
  set sources(on: boolean | "on" | "off" | undefined);
  /** Whether this user may edit answers and instruct the model; by default if there is a token. What the service refuses is not offered again. */
  get write(): boolean;
  set write(on: boolean | "on" | "off" | undefined);
  ask(question?: { refresh?: boolean; version?: number; instruction?: string }): void;
  /** Shows what is saved or being written, and starts nothing. */
  open(): void;
  /** Asks for another answer. The instruction is for the model, and every viewer sees it. */
  refresh(instruction?: string): void;
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
    /** A question in the thread was answered. */
    "ticket-chat-turn": CustomEvent<Turn>;
    "ticket-chat-error": CustomEvent<ErrorFrame>;
  }
}

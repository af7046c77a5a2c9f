/* The types of ticket-chat-client.js. */

/** What the service sends; see websocket.md. Other types may come and are to be ignored. */
export type Frame = StreamFrame | CachedFrame | DoneFrame | ErrorFrame | StatusFrame;
export interface StreamFrame {
  type: "stream";
  content: string;
}
export interface CachedFrame {
  type: "cached";
  response: string;
  message: string;
  createdAt?: string;
  bodyChanged?: boolean;
  /** "length": the model stopped at its length limit. */
  reason?: string;
  version?: number;
  versions?: number;
}
export interface DoneFrame {
  type: "done";
  reason?: string;
  versions?: number;
  /** The answer is to another text than the one that was sent. */
  bodyChanged?: boolean;
}
export interface ErrorFrame {
  type: "error";
  /** For people; empty for `connection_lost`, which is the client's own. */
  message: string;
  code?: string;
  retryable?: boolean;
  /** Seconds. */
  retryAfter?: number;
  detail?: string;
}
export interface StatusFrame {
  type: "status";
  state: "queued" | "loading" | "thinking" | "generating" | "saving";
  position?: number;
  /** How many watch this answer, this one included. */
  viewers?: number;
}

export interface Question {
  ticketBody: string;
  /** Write a new answer even if there is one. */
  refresh?: boolean | undefined;
  /** An older saved answer, by its number from 1. */
  version?: number | undefined;
}

/** How things stand. A new object at each change, never changed itself. */
export interface View {
  readonly state: "idle" | "connecting" | "reconnecting" | "waiting" | StatusFrame["state"];
  /** In the queue, from 1. */
  readonly position?: number | undefined;
  /** How many watch this answer, this one included; where the service tells. */
  readonly viewers?: number | undefined;
  /** The answer so far; while `fresh` is false the one from before. */
  readonly text: string;
  /** The text comes from the running connection. */
  readonly fresh: boolean;
  /** The text stops before its end. */
  readonly partial: boolean;
  /** The text was saved at an earlier time. */
  readonly cached?: CachedFrame | undefined;
  /** Which of how many saved answers of this ticket the text is, where there is more than one. */
  readonly version?: number | undefined;
  readonly versions?: number | undefined;
  /** The terminal frame. Without one, and not `idle`: busy. */
  readonly end?: DoneFrame | ErrorFrame | undefined;
}

export interface ClientOptions {
  /** `ws:`, `wss:`, `http:` or `https:`, with or without a path. A relative one, as "/", is the page's own server. */
  server: string | URL;
  /** A string where it may be over 2^53. */
  ticketId: number | string;
  token?: string | undefined;
  /** "pt-BR", "en" or "es": the language of messages. */
  lang?: string | undefined;
  /** Each frame as it comes, before the view changes. */
  onFrame?: ((frame: Frame) => void) | undefined;
}

/** A ticket's number as the service wants it: of `#00042` that is `42`; empty for what is no ticket's number. */
export function ticketNumber(id: number | string | null | undefined): string;

/** The WebSocket address of a ticket. Throws for what is no address. */
export function endpoint(server: string | URL, ticketId: number | string): string;

/** One ticket of one service. Does nothing, on a server neither, until it is asked. */
export class TicketChatClient {
  constructor(options: ClientOptions);
  /** For the next question and the next reconnect. */
  token: string | undefined;
  lang: string | undefined;
  readonly view: View;
  /** Called after each change of `view`; returns what ends that. For useSyncExternalStore too. */
  subscribe(listener: () => void): () => void;
  /** Asks, in place of a question that runs; without an argument the same again. Reconnects until its terminal frame has come. */
  ask(question?: Question): void;
  /** Ends the running generation, for everyone who watches it; without a connection, only our waiting for it. */
  stop(): void;
  /** Hangs up, and leaves nothing behind but the text. The generation goes on; `ask` begins anew. */
  close(): void;
}

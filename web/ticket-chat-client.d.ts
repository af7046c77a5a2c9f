/* The types of ticket-chat-client.js. */

/** What the service sends; see websocket.md. Ignore other types. */
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
  /** Whether the answer was written for a different text than the one that was sent. */
  bodyChanged?: boolean;
}
export interface ErrorFrame {
  type: "error";
  /** A text for people; empty for `connection_lost`, an error that the client itself makes. */
  message: string;
  code?: string;
  retryable?: boolean;
  /** How many seconds to wait before a retry. */
  retryAfter?: number;
  detail?: string;
}
export interface StatusFrame {
  type: "status";
  state: "queued" | "loading" | "thinking" | "generating" | "saving";
  position?: number;
  /** How many connections follow this answer, including this one. */
  viewers?: number;
}

export interface Question {
  ticketBody: string;
  /** Write a new answer even if there is one. */
  refresh?: boolean | undefined;
  /** Which saved answer to get; 1 is the oldest. */
  version?: number | undefined;
}

/** The present state. Each change makes a new object; an object itself never changes. */
export interface View {
  readonly state: "idle" | "connecting" | "reconnecting" | "waiting" | StatusFrame["state"];
  /** The position in the queue, from 1. */
  readonly position?: number | undefined;
  /** How many connections follow this answer, including this one, if the service says so. */
  readonly viewers?: number | undefined;
  /** The answer so far; while `fresh` is false, the previous answer. */
  readonly text: string;
  /** Whether the text comes from the present connection. */
  readonly fresh: boolean;
  /** Whether the text is incomplete. */
  readonly partial: boolean;
  /** The frame of the saved answer, if the text was saved before. */
  readonly cached?: CachedFrame | undefined;
  /** The number of this answer, and how many the ticket has, if it has several. */
  readonly version?: number | undefined;
  readonly versions?: number | undefined;
  /** The terminal frame. If there is none and `state` is not `idle`, the client is busy. */
  readonly end?: DoneFrame | ErrorFrame | undefined;
}

export interface ClientOptions {
  /** `ws:`, `wss:`, `http:` or `https:`, with or without a path. A relative one such as "/" is the page's own server. */
  server: string | URL;
  /** Use a string if it may exceed 2^53. */
  ticketId: number | string;
  token?: string | undefined;
  /** "pt-BR", "en" or "es": the language of messages. */
  lang?: string | undefined;
  /** Called for each frame, before the view changes. */
  onFrame?: ((frame: Frame) => void) | undefined;
}

/** A ticket's number in the form that the service accepts, such as `42` for `#00042`; empty if it is not a ticket number. */
export function ticketNumber(id: number | string | null | undefined): string;

/** The WebSocket address of a ticket. Throws if `server` is not an address. */
export function endpoint(server: string | URL, ticketId: number | string): string;

/** One ticket of one service. It does nothing until `ask` is called, so it may be created on a server too. */
export class TicketChatClient {
  constructor(options: ClientOptions);
  /** A change applies to the next question and the next reconnect. */
  token: string | undefined;
  lang: string | undefined;
  readonly view: View;
  /** The listener is called after each change of `view`. Returns a function that unsubscribes, as useSyncExternalStore needs it. */
  subscribe(listener: () => void): () => void;
  /** Asks, and replaces a running question; without an argument it asks the same again. Reconnects until the terminal frame arrives. */
  ask(question?: Question): void;
  /** Ends the running generation for everyone who watches it; without a connection, only stops waiting for it. */
  stop(): void;
  /** Closes the connection and keeps only the text. The generation continues; `ask` asks again. */
  close(): void;
}

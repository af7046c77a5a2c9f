/* The types of ticket-chat-client.js. */

/** What the service sends; see websocket.md. Ignore other types. */
export type Frame = StreamFrame | CachedFrame | SourcesFrame | TurnFrame | DoneFrame | RatedFrame | ErrorFrame | StatusFrame;
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
  /** The id of the answer, if anything was sent that 0.1 did not know, such as `thread`. */
  session?: number;
  /** Present if a person wrote the answer; empty if the name is not known. */
  author?: string;
  /** What the model was told for this answer beside the ticket. */
  instruction?: string;
  /** After an `open`: the text that was answered, if the service shows it. */
  ticketBody?: string;
  /** After a question: the id of its turn; `session` and `version` are of the answer. */
  turn?: number;
}
/** The notes that the model was given for the answer. */
export interface SourcesFrame {
  type: "sources";
  sources: Source[];
}
/** A note: the answer cites it as `[n]`. */
export interface Source {
  n: number;
  title: string;
  /** `http` or `https`. */
  url?: string;
  /** The solved ticket that it is the answer of, if this user may know its number. */
  ticket?: number;
  /** Whether the answer cites it. */
  cited: boolean;
}
/** A question about the answer, and what the model wrote. */
export interface TurnFrame extends Turn {
  type: "turn";
}
export interface RatedFrame {
  type: "rated";
  session: number;
  version?: number;
  good: number;
  bad: number;
}
export interface DoneFrame {
  type: "done";
  reason?: string;
  versions?: number;
  session?: number;
  version?: number;
  turn?: number;
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
  /** With `answer_changed`: the newest answer. */
  session?: number;
  version?: number;
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
  /** Sends the thread too, as `turn` frames. */
  thread?: boolean | undefined;
  /** Sends the notes that the model was given, as a `sources` frame. */
  sources?: boolean | undefined;
  /** With `refresh`: what the model is told for this answer beside the ticket. */
  instruction?: string | undefined;
}

/** What else a client can send. A client shows one thing at a time: use another one for a question about the answer. */
export type Message = Question
  | { type: "open"; version?: number | undefined; thread?: boolean | undefined; sources?: boolean | undefined }
  | { question: string; session?: number | undefined; version?: number | undefined; sources?: boolean | undefined }
  | { type: "rate"; session?: number | undefined; version?: number | undefined; good: boolean; reason?: string | undefined; comment?: string | undefined }
  | { type: "write"; session?: number | undefined; version?: number | undefined; response: string };

export interface Turn {
  question: string;
  response: string;
  /** What a rating of this turn names. */
  session?: number | undefined;
  createdAt?: string | undefined;
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
  /** The id of this answer, if the service tells it. */
  readonly session?: number | undefined;
  /** The notes that the model was given for this answer, if they were asked for. */
  readonly sources?: readonly Source[] | undefined;
  /** The thread of this answer. */
  readonly turns: readonly Turn[];
  /** The terminal frame. If there is none and `state` is not `idle`, the client is busy. */
  readonly end?: DoneFrame | RatedFrame | ErrorFrame | undefined;
}

export interface ClientOptions {
  /** `ws:`, `wss:`, `http:` or `https:`, with or without a path. A relative one such as "/" is the page's own server. */
  server: string | URL;
  /** Use a string if it may exceed 2^53. */
  ticketId: number | string;
  token?: string | undefined;
  /** "pt-BR", "en" or "es": the language of messages. */
  lang?: string | undefined;
  /** At most six clients of a page that are lazy have a connection at a time; the others wait. */
  lazy?: boolean | undefined;
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
  ask(message?: Message): void;
  /** Adds a turn to the thread of the view. */
  add(turn: Turn): void;
  /** Ends the running generation for everyone who watches it; without a connection, only stops waiting for it. */
  stop(): void;
  /** Closes the connection and keeps only the text. The generation continues; `ask` asks again. */
  close(): void;
}

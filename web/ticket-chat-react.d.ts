/*
 * The types of ticket-chat-react.js, and those of the element itself in JSX:
 *
 *     import "ticketchat";
 *     <ticket-chat ticket-id="42" ticket-body="printer jam" />
 */
import type { DetailedHTMLProps, ForwardRefExoticComponent, HTMLAttributes, RefAttributes } from "react";
import type { ErrorFrame, Frame, Turn, View } from "./ticket-chat-client.js";
import type { TicketChat as TicketChatElement, WholeAnswer } from "./ticket-chat.js";

export interface TicketChatProps extends Omit<HTMLAttributes<TicketChatElement>, "children" | "onError"> {
  /** `ws:`, `wss:`, `http:` or `https:`; default ws://localhost:5000. */
  server?: string | undefined;
  /** Use a string if it may exceed 2^53. */
  ticketId: number | string;
  /** What the customer wrote. A changed text asks again. With `lazy` it may be missing: then only what is saved is shown. */
  ticketBody?: string | undefined;
  /** A JWT, if the service requires one (AUTH=required). */
  token?: string | undefined;
  /** "pt-BR", "en" or "es"; default: the language of the page around it. */
  lang?: string | undefined;
  /** Asks only when the element's `ask` is called; a ref gets the element. */
  manual?: boolean | undefined;
  /** For lists: opens what is saved when it is seen, and asks only after a click. */
  lazy?: boolean | undefined;
  /** Parts that a page can switch off. */
  thread?: boolean | "on" | "off" | undefined;
  ratings?: boolean | "on" | "off" | undefined;
  sources?: boolean | "on" | "off" | undefined;
  /** Whether this user may edit answers and instruct the model; default: if there is a token. */
  write?: boolean | "on" | "off" | undefined;
  /** Called for each complete answer, also for an older one; see `whole`. */
  onDone?: ((answer: string, saved: boolean, whole: WholeAnswer) => void) | undefined;
  onError?: ((error: ErrorFrame) => void) | undefined;
  onFrame?: ((frame: Frame) => void) | undefined;
  /** Called when a question in the thread was answered. */
  onTurn?: ((turn: Turn) => void) | undefined;
}

/** A ref gets the element, with `ask`, `refresh` and `stop`. */
export const TicketChat: ForwardRefExoticComponent<TicketChatProps & RefAttributes<TicketChatElement>>;

/** For your own design. Asks when it is mounted, and when ticket or text changes. */
export function useTicketChat(
  options: Pick<TicketChatProps, "server" | "ticketId" | "token" | "lang"> & { ticketBody: string },
): {
  view: View;
  /** Ends the running generation for everyone who watches it. */
  stop(): void;
  /** Asks for another answer. */
  refresh(): void;
  /** Asks the same question again. */
  retry(): void;
  /** Shows a saved answer by its number; 1 is the oldest. */
  show(version: number): void;
};

export interface TicketChatAttributes {
  "ticket-id"?: number | string | undefined;
  "ticket-body"?: string | undefined;
  server?: string | undefined;
  token?: string | undefined;
  manual?: boolean | "" | undefined;
  lazy?: boolean | "" | undefined;
  thread?: boolean | "on" | "off" | undefined;
  ratings?: boolean | "on" | "off" | undefined;
  sources?: boolean | "on" | "off" | undefined;
  write?: boolean | "" | "on" | "off" | undefined;
  /** Listeners in React 19. In React 18 use a ref and addEventListener. */
  "onticket-chat-done"?: ((event: CustomEvent<WholeAnswer>) => void) | undefined;
  "onticket-chat-error"?: ((event: CustomEvent<ErrorFrame>) => void) | undefined;
  "onticket-chat-turn"?: ((event: CustomEvent<Turn>) => void) | undefined;
  "onticket-chat-frame"?: ((event: CustomEvent<Frame>) => void) | undefined;
}

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "ticket-chat": DetailedHTMLProps<HTMLAttributes<TicketChatElement>, TicketChatElement> & TicketChatAttributes;
    }
  }
}

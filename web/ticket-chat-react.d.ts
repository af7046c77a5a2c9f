/*
 * The types of ticket-chat-react.js. They also tell JSX about the element itself:
 *
 *     import "ticketchat";
 *     <ticket-chat ticket-id="42" ticket-body="printer jam" />
 */
import type { DetailedHTMLProps, ForwardRefExoticComponent, HTMLAttributes, RefAttributes } from "react";
import type { ErrorFrame, Frame, View } from "./ticket-chat-client.js";
import type { TicketChat as TicketChatElement, WholeAnswer } from "./ticket-chat.js";

export interface TicketChatProps extends Omit<HTMLAttributes<TicketChatElement>, "children" | "onError"> {
  /** `ws:`, `wss:`, `http:` or `https:`; default ws://localhost:5000. */
  server?: string | undefined;
  /** A string where it may be over 2^53. */
  ticketId: number | string;
  /** What the customer wrote; another text is asked anew. */
  ticketBody: string;
  /** Where the service wants one (AUTH=required). */
  token?: string | undefined;
  /** "pt-BR", "en" or "es"; default: that of the page around it. */
  lang?: string | undefined;
  /** Asks only when the element's `ask` is called, which a ref leads to. */
  manual?: boolean | undefined;
  /** For each whole answer, an older one too: `whole` tells. */
  onDone?: ((answer: string, saved: boolean, whole: WholeAnswer) => void) | undefined;
  onError?: ((error: ErrorFrame) => void) | undefined;
  onFrame?: ((frame: Frame) => void) | undefined;
}

/** A ref gets the element, with `ask`, `refresh` and `stop`. */
export const TicketChat: ForwardRefExoticComponent<TicketChatProps & RefAttributes<TicketChatElement>>;

/** For looks of your own: asks at mount, and for another ticket or text. */
export function useTicketChat(
  options: Pick<TicketChatProps, "server" | "ticketId" | "ticketBody" | "token" | "lang">,
): {
  view: View;
  /** Ends the running generation, for everyone who watches it. */
  stop(): void;
  /** Another answer. */
  refresh(): void;
  /** The same question again. */
  retry(): void;
  /** An older answer, by its number from 1. */
  show(version: number): void;
};

export interface TicketChatAttributes {
  "ticket-id"?: number | string | undefined;
  "ticket-body"?: string | undefined;
  server?: string | undefined;
  token?: string | undefined;
  manual?: boolean | "" | undefined;
  /** Listeners of React 19; in 18 a ref and addEventListener. */
  "onticket-chat-done"?: ((event: CustomEvent<WholeAnswer>) => void) | undefined;
  "onticket-chat-error"?: ((event: CustomEvent<ErrorFrame>) => void) | undefined;
  "onticket-chat-frame"?: ((event: CustomEvent<Frame>) => void) | undefined;
}

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "ticket-chat": DetailedHTMLProps<HTMLAttributes<TicketChatElement>, TicketChatElement> & TicketChatAttributes;
    }
  }
}

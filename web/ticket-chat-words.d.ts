/* The types of ticket-chat-words.js: what TicketChat.tsx uses of it. */
import type { View } from "./ticket-chat-client.js";

export type Language = "pt-BR" | "en";

/** The language of ours for what somebody asked for. */
export function language(wanted: string | undefined): Language;

export interface Words {
  readonly stop: string;
  readonly retry: string;
  readonly refresh: string;
  readonly previous: string;
  readonly next: string;
  version(n: number, of: number): string;
}
export function words(lang: string | undefined): Words;

/** A view of ticket-chat-client.js in one line. */
export function statusLine(view: View, lang: string | undefined): string;

/* The types of ticket-chat-words.js, for your own design. */
import type { View } from "./ticket-chat-client.js";

export type Language = "pt-BR" | "en" | "es";

/** The one of our languages that is nearest to a language tag. */
export function language(wanted: string | undefined): Language;

/** Texts in one language, for buttons and other uses. */
export interface Words {
  readonly stop: string;
  /** For `stop` if others watch too. */
  readonly stopAll: string;
  readonly retry: string;
  readonly refresh: string;
  readonly previous: string;
  readonly next: string;
  /** Says that an AI wrote the answer and somebody has to check it. */
  readonly draft: string;
  /** Says that a person wrote it: by name, or without one. */
  author(name: string): string;
  readonly person: string;
  version(n: number, of: number): string;
}
export function words(lang: string | undefined): Words;

/** Whether the answer was written for a different text of this ticket. */
export function isForAnother(view: View): boolean;

/** Whether the answer ends at the model's length limit. */
export function isCut(view: View): boolean;

/** A view of ticket-chat-client.js as one line. */
export function statusLine(view: View, lang: string | undefined, dated?: boolean): string;

/** What helps, in addition to the status line; empty if there is nothing to add. */
export function hint(view: View, lang: string | undefined): string;

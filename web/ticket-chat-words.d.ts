/* The types of ticket-chat-words.js, for looks of your own. */
import type { View } from "./ticket-chat-client.js";

export type Language = "pt-BR" | "en" | "es";

/** The language of ours for what somebody asked for. */
export function language(wanted: string | undefined): Language;

/** The words of one language: those of buttons, and more. */
export interface Words {
  readonly stop: string;
  /** Where others watch. */
  readonly stopAll: string;
  readonly retry: string;
  readonly refresh: string;
  readonly previous: string;
  readonly next: string;
  /** That an AI wrote it, and somebody has to check it. */
  readonly draft: string;
  version(n: number, of: number): string;
}
export function words(lang: string | undefined): Words;

/** The text is one of this ticket's answers, but to another text of it. */
export function isForAnother(view: View): boolean;

/** The text ends at the model's limit of length. */
export function isCut(view: View): boolean;

/** A view of ticket-chat-client.js in one line. */
export function statusLine(view: View, lang: string | undefined, dated?: boolean): string;

/** What helps beyond what the status line says; mostly empty. */
export function hint(view: View, lang: string | undefined): string;

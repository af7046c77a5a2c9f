/*
 * All words that <ticket-chat>, TicketChat.tsx and the page show, in every language, and the one line that says how
 * things stand.
 */
const WORDS = {
  "pt-BR": {
    idle: "",
    connecting: "Conectando…",
    reconnecting: "Sem conexão. Tentando de novo…",
    waiting: "Aguardando a resposta…",
    queued: "Na fila…",
    position: (n) => `Na fila: posição ${n}`,
    loading: "Carregando o modelo…",
    thinking: "O modelo está pensando…",
    generating: "Escrevendo…",
    done: "Resposta completa.",
    length: "O modelo parou no limite de tamanho da resposta.",
    changed: "O texto do chamado mudou depois desta resposta.",
    partial: "O texto abaixo está incompleto.",
    connection_lost: "Não foi possível falar com o serviço.",
    stopped: "Interrompido.",
    stop: "Parar",
    retry: "Tentar de novo",
    refresh: "Gerar outra resposta",
  },
  en: {
    idle: "",
    connecting: "Connecting…",
    reconnecting: "No connection. Trying again…",
    waiting: "Waiting for the answer…",
    queued: "Waiting in line…",
    position: (n) => `Waiting in line: position ${n}`,
    loading: "Loading the model…",
    thinking: "The model is thinking…",
    generating: "Writing…",
    done: "The answer is complete.",
    length: "The model stopped at its length limit.",
    changed: "The ticket's text has changed since this answer.",
    partial: "The text below is incomplete.",
    connection_lost: "The service cannot be reached.",
    stopped: "Stopped.",
    stop: "Stop",
    retry: "Try again",
    refresh: "Write another answer",
  },
};

/** The language of ours for what somebody asked for: English for any English, else Portuguese. */
export const language = (wanted) => (/^en\b/i.test(wanted ?? "") ? "en" : "pt-BR");

export const words = (lang) => WORDS[language(lang)];

/** A view of ticket-chat-client.js in one line. */
export function statusLine({ state, position, partial, cached, end }, lang) {
  const w = words(lang);
  if (end?.type === "error") return [end.message || w[end.code], partial && w.partial].filter(Boolean).join(" ");
  if (end && cached) {
    const date = cached.createdAt && new Date(cached.createdAt).toLocaleString(language(lang));
    return [cached.message, date && `(${date})`, cached.bodyChanged && w.changed].filter(Boolean).join(" ");
  }
  if (end) return end.reason === "length" ? w.length : w.done;
  return state === "queued" && position ? w.position(position) : w[state] ?? w.waiting;
}

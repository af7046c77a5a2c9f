/* The words of <ticket-chat> and TicketChat.tsx in every language, and what is made of them. */
const WORDS = {
  "pt-BR": {
    states: {
      __proto__: null,
      idle: "",
      connecting: "Conectando…",
      reconnecting: "Sem conexão. Tentando de novo…",
      waiting: "Aguardando a resposta…",
      queued: "Na fila…",
      loading: "Carregando o modelo…",
      thinking: "O modelo está pensando…",
      generating: "Escrevendo…",
    },
    offline: "Este aparelho está sem rede. Tentando de novo…",
    position: (n) => `Na fila: posição ${n}`,
    done: "Resposta completa.",
    length: "O modelo parou no limite de tamanho da resposta.",
    older: "Uma resposta anterior deste chamado.",
    written: (when) => `Escrita ${when}`,
    changed: "O texto do chamado mudou depois desta resposta.",
    partial: "O texto abaixo está incompleto.",
    connection_lost: "Não foi possível falar com o serviço.",
    stopped: "Interrompido.",
    stop: "Parar",
    retry: "Tentar de novo",
    refresh: "Gerar outra resposta",
    kept: "Mostrar a resposta guardada",
    copy: "Copiar texto",
    copyMarkdown: "Copiar Markdown",
    copyCode: "Copiar código",
    copied: "Copiado.",
    notCopied: "O navegador não deixou copiar.",
    previous: "Resposta anterior",
    next: "Resposta seguinte",
    version: (n, of) => `Resposta ${n} de ${of}`,
    answer: (ticket) => `Resposta do chamado ${ticket}`,
    hints: {
      connection_lost: ({ server }) =>
        `O serviço em ${server} está no ar? Se estiver, pode ter chegado ao limite de conexões (MAX_CONNECTIONS).`,
      forbidden_origin: ({ origin }) => `A origem desta página é ${origin}`,
      upstream_unreachable: () => "Depois, tente de novo: o serviço não precisa reiniciar.",
    },
  },
  en: {
    states: {
      __proto__: null,
      idle: "",
      connecting: "Connecting…",
      reconnecting: "No connection. Trying again…",
      waiting: "Waiting for the answer…",
      queued: "Waiting in line…",
      loading: "Loading the model…",
      thinking: "The model is thinking…",
      generating: "Writing…",
    },
    offline: "This device is offline. Trying again…",
    position: (n) => `Waiting in line: position ${n}`,
    done: "The answer is complete.",
    length: "The model stopped at its length limit.",
    older: "An earlier answer to this ticket.",
    written: (when) => `Written ${when}`,
    changed: "The ticket's text has changed since this answer.",
    partial: "The text below is incomplete.",
    connection_lost: "The service cannot be reached.",
    stopped: "Stopped.",
    stop: "Stop",
    retry: "Try again",
    refresh: "Write another answer",
    kept: "Show the kept answer",
    copy: "Copy text",
    copyMarkdown: "Copy Markdown",
    copyCode: "Copy code",
    copied: "Copied.",
    notCopied: "The browser did not allow it.",
    previous: "Earlier answer",
    next: "Later answer",
    version: (n, of) => `Answer ${n} of ${of}`,
    answer: (ticket) => `Answer to ticket ${ticket}`,
    hints: {
      connection_lost: ({ server }) =>
        `Is the service at ${server} running? If it is, it may be at its limit of connections (MAX_CONNECTIONS).`,
      forbidden_origin: ({ origin }) => `The origin of this page is ${origin}`,
      upstream_unreachable: () => "Then try again: the service needs no restart.",
    },
  },
};

/** The language of ours for what somebody asked for. */
export const language = (wanted) => (/^en\b/i.test(wanted ?? "") ? "en" : "pt-BR");

export const words = (lang) => WORDS[language(lang)];

/** A view of ticket-chat-client.js in one line; without the date of a kept answer if that is elsewhere. */
export function statusLine({ state, position, partial, cached, version, versions, end }, lang, dated = true) {
  const w = words(lang);
  if (end?.type === "error") return [end.message || w[end.code], partial && w.partial].filter(Boolean).join(" ");
  if (end && cached) {
    const date = dated && cached.createdAt && new Date(cached.createdAt).toLocaleString(language(lang));
    const what = version < versions ? w.older : cached.message;
    return [what, date && `(${date})`, cached.reason === "length" && w.length, cached.bodyChanged && w.changed]
      .filter(Boolean).join(" ");
  }
  if (end) return end.reason === "length" ? w.length : w.done;
  if (state === "reconnecting" && globalThis.navigator?.onLine === false) return w.offline;
  return state === "queued" && position ? w.position(position) : w.states[state] ?? w.states.waiting;
}

/** What helps against an error beyond what its message says; mostly "". */
export const hint = (error, lang, server) =>
  words(lang).hints[error.code]?.({ server, origin: globalThis.location?.origin }) ?? "";

const UNITS = { year: 31_557_600, month: 2_629_800, day: 86_400, hour: 3600, minute: 60 };

/** How long ago a date was, as "2 hours ago"; "" if it is no date. */
export function age(date, lang) {
  const seconds = Math.max(0, (Date.now() - new Date(date)) / 1000);
  if (Number.isNaN(seconds)) return "";
  const unit = Object.keys(UNITS).find((name) => seconds >= UNITS[name]) ?? "second";
  const format = new Intl.RelativeTimeFormat(language(lang), { numeric: "auto" });
  return format.format(-Math.trunc(seconds / (UNITS[unit] ?? Infinity)), unit); // no second is "now"
}

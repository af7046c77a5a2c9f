/* The texts of <ticket-chat> in every language, and the lines that are made of them. */
const WORDS = {
  "pt-BR": {
    states: {
      __proto__: null,
      idle: "",
      connecting: "Conectando…",
      reconnecting: "Sem conexão. Tentando de novo…",
      waiting: "Aguardando a resposta…",
      queued: "Na fila…",
      loading: "A IA está sendo carregada…",
      thinking: "A IA está pensando…",
      reading: "A IA está lendo o chamado…",
      generating: "Escrevendo…",
      saving: "Salvando a resposta…",
    },
    offline: "Este computador está sem rede.",
    position: (n) => `Na fila: posição ${n}`,
    done: "Resposta completa.",
    length: "A IA parou no limite de tamanho da resposta.",
    older: "Uma resposta anterior deste chamado.",
    written: (when) => (when === "agora" ? "Escrita agora há pouco" : `Escrita ${when}`),
    changed: "Esta resposta foi escrita para outro texto deste chamado.",
    partial: "O texto abaixo está incompleto.",
    connection_lost: "Não foi possível falar com o serviço.",
    stopped: "Interrompida.",
    stop: "Parar",
    stopAll: "Parar para todos",
    retry: "Tentar de novo",
    refresh: "Pedir outra resposta",
    kept: "Mostrar a resposta salva",
    copy: "Copiar texto",
    copyMarkdown: "Copiar Markdown",
    copyCode: "Copiar código",
    copied: "Copiado.",
    notCopied: "O navegador não deixou copiar.",
    previous: "Resposta anterior",
    next: "Resposta seguinte",
    version: (n, of) => `Resposta ${n} de ${of}`,
    answer: (ticket) => `Resposta do chamado ${ticket}`,
    ticket: (ticket) => `Chamado ${ticket}`,
    draft: "Sugestão escrita por uma IA: confira antes de usar.",
    later: "Tente de novo em instantes. Se continuar, avise o administrador.",
    wait: "O pedido continua sozinho quando a rede voltar.",
    code: (code) => `Código para o administrador: ${code}`,
    origin: (origin) => `A origem desta página é ${origin}`,
    noOrigin: "Esta página não tem origem (arquivo ou sandbox).",
  },
  en: {
    states: {
      __proto__: null,
      idle: "",
      connecting: "Connecting…",
      reconnecting: "No connection. Trying again…",
      waiting: "Waiting for the answer…",
      queued: "In the queue…",
      loading: "The AI is being loaded…",
      thinking: "The AI is thinking…",
      reading: "The AI is reading the ticket…",
      generating: "Writing…",
      saving: "Saving the answer…",
    },
    offline: "This computer is offline.",
    position: (n) => `In the queue: number ${n}`,
    done: "The answer is complete.",
    length: "The AI stopped at its length limit.",
    older: "An earlier answer to this ticket.",
    written: (when) => (when === "now" ? "Written just now" : `Written ${when}`),
    changed: "This answer was written for a different text of this ticket.",
    partial: "The text below is incomplete.",
    connection_lost: "The service cannot be reached.",
    stopped: "Stopped.",
    stop: "Stop",
    stopAll: "Stop for everyone",
    retry: "Try again",
    refresh: "Get another answer",
    kept: "Show the saved answer",
    copy: "Copy text",
    copyMarkdown: "Copy Markdown",
    copyCode: "Copy code",
    copied: "Copied.",
    notCopied: "The browser did not allow copying.",
    previous: "Previous answer",
    next: "Next answer",
    version: (n, of) => `Answer ${n} of ${of}`,
    answer: (ticket) => `Answer to ticket ${ticket}`,
    ticket: (ticket) => `Ticket ${ticket}`,
    draft: "Drafted by an AI: check it before you use it.",
    later: "Try again in a moment. If this continues, tell the administrator.",
    wait: "The question continues by itself when the network is back.",
    code: (code) => `Code for the administrator: ${code}`,
    origin: (origin) => `The origin of this page is ${origin}`,
    noOrigin: "This page has no origin (a file or a sandbox).",
  },
  es: {
    states: {
      __proto__: null,
      idle: "",
      connecting: "Conectando…",
      reconnecting: "Sin conexión. Intentando de nuevo…",
      waiting: "Esperando la respuesta…",
      queued: "En la cola…",
      loading: "La IA se está cargando…",
      thinking: "La IA está pensando…",
      reading: "La IA está leyendo el ticket…",
      generating: "Escribiendo…",
      saving: "Guardando la respuesta…",
    },
    offline: "Este equipo está sin red.",
    position: (n) => `En la cola: número ${n}`,
    done: "La respuesta está completa.",
    length: "La IA se detuvo en su límite de longitud.",
    older: "Una respuesta anterior de este ticket.",
    written: (when) => (when === "ahora" ? "Escrita hace un momento" : `Escrita ${when}`),
    changed: "Esta respuesta se escribió para otro texto de este ticket.",
    partial: "El texto de abajo está incompleto.",
    connection_lost: "No se puede contactar con el servicio.",
    stopped: "Detenida.",
    stop: "Detener",
    stopAll: "Detener para todos",
    retry: "Intentar de nuevo",
    refresh: "Pedir otra respuesta",
    kept: "Mostrar la respuesta guardada",
    copy: "Copiar texto",
    copyMarkdown: "Copiar Markdown",
    copyCode: "Copiar código",
    copied: "Copiado.",
    notCopied: "El navegador no permitió copiar.",
    previous: "Respuesta anterior",
    next: "Respuesta siguiente",
    version: (n, of) => `Respuesta ${n} de ${of}`,
    answer: (ticket) => `Respuesta al ticket ${ticket}`,
    ticket: (ticket) => `Ticket ${ticket}`,
    draft: "Borrador escrito por una IA: revíselo antes de usarlo.",
    later: "Inténtelo de nuevo en un momento. Si continúa, avise al administrador.",
    wait: "La consulta continuará sola cuando vuelva la red.",
    code: (code) => `Código para el administrador: ${code}`,
    origin: (origin) => `El origen de esta página es ${origin}`,
    noOrigin: "Esta página no tiene origen (archivo o sandbox).",
  },
};

const FOR_ADMINISTRATORS = /^(upstream_(unreachable|error|invalid|rejected)|model_missing|storage|schema|internal)$/;

/** The one of our languages that is nearest to a language tag. */
export const language = (wanted) => /^(en|es)\b/i.exec(wanted ?? "")?.[1].toLowerCase() ?? "pt-BR";

export const words = (lang) => WORDS[language(lang)];

const disconnected = ({ state, end }) => !end && state === "reconnecting" && globalThis.navigator?.onLine === false;

export const isForAnother = ({ cached, end }) => end?.type === "done" && Boolean(cached?.bodyChanged || end.bodyChanged);

export const isCut = ({ cached, end }) => end?.type === "done" && (end.reason ?? cached?.reason) === "length";

/** A view of ticket-chat-client.js as one line; dated = false leaves out the date of a saved answer. */
export function statusLine(view, lang, dated = true) {
  const { state, position, fresh, partial, cached, version, versions, end } = view;
  const w = words(lang);
  if (end?.type === "error") return [end.message || w[end.code], partial && w.partial].filter(Boolean).join(" ");
  if (end) {
    const date = dated && cached?.createdAt && new Date(cached.createdAt).toLocaleString(language(lang));
    const cut = isCut(view);
    const what = version < versions ? w.older : cached ? cached.message : !cut && w.done;
    return [what, date && `(${date})`, cut && w.length, isForAnother(view) && w.changed].filter(Boolean).join(" ");
  }
  if (disconnected(view)) return w.offline;
  if (state === "generating" && !fresh) return w.states.reading;
  return state === "queued" && position ? w.position(position) : w.states[state] ?? w.states.waiting;
}

/** What helps, in addition to the status line; "" if there is nothing to add. */
export function hint(view, lang) {
  const w = words(lang);
  const { end } = view;
  if (disconnected(view)) return w.wait;
  if (end?.type !== "error") return "";
  if (end.code === "connection_lost") return w.later;
  if (FOR_ADMINISTRATORS.test(end.code)) return w.code(end.code);
  const { origin } = globalThis;
  return end.code !== "forbidden_origin" ? "" : origin === "null" ? w.noOrigin : w.origin(origin);
}

const UNITS = { year: 31_557_600, month: 2_629_800, day: 86_400, hour: 3600, minute: 60 };

/** How long ago a date was, for example "2 hours ago"; "" if the date is invalid. */
export function age(date, lang) {
  const seconds = Math.max(0, (Date.now() - new Date(date)) / 1000);
  if (Number.isNaN(seconds)) return "";
  const unit = Object.keys(UNITS).find((name) => seconds >= UNITS[name]) ?? "second";
  const format = new Intl.RelativeTimeFormat(language(lang), { numeric: "auto" });
  return format.format(-Math.trunc(seconds / (UNITS[unit] ?? Infinity)), unit); // no second is "now"
}

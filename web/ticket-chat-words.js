/* % is a value. */
const LANGUAGES = ["pt-BR", "en", "es"];
const STATES = {
  idle: ["", "", ""],
  connecting: ["Conectando…", "Connecting…", "Conectando…"],
  reconnecting: ["Sem conexão. Tentando novamente…", "No connection. Trying again…", "Sin conexión. Intentando de nuevo…"],
  waiting: ["Aguardando a resposta…", "Waiting for the answer…", "Esperando la respuesta…"],
  queued: ["Na fila…", "In the queue…", "En la cola…"],
  loading: ["A IA está sendo carregada…", "The AI is being loaded…", "La IA se está cargando…"],
  thinking: ["A IA está pensando…", "The AI is thinking…", "La IA está pensando…"],
  reading: ["A IA está lendo o chamado…", "The AI is reading the ticket…", "La IA está leyendo el ticket…"],
  generating: ["Escrevendo…", "Writing…", "Escribiendo…"],
  saving: ["Salvando a resposta…", "Saving the answer…", "Guardando la respuesta…"],
};
const TEXTS = {
  offline: ["Este computador está sem conexão.", "This computer is offline.", "Este equipo no tiene conexión."],
  position: ["Na fila: posição %", "In the queue: position %", "En la cola: posición %"],
  done: ["Resposta completa.", "The answer is complete.", "La respuesta está completa."],
  length: ["A IA parou ao atingir o limite de tamanho da resposta.", "The AI stopped at its length limit.",
    "La IA se detuvo al alcanzar el límite de longitud de la respuesta."],
  older: ["Uma resposta anterior deste chamado.", "An earlier answer to this ticket.", "Una respuesta anterior de este ticket."],
  written: ["Escrita %", "Written %", "Escrita %"],
  justNow: ["Escrita agora há pouco", "Written just now", "Escrita hace un momento"],
  changed: ["Esta resposta foi escrita para outro texto deste chamado.",
    "This answer was written for a different text of this ticket.", "Esta respuesta se escribió para otro texto de este ticket."],
  partial: ["O texto abaixo está incompleto.", "The text below is incomplete.", "El texto de abajo está incompleto."],
  connection_lost: ["Não foi possível conectar ao serviço.", "The service cannot be reached.",
    "No se pudo conectar con el servicio."],
  stopped: ["Interrompida.", "Stopped.", "Detenida."],
  stop: ["Interromper", "Stop", "Detener"],
  stopAll: ["Interromper para todos", "Stop for everyone", "Detener para todos"],
  retry: ["Tentar novamente", "Try again", "Intentar de nuevo"],
  ask: ["Pedir resposta", "Get an answer", "Pedir respuesta"],
  refresh: ["Pedir outra resposta", "Get another answer", "Pedir otra respuesta"],
  kept: ["Mostrar a resposta salva", "Show the saved answer", "Mostrar la respuesta guardada"],
  copy: ["Copiar texto", "Copy text", "Copiar texto"],
  copyMarkdown: ["Copiar Markdown", "Copy Markdown", "Copiar Markdown"],
  copyCode: ["Copiar código", "Copy code", "Copiar código"],
  copied: ["Copiado.", "Copied.", "Copiado."],
  notCopied: ["O navegador não permitiu copiar.", "The browser did not allow copying.", "El navegador no permitió copiar."],
  previous: ["Resposta anterior", "Previous answer", "Respuesta anterior"],
  next: ["Próxima resposta", "Next answer", "Respuesta siguiente"],
  version: ["Resposta % de %", "Answer % of %", "Respuesta % de %"],
  answer: ["Resposta do chamado %", "Answer to ticket %", "Respuesta al ticket %"],
  ticket: ["Chamado %", "Ticket %", "Ticket %"],
  draft: ["Sugestão escrita por uma IA: confira antes de usar.", "Drafted by an AI: check it before you use it.",
    "Borrador escrito por una IA: revíselo antes de usarlo."],
  author: ["Escrita por \u2068%\u2069.", "Written by \u2068%\u2069.", "Escrita por \u2068%\u2069."], // isolated
  person: ["Escrita por uma pessoa.", "Written by a person.", "Escrita por una persona."],
  instructed: ["Instrução dada à IA: \u2068%\u2069", "Instruction to the AI: \u2068%\u2069", "Instrucción dada a la IA: \u2068%\u2069"],
  later: ["Tente novamente em instantes. Se o problema continuar, avise o administrador.",
    "Try again in a moment. If the problem continues, tell the administrator.",
    "Inténtelo de nuevo en un momento. Si el problema continúa, avise al administrador."],
  wait: ["Continua assim que a conexão voltar.", "This continues as soon as the connection is back.",
    "Continuará en cuanto vuelva la conexión."],
  code: ["Código para o administrador: %", "Code for the administrator: %", "Código para el administrador: %"],
  origin: ["A origem desta página é %", "The origin of this page is %", "El origen de esta página es %"],
  noOrigin: ["Esta página não tem origem (arquivo ou sandbox).", "This page has no origin (a file or a sandbox).",
    "Esta página no tiene origen (archivo o sandbox)."],
};

const fill = (text) => (!text.includes("%") ? text : (...values) => text.replace(/%/g, () => values.shift()));

export const inLanguages = (texts) => Object.fromEntries(LANGUAGES.map((lang, n) =>
  [lang, Object.entries(texts).reduce((all, [name, each]) => ((all[name] = fill(each[n])), all), { __proto__: null })]));

const WORDS = inLanguages(TEXTS);
const states = inLanguages(STATES);
for (const lang of LANGUAGES) WORDS[lang].states = states[lang];

const FOR_ADMINISTRATORS = /^(upstream_(unreachable|error|invalid|rejected)|model_missing|storage|schema|internal)$/;

export const language = (wanted) => /^(en|es)\b/i.exec(wanted ?? "")?.[1].toLowerCase() ?? "pt-BR";

export const words = (lang) => WORDS[language(lang)];

const disconnected = ({ state, end }) => !end && state === "reconnecting" && globalThis.navigator?.onLine === false;

export const isForAnother = ({ cached, end }) => end?.type === "done" && Boolean(cached?.bodyChanged || end.bodyChanged);

export const isCut = ({ cached, end }) => end?.type === "done" && (end.reason ?? cached?.reason) === "length";

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

/*
 * TicketChat: the AI answer for one help-desk ticket, shown while it is written.
 *
 *     <TicketChat server="ws://localhost:5000" ticketId={42} ticketBody="printer jam" />
 *
 * React 18 or 19 and nothing else. The protocol is in websocket.md.
 */
import { useEffect, useRef, useState, useSyncExternalStore } from "react";

export interface TicketChatProps {
  server?: string | undefined; // default ws://localhost:5000
  ticketId: number | string; // a string where it may be over 2^53
  ticketBody: string; // what the customer wrote; another text is asked anew
  token?: string | undefined; // where the service wants one (AUTH=required)
  lang?: string | undefined; // "pt-BR" or "en"; default: the browser's
  onDone?: ((answer: string, kept: boolean) => void) | undefined;
}

type Cached = { type: "cached"; response: string; message: string; createdAt?: string; bodyChanged?: boolean };
type Done = { type: "done"; reason?: string };
type Failed = { type: "error"; message: string; code?: string; retryable?: boolean; retryAfter?: number };
type Stream = { type: "stream"; content: string };
type Status = { type: "status"; state: string; position?: number };

interface View {
  state: string; // connecting, reconnecting, waiting, or what a status frame says
  position?: number | undefined; // in the queue
  text: string; // the answer so far; the one before until the first new character
  fresh: boolean; // the text comes from the running connection
  partial: boolean; // the text stops before its end
  cached?: Cached | undefined; // the text was kept from an earlier time
  end?: Done | Failed | undefined; // the terminal frame; busy without one
}

const START: View = { state: "connecting", text: "", fresh: false, partial: false };
const PING_MS = 25_000; // proxies cut connections that are silent for a minute
const STABLE_MS = 60_000; // a connection that lasted so long was a good one
const MAX_TRIES = 8; // half a minute in all

/* Asks at mount, for another text and on again(); reconnects until the terminal frame has come. */
export function useTicketChat(props: TicketChatProps) {
  const { server = "ws://localhost:5000", ticketId, ticketBody } = props;
  const url = `${server.replace(/\/+$/, "")}/api/websocket/chat/${encodeURIComponent(ticketId)}`;
  const [view, setView] = useState(START);
  const [question, setQuestion] = useState(0);
  const refresh = useRef(false);
  const stop = useRef(() => {});
  const latest = useRef(props); // a new token or callback is no new question
  useEffect(() => void (latest.current = props));

  useEffect(() => {
    let socket: WebSocket | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let pinger: ReturnType<typeof setInterval> | undefined;
    let opened = 0;
    let tries = 0;
    let stopping = false;
    const show = (change: Partial<View>) => setView((old) => ({ ...old, ...change }));

    function hangUp() {
      clearTimeout(timer);
      clearInterval(pinger);
      if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
      socket?.close(1000);
      socket = undefined;
    }

    /* The connection went without a terminal frame. Its close code (mostly 1006) tells nothing. */
    function lost() {
      hangUp();
      if (opened && Date.now() - opened > STABLE_MS) tries = 0;
      if (stopping || ++tries >= MAX_TRIES)
        return show({ end: { type: "error", code: "connection_lost", message: "", retryable: true } });
      show({ state: "reconnecting", fresh: false });
      timer = setTimeout(connect, Math.min(250 * 2 ** tries, 10_000) * (0.5 + Math.random() / 2));
    }

    function connect() {
      let text = ""; // every connection gets the answer from its first character
      let kept = false;
      let unanswered = false; // a ping waits for its pong
      opened = 0;
      show({ state: tries ? "reconnecting" : "connecting", fresh: false, end: undefined });
      try {
        socket = new WebSocket(url);
      } catch {
        return lost(); // no ws:// address, or ws:// in an https:// page
      }
      const ws = socket;
      const send = (message: object) => {
        if (ws.readyState === WebSocket.OPEN) ws.send(JSON.stringify(message));
      };
      stop.current = () => {
        stopping = true; // a lost connection must not start the answer again
        send({ type: "stop", token: latest.current.token });
      };
      ws.onclose = lost;
      ws.onopen = () => {
        const { token, lang } = latest.current;
        opened = Date.now();
        show({ state: "waiting" });
        send({ ticketBody, status: true, refresh: refresh.current, lang, token });
        pinger = setInterval(() => {
          if (unanswered) return lost();
          unanswered = true;
          send({ type: "ping" });
        }, PING_MS);
      };
      ws.onmessage = (event) => {
        let frame: Cached | Done | Failed | Stream | Status;
        unanswered = false; // any frame is a sign of life
        try {
          frame = JSON.parse(event.data);
        } catch {
          return;
        }
        switch (frame.type) {
          case "status":
            return show({ state: frame.state, position: frame.position });
          case "stream":
            text += frame.content;
            return show({ state: "generating", text, fresh: true, partial: true, cached: undefined });
          case "cached":
            text = frame.response;
            kept = true;
            return show({ text, fresh: true, partial: false, cached: frame });
          case "done":
            hangUp();
            refresh.current = false;
            show({ partial: false, end: frame });
            return latest.current.onDone?.(text, kept);
          case "error":
            hangUp();
            return show({ end: frame });
        } // the rest (pong, and what later versions send) is ignored
      };
    }

    timer = setTimeout(connect, 0); // StrictMode mounts twice: the first one never connects
    return hangUp;
  }, [url, ticketBody, question]);

  const again = (anew: boolean) => {
    refresh.current ||= anew;
    setQuestion((n) => n + 1);
  };
  return { view, again, stop: () => stop.current() };
}

const TEXTS = {
  "pt-BR": {
    connecting: "Conectando…",
    reconnecting: "Sem conexão. Tentando de novo…",
    waiting: "Aguardando a resposta…",
    queued: "Na fila",
    loading: "Carregando o modelo…",
    thinking: "O modelo está pensando…",
    generating: "Escrevendo…",
    done: "Resposta completa.",
    length: "O modelo parou no limite de tamanho da resposta.",
    changed: "O texto do chamado mudou depois desta resposta.",
    partial: "O texto abaixo está incompleto.",
    lost: "Não foi possível falar com o serviço.",
    stop: "Parar",
    retry: "Tentar de novo",
    refresh: "Gerar outra resposta",
  },
  en: {
    connecting: "Connecting…",
    reconnecting: "No connection. Trying again…",
    waiting: "Waiting for the answer…",
    queued: "Waiting in line",
    loading: "Loading the model…",
    thinking: "The model is thinking…",
    generating: "Writing…",
    done: "The answer is complete.",
    length: "The model stopped at its length limit.",
    changed: "The ticket's text has changed since this answer.",
    partial: "The text below is incomplete.",
    lost: "The service cannot be reached.",
    stop: "Stop",
    retry: "Try again",
    refresh: "Write another answer",
  },
};

/* The one line that says how things stand. */
function statusLine({ state, position, partial, cached, end }: View, lang: keyof typeof TEXTS) {
  const t = TEXTS[lang];
  if (end?.type === "error") return [end.message || t.lost, partial && t.partial].filter(Boolean).join(" ");
  if (end && cached) {
    const date = cached.createdAt && new Date(cached.createdAt).toLocaleString(lang);
    return [cached.message, date && `(${date})`, cached.bodyChanged && t.changed].filter(Boolean).join(" ");
  }
  if (end) return end.reason === "length" ? t.length : t.done;
  if (state === "queued") return position ? `${t.queued}: ${position}` : `${t.queued}…`;
  return (t as Record<string, string>)[state] ?? t.waiting;
}

/* A button that counts down the seconds that the service asked us to wait. */
function RetryButton({ label, after, onClick }: { label: string; after: number; onClick: () => void }) {
  const [left, setLeft] = useState(Math.ceil(after));
  useEffect(() => {
    const timer = left > 0 ? setTimeout(() => setLeft(left - 1), 1000) : undefined;
    return () => clearTimeout(timer);
  }, [left]);
  return (
    <button type="button" disabled={left > 0} onClick={onClick}>
      {left > 0 ? `${label} (${left})` : label}
    </button>
  );
}

const PLAIN_TEXT = { whiteSpace: "pre-wrap", overflowWrap: "anywhere" } as const;
const never = () => () => {};

function Chat(props: TicketChatProps) {
  const browser = useSyncExternalStore(never, () => navigator.language, () => "pt-BR");
  const lang = /^en\b/i.test(props.lang ?? browser) ? "en" : "pt-BR";
  const { view, again, stop } = useTicketChat({ ...props, lang });
  const { text, fresh, end } = view;
  const t = TEXTS[lang];
  const online = !end && !view.state.endsWith("connecting");
  return (
    <section className="ticket-chat" lang={lang} aria-busy={!end}>
      <p role="status">{statusLine(view, lang)}</p>
      {!end && !fresh && <progress aria-hidden />}
      {text && <div style={{ ...PLAIN_TEXT, opacity: end || fresh ? 1 : 0.6 }}>{text}</div>}
      <p>
        {online && <button type="button" onClick={stop}>{t.stop}</button>}
        {end?.type === "error" && end.retryable && (
          <RetryButton label={t.retry} after={end.retryAfter ?? 0} onClick={() => again(false)} />
        )}
        {end?.type === "done" && <button type="button" onClick={() => again(true)}>{t.refresh}</button>}
      </p>
    </section>
  );
}

/* Another ticket is another conversation: the key starts it from nothing. */
export function TicketChat(props: TicketChatProps) {
  return <Chat key={`${props.server} ${props.ticketId}`} {...props} />;
}

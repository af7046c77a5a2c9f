/*
 * TicketChat: the AI answer for one help-desk ticket, shown while it is written.
 *
 *     <TicketChat server="ws://localhost:5000" ticketId={42} ticketBody="printer jam" />
 *
 * React 18 or 19 and the ticket-chat-*.js beside this file. The protocol is in websocket.md.
 */
import { useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { TicketChatClient, type View } from "./ticket-chat-client.js";
import { MarkdownView } from "./ticket-chat-markdown.js";
import { language, statusLine, words } from "./ticket-chat-words.js";

export interface TicketChatProps {
  server?: string | undefined; // default ws://localhost:5000
  ticketId: number | string; // a string where it may be over 2^53
  ticketBody: string; // what the customer wrote; another text is asked anew
  token?: string | undefined; // where the service wants one (AUTH=required)
  lang?: string | undefined; // "pt-BR" or "en"; default: the browser's
  onDone?: ((answer: string, kept: boolean) => void) | undefined;
}

const START: View = { state: "connecting", text: "", fresh: false, partial: false };

/* Asks at mount, for another ticket or text, and on again(). */
export function useTicketChat({ server = "ws://localhost:5000", ticketId, ticketBody, ...props }: TicketChatProps) {
  const { token, lang, onDone } = props;
  const client = useMemo(() => new TicketChatClient({ server, ticketId }), [server, ticketId]);
  const look = () => (client.view.state === "idle" ? START : client.view);
  const view = useSyncExternalStore(client.subscribe, look, look);
  const tell = useRef(onDone);

  useEffect(() => {
    Object.assign(client, { token, lang }); // another one is no new question
    tell.current = onDone;
  });
  useEffect(() => {
    const changed = () => {
      const { text, cached, version, versions, end } = client.view;
      if (end?.type === "done" && version === versions) tell.current?.(text, cached !== undefined);
    };
    return client.subscribe(changed);
  }, [client]);
  useEffect(() => {
    client.ask({ ticketBody });
    return () => client.close();
  }, [client, ticketBody]);

  /* Another answer, or an older one; with neither the same question again, so that one that failed stays what it was. */
  const again = (refresh: boolean, version?: number) =>
    refresh || version || view.end?.type !== "error" ? client.ask({ ticketBody, refresh, version }) : client.ask();
  return { view, again, stop: () => client.stop() };
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

/* The model's Markdown, as elements that are made one by one: it is untrusted. Its language is the ticket's. */
function Answer({ text, whole, busy, old }: { text: string; whole: boolean; busy: boolean; old: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const markdown = useRef<MarkdownView | undefined>(undefined);
  useLayoutEffect(() => {
    markdown.current ??= new MarkdownView(box.current!);
    markdown.current.update(text, { whole });
  }, [text, whole]);
  return <div ref={box} lang="" dir="auto" aria-busy={busy} style={{ overflow: "auto", overflowWrap: "anywhere", opacity: old ? 0.6 : 1 }} />;
}

const never = () => () => {};

export function TicketChat(props: TicketChatProps) {
  const browser = useSyncExternalStore(never, () => navigator.language, () => "pt-BR");
  const lang = language(props.lang ?? browser);
  const { view, again, stop } = useTicketChat({ ...props, lang });
  const { text, fresh, partial, version, versions, end } = view;
  const w = words(lang);
  return (
    <section className="ticket-chat" lang={lang}>
      <p role="status">{statusLine(view, lang)}</p>
      {!end && !fresh && <progress aria-hidden />}
      {text && <Answer text={text} whole={Boolean(end) || !partial} busy={!end} old={!end && !fresh} />}
      <p>
        {!end && <button type="button" onClick={stop}>{w.stop}</button>}
        {end?.type === "error" && end.retryable && (
          <RetryButton label={w.retry} after={end.retryAfter ?? 0} onClick={() => again(false)} />
        )}
        {end?.type === "done" && <button type="button" onClick={() => again(true)}>{w.refresh}</button>}
        {version && versions && (
          <>
            {" "}
            <button type="button" aria-label={w.previous} disabled={version <= 1} onClick={() => again(false, version - 1)}>
              ‹
            </button>{" "}
            {w.version(version, versions)}{" "}
            <button type="button" aria-label={w.next} disabled={version >= versions} onClick={() => again(false, version + 1)}>
              ›
            </button>
          </>
        )}
      </p>
    </section>
  );
}

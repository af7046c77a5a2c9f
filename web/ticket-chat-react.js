"use client";
/*
 * <ticket-chat> as a React component, and a hook for your own design. React 18 or 19; plain JavaScript, so that no
 * bundler has to compile it. The types are in ticket-chat-react.d.ts.
 */
import { createElement, forwardRef, useEffect, useImperativeHandle, useMemo, useRef, useSyncExternalStore } from "react";
import "./ticket-chat.js";
import { TicketChatClient } from "./ticket-chat-client.js";

const SERVER = "ws://localhost:5000";
const START = { state: "connecting", text: "", fresh: false, partial: false, turns: [] };

export const TicketChat = forwardRef(function TicketChat(props, ref) {
  const { server = SERVER, ticketId, ticketBody, token, manual, lazy, thread, ratings, sources, write, ...others } = props;
  const { className, onDone, onError, onFrame, onTurn, ...rest } = others;
  const chat = useRef(null);
  const tell = useRef(undefined);

  useImperativeHandle(ref, () => chat.current, []);
  useEffect(() => {
    tell.current = {
      done: ({ text, cached, ...more }) => onDone?.(text, cached, { text, cached, ...more }),
      error: onError,
      frame: onFrame,
      turn: onTurn,
    };
  });
  useEffect(() => {
    const { current } = chat;
    const listeners = ["done", "error", "frame", "turn"].map((name) =>
      [`ticket-chat-${name}`, ({ detail }) => tell.current[name]?.(detail)]);
    for (const listener of listeners) current.addEventListener(...listener);
    return () => listeners.forEach((listener) => current.removeEventListener(...listener));
  }, []);
  useEffect(() => {
    Object.assign(chat.current, { server, ticketId, ticketBody, token, manual, lazy, thread, ratings, sources, write });
  });
  return createElement("ticket-chat", { ...rest, class: ["ticket-chat", className].filter(Boolean).join(" "), ref: chat });
});

/* Asks when it is mounted, and when ticket or text changes. */
export function useTicketChat({ server = SERVER, ticketId, ticketBody, token, lang }) {
  const client = useMemo(() => new TicketChatClient({ server, ticketId }), [server, ticketId]);
  const look = () => (client.view.state === "idle" ? START : client.view);
  const view = useSyncExternalStore(client.subscribe, look, look);

  useEffect(() => {
    Object.assign(client, { token, lang }); // a change does not ask again
  });
  useEffect(() => {
    client.ask({ ticketBody });
    return () => client.close();
  }, [client, ticketBody]);

  return {
    view,
    stop: () => client.stop(),
    refresh: () => client.ask({ ticketBody, refresh: true }),
    retry: () => client.ask(), // repeats the same question, also a refresh
    show: (version) => client.ask({ ticketBody, version }),
  };
}

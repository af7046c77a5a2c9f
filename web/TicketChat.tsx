"use client";
/* The React component under the name that it had in 0.1. */
export { TicketChat, useTicketChat, type TicketChatProps } from "./ticket-chat-react.js";

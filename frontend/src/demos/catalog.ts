// The demos: what each card says, and how the demo itself is loaded.

import type { ComponentType } from "preact";

/** What the module of a demo exports. */
export interface DemoModule {
  Demo: ComponentType;
  /** The URL of its style sheet. */
  style: string;
}

export interface CatalogEntry {
  id: string;
  title: string;
  /** Two sentences: what the demo teaches. */
  teaches: string;
  load(): Promise<DemoModule>;
}

export const catalog: readonly CatalogEntry[] = [
  {
    id: "echo",
    title: "Echo",
    teaches:
      "The server sends every message back. See how long a message takes there and back, and what size, rhythm and compression change.",
    load: () => import("./echo/echo"),
  },
  {
    id: "chat",
    title: "Chat rooms",
    teaches:
      "Everyone in a room gets what anyone says, in one order. See members come and go, type, write to one alone, and time out.",
    load: () => import("./chat/chat"),
  },
  {
    id: "push",
    title: "Push and the operator",
    teaches:
      "The server speaks without being asked: a line of the operator, or a script's request, goes to every connection. One that is gone is dropped, and the others notice nothing.",
    load: () => import("./push/push"),
  },
  {
    id: "socketio",
    title: "Socket.IO",
    teaches:
      "Events, acknowledgements, rooms and namespaces, written as packets into WebSocket messages or HTTP requests. See each packet and what it means, and the upgrade from polling to WebSocket.",
    load: () => import("./socketio/socketio"),
  },
  {
    id: "transports",
    title: "Beside WebSockets",
    teaches:
      "The same message over UDP, TCP, WebSocket and HTTP: how many bytes and packets it takes, measured. And what each lacks: order, framing, arrival.",
    load: () => import("./transports/transports"),
  },
];

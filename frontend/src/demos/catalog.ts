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
      "The server sends every message back. See how long a message takes there and back, and what its size and compression change.",
    load: () => import("./echo/echo"),
  },
  {
    id: "chat",
    title: "Chat rooms",
    teaches:
      "Everyone in a room gets what anyone says, in the same order. See members come and go, private lines, and what the server does with a member that stays silent.",
    load: () => import("./chat/chat"),
  },
];

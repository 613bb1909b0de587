// What the page and its worker say to each other.

import type { Frame, Stretch } from "../engine/engine";
import type { HandshakeDetail } from "../generated/layout";

/** From the page to the worker. */
export type Request =
  | { kind: "start"; wasmURL: string; feedURL: string; budgetMiB: number }
  /** Which rows are wanted; follow keeps to the newest. */
  | { kind: "view"; id: number; first: number; count: number; follow: boolean }
  | { kind: "filter"; text: string }
  | { kind: "select"; seq: bigint }
  | { kind: "handshake"; conn: number }
  | { kind: "locate"; seq: bigint }
  | { kind: "pause"; on: boolean }
  | { kind: "clear" };

export type Link = "connecting" | "live" | "offline";

/** From the worker to the page. */
export type Reply =
  | { kind: "ready" }
  | { kind: "failed"; text: string; restarting: boolean }
  | { kind: "link"; link: Link; text: string }
  /** At most once an animation frame: the counts and both windows, as columns. */
  | {
      kind: "tick";
      state: BigUint64Array<ArrayBuffer>;
      /** The view that this answers. */
      view: number;
      first: number;
      count: number;
      rows: ArrayBuffer;
      /** Only now and then: connections change slowly. */
      conns: Stretch | null;
    }
  | { kind: "filtered"; problem: string }
  | { kind: "frame"; seq: bigint; frame: Frame | null }
  | { kind: "handshake"; conn: number; handshake: HandshakeDetail | null }
  | { kind: "located"; position: number };

// The page's state: signals with what the worker has sent, and functions for what the user does.

import { batch, computed, signal } from "@preact/signals";
import { Client } from "./client";
import { type Columns, columnsOf } from "./columns";
import type { Frame } from "./engine/engine";
import { connWindow, type HandshakeDetail, rowWindow, stateIndex } from "./generated/layout";
import type { Link, Reply } from "./worker/messages";

export type RowColumns = Columns<typeof rowWindow.columns>;
export type ConnColumns = Columns<typeof connWindow.columns>;
export type Status = "loading" | "live" | "paused" | "offline" | "error";

/** Consecutive rows of the filtered list. */
export interface RowView {
  first: number;
  count: number;
  columns: RowColumns;
}

/** The counts. They stay far below 2^53, so numbers are exact. */
export type Counts = Record<keyof typeof stateIndex, number>;

const noCounts = Object.fromEntries(Object.keys(stateIndex).map((name) => [name, 0])) as Counts;

const ready = signal(false);
const link = signal<Link>("connecting");
const linkText = signal("");
export const failure = signal("");
/** A sentence on the last failure after which the worker was restarted. */
export const failures = signal("");
export const paused = signal(false);
export const follow = signal(true);
export const counts = signal<Counts>(noCounts);
export const rows = signal<RowView | null>(null);
/** The newest connections, how many the inspector keeps and how many it has seen. */
export const conns = signal<{ count: number; held: number; seen: number; columns: ConnColumns } | null>(null);
/** How many rows of the list are below the visible ones. */
export const below = signal(0);
/** Whether the list shows the time since the row above instead of the time of day. */
export const spans = signal(false);
export const filterText = signal("");
export const filterProblem = signal("");
export const selected = signal<bigint | null>(null);
export const frame = signal<Frame | null>(null);
/** Whether the inspector has removed the selected frame. */
export const missing = signal(false);
export const selectedConn = signal<number | null>(null);
export const handshake = signal<HandshakeDetail | null>(null);
/** By how many positions the visible rows have moved since the page was opened. */
export const moved = signal(0);
/** A position that the list should bring into view. */
export const reveal = signal<number | null>(null);

export const status = computed<Status>(() => {
  if (failure.value) return "error";
  if (!ready.value) return "loading";
  if (link.value === "offline") return "offline"; // paused or not
  if (paused.value) return "paused";
  return link.value === "live" ? "live" : "loading";
});

/** A sentence that explains the status. */
export const statusText = computed(() => {
  switch (status.value) {
    case "error":
      return failure.value;
    case "loading":
      return "Starting the inspector.";
    case "paused":
      return "Paused: the server keeps new frames until its history is full, then it drops the oldest. Press Resume to see them.";
    default:
      return linkText.value;
  }
});

let client: Client | undefined;
let view = { id: 0, first: 0, count: 40 };

/** Starts the worker. */
export function start(): void {
  client = new Client(receive);
}

/** Starts the worker again after the client has given it up. */
export function restart(): void {
  failure.value = "";
  ready.value = false;
  client?.restart();
}

function receive(reply: Reply): void {
  switch (reply.kind) {
    case "ready":
      ready.value = true;
      sendAll();
      break;
    case "failed":
      failure.value = reply.restarting ? "" : reply.text;
      if (reply.restarting) {
        ready.value = false;
        failures.value = `The inspector failed and was restarted: ${reply.text}`;
      }
      break;
    case "link":
      batch(() => {
        link.value = reply.link;
        linkText.value = reply.text;
      });
      break;
    case "tick":
      batch(() => {
        counts.value = countsOf(reply.state);
        const columns = columnsOf(reply.rows, rowWindow.columns);
        rows.value = { first: reply.first, count: reply.count, columns };
        if (reply.view === view.id && !follow.value && reply.first !== view.first) {
          // The oldest rows have been removed: the same rows have other positions now.
          moved.value += reply.first - view.first;
          view.first = reply.first;
        }
        if (reply.conns) {
          const { count, columns } = reply.conns;
          const { connections: held, connectionsSeen: seen } = counts.value;
          conns.value = { count, held, seen, columns: columnsOf(columns, connWindow.columns) };
        }
      });
      refreshHandshake();
      break;
    case "filtered":
      filterProblem.value = reply.problem;
      break;
    case "frame":
      if (reply.seq !== selected.value) break;
      frame.value = reply.frame;
      missing.value = reply.frame === null;
      if (reply.frame) selectConn(reply.frame.detail.conn);
      break;
    case "handshake":
      if (reply.conn === selectedConn.value) handshake.value = reply.handshake;
      break;
    case "located":
      if (reply.position >= 0) reveal.value = reply.position;
      break;
  }
}

function countsOf(state: BigUint64Array): Counts {
  const all = { ...noCounts };
  for (const [name, i] of Object.entries(stateIndex)) all[name as keyof Counts] = Number(state[i]);
  return all;
}

/** Sends filter, pause and view to a worker that has just started. */
function sendAll(): void {
  client?.send({ kind: "filter", text: filterText.value });
  client?.send({ kind: "pause", on: paused.value });
  sendView();
}

function sendView(): void {
  client?.send({ kind: "view", ...view, follow: follow.value });
}

/** The frame in the first visible row. */
let topSeq: bigint | null = null;

export function setTop(seq: bigint | null): void {
  topSeq = seq;
}

/** Asks the worker for these rows of the list. */
export function show(first: number, count: number): void {
  if (view.first === first && view.count === count) return;
  view = { id: view.id + 1, first, count };
  sendView();
}

export function setFollow(on: boolean): void {
  if (follow.value === on) return;
  follow.value = on;
  view.id++;
  sendView();
}

export function setPaused(on: boolean): void {
  paused.value = on;
  client?.send({ kind: "pause", on });
}

export function clear(): void {
  batch(() => {
    selected.value = null;
    frame.value = null;
    selectedConn.value = null;
    handshake.value = null;
  });
  client?.send({ kind: "clear" });
}

export function setFilter(text: string): void {
  filterText.value = text;
  client?.send({ kind: "filter", text });
  // Keep the selected frame in view, or the first visible one if none is selected.
  const seq = selected.value ?? topSeq;
  if (seq !== null && !follow.value) client?.send({ kind: "locate", seq });
}

export function select(seq: bigint): void {
  selected.value = seq;
  client?.send({ kind: "select", seq });
}

/** Selects a frame and brings it into view. */
export function goTo(seq: bigint): void {
  setFollow(false);
  select(seq);
  client?.send({ kind: "locate", seq });
}

export function selectConn(conn: number): void {
  if (selectedConn.value === conn) return;
  batch(() => {
    selectedConn.value = conn;
    handshake.value = null;
  });
  client?.send({ kind: "handshake", conn });
}

/** Asks again for the selected connection's handshake until it includes the response. */
function refreshHandshake(): void {
  const conn = selectedConn.value;
  if (conn !== null && handshake.value?.response === null) client?.send({ kind: "handshake", conn });
}

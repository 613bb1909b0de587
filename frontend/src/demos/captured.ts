// Finds a socket of this page in the capture, by a mark in the path of its URL.

import { effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { textOf } from "../columns";
import { conns } from "../store";

/** A mark, and the number of the connection with it once that has been captured. */
export interface Mark {
  readonly name: string;
  readonly conn: ReadonlySignal<number | null>;
}

/** How many marks may wait for their connection. */
const maxSought = 64;

const page = Math.floor(Math.random() * 36 ** 4).toString(36);
const sought = new Map<string, Signal<number | null>>();
let last = 0;

export function newMark(): Mark {
  const name = `${page}-${++last}`;
  const conn = signal<number | null>(null);
  sought.set(name, conn);
  const oldest = sought.keys().next();
  if (sought.size > maxSought && !oldest.done) sought.delete(oldest.value);
  return { name, conn };
}

effect(() => {
  const shown = conns.value;
  if (!shown || sought.size === 0) return;
  for (let i = 0; i < shown.count; i++) {
    const name = /[?&]mark=([a-z0-9]+-\d+)/.exec(textOf(shown.columns, i))?.[1];
    const found = name === undefined ? undefined : sought.get(name);
    if (name === undefined || found === undefined) continue;
    sought.delete(name);
    found.value = shown.columns.id[i] ?? null;
  }
});

/** This server's URL for a WebSocket. The mark comes first, since a long path is cut in the list. */
export function socketURL(path: string, parameters: Record<string, string> = {}, mark?: Mark): string {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.hash = "";
  if (mark) url.searchParams.set("mark", mark.name);
  for (const [name, value] of Object.entries(parameters)) if (value) url.searchParams.set(name, value);
  return url.href;
}

// What a message costs on each transport, as the server measures it.

import {
  asObject,
  booleanIn,
  type JSONObject,
  listIn,
  numberIn,
  parseObject,
  textIn,
  textsIn,
} from "../json";
import { reasonIn } from "../refusal";

/** What the sockets carried, in how many packets, and how much that was with the headers of the packets. */
export interface Count {
  bytes: number;
  packets: number;
  wire: number;
}

export interface Cost {
  up: Count;
  down: Count;
}

export const properties = ["order", "framing", "arrival", "identity", "bothWays"] as const;
export type Property = (typeof properties)[number];

export interface Row {
  id: string;
  name: string;
  setup: Cost;
  send: Cost;
  receive: Cost;
  has: Record<Property, boolean>;
  lacks: string[];
  note: string;
}

export interface Costs {
  text: string;
  bytes: number;
  /** Whether the system counts packets; if not, only the bytes are known. */
  packets: boolean;
  transports: Row[];
}

export function parseCosts(text: string): Costs | null {
  const o = parseObject(text);
  if (!o) return null;
  return {
    text: textIn(o, "text"),
    bytes: numberIn(o, "bytes"),
    packets: booleanIn(o, "packets"),
    transports: listIn(o, "transports").flatMap((value) => {
      const row = asObject(value);
      return row ? [rowOf(row)] : [];
    }),
  };
}

function rowOf(o: JSONObject): Row {
  const has = asObject(o.has) ?? {};
  return {
    id: textIn(o, "id"),
    name: textIn(o, "name"),
    setup: costIn(o, "setup"),
    send: costIn(o, "send"),
    receive: costIn(o, "receive"),
    has: Object.fromEntries(properties.map((name) => [name, booleanIn(has, name)])) as Record<
      Property,
      boolean
    >,
    lacks: textsIn(o, "lacks"),
    note: textIn(o, "note"),
  };
}

function costIn(o: JSONObject, name: string): Cost {
  const cost = asObject(o[name]) ?? {};
  return { up: countIn(cost, "up"), down: countIn(cost, "down") };
}

function countIn(o: JSONObject, name: string): Count {
  const count = asObject(o[name]) ?? {};
  return {
    bytes: numberIn(count, "bytes"),
    packets: numberIn(count, "packets"),
    wire: numberIn(count, "wire"),
  };
}

/** Both directions together. */
export function total({ up, down }: Cost): Count {
  return { bytes: up.bytes + down.bytes, packets: up.packets + down.packets, wire: up.wire + down.wire };
}

/** Has the server measure a text. Returns the costs, or a sentence on why there are none. */
export async function measure(text: string): Promise<Costs | string> {
  try {
    const response = await fetch(`/api/transports?text=${encodeURIComponent(text)}`, { cache: "no-store" });
    const answer = await response.text();
    if (!response.ok) return `Not measured: ${reasonIn(answer)}.`;
    return parseCosts(answer) ?? "Not measured: the server's answer cannot be read.";
  } catch {
    return "Not measured: the server does not answer. Check whether it is running.";
  }
}

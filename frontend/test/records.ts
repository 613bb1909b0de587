// Capture records for tests, as the Go package protocol/feed writes them.

export const kinds = { begin: 1, open: 2, head: 3, frame: 4, closed: 5, lost: 6 } as const;

interface Parts {
  kind: keyof typeof kinds;
  conn?: number;
  time?: bigint;
  side?: 0 | 1;
  data: Uint8Array;
}

/** One record: size, connection, time, kind, side, flags, data; little-endian. */
export function record({ kind, conn = 0, time = 0n, side = 0, data }: Parts): Uint8Array {
  const bytes = new Uint8Array(20 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint32(4, conn, true);
  view.setBigInt64(8, time, true);
  view.setUint8(16, kinds[kind]);
  view.setUint8(17, side);
  bytes.set(data, 20);
  return bytes;
}

/** The first record of every feed: the capture's id, and how many frames came before. */
export function begin(id: number, before: bigint): Uint8Array {
  const data = new Uint8Array(24).fill(id, 0, 16);
  new DataView(data.buffer).setBigUint64(16, before, true);
  return record({ kind: "begin", data });
}

/** The record of a new connection, without a size limit, with the remote address. */
export function open(conn: number, remote: string): Uint8Array {
  return record({ kind: "open", conn, data: join(new Uint8Array(8), ascii(remote)) });
}

export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.replace(/\s/g, "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function join(...parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

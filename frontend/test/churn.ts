// Short connections for tests and benchmarks: opened by a browser, one message each way, closed.

import { ascii, fromHex, join, open, record } from "./records";

/** A handshake request of about 600 bytes, as a browser sends it. */
const request = ascii(
  `${[
    "GET /ws/echo?deflate=off&example=of-a-longer-path HTTP/1.1",
    "Host: localhost:8080",
    "Connection: Upgrade",
    "Pragma: no-cache",
    "Cache-Control: no-cache",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Upgrade: websocket",
    "Origin: http://localhost:8080",
    "Sec-WebSocket-Version: 13",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
    "Cookie: session=0123456789abcdef0123456789abcdef",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
  ].join("\r\n")}\r\n\r\n`,
);
const response = ascii(
  `${[
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover",
  ].join("\r\n")}\r\n\r\n`,
);

const text = ascii("one message each way, of the usual small size");
/** Masked with a key of zeros. */
const message = join(Uint8Array.of(0x81, 0x80 | text.length, 0, 0, 0, 0), text);
const echo = join(Uint8Array.of(0x81, text.length), text);
const clientClose = fromHex("88 82 00 00 00 00 03 e8");
const serverClose = fromHex("88 02 03 e8");

/** How many connections are open at a time. */
const concurrent = 8;

/** The number of frames of each connection. */
export const framesEach = 4;

/** The records of one opening handshake. */
export function opening(conn: number): Uint8Array {
  return join(
    open(conn, "127.0.0.1:54321"),
    record({ kind: "head", conn, side: 0, data: request }),
    record({ kind: "head", conn, side: 1, data: response }),
  );
}

function frames(conn: number): Uint8Array {
  return join(
    record({ kind: "frame", conn, side: 0, data: message }),
    record({ kind: "frame", conn, side: 1, data: echo }),
    record({ kind: "frame", conn, side: 0, data: clientClose }),
    record({ kind: "frame", conn, side: 1, data: serverClose }),
  );
}

/** The records of a number of connections with consecutive ids. */
export function churn(first: number, connections: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let i = 0; i < connections; i += concurrent) {
    const size = Math.min(concurrent, connections - i);
    const ids = Array.from({ length: size }, (_, k) => first + i + k);
    parts.push(...ids.map(opening), ...ids.map(frames));
    parts.push(...ids.map((conn) => record({ kind: "closed", conn, side: 0, data: new Uint8Array(0) })));
  }
  return join(...parts);
}

// Short connections for tests and benchmarks: opened by a browser, one message each way, closed.

import { ascii, fromHex, join, open, record } from "./records";

/** What a browser sends to open a connection, some 600 bytes. */
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
const said = join(Uint8Array.of(0x81, 0x80 | text.length, 0, 0, 0, 0), text);
const echoed = join(Uint8Array.of(0x81, text.length), text);
const leaving = fromHex("88 82 00 00 00 00 03 e8");
const left = fromHex("88 02 03 e8");

/** How many are open at a time. */
const together = 8;

/** The frames of each. */
export const framesEach = 4;

/** The opening of one connection. */
export function opening(conn: number): Uint8Array {
  return join(
    open(conn, "127.0.0.1:54321"),
    record({ kind: "head", conn, side: 0, data: request }),
    record({ kind: "head", conn, side: 1, data: response }),
  );
}

function talk(conn: number): Uint8Array {
  return join(
    record({ kind: "frame", conn, side: 0, data: said }),
    record({ kind: "frame", conn, side: 1, data: echoed }),
    record({ kind: "frame", conn, side: 0, data: leaving }),
    record({ kind: "frame", conn, side: 1, data: left }),
  );
}

/** Records of so many connections, whose ids follow each other. */
export function churn(first: number, connections: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let i = 0; i < connections; i += together) {
    const size = Math.min(together, connections - i);
    const ids = Array.from({ length: size }, (_, k) => first + i + k);
    parts.push(...ids.map(opening), ...ids.map(talk));
    parts.push(...ids.map((conn) => record({ kind: "closed", conn, side: 0, data: new Uint8Array(0) })));
  }
  return join(...parts);
}

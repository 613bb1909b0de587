// Packets of Socket.IO in words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { described } from "../src/demos/socketio/packet";

const cases: [type: string, data: unknown, raw: string, meaning: RegExp][] = [
  ["open", '{"sid":"x"}', '0{"sid":"x"}', /^OPEN/],
  ["ping", undefined, "2", /^PING/],
  ["message", "0", "40", /^CONNECT, no data, namespace \/$/],
  [
    "message",
    '0/custom,{"name":"ann"}',
    '40/custom,{"name":"ann"}',
    /^CONNECT, data .*ann.*namespace \/custom$/,
  ],
  ["message", '2["message","hi"]', '42["message","hi"]', /^EVENT “message”, namespace \/$/],
  ["message", '212["message-with-ack"]', '4212["message-with-ack"]', /asks for acknowledgement 12/],
  ["message", "312[]", "4312[]", /^ACK, answers 12/],
  [
    "message",
    '51-["message",{"_placeholder":true,"num":0}]',
    '451-["message",{"_placeholder":true,"num":0}]',
    /^BINARY_EVENT “message”, 1 attachment follows/,
  ],
  [
    "message",
    '4/nowhere,{"message":"Invalid namespace"}',
    '44/nowhere,{"message":"Invalid namespace"}',
    /^CONNECT_ERROR, refused: .*Invalid/,
  ],
  ["message", "1", "41", /^DISCONNECT/],
  ["message", "9", "49", /no packet/],
  ["message", "", "4", /no packet/],
  ["message", "2{", "42{", /^EVENT, namespace/],
  ["message", new ArrayBuffer(4), "(4 bytes)", /attachment/],
  ["strange", undefined, "?", /unknown/],
];

test("each packet is shown as it is written, and explained", () => {
  for (const [type, data, raw, meaning] of cases) {
    const shown = described({ type, data });
    assert.equal(shown.raw, raw);
    assert.match(shown.meaning, meaning);
  }
});

test("a long packet is cut", () => {
  const { raw, meaning } = described({ type: "message", data: `2["${"x".repeat(100_000)}"]` });
  assert.ok(raw.length < 300 && meaning.length < 400);
});

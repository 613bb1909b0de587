// Tests of the engine with the real module, used as the worker uses it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { constants, deflateRawSync } from "node:zlib";
import wasmURL from "wasm:framescope";
import { columnsOf, textOf } from "../src/columns";
import { Engine, EngineError } from "../src/engine/engine";
import {
  connWindow,
  goldenDetail1,
  goldenHandshake,
  rowWindow,
  rules,
  stateIndex,
} from "../src/generated/layout";
import { churn, framesEach } from "./churn";
import { ascii, begin, fromHex, join, open, record } from "./records";

const path = process.env.FRAMESCOPE_WASM ?? new URL(wasmURL);
const compiled = readFile(path).then((bytes) => WebAssembly.compile(new Uint8Array(bytes)));

async function start(budgetMiB = 16): Promise<Engine> {
  return Engine.start(await compiled, budgetMiB);
}

/** RFC 6455 5.7: "Hello" from a client, masked, and from a server. */
const masked = fromHex("81 85 37 fa 21 3d 7f 9f 4d 51 58");
const plain = fromHex("81 05 48 65 6c 6c 6f");

/** A capture of a handshake, with or without compression. */
function handshake(compression: boolean): Uint8Array {
  const { request, response, remote } = goldenHandshake;
  const head = (raw: string) => ascii(compression ? raw : raw.replace(/Sec-WebSocket-Extensions:.*\r\n/, ""));
  return join(
    begin(7, 0n),
    open(1, remote),
    record({ kind: "head", conn: 1, side: 0, data: head(request.raw) }),
    record({ kind: "head", conn: 1, side: 1, data: head(response.raw) }),
  );
}

/** A capture of the RFC's "Hello", echoed. */
function hello(compression = false): Uint8Array {
  return join(
    handshake(compression),
    record({ kind: "frame", conn: 1, side: 0, time: BigInt(goldenDetail1.time), data: masked }),
    record({ kind: "frame", conn: 1, side: 1, time: BigInt(goldenDetail1.time), data: plain }),
  );
}

test("the counts", async () => {
  const engine = await start();
  assert.equal(engine.ingest(hello()), "");
  const state = engine.state();
  assert.equal(state.length, Object.keys(stateIndex).length);
  assert.equal(state[stateIndex.seen], 2n);
  assert.equal(state[stateIndex.matched], 2n);
  assert.equal(state[stateIndex.lastSeq], 2n);
  assert.equal(state[stateIndex.openConnections], 1n);
  assert.equal(state[stateIndex.budget], 16n << 20n);
});

test("rows come out as columns", async () => {
  const engine = await start();
  engine.ingest(hello());
  const { count, columns } = engine.rows(0, 10);
  assert.equal(count, 2);
  const w = columnsOf(columns, rowWindow.columns);
  assert.deepEqual([...w.seq.subarray(0, 2)], [1n, 2n]);
  assert.deepEqual([...w.length.subarray(0, 2)], [5n, 5n]);
  assert.deepEqual([...w.flags.subarray(0, 2)], [1 + 2 + 32, 1 + 4 + 32]);
  assert.deepEqual([textOf(w, 0), textOf(w, 1)], ["Hello", "Hello"]);
});

test("the detail of a frame is the golden one", async () => {
  const engine = await start();
  engine.ingest(hello());
  const frame = engine.detail(1n);
  assert.deepEqual(frame?.detail, goldenDetail1);
  assert.deepEqual(frame?.wire, masked);
  assert.equal(new TextDecoder().decode(frame?.payload), "Hello");
  assert.equal(engine.detail(3n), null);
});

test("the handshake is the golden one", async () => {
  const engine = await start();
  engine.ingest(hello(true));
  assert.deepEqual(engine.handshake(1), goldenHandshake);
  assert.equal(engine.handshake(2), null);
});

test("a filter shows the frames that match, and an invalid one changes nothing", async () => {
  const engine = await start();
  engine.ingest(hello());
  assert.equal(engine.filter("dir:out"), "");
  assert.equal(engine.state()[stateIndex.matched], 1n);
  assert.equal(engine.seqAt(0), 2n);
  assert.equal(engine.seqAt(1), null);
  assert.equal(engine.find(1n), 0);
  assert.match(engine.filter("opcode:nonsense"), /"opcode:nonsense" is not understood: .*\.$/);
  assert.equal(engine.state()[stateIndex.matched], 1n);
  assert.equal(engine.filter(""), "");
  assert.equal(engine.state()[stateIndex.matched], 2n);
});

test("a breach has its rule's number", async () => {
  const engine = await start();
  engine.ingest(join(begin(7, 0n), record({ kind: "frame", conn: 1, side: 0, data: plain })));
  const w = columnsOf(engine.rows(0, 1).columns, rowWindow.columns);
  assert.equal(rules[(w.rule[0] ?? 0) - 1]?.id, "client-unmasked");
  assert.equal(engine.state()[stateIndex.breaches], 1n);
});

test("an invalid feed is refused with a text", async () => {
  const engine = await start();
  assert.notEqual(engine.ingest(Uint8Array.of(3, 0, 0, 0)), "");
  assert.equal(engine.ingest(hello()), "");
});

test("a feed continues where it stopped", async () => {
  const engine = await start();
  assert.equal(engine.resume(), "");
  engine.ingest(hello());
  assert.equal(engine.resume(), `capture=${"07".repeat(16)}&after=2`);
});

test("clearing leaves nothing but the open connection", async () => {
  const engine = await start();
  engine.ingest(hello());
  engine.clear();
  const state = engine.state();
  assert.equal(state[stateIndex.seen], 0n);
  assert.equal(state[stateIndex.matched], 0n);
  assert.equal(state[stateIndex.connections], 1n);
  assert.equal(engine.rows(0, 10).count, 0);
});

test("no view in use is detached when the memory grows", async () => {
  const engine = await start(64);
  const frame = join(fromHex("82 7e 40 00"), new Uint8Array(0x4000));
  const batch = join(
    ...Array.from({ length: 8 }, () => record({ kind: "frame", conn: 1, side: 1, data: frame })),
  );
  engine.ingest(begin(7, 0n));
  for (let i = 0; i < 800; i++) assert.equal(engine.ingest(batch), "");
  const state = engine.state();
  assert.equal(state[stateIndex.seen], 6400n);
  assert.ok((state[stateIndex.evicted] ?? 0n) > 0n, "the oldest frames go first");
  assert.ok((state[stateIndex.bytesHeld] ?? 0n) <= 64n << 20n);
  assert.equal(engine.detail(6400n)?.wire.length, frame.length);
});

test("with thousands of short connections the counts are right and the memory is bounded", async () => {
  const engine = await start();
  engine.ingest(begin(7, 0n));
  const total = 30_000;
  const batch = 100;
  for (let i = 0; i < total; i += batch) assert.equal(engine.ingest(churn(1 + i, batch)), "");
  const state = engine.state();
  assert.equal(state[stateIndex.openConnections], 0n);
  assert.equal(state[stateIndex.connectionsSeen], BigInt(total));
  assert.equal(state[stateIndex.connections], 8192n);
  assert.equal(state[stateIndex.seen], BigInt(framesEach * total));
  assert.equal(state[stateIndex.breaches], 0n);
  const { count, columns } = engine.connections(0, 200);
  const w = columnsOf(columns, connWindow.columns);
  assert.equal(count, 200);
  assert.deepEqual([w.id[0], w.id[199]], [total, total - 199]);
  assert.equal(textOf(w, 199), "/ws/echo?deflate=off&example=of-a-longer-path");
  // biome-ignore lint/complexity/useLiteralKeys: the engine does not export its memory otherwise
  const mebibytes = engine["exports"].memory.buffer.byteLength >> 20;
  assert.ok(mebibytes < 48, `${mebibytes} MiB for 16 MiB of frames and connections`);
});

test("a module that is not the inspector fails with a text", async () => {
  // The smallest module: it exports nothing.
  const empty = await WebAssembly.compile(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  await assert.rejects(Engine.start(empty, 16), EngineError);
});

// The runtime's garbage collector stops for good when the clock jumps while it works, as it does in a
// machine that sleeps.
test("the memory is bounded whatever is inflated and whatever the clock does", async (t) => {
  const engine = await start(16);
  engine.ingest(handshake(true));
  const flushed = deflateRawSync(Buffer.alloc(4000, "inflate "), { finishFlush: constants.Z_SYNC_FLUSH });
  const payload = flushed.subarray(0, flushed.length - 4);
  const frame = record({
    kind: "frame",
    conn: 1,
    side: 1,
    data: join(Uint8Array.of(0xc1, payload.length), payload),
  });
  const batch = join(...new Array<Uint8Array>(1000).fill(frame));
  let asked = 0;
  const now = performance.now.bind(performance);
  t.mock.method(performance, "now", () => now() + 1000 * Math.floor(++asked / 97));
  for (let i = 0; i < 200; i++) assert.equal(engine.ingest(batch), "");
  assert.equal(engine.state()[stateIndex.breaches], 0n);
  // biome-ignore lint/complexity/useLiteralKeys: the engine does not export its memory otherwise
  const mebibytes = engine["exports"].memory.buffer.byteLength >> 20;
  assert.ok(mebibytes < 100, `${mebibytes} MiB for 16 MiB of frames`);
});

// The hand-written decoder with which the module is compared: it must say of every frame what the module says.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import wasmURL from "wasm:framescope";
import { Handwritten } from "../bench/handwritten";
import { columnsOf } from "../src/columns";
import { Engine } from "../src/engine/engine";
import { rowWindow } from "../src/generated/layout";
import { begin, join, open, record } from "./records";

/** Numbers that are the same in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const texts = ["", "a", "Hello", "\u00fc", "\u20ac", "\u{1f600}", "x".repeat(120), "\u00e9".repeat(40)].map(
  (text) => new TextEncoder().encode(text),
);
const odd = [0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc3, 0xe0, 0xe2, 0xed, 0xf0, 0xf4, 0xff];

function payload(n: (below: number) => number, opcode: number): Uint8Array {
  const text = texts[n(texts.length)] ?? new Uint8Array(0);
  const bytes = text.slice(n(3) === 0 ? n(text.length + 1) : 0);
  const cut = n(3) === 0 ? bytes.slice(0, n(bytes.length + 1)) : bytes;
  if (n(6) === 0 && cut.length > 0) cut[n(cut.length)] = odd[n(odd.length)] ?? 0;
  if (opcode !== 8 || n(3) === 0) return cut;
  const code = [999, 1000, 1001, 1004, 1005, 1006, 1014, 1015, 2999, 3000, 4999, 5000][n(12)] ?? 0;
  return join(Uint8Array.of(code >> 8, code & 255), cut);
}

/** A frame, mostly legal, of which sometimes only a part was captured. */
function frame(n: (below: number) => number, conn: number, side: 0 | 1): Uint8Array {
  const opcode = n(12) === 0 ? n(16) : ([0, 0, 1, 1, 1, 2, 9, 10, 8][n(n(8) === 0 ? 9 : 8)] ?? 1);
  const bytes = payload(n, opcode);
  const masked = n(15) === 0 ? n(2) === 0 : side === 0;
  const fin = n(3) > 0 || (opcode >= 8 && n(9) > 0);
  const b0 = (fin ? 0x80 : 0) | (n(20) === 0 ? n(8) << 4 : 0) | opcode;
  const { length } = bytes;
  const form = length > 125 || n(25) === 0 ? (n(3) === 0 ? 127 : 126) : length;
  const header = [b0, (masked ? 0x80 : 0) | form];
  if (form === 126) header.push(length >> 8, length & 255);
  if (form === 127) header.push(n(9) === 0 ? 0x80 : 0, 0, 0, 0, 0, 0, length >> 8, length & 255);
  const key = [n(256), n(256), n(256), n(2) === 0 ? 0 : n(256)];
  if (masked) header.push(...key);
  const wire = join(
    Uint8Array.from(header),
    masked ? bytes.map((byte, i) => byte ^ (key[i % 4] ?? 0)) : bytes,
  );
  if (n(15) > 0) return record({ kind: "frame", conn, side, data: wire });
  const data = join(new Uint8Array(8), wire.subarray(0, header.length + n(length + 1)));
  new DataView(data.buffer).setBigUint64(0, BigInt(wire.length), true);
  const cut = record({ kind: "frame", conn, side, data });
  cut[18] = 1;
  return cut;
}

function ofModule(engine: Engine, position: number): number[] {
  const { columns } = engine.rows(position, 1);
  const w = columnsOf(columns, rowWindow.columns);
  return [w.conn, w.broken, w.start, w.fragment, w.code, w.opcode, w.flags].map((column) => column[0] ?? 0);
}

test("it says of every frame what the module says", async () => {
  const compiled = await WebAssembly.compile(new Uint8Array(await readFile(new URL(wasmURL))));
  let broken = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const n = random(seed);
    const engine = await Engine.start(compiled, 16);
    const byHand = new Handwritten(16);
    const limit = open(1, "127.0.0.1:1");
    limit[20] = 200;
    const parts = [begin(1, 0n), limit];
    const frames = 1000;
    for (let i = 0; i < frames; i++) parts.push(frame(n, 1 + Math.floor(i / 25), n(2) as 0 | 1));
    const batch = join(...parts);
    assert.equal(engine.ingest(batch), "");
    byHand.ingest(batch);
    for (let i = 0; i < frames; i++) {
      const said = ofModule(engine, i);
      assert.deepEqual(byHand.row(i), said, `seed ${seed}, frame ${i + 1}`);
      broken |= said[1] ?? 0;
    }
  }
  // All rules except the two of compression.
  assert.equal(broken, 0b11_1101_1111_1111_1101 & ~(1 << 13));
});

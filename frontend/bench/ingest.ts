// How many frames a second the module ingests, beside a hand-written decoder in the same page, measured in a
// browser, whose page loads this bundle and calls runIngestBench().

import wasmURL from "wasm:framescope";
import { Engine } from "../src/engine/engine";
import { stateIndex } from "../src/generated/layout";
import { ascii, begin, join, open, record } from "../test/records";
import { Handwritten } from "./handwritten";

const budgetMiB = 256;
/** Payload bytes of a frame, and frames of a batch: the feed's batches are about as large. */
const length = 125;
const batchFrames = 1000;
/** How long to warm up, since a browser recompiles hot functions, in milliseconds. */
const warmUp = 1000;
/** How many turns each of both gets, and the batches of a turn: some milliseconds, usually without a disturbance. */
const turns = 400;
const turnBatches = 25;

/** In frames a second. */
export interface Outcome {
  module: number;
  byHand: number;
}

/** A whole frame with a payload of so many bytes; masked as a client's, or plain as a server's. */
function frame(side: 0 | 1, b0: number, payload: Uint8Array): Uint8Array {
  const size = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 255];
  if (side === 1) return join(Uint8Array.of(b0, ...size), payload);
  size[0] = (size[0] ?? 0) | 0x80;
  const key = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);
  const masked = payload.map((byte, i) => byte ^ (key[i % 4] ?? 0));
  return join(Uint8Array.of(b0, ...size), key, masked);
}

function letters(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => 97 + (i % 26));
}

function batchOf(make: (side: 0 | 1, i: number) => Uint8Array): Uint8Array {
  const records = Array.from({ length: batchFrames }, (_, i) => {
    const side = (i % 2) as 0 | 1;
    return record({ kind: "frame", conn: 1, side, data: make(side, i >> 1) });
  });
  return join(...records);
}

/** What is measured: ASCII texts of one length; and of each side, again and again, other frames. */
export const batches = {
  alike: () => batchOf((side) => frame(side, 0x81, letters(length))),
  mixed: () => {
    const kinds: [b0: number, payload: Uint8Array][] = [
      [0x81, letters(20)],
      [0x81, letters(125)],
      [0x82, letters(60)],
      [0x81, ascii("Größe: 12 €, 你好, and more of the same")],
      [0x89, letters(4)],
      [0x01, letters(80)],
      [0x80, letters(33)],
      [0x81, letters(400)],
      [0x81, letters(50)],
      [0x8a, letters(4)],
    ];
    return batchOf((side, i) => frame(side, ...(kinds[i % kinds.length] as [number, Uint8Array])));
  },
};

/** Repeats some work for a while. */
function repeat(work: () => void, milliseconds: number): void {
  const start = performance.now();
  while (performance.now() - start < milliseconds) work();
}

/** How many seconds some work takes. */
function seconds(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

/** The rate that a quarter of the turns exceeded, so that other work of the machine does not count. */
function rate(times: number[]): number {
  const time = times.sort((a, b) => a - b)[Math.floor(times.length / 4)] ?? Number.NaN;
  return (turnBatches * batchFrames) / time;
}

/** Measures both in turn. */
export async function measure(module: WebAssembly.Module, kind: keyof typeof batches): Promise<Outcome> {
  const engine = await Engine.start(module, budgetMiB);
  const byHand = new Handwritten(budgetMiB);
  const opening = join(begin(1, 0n), open(1, "127.0.0.1:1"));
  engine.ingest(opening);
  byHand.ingest(opening);
  const bytes = batches[kind]();
  const ours = () => {
    for (let i = 0; i < turnBatches; i++) {
      const wrong = engine.ingest(bytes);
      if (wrong !== "") throw new Error(wrong);
    }
  };
  const theirs = () => {
    for (let i = 0; i < turnBatches; i++) byHand.ingest(bytes);
  };
  repeat(ours, warmUp);
  repeat(theirs, warmUp);
  const times = Array.from({ length: turns }, () => [seconds(ours), seconds(theirs)] as const);
  if (engine.state()[stateIndex.breaches] !== 0n || byHand.breaches !== 0)
    throw new Error("The frames were meant to break no rule.");
  return { module: rate(times.map(([time]) => time)), byHand: rate(times.map(([, time]) => time)) };
}

declare global {
  var runIngestBench: (kind: keyof typeof batches) => Promise<Outcome>;
}

Object.assign(globalThis, {
  runIngestBench: async (kind: keyof typeof batches) =>
    measure(await WebAssembly.compileStreaming(fetch(wasmURL)), kind),
});

// How many frames a second the module takes in, beside a decoder by hand in the same page, measured in a
// browser, whose page loads this bundle and calls runIngestBench().

import wasmURL from "wasm:framescope";
import { Engine } from "../src/engine/engine";
import { stateIndex } from "../src/generated/layout";
import { begin, join, open, record } from "../test/records";
import { Handwritten } from "./handwritten";

const budgetMiB = 256;
/** Payload bytes of a frame, and frames of a batch: the feed's batches are about as large. */
const length = 125;
const batchFrames = 1000;
/** How long to warm up, since a browser compiles hot functions anew, in milliseconds. */
const warmUp = 1000;
/** How many turns each of both takes, of so many batches: some milliseconds, which most often pass undisturbed. */
const turns = 400;
const turnBatches = 25;

/** In frames a second. */
export interface Outcome {
  module: number;
  byHand: number;
}

/** A text frame of ASCII letters; masked as a client's, or plain as a server's. */
function frame(masked: boolean): Uint8Array {
  const text = Uint8Array.from({ length }, (_, i) => 97 + (i % 26));
  if (!masked) return join(Uint8Array.of(0x81, length), text);
  const key = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);
  const payload = text.map((byte, i) => byte ^ (key[i % 4] ?? 0));
  return join(Uint8Array.of(0x81, 0x80 | length), key, payload);
}

/** Half of the frames from the client, masked, half from the server. */
export function batch(): Uint8Array {
  const client = record({ kind: "frame", conn: 1, side: 0, data: frame(true) });
  const server = record({ kind: "frame", conn: 1, side: 1, data: frame(false) });
  return join(...Array.from({ length: batchFrames }, (_, i) => (i % 2 === 0 ? client : server)));
}

/** Does the same again and again for a while. */
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

/** The rate at which a quarter of the turns were faster still: what the machine does besides does not count. */
function rate(times: number[]): number {
  const time = times.sort((a, b) => a - b)[Math.floor(times.length / 4)] ?? Number.NaN;
  return (turnBatches * batchFrames) / time;
}

/** Measures both in turn. */
export async function measure(module: WebAssembly.Module): Promise<Outcome> {
  const engine = await Engine.start(module, budgetMiB);
  const byHand = new Handwritten(budgetMiB);
  const opening = join(begin(1, 0n), open(1, "127.0.0.1:1"));
  engine.ingest(opening);
  byHand.ingest(opening);
  const bytes = batch();
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
  var runIngestBench: () => Promise<Outcome>;
}

Object.assign(globalThis, {
  runIngestBench: async () => measure(await WebAssembly.compileStreaming(fetch(wasmURL))),
});

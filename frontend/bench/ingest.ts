// How many frames a second the module takes in, measured in a browser, whose page loads this bundle and
// calls runIngestBench().

import wasmURL from "wasm:framescope";
import { Engine } from "../src/engine/engine";
import { stateIndex } from "../src/generated/layout";
import { begin, join, record } from "../test/records";

const budgetMiB = 256;
/** Payload bytes of a frame, and frames of a batch: the feed's batches are about as large. */
const length = 125;
const batchFrames = 1000;
/** How long to warm up, since a browser compiles hot functions anew, and to measure, in milliseconds. */
const warmUp = 500;
const during = 2000;

export interface Outcome {
  framesPerSecond: number;
  frames: number;
  seconds: number;
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
function batch(): Uint8Array {
  const client = record({ kind: "frame", conn: 1, side: 0, data: frame(true) });
  const server = record({ kind: "frame", conn: 1, side: 1, data: frame(false) });
  return join(...Array.from({ length: batchFrames }, (_, i) => (i % 2 === 0 ? client : server)));
}

/** Takes in the same batch for a while; the copy into WASM's memory counts. */
async function measure(): Promise<Outcome> {
  const engine = await Engine.start(await WebAssembly.compileStreaming(fetch(wasmURL)), budgetMiB);
  engine.ingest(begin(1, 0n));
  const bytes = batch();
  const run = (milliseconds: number) => {
    const seen = () => Number(engine.state()[stateIndex.seen]);
    const before = seen();
    const start = performance.now();
    while (performance.now() - start < milliseconds) {
      const wrong = engine.ingest(bytes);
      if (wrong !== "") throw new Error(wrong);
    }
    return { frames: seen() - before, seconds: (performance.now() - start) / 1000 };
  };
  run(warmUp);
  const { frames, seconds } = run(during);
  if (engine.state()[stateIndex.breaches] !== 0n) throw new Error("The frames were meant to break no rule.");
  return { framesPerSecond: frames / seconds, frames, seconds };
}

declare global {
  var runIngestBench: () => Promise<Outcome>;
}

Object.assign(globalThis, { runIngestBench: measure });

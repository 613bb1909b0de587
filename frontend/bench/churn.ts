// What a short connection costs the module, measured in a browser, whose page loads this bundle and calls
// runChurnBench().

import wasmURL from "wasm:framescope";
import { Engine } from "../src/engine/engine";
import { stateIndex } from "../src/generated/layout";
import { churn, opening } from "../test/churn";
import { begin } from "../test/records";

const budgetMiB = 256;
/** Connections of a batch: the feed's batches are about as large. */
const batchConnections = 64;
/** Connections before measuring, more than the module remembers, and while. */
const warmUp = 10_000;
const measured = 40_000;

export interface ChurnOutcome {
  /** In microseconds. */
  each: number;
  /** The batch that took longest, in milliseconds. */
  longest: number;
  /** Of the module's memory, in MiB. */
  memory: number;
}

/** Ingests short connections while so many others are open all the time. */
async function measure(idle: number): Promise<ChurnOutcome> {
  const engine = await Engine.start(await WebAssembly.compileStreaming(fetch(wasmURL)), budgetMiB);
  engine.ingest(begin(1, 0n));
  let next = 1;
  for (; next <= idle; next++) engine.ingest(opening(next));
  let total = 0;
  let longest = 0;
  const run = (connections: number) => {
    total = 0;
    longest = 0;
    for (let i = 0; i < connections; i += batchConnections) {
      const batch = churn(next, batchConnections);
      next += batchConnections;
      const start = performance.now();
      const wrong = engine.ingest(batch);
      const took = performance.now() - start;
      if (wrong !== "") throw new Error(wrong);
      total += took;
      longest = Math.max(longest, took);
    }
  };
  run(warmUp);
  run(measured);
  const open = engine.state()[stateIndex.openConnections];
  if (open !== BigInt(idle)) throw new Error(`${open} are open at the end, not ${idle}.`);
  // biome-ignore lint/complexity/useLiteralKeys: the engine does not export its memory otherwise
  const memory = engine["exports"].memory.buffer.byteLength / 2 ** 20;
  return { each: (1000 * total) / measured, longest, memory };
}

declare global {
  var runChurnBench: (idle: number) => Promise<ChurnOutcome>;
}

Object.assign(globalThis, { runChurnBench: measure });

// How many frames a second the module takes in, measured in a browser: a page or a worker loads this
// bundle and calls runIngestBench.

import { Engine } from "../src/engine/engine";
import { stateIndex } from "../src/generated/layout";

const budgetMiB = 256;

export interface Outcome {
  frames: number;
  seconds: number;
}

/** Feeds the batch at an address to the module again and again; the time is that of ingest alone. */
async function measure(url: string, wasmURL: string, rounds: number): Promise<Outcome> {
  const [module, batch] = await Promise.all([
    WebAssembly.compileStreaming(fetch(wasmURL)),
    fetch(url).then((response) => response.arrayBuffer()),
  ]);
  const bytes = new Uint8Array(batch);
  const engine = await Engine.start(module, budgetMiB);
  const ingest = () => {
    const wrong = engine.ingest(bytes);
    if (wrong !== "") throw new Error(wrong);
  };
  // The browser compiles hot functions anew while it runs them: warm up first.
  const warmUp = Math.max(1, Math.floor(rounds / 5));
  for (let i = 0; i < warmUp; i++) ingest();
  const seen = () => Number(engine.state()[stateIndex.seen]);
  const before = seen();
  const start = performance.now();
  for (let i = 0; i < rounds; i++) ingest();
  const seconds = (performance.now() - start) / 1000;
  return { frames: seen() - before, seconds };
}

declare global {
  /** Takes the addresses of a feed batch and of the module, and how often to take the batch in. */
  var runIngestBench: (url: string, wasmURL: string, rounds: number) => Promise<Outcome>;
}

Object.assign(globalThis, { runIngestBench: measure });

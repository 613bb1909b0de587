// Tests of the WASI functions, with a memory of their own.

import assert from "node:assert/strict";
import { test } from "node:test";
import { wasi } from "../src/engine/wasi";

const memory = new WebAssembly.Memory({ initial: 1 });
const view = () => new DataView(memory.buffer);
let printed = "";
const calls = wasi(
  () => memory,
  (text) => {
    printed += text;
  },
) as Record<string, (...args: (number | bigint)[]) => number>;

function call(name: string, ...args: (number | bigint)[]): number {
  const f = calls[name];
  assert.ok(f, `${name} is there`);
  return f(...args);
}

test("there are neither arguments nor an environment", () => {
  for (const name of ["args_sizes_get", "environ_sizes_get"]) {
    view().setUint32(0, 9, true);
    view().setUint32(4, 9, true);
    assert.equal(call(name, 0, 4), 0);
    assert.deepEqual([view().getUint32(0, true), view().getUint32(4, true)], [0, 0]);
  }
});

test("the clock tells the time in nanoseconds", () => {
  assert.equal(call("clock_time_get", 0, 1n, 8), 0);
  const milliseconds = Number(view().getBigUint64(8, true) / 1_000_000n);
  assert.ok(Math.abs(milliseconds - Date.now()) < 5000);
});

test("random_get fills exactly the requested bytes", () => {
  new Uint8Array(memory.buffer, 100, 64).fill(0);
  assert.equal(call("random_get", 108, 32), 0);
  const bytes = new Uint8Array(memory.buffer, 100, 64);
  assert.ok(bytes.subarray(8, 40).some((b) => b !== 0));
  assert.ok(bytes.subarray(0, 8).every((b) => b === 0) && bytes.subarray(40).every((b) => b === 0));
});

test("written text is passed on whole", () => {
  new Uint8Array(memory.buffer).set(new TextEncoder().encode("panic: no"), 200);
  for (const [i, value] of [200, 5, 205, 4].entries()) view().setUint32(300 + 4 * i, value, true);
  assert.equal(call("fd_write", 2, 300, 2, 320), 0);
  assert.equal(printed, "panic: no");
  assert.equal(view().getUint32(320, true), 9);
});

test("an exit is an error", () => {
  assert.throws(() => call("proc_exit", 2), /ended with code 2/);
});

// The times of the echo: quantiles of many values, and of few.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Times } from "../src/demos/echo/times";

test("no time has no quantile", () => {
  const times = new Times();
  assert.ok(Number.isNaN(times.quantile(0.5)));
  times.add(3);
  times.clear();
  assert.ok(Number.isNaN(times.quantile(0.99)));
  assert.equal(times.count, 0);
});

test("one time is every quantile", () => {
  const times = new Times();
  times.add(0.7);
  for (const part of [0, 0.5, 0.99, 1]) assert.equal(times.quantile(part), 0.7);
});

test("quantiles are right to 1 %, the least and the greatest exactly", () => {
  const times = new Times();
  for (let i = 1; i <= 10_000; i++) times.add(i / 10);
  assert.equal(times.min, 0.1);
  assert.equal(times.max, 1000);
  assert.ok(Math.abs(times.quantile(0.5) - 500) < 5, String(times.quantile(0.5)));
  assert.ok(Math.abs(times.quantile(0.99) - 990) < 10, String(times.quantile(0.99)));
  assert.equal(times.quantile(1), 1000);
});

test("times beyond the range are counted at its ends", () => {
  const times = new Times();
  times.add(0);
  times.add(1e9);
  assert.ok(times.quantile(0.5) < 0.011);
  assert.equal(times.min, 0);
  assert.equal(times.max, 1e9);
});

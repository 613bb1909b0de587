// Tests of the scroll position of a long list, and of the formatting of numbers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ascii, count, duration, grouped, hex, parseHex, shortLength, size, timeOfDay } from "../src/format";
import { lastTop, maxHeight, rowHeight, scaled, scrollTopOf, sizerHeight, topOf } from "../src/views/scroll";

const totals = [0, 1, 29, 30, 31, 1000, 333_333, 333_334, 1_000_000, 50_000_000];

test("both ends of the scroll bar are both ends of the list", () => {
  for (const total of totals) {
    const extent = { total, height: 720 };
    const range = Math.max(0, sizerHeight(extent) - extent.height);
    assert.equal(topOf(0, extent), 0);
    assert.ok(Math.abs(topOf(range, extent) - lastTop(extent)) < 1e-6, `${total} rows`);
    assert.ok(sizerHeight(extent) <= maxHeight);
  }
});

test("scrollTopOf and topOf are inverse", () => {
  for (const total of totals) {
    const extent = { total, height: 700 };
    for (const share of [0, 0.1, 0.5, 0.999, 1]) {
      const top = lastTop(extent) * share;
      assert.ok(Math.abs(topOf(scrollTopOf(top, extent), extent) - top) < 1e-3, `${total} rows at ${share}`);
    }
  }
});

test("a list that fits its sizer scrolls pixel by pixel", () => {
  const extent = { total: 1000, height: 720 };
  assert.equal(scaled(extent), false);
  assert.ok(Math.abs(topOf(10 * rowHeight, extent) - 10) < 1e-9);
  assert.equal(scaled({ total: 1_000_000, height: 720 }), true);
});

test("numbers are formatted for people", () => {
  assert.equal(grouped(1234567), "1,234,567");
  assert.equal(count(1, "frame"), "1 frame");
  assert.equal(count(12345, "frame"), "12,345 frames");
  assert.equal(size(1023), "1023 B");
  assert.equal(size(1536), "1.5 KiB");
  assert.equal(size(3 << 20), "3.0 MiB");
  assert.equal(shortLength(99_999n), "99,999");
  assert.equal(shortLength((1n << 63n) - 1n), "8.0 EiB");
  assert.equal(shortLength((1n << 64n) - 1n), "16.0 EiB");
  assert.equal(duration(1.25), "1.3 ms");
  assert.equal(duration(61_000), "1 min 1 s");
});

test("a time of day is in the system's time zone", () => {
  const date = new Date(2026, 10, 20, 23, 5, 9, 7);
  assert.equal(timeOfDay(BigInt(date.getTime()) * 1_000_000n + 999_999n), "23:05:09.007");
});

test("bytes are converted to hex and back", () => {
  assert.equal(hex(0x0a), "0a");
  assert.equal(ascii(0x41), "A");
  assert.equal(ascii(0x0a), "·");
  assert.deepEqual(parseHex("48 65,6c:6C\n6f"), Uint8Array.of(0x48, 0x65, 0x6c, 0x6c, 0x6f));
  assert.deepEqual(parseHex(""), new Uint8Array(0));
  assert.equal(parseHex("4"), null);
  assert.equal(parseHex("zz"), null);
});

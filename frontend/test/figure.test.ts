// Tests of the geometry of the bit grid and the hex view.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type FrameDetail, type FrameField, goldenDetail1, goldenDetail7 } from "../src/generated/layout";
import { fieldBits, fieldText, fieldValue, payloadPieces, pieces, runs } from "../src/views/detail/figure";

function field(name: string, bit: number, bits: number, value: string): FrameField {
  return { name, bit, bits, value, text: "", section: "RFC 6455 5.2" };
}

test("every bit of the header is in the figure once, in order", () => {
  for (const { fields, headerSize } of [goldenDetail1, goldenDetail7] as FrameDetail[]) {
    const all = pieces(fields);
    assert.equal(
      all.reduce((sum, p) => sum + p.bits.length, 0),
      headerSize * 8,
    );
    let at = 0;
    for (const piece of all) {
      assert.equal(piece.row * 32 + piece.column, at);
      assert.ok(piece.column + piece.bits.length <= 32, "no piece crosses the end of a row");
      at += piece.bits.length;
    }
    for (const f of fields) {
      const own = all.filter((p) => p.field === f);
      assert.equal(own.filter((p) => p.first).length, 1);
      assert.equal(own.filter((p) => p.named).length, 1);
      assert.equal(own.map((p) => p.bits).join(""), fieldBits(f));
    }
  }
});

test("the first two bytes of a masked Hello, bit by bit", () => {
  const bits = pieces((goldenDetail1 as FrameDetail).fields).map((p) => p.bits);
  assert.equal(bits.slice(0, 7).join(""), "1000000110000101");
});

test("a 64-bit length takes three pieces, as in the RFC's figure, and keeps every bit", () => {
  const [a, b, c] = pieces([field("extended-length", 16, 64, "18446744073709551615")]);
  assert.deepEqual([a?.bits.length, b?.bits.length, c?.bits.length], [16, 32, 16]);
  assert.deepEqual([a?.continues, b?.continues, c?.continues], [true, true, false]);
  assert.deepEqual([a?.named, b?.named, c?.named], [false, true, false]);
});

test("a masking key is shown in hex, all other values in decimal", () => {
  assert.equal(fieldValue(field("masking-key", 16, 32, "939139389")), "37fa213d");
  assert.equal(fieldValue(field("masking-key", 16, 32, "1")), "00000001");
  assert.equal(fieldText(field("masking-key", 16, 32, "939139389")), "0x37fa213d");
  assert.equal(fieldText(field("extended-length", 16, 16, "65535")), "65,535");
  assert.equal(fieldValue(field("extended-length", 16, 64, "9223372036854775807")), "9223372036854775807");
});

test("the payload begins where the header ends", () => {
  assert.deepEqual(payloadPieces(goldenDetail1 as FrameDetail), [
    { row: 1, column: 16, bits: 16 },
    { row: 2, column: 0, bits: 24 },
  ]);
});

test("byte runs cover all captured bytes", () => {
  const all = runs(goldenDetail1 as FrameDetail);
  assert.deepEqual(
    all.map(({ from, to, kind }) => [from, to, kind]),
    [
      [0, 1, "header"],
      [1, 2, "header"],
      [2, 6, "key"],
      [6, 11, "payload"],
    ],
  );
  assert.deepEqual(all[0]?.fields, ["fin", "rsv1", "rsv2", "rsv3", "opcode"]);
  for (const run of all)
    assert.equal(
      run.shares.reduce((sum, s) => sum + s.share, 0),
      1,
    );
});

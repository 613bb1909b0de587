// The figure of RFC 6455 section 5.2: the place of each field's bits in rows of 32.

import { grouped } from "../../format";
import type { FrameDetail, FrameField } from "../../generated/layout";

/** Bits in a row of the figure. */
export const rowBits = 32;

/** The part of a field within one row of the figure. */
export interface Piece {
  field: FrameField;
  row: number;
  column: number;
  bits: string;
  /** Whether it is the first piece, which has the test id and the value of the whole field. */
  first: boolean;
  /** Whether it is the longest piece, which shows the field's name. */
  named: boolean;
  /** Whether the field continues in the next row. */
  continues: boolean;
}

/** The bits of a field, most significant first. */
export function fieldBits(field: FrameField): string {
  return BigInt(field.value).toString(2).padStart(field.bits, "0");
}

/** A field's value for data-value: a masking key as eight hex digits, anything else in decimal. */
export function fieldValue(field: FrameField): string {
  return isKey(field) ? BigInt(field.value).toString(16).padStart(8, "0") : field.value;
}

/** A field's value as a person reads it. */
export function fieldText(field: FrameField): string {
  return isKey(field) ? `0x${fieldValue(field)}` : grouped(BigInt(field.value));
}

function isKey(field: FrameField): boolean {
  return field.name === "masking-key";
}

/** Divides the fields into pieces where rows end. */
export function pieces(fields: readonly FrameField[]): Piece[] {
  return fields.flatMap((field) => cut(field));
}

function cut(field: FrameField): Piece[] {
  const bits = fieldBits(field);
  const all: Piece[] = [];
  for (let at = 0; at < field.bits; ) {
    const bit = field.bit + at;
    const column = bit % rowBits;
    const size = Math.min(field.bits - at, rowBits - column);
    all.push({
      field,
      row: Math.floor(bit / rowBits),
      column,
      bits: bits.slice(at, at + size),
      first: at === 0,
      named: false,
      continues: at + size < field.bits,
    });
    at += size;
  }
  const longest = all.reduce((a, b) => (b.bits.length > a.bits.length ? b : a));
  longest.named = true;
  return all;
}

/** The place of the payload in the figure: the remainder of the header's last row, and up to one row more. */
export function payloadPieces(detail: FrameDetail): { row: number; column: number; bits: number }[] {
  const start = detail.headerSize * 8;
  let left = (detail.captured - detail.headerSize) * 8;
  const all: { row: number; column: number; bits: number }[] = [];
  for (let bit = start; left > 0 && all.length < 2; ) {
    const column = bit % rowBits;
    const bits = Math.min(left, rowBits - column);
    all.push({ row: Math.floor(bit / rowBits), column, bits });
    bit += bits;
    left -= bits;
  }
  return all;
}

/** The meaning of each field, which determines its colour. */
const meanings: Record<string, string> = {
  fin: "fin",
  rsv1: "rsv",
  rsv2: "rsv",
  rsv3: "rsv",
  opcode: "opcode",
  mask: "mask",
  "payload-len": "length",
  "extended-length": "length",
  "masking-key": "key",
  payload: "payload",
};

/** The design token of a field. */
export function meaning(name: string): string {
  return meanings[name] ?? "payload";
}

const labels: Record<string, string> = {
  fin: "FIN",
  rsv1: "RSV1",
  rsv2: "RSV2",
  rsv3: "RSV3",
  opcode: "opcode",
  mask: "MASK",
  "payload-len": "Payload len",
  "extended-length": "Extended payload length",
  "masking-key": "Masking-key",
};

/** A field's name as in the RFC's figure. */
export function label(name: string): string {
  return labels[name] ?? name;
}

/** Consecutive captured bytes that belong to the same fields. */
export interface Run {
  from: number;
  to: number;
  /** How the bytes are drawn. */
  kind: "header" | "length" | "key" | "payload";
  /** The fields in them, by name. */
  fields: string[];
  /** The share of the run that each field has, for the coloured line below. */
  shares: { name: string; share: number }[];
}

/** The runs of a frame's bytes, in order. A byte with several fields is a run of its own. */
export function runs(detail: FrameDetail): Run[] {
  const all: Run[] = [];
  const size = Math.min(detail.headerSize, detail.captured);
  for (let at = 0; at < size; at++) {
    const inside = detail.fields.filter((f) => f.bit < at * 8 + 8 && f.bit + f.bits > at * 8);
    const names = inside.map((f) => f.name);
    const before = all.at(-1);
    if (before && names.length === 1 && before.fields.length === 1 && before.fields[0] === names[0]) {
      before.to = at + 1;
      continue;
    }
    const shares = inside.map((f) => ({
      name: f.name,
      share: (Math.min(f.bit + f.bits, at * 8 + 8) - Math.max(f.bit, at * 8)) / 8,
    }));
    all.push({ from: at, to: at + 1, kind: runKind(names), fields: names, shares });
  }
  if (detail.captured > size) {
    const shares = [{ name: "payload", share: 1 }];
    all.push({ from: size, to: detail.captured, kind: "payload", fields: ["payload"], shares });
  }
  return all;
}

function runKind(names: string[]): Run["kind"] {
  if (names.includes("masking-key")) return "key";
  return names.includes("extended-length") ? "length" : "header";
}

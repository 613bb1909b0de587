// The figure of RFC 6455 section 5.2: where each field's bits stand in rows of 32.

import { grouped } from "../../format";
import type { FrameDetail, FrameField } from "../../generated/layout";

/** Bits in a row of the figure. */
export const rowBits = 32;

/** A stretch of a field within one row of the figure. */
export interface Piece {
  field: FrameField;
  row: number;
  column: number;
  bits: string;
  /** The piece that stands for the whole field: the first one. */
  first: boolean;
  /** The piece with room for the field's name: the longest one. */
  named: boolean;
  /** Whether the field goes on in the next row. */
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

/** Cuts the fields where rows end. */
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

/** Where the payload stands in the figure: the rest of the header's last row, and one row more if it is long. */
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

/** The fields, each with the meaning that gives it its colour. */
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

/** A field's name as the RFC's figure writes it. */
export function label(name: string): string {
  return labels[name] ?? name;
}

/** A stretch of captured bytes that belong to the same fields. */
export interface Run {
  from: number;
  to: number;
  /** How the bytes are drawn. */
  kind: "header" | "length" | "key" | "payload";
  /** The fields in them, by name. */
  fields: string[];
  /** Shares of the stretch that the fields take, for a coloured line beneath. */
  shares: { name: string; share: number }[];
}

/** Byte runs of a frame in order: bytes that hold several fields are runs of their own. */
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

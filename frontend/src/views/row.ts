// One row of the frame list: made once, filled again and again.

import { textOf } from "../columns";
import { timeOfDay } from "../format";
import { rules } from "../generated/layout";
import type { RowColumns } from "../store";

const opcodes: Record<number, string> = {
  0: "continuation",
  1: "text",
  2: "binary",
  8: "close",
  9: "ping",
  10: "pong",
};

const flagFin = 1;
const flagMasked = 2;
const flagServer = 4;
const flagCut = 8;
const flagPartial = 16;

/** The cells of a row, in order, with what heads their column. */
export const cells = [
  ["seq", "No."],
  ["time", "Time"],
  ["conn", "Conn"],
  ["dir", "Direction"],
  ["opcode", "Opcode"],
  ["bits", "Bits"],
  ["length", "Length"],
  ["payload", "Payload"],
] as const;

type CellName = (typeof cells)[number][0];

/** A row of the list, recycled: its element stays, its frame changes. */
export class Row {
  readonly element = document.createElement("div");
  private readonly parts = {} as Record<CellName, HTMLSpanElement>;
  private readonly breach = document.createElement("strong");
  private readonly preview = document.createElement("span");
  private shown: bigint | null = null;
  private offset = Number.NaN;

  constructor(id: string) {
    this.element.className = "frame-row";
    this.element.id = id;
    this.element.setAttribute("role", "row");
    for (const [name] of cells) {
      const cell = document.createElement("span");
      cell.className = `cell-${name}`;
      cell.setAttribute("role", "gridcell");
      this.parts[name] = cell;
      this.element.append(cell);
    }
    this.breach.className = "breach-mark";
    this.preview.className = "preview";
    this.parts.payload.append(this.breach, this.preview);
    this.hide();
  }

  /** The frame that the row shows, or null. */
  get seq(): bigint | null {
    return this.shown;
  }

  hide(): void {
    if (this.shown === null && this.element.hidden) return;
    this.shown = null;
    this.element.hidden = true;
    delete this.element.dataset.testid;
  }

  /** Shows row i of the columns, position rows of pixels below the top. */
  show(w: RowColumns, i: number, position: number, index: number, selected: boolean): void {
    const { element } = this;
    if (this.offset !== position) {
      this.offset = position;
      element.style.transform = `translateY(${position}px)`;
    }
    element.ariaSelected = String(selected);
    element.ariaRowIndex = String(index + 2);
    const seq = w.seq[i] ?? 0n;
    if (this.shown === seq) return;
    this.shown = seq;
    element.hidden = false;
    this.fill(w, i, seq);
  }

  private fill(w: RowColumns, i: number, seq: bigint): void {
    const flags = w.flags[i] ?? 0;
    const opcode = w.opcode[i] ?? 0;
    const name = opcodes[opcode] ?? `0x${opcode.toString(16)}`;
    const rsv = w.rsv[i] ?? 0;
    const rule = rules[(w.rule[i] ?? 0) - 1]?.id ?? "";
    const server = (flags & flagServer) !== 0;
    const data = this.element.dataset;
    data.testid = "frame-row";
    data.seq = String(seq);
    data.conn = String(w.conn[i]);
    data.dir = server ? "out" : "in";
    data.opcode = name;
    data.fin = String(flags & flagFin);
    data.rsv = String(rsv);
    data.masked = flags & flagMasked ? "1" : "0";
    data.length = String(w.length[i]);
    data.rule = rule;
    const { parts } = this;
    parts.seq.textContent = String(seq);
    parts.time.textContent = timeOfDay(w.time[i] ?? 0n);
    parts.conn.textContent = `#${w.conn[i]}`;
    parts.dir.textContent = server ? "← server" : "→ client";
    parts.opcode.textContent = opcodeText(name, w.fragment[i] ?? 0);
    parts.bits.textContent = bitsText(flags, rsv);
    parts.length.textContent = (w.length[i] ?? 0n).toLocaleString("en");
    this.breach.textContent = rule ? `⚠ ${rule} ` : "";
    this.preview.textContent = textOf(w, i) + endText(flags);
  }
}

function opcodeText(name: string, fragment: number): string {
  return fragment > 0 ? `${name} · ${fragment}` : name;
}

function bitsText(flags: number, rsv: number): string {
  let text = flags & flagFin ? "FIN" : "···";
  for (const [bit, name] of [
    [4, "RSV1"],
    [2, "RSV2"],
    [1, "RSV3"],
  ] as const) {
    if (rsv & bit) text += ` ${name}`;
  }
  return flags & flagMasked ? `${text} MASK` : text;
}

function endText(flags: number): string {
  if (flags & flagPartial) return " (the connection ended inside this frame)";
  return flags & flagCut ? " (cut)" : "";
}

// One row of the frame list. Its element is created once and reused for other frames.

import { textOf } from "../columns";
import { duration, shortLength, timeOfDay } from "../format";
import { opcodes, rowFlag, rules } from "../generated/layout";
import type { RowColumns } from "../store";

/** The cells of a row, in order: name, title of the column, explanation. */
export const cells = [
  ["seq", "No.", "Number of the frame in this capture"],
  ["time", "Time", "When the server sent or received the frame"],
  ["conn", "Conn", "Number of the connection"],
  ["dir", "Sender", "client →: to the server; ← server: to the client"],
  ["opcode", "Opcode", "Type of the frame; ┌ ├ └ mark the fragments of a message"],
  ["bits", "FRRRM", "FIN, RSV1, RSV2, RSV3, MASK; a dot is a bit that is not set"],
  ["length", "Length", "Bytes of payload"],
  [
    "payload",
    "Payload",
    "The payload, unmasked, after the rule that the frame breaks, if it does; ⇲ marks a compressed payload that is shown inflated",
  ],
] as const;

type CellName = (typeof cells)[number][0];

/** A row of the list. Its element stays, and shows one frame after another. */
export class Row {
  readonly element = document.createElement("div");
  private readonly texts = {} as Record<CellName, Text>;
  private readonly shownTexts: Partial<Record<CellName, string>> = {};
  private readonly attributes: Record<string, string> = {};
  private rule = "";
  private readonly breach = document.createElement("strong");
  private shown: bigint | null = null;
  private before: bigint | null = null;
  private offset = Number.NaN;
  private index = -1;
  private selected: boolean | null = null;
  private spans = false;

  constructor(id: string) {
    this.element.className = "frame-row";
    this.element.id = id;
    this.element.setAttribute("role", "row");
    for (const [name] of cells) {
      const cell = document.createElement("span");
      cell.className = `cell-${name}`;
      cell.setAttribute("role", "gridcell");
      this.texts[name] = document.createTextNode("");
      if (name === "payload") cell.append(this.breach);
      cell.append(this.texts[name]);
      this.element.append(cell);
    }
    this.breach.className = "breach-mark";
    this.hide();
  }

  /** The number of the frame that the row shows, or null. */
  get seq(): bigint | null {
    return this.shown;
  }

  hide(): void {
    if (this.shown === null && this.element.hidden) return;
    this.shown = null;
    this.element.hidden = true;
    this.element.removeAttribute("data-testid");
    delete this.attributes.testid;
  }

  /** Shows row i of the columns, at position pixels below the top. */
  show(w: RowColumns, i: number, position: number, index: number, selected: boolean, spans: boolean): void {
    const { element } = this;
    if (this.offset !== position) {
      this.offset = position;
      element.style.transform = `translateY(${position}px)`;
    }
    if (this.selected !== selected) {
      this.selected = selected;
      element.ariaSelected = String(selected);
    }
    if (this.index !== index) {
      this.index = index;
      element.ariaRowIndex = String(index + 2);
    }
    const seq = w.seq[i] ?? 0n;
    const before = spans && i > 0 ? (w.seq[i - 1] ?? null) : null;
    if (this.shown === seq && this.before === before && this.spans === spans) return;
    this.shown = seq;
    this.before = before;
    this.spans = spans;
    element.hidden = false;
    this.fill(w, i, seq);
  }

  private fill(w: RowColumns, i: number, seq: bigint): void {
    const flags = w.flags[i] ?? 0;
    const opcode = w.opcode[i] ?? 0;
    const name = opcodes[opcode] ?? "";
    const rsv = w.rsv[i] ?? 0;
    const rule = rules[(w.rule[i] ?? 0) - 1]?.id ?? "";
    const server = (flags & rowFlag.server) !== 0;
    this.setData("testid", "frame-row");
    this.setData("seq", String(seq));
    this.setData("conn", String(w.conn[i]));
    this.setData("dir", server ? "out" : "in");
    this.setData("opcode", name);
    this.setData("fin", String(flags & rowFlag.fin));
    this.setData("rsv", String(rsv));
    this.setData("masked", flags & rowFlag.masked ? "1" : "0");
    this.setData("length", String(w.length[i]));
    this.setData("rule", rule);
    this.setText("seq", String(seq));
    this.setText("time", this.spans ? sinceRowAbove(w, i) : timeOfDay(w.time[i] ?? 0n));
    this.setText("conn", `#${w.conn[i]}`);
    this.setText("dir", server ? "← server" : "client →");
    const mark = fragmentMark(w.fragment[i] ?? 0, (flags & rowFlag.fin) !== 0);
    this.setText("opcode", mark + (opcode === 0 ? "cont." : name));
    this.setText("bits", bitsText(flags, rsv));
    this.setText("length", shortLength(w.length[i] ?? 0n));
    this.setText("payload", startText(flags) + textOf(w, i) + endText(flags));
    if (this.rule === rule) return;
    this.rule = rule;
    this.element.classList.toggle("breach", rule !== "");
    this.breach.textContent = rule ? `⚠ ${rule}` : "";
  }

  /** Sets a data attribute if it changes: setting it costs more than the comparison. */
  private setData(name: string, value: string): void {
    if (this.attributes[name] === value) return;
    this.attributes[name] = value;
    this.element.setAttribute(`data-${name}`, value);
  }

  /** Sets the text of a cell, if it changes. */
  private setText(name: CellName, text: string): void {
    if (this.shownTexts[name] === text) return;
    this.shownTexts[name] = text;
    this.texts[name].data = text;
  }
}

/** The time since the row above, which is the previous frame unless the filter hides some. */
function sinceRowAbove(w: RowColumns, i: number): string {
  if (i === 0) return "–";
  return `+${duration(Number((w.time[i] ?? 0n) - (w.time[i - 1] ?? 0n)) / 1e6)}`;
}

/** The mark of a fragment: first, middle or last of its message. */
function fragmentMark(fragment: number, fin: boolean): string {
  if (fragment === 0) return "";
  if (fragment === 1) return "┌ ";
  return fin ? "└ " : "├ ";
}

/** The flag bits in the order in which they are sent. */
function bitsText(flags: number, rsv: number): string {
  const bit = (set: number, sign: string) => (set === 0 ? "·" : sign);
  return (
    bit(flags & rowFlag.fin, "F") +
    bit(rsv & 4, "1") +
    bit(rsv & 2, "2") +
    bit(rsv & 1, "3") +
    bit(flags & rowFlag.masked, "M")
  );
}

/** The mark of a payload that is shown inflated; the length beside it is the compressed one. */
function startText(flags: number): string {
  return (flags & rowFlag.compressed) !== 0 && (flags & rowFlag.lost) === 0 ? "⇲ " : "";
}

function endText(flags: number): string {
  if (flags & rowFlag.partial) return " (incomplete frame)";
  return flags & rowFlag.cut ? " (cut)" : "";
}

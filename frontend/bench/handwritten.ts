// A hand-written decoder of the capture feed, with which the WASM module is compared. It is never part of the
// page: there TypeScript parses no byte of a frame, so that every rule is written once, in Go.
//
// It does what the module's ingest does, except for compression: it checks the rules of headers and payloads,
// fills a row of columns for each frame, counts, and keeps the bytes within a budget. It makes no object for a
// frame. It reads begin, open and frame records, the latter also if they were cut, and skips all others.

import { advance, isASCII, textError, textStart, unmasked } from "./text";

/** Rules by their bits, as the module has them in its column broken. */
const rsvUnexpected = 1 << 0;
const opcodeReserved = 1 << 2;
const controlTooLong = 1 << 3;
const controlFragmented = 1 << 4;
const clientUnmasked = 1 << 5;
const serverMasked = 1 << 6;
const lengthNotMinimal = 1 << 7;
const lengthHighBit = 1 << 8;
const continuationUnexpected = 1 << 9;
const continuationExpected = 1 << 10;
const frameAfterClose = 1 << 11;
const messageTooBig = 1 << 12;
const utf8Invalid = 1 << 14;
const closeLengthOne = 1 << 15;
const closeCodeInvalid = 1 << 16;
const closeReasonUTF8 = 1 << 17;

const definedOpcodes = (1 << 0) | (1 << 1) | (1 << 2) | (1 << 8) | (1 << 9) | (1 << 10);
const recordHeader = 20;
const slabSize = 1 << 20;
const rowSize = 32;
const maxUint32 = 0xffffffff;

/** What one side of a connection has sent. */
class Direction {
  message = 0; // opcode of the unfinished data message, 0 for none
  size = 0; // payload bytes that its frames have declared
  text = 0; // state of its text
  mute = true; // its text is not judged
  unsure = true; // a message may be open that was never seen
  closed = false;
  limit = 0;
  start = 0; // number of the frame that began the message
  fragment = 0;
  frames = 0;
  bytes = 0;

  begin(): void {
    this.message = this.size = this.text = 0;
    this.mute = this.unsure = this.closed = false;
  }
}

class Connection {
  readonly client = new Direction();
  readonly server = new Direction();
  code = 0;
  closer = 2;
  breaches = 0;
  last = 0;
  constructor(readonly id: number) {}
}

/** Holds a capture within a budget, in slabs of bytes and a ring of rows. */
export class Handwritten {
  seen = 0;
  breaches = 0;
  /** Number of the newest frame, and the oldest row that is held. */
  next = 0;
  first = 0;

  private readonly memory: Uint8Array<ArrayBuffer>;
  private readonly view: DataView<ArrayBuffer>;
  private readonly words: Int32Array<ArrayBuffer>;
  private readonly slabRows: Float64Array<ArrayBuffer>;
  private slab = 0;
  private used = 0;
  private readonly mask: number;
  private readonly connections = new Map<number, Connection>();
  private recent = new Connection(0);
  private recentId = 0;
  private filter: ((row: number) => void) | null = null;

  // The columns.
  private readonly at: Uint32Array<ArrayBuffer>;
  private readonly conn: Uint32Array<ArrayBuffer>;
  private readonly broken: Uint32Array<ArrayBuffer>;
  private readonly back: Uint32Array<ArrayBuffer>;
  private readonly wrong: Uint32Array<ArrayBuffer>;
  private readonly code: Uint16Array<ArrayBuffer>;
  private readonly fragment: Uint16Array<ArrayBuffer>;
  private readonly opcode: Uint8Array<ArrayBuffer>;
  private readonly flags: Uint8Array<ArrayBuffer>;

  constructor(budgetMiB: number) {
    const rows = 2 ** Math.floor(Math.log2((budgetMiB * 2 ** 20) / 4 / rowSize));
    const slabs = Math.floor(((budgetMiB * 2 ** 20) / 4) * 3) / slabSize;
    this.memory = new Uint8Array(slabs * slabSize);
    this.view = new DataView(this.memory.buffer);
    this.words = new Int32Array(this.memory.buffer);
    this.slabRows = new Float64Array(slabs).fill(-1);
    this.slabRows[0] = 0;
    this.mask = rows - 1;
    this.at = new Uint32Array(rows);
    this.conn = new Uint32Array(rows);
    this.broken = new Uint32Array(rows);
    this.back = new Uint32Array(rows);
    this.wrong = new Uint32Array(rows);
    this.code = new Uint16Array(rows);
    this.fragment = new Uint16Array(rows);
    this.opcode = new Uint8Array(rows);
    this.flags = new Uint8Array(rows);
  }

  /** What the module says of a frame in its window of rows, of those columns that are here. */
  row(i: number): number[] {
    const at = i & this.mask;
    return [this.conn, this.broken, this.back, this.fragment, this.code, this.opcode, this.flags].map(
      (column) => column[at] ?? 0,
    );
  }

  /** Adds a batch of whole records. */
  ingest(batch: Uint8Array): void {
    if (this.used + batch.length > slabSize) this.turn();
    const { view } = this;
    let at = this.slab * slabSize + this.used;
    this.memory.set(batch, at);
    const end = at + batch.length;
    this.used += batch.length;
    for (let size = 0; at < end; at += size) {
      if (end - at < recordHeader) throw new Error("The batch ends inside a record.");
      size = view.getUint32(at, true);
      if (size < recordHeader || size > end - at) throw new Error("The record's size is out of bounds.");
      const kind = view.getUint8(at + 16);
      if (kind === 4) this.frame(at, at + size);
      else if (kind === 2) this.open(at, at + size);
      else if (kind === 0 || kind > 8) throw new Error("The record is of unknown kind.");
    }
  }

  /** Continues in the next slab, whose rows are dropped. */
  private turn(): void {
    this.slab = (this.slab + 1) % this.slabRows.length;
    this.used = 0;
    this.slabRows[this.slab] = this.next;
    // The rows of a slab full of the smallest frames must fit.
    const fitting = this.next + Math.ceil(slabSize / (recordHeader + 2)) - this.mask - 1;
    const oldest = (this.slab + 1) % this.slabRows.length;
    this.first = Math.max(this.first, this.slabRows[oldest] ?? 0, fitting);
  }

  private open(at: number, end: number): void {
    const id = this.view.getUint32(at + 4, true);
    const c = this.connection(id);
    if (c.last === 0) {
      c.client.begin();
      c.server.begin();
    }
    if (end - at >= recordHeader + 8)
      c.client.limit = this.view.getUint32(at + 24, true) * 2 ** 32 + this.view.getUint32(at + 20, true);
  }

  private connection(id: number): Connection {
    let c = this.connections.get(id);
    if (!c) {
      c = new Connection(this.connections.size + 1);
      this.connections.set(id, c);
    }
    this.recentId = id;
    this.recent = c;
    return c;
  }

  /** Adds the frame of the record from at to end. */
  private frame(at: number, end: number): void {
    const { view } = this;
    const id = view.getUint32(at + 4, true);
    const c = id === this.recentId ? this.recent : this.connection(id);
    const fromServer = (view.getUint8(at + 17) & 1) === 1;
    const d = fromServer ? c.server : c.client;
    let flags = fromServer ? 4 : 0;
    let p = at + recordHeader;
    let wireSize = end - p;
    if (view.getUint8(at + 18) & 1) {
      flags |= 8;
      wireSize = view.getUint32(p + 4, true) * 2 ** 32 + view.getUint32(p, true);
      p += 8;
    }
    if (end - p < 2) throw new Error("The frame's header is not whole.");
    const b0 = view.getUint8(p);
    const b1 = view.getUint8(p + 1);
    const opcode = b0 & 15;
    const fin = b0 >= 128;
    const masked = b1 >= 128;
    let length = b1 & 127;
    let broken = 0;
    p += 2;
    if (length === 126) {
      length = view.getUint16(p);
      if (length < 126) broken |= lengthNotMinimal;
      p += 2;
    } else if (length === 127) {
      const high = view.getUint32(p);
      length = high * 2 ** 32 + view.getUint32(p + 4);
      if (length < 65536) broken |= lengthNotMinimal;
      if (high >>> 31) broken |= lengthHighBit;
      p += 8;
    }
    let key = 0; // in the order in which a word of the payload is read
    if (masked) {
      flags |= 2;
      key = view.getInt32(p, true);
      p += 4;
    }
    if (fin) flags |= 1;
    if (b0 & 0x70) broken |= rsvUnexpected;
    if (((definedOpcodes >>> opcode) & 1) === 0) broken |= opcodeReserved;
    if (masked === fromServer) broken |= fromServer ? serverMasked : clientUnmasked;

    const row = this.next++;
    const i = row & this.mask;
    const payload = Math.min(end - p, length) | 0; // an integer to the compiler, too
    this.at[i] = at;
    this.conn[i] = c.id;
    this.back[i] = this.wrong[i] = this.code[i] = this.fragment[i] = 0;
    this.opcode[i] = opcode;
    this.flags[i] = flags;
    broken |= opcode < 8 ? this.data(d, b0, p, payload, length, key, row) : 0;
    broken |= opcode >= 8 ? this.control(c, d, b0, p, payload, length, key, i) : 0;
    this.broken[i] = broken;
    if (broken !== 0) this.breach(c, d, i, broken);
    d.frames++;
    d.bytes += wireSize;
    c.last = row + 1;
    this.seen++;
    if (this.filter !== null) this.filter(row);
  }

  /** Judges a data frame and completes its row. */
  private data(
    d: Direction,
    b0: number,
    p: number,
    payload: number,
    length: number,
    key: number,
    row: number,
  ): number {
    const i = row & this.mask;
    const fin = b0 >= 128;
    const opcode = b0 & 15;
    let broken = 0;
    if (opcode !== 0) {
      if (d.message !== 0) broken |= continuationExpected;
      d.message = opcode;
      d.size = length;
      d.text = 0;
      d.mute = (b0 & 0x70) !== 0;
      d.unsure = false;
      d.start = row + 1;
      d.fragment = 0;
    } else if (d.message !== 0) d.size += length;
    else {
      if (!d.unsure) broken |= continuationUnexpected;
      d.size = length;
      d.mute = true;
    }
    if (d.closed) broken |= frameAfterClose;
    if (d.limit !== 0 && d.size > d.limit) broken |= messageTooBig;
    if (d.message === 1) {
      this.flags[i] = (this.flags[i] ?? 0) | 32;
      if (!d.mute && !(d.text === 0 && isASCII(this.words, p, payload, key)))
        broken |= this.text(d, p, payload, key, i, fin && payload === length);
    }
    if (payload < length) d.mute = true;
    if (d.start !== 0 && (!fin || opcode === 0)) {
      if (d.fragment < 65535) d.fragment++;
      this.fragment[i] = d.fragment;
      this.back[i] = Math.min(row + 1 - d.start, maxUint32);
    }
    if (fin) {
      d.message = d.start = 0;
      d.unsure = false;
    }
    return broken;
  }

  /** Judges a part of a text, the last one or not. */
  private text(d: Direction, p: number, length: number, key: number, i: number, end: boolean): number {
    const before = d.text;
    d.text = advance(this.view, p, length, key, before);
    if (d.text !== textError && !(end && d.text !== textStart)) return 0;
    d.mute = true;
    let n = length;
    if (d.text === textError) for (n = 0; advance(this.view, p, n + 1, key, before) !== textError; ) n++;
    this.wrong[i] = n;
    return utf8Invalid;
  }

  /** Judges a control frame and completes its row. */
  private control(
    c: Connection,
    d: Direction,
    b0: number,
    p: number,
    payload: number,
    length: number,
    key: number,
    i: number,
  ): number {
    let broken = length > 125 ? controlTooLong : 0;
    if (b0 < 128) broken |= controlFragmented;
    if ((b0 & 15) !== 8) return broken;
    if (d.closed) broken |= frameAfterClose;
    d.closed = true;
    if (payload < 2 && payload < length) return broken;
    const code = payload < 2 ? 1005 : unmasked(this.view, p, 0, key) * 256 + unmasked(this.view, p, 1, key);
    this.code[i] = code;
    if (c.code === 0) {
      c.code = code;
      c.closer = d === c.server ? 1 : 0;
    }
    if (payload < length || length > 125 || length === 0) return broken;
    if (length === 1) return broken | closeLengthOne;
    if (!sendable(code)) broken |= closeCodeInvalid;
    // The reason begins two bytes into the key.
    const turned = (key >>> 16) | (key << 16);
    if (advance(this.view, p + 2, length - 2, turned, textStart) !== textStart) broken |= closeReasonUTF8;
    return broken;
  }

  /** Counts a frame that breaks rules, and keeps the number that broke the first. */
  private breach(c: Connection, d: Direction, i: number, broken: number): void {
    c.breaches++;
    this.breaches++;
    if (broken & utf8Invalid) return; // its byte is there
    const first = broken & -broken;
    if (first === messageTooBig) this.wrong[i] = Math.min(d.size, maxUint32);
    if (first === closeCodeInvalid) this.wrong[i] = this.code[i] ?? 0;
  }
}

/** Whether a close code may be sent. */
function sendable(code: number): boolean {
  if (code >= 3000) return code < 5000;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}

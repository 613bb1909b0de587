// The inspector module and its memory: the one place that calls WASM. Knows neither page nor worker.

import {
  connWindow,
  type FrameDetail,
  type HandshakeDetail,
  rowWindow,
  stateIndex,
} from "../generated/layout";
import { wasi } from "./wasi";

/** What the module exports; see the Go package wasm. */
interface Exports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  start(budgetMiB: number): number;
  input(length: number): number;
  ingest(): number;
  filter(): number;
  clear(): number;
  state(): number;
  rowWindow(): number;
  connWindow(): number;
  rows(first: number, count: number): number;
  connections(first: number, count: number): number;
  find(seq: bigint): number;
  detail(seq: bigint): number;
  handshake(conn: number): number;
  resume(): number;
  result(): number;
}

/** A part of a list as columns; see columns.ts for how to read them. */
export interface Stretch {
  count: number;
  columns: ArrayBuffer;
}

/** The details of one frame. The bytes are copies. */
export interface Frame {
  detail: FrameDetail;
  wire: Uint8Array<ArrayBuffer>;
  payload: Uint8Array<ArrayBuffer>;
}

/** The module has failed: its state is no longer reliable. */
export class EngineError extends Error {}

/** What an export returns when the input was not understood; anything below is a fault of the module. */
const refused = -1;
const stateCount = Object.keys(stateIndex).length;

/** An inspector that has been started. Its methods are pure computation. */
export class Engine {
  private readonly encoder = new TextEncoder();
  private readonly decoder = new TextDecoder();

  private constructor(
    private readonly exports: Exports,
    private readonly printed: () => string,
  ) {}

  /** Starts the module; it holds at most about budgetMiB of frames. */
  static async start(module: WebAssembly.Module, budgetMiB: number): Promise<Engine> {
    let exports: Exports | undefined;
    let printed = "";
    const memory = () => {
      if (!exports) throw new EngineError("The inspector called out before it was there.");
      return exports.memory;
    };
    const imports = wasi(memory, (text) => {
      printed = (printed + text).slice(-2000);
    });
    const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: imports });
    exports = instance.exports as unknown as Exports;
    const engine = new Engine(exports, () => printed.trim());
    engine.call((e) => {
      e._initialize();
      return e.start(budgetMiB);
    });
    return engine;
  }

  /** Adds a batch of the capture feed: whole records. Returns what is wrong with it, or "". */
  ingest(batch: Uint8Array): string {
    this.put(batch);
    return this.call((e) => e.ingest()) === refused ? this.text() : "";
  }

  /** Sets the filter. Returns what is wrong with the text, or "". */
  filter(text: string): string {
    this.put(this.encoder.encode(text));
    return this.call((e) => e.filter()) === refused ? this.text() : "";
  }

  clear(): void {
    this.call((e) => e.clear());
  }

  /** The counts, by stateIndex. */
  state(): BigUint64Array<ArrayBuffer> {
    const pointer = this.call((e) => e.state());
    return new BigUint64Array(this.exports.memory.buffer, pointer, stateCount).slice();
  }

  /** Rows of the filtered list. */
  rows(first: number, count: number): Stretch {
    const filled = this.call((e) => e.rows(first, count));
    return { count: filled, columns: this.window(this.exports.rowWindow(), rowWindow.columns, filled) };
  }

  /** Connections, newest first. */
  connections(first: number, count: number): Stretch {
    const filled = this.call((e) => e.connections(first, count));
    return { count: filled, columns: this.window(this.exports.connWindow(), connWindow.columns, filled) };
  }

  /** The number of the frame at a position of the filtered list, or null when there is none. */
  seqAt(position: number): bigint | null {
    if (position < 0 || this.call((e) => e.rows(position, 1)) < 1) return null;
    const pointer = this.exports.rowWindow() + rowWindow.columns.seq.offset;
    return new DataView(this.exports.memory.buffer).getBigUint64(pointer, true);
  }

  /** Position in the filtered list of a frame, or of the first one after it; -1 if there is none. */
  find(seq: bigint): number {
    const position = this.exports.find(seq);
    if (position < refused) throw this.fault(this.text());
    return position;
  }

  /** Everything about one frame, or null when it is not held any more. */
  detail(seq: bigint): Frame | null {
    if (this.call((e) => e.detail(seq)) === 0) return null;
    const detail = JSON.parse(this.text()) as FrameDetail;
    return { detail, wire: this.answer(1), payload: this.answer(2) };
  }

  /** The handshake of a connection, or null when it is not known. */
  handshake(conn: number): HandshakeDetail | null {
    if (this.call((e) => e.handshake(conn)) === 0) return null;
    return JSON.parse(this.text()) as HandshakeDetail;
  }

  /** The query with which a feed continues where this one stopped, or "". */
  resume(): string {
    return this.call((e) => e.resume()) === 0 ? "" : this.text();
  }

  /** Writes bytes where the module wants its next input. */
  private put(bytes: Uint8Array): void {
    const pointer = this.call((e) => e.input(bytes.length));
    // The call may have grown the memory, which detaches every older view.
    new Uint8Array(this.exports.memory.buffer, pointer, bytes.length).set(bytes);
  }

  /** Copies a window up to the end of its last text. */
  private window(
    pointer: number,
    columns: typeof rowWindow.columns | typeof connWindow.columns,
    filled: number,
  ): ArrayBuffer {
    const memory = this.exports.memory.buffer;
    let size: number = columns.text.offset;
    if (filled > 0) {
      const view = new DataView(memory, pointer);
      const last = filled - 1;
      size += view.getUint32(columns.textOffset.offset + 4 * last, true);
      size += view.getUint16(columns.textLength.offset + 2 * last, true);
    }
    return memory.slice(pointer, pointer + size);
  }

  private text(): string {
    return this.decoder.decode(this.answer(0));
  }

  /** A copy of the text (0), the wire bytes (1) or the payload (2) of the last answer. */
  private answer(which: 0 | 1 | 2): Uint8Array<ArrayBuffer> {
    const memory = this.exports.memory.buffer;
    const [pointer = 0, length = 0] = new Uint32Array(memory, this.exports.result() + 8 * which, 2);
    return new Uint8Array(memory, pointer, length).slice();
  }

  /** Calls the module. A trap, or a code below -1, means that it cannot go on. */
  private call(work: (exports: Exports) => number | undefined): number {
    let code: number;
    try {
      code = work(this.exports) ?? 0;
    } catch (e) {
      throw this.fault(e instanceof Error ? e.message : String(e));
    }
    if (code < refused) throw this.fault(this.text());
    return code;
  }

  private fault(why: string): EngineError {
    const said = this.printed();
    return new EngineError(said ? `${why} (${said})` : why);
  }
}

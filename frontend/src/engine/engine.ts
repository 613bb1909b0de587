// The inspector module and its memory: the one place that calls WASM.

import { connWindow, type FrameDetail, type HandshakeDetail, rowWindow } from "../generated/layout";
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

/** All that is known of one frame. The bytes are copies. */
export interface Frame {
  detail: FrameDetail;
  wire: Uint8Array<ArrayBuffer>;
  payload: Uint8Array<ArrayBuffer>;
}

/** The module has failed: nothing that it holds can be relied on. */
export class EngineError extends Error {}

const refused = -1;
const stateCounts = 11;

/** An inspector that has been started. Its methods are pure computation. */
export class Engine {
  private constructor(private readonly exports: Exports) {}

  /** Starts the module; it holds at most about budgetMiB of frames. */
  static async start(module: WebAssembly.Module, budgetMiB: number): Promise<Engine> {
    let printed = "";
    let exports: Exports | undefined;
    const memory = () => (exports as Exports).memory;
    const instance = await WebAssembly.instantiate(module, {
      wasi_snapshot_preview1: wasi(memory, (text) => {
        printed = (printed + text).slice(-4000);
        console.error(text);
      }),
    });
    exports = instance.exports as unknown as Exports;
    exports._initialize();
    const engine = new Engine(exports);
    engine.sure(exports.start(budgetMiB));
    return engine;
  }

  /** Takes in a batch of the capture feed. */
  ingest(batch: Uint8Array): void {
    this.put(batch);
    if (this.sure(this.exports.ingest()) === refused) throw new Error(this.text());
  }

  /** Sets the filter. Returns what is wrong with the text, or "". */
  filter(text: string): string {
    this.put(new TextEncoder().encode(text));
    return this.sure(this.exports.filter()) === refused ? this.text() : "";
  }

  clear(): void {
    this.sure(this.exports.clear());
  }

  /** The counts, by stateIndex. */
  state(): BigUint64Array<ArrayBuffer> {
    const pointer = this.sure(this.exports.state());
    return new BigUint64Array(this.exports.memory.buffer, pointer, stateCounts).slice();
  }

  /** Rows of the filtered list, as columns: the row window as far as it is filled. */
  rows(first: number, count: number): { count: number; columns: ArrayBuffer } {
    const filled = this.sure(this.exports.rows(first, count));
    return { count: filled, columns: this.window(this.exports.rowWindow(), rowWindow.columns, filled) };
  }

  /** Connections, newest first, as columns. */
  connections(first: number, count: number): { count: number; columns: ArrayBuffer } {
    const filled = this.sure(this.exports.connections(first, count));
    return { count: filled, columns: this.window(this.exports.connWindow(), connWindow.columns, filled) };
  }

  /** Position in the filtered list of a frame, or of the first one after it; -1 if there is none. */
  find(seq: bigint): number {
    return this.exports.find(seq);
  }

  /** Everything about one frame, or null when it is not held any more. */
  detail(seq: bigint): Frame | null {
    if (this.sure(this.exports.detail(seq)) === 0) return null;
    const detail = JSON.parse(this.text()) as FrameDetail;
    return { detail, wire: this.answer(1), payload: this.answer(2) };
  }

  /** The handshake of a connection, or null when it is not known. */
  handshake(conn: number): HandshakeDetail | null {
    if (this.sure(this.exports.handshake(conn)) === 0) return null;
    return JSON.parse(this.text()) as HandshakeDetail;
  }

  /** The query with which a feed goes on where this one stopped, or "". */
  resume(): string {
    return this.sure(this.exports.resume()) === 0 ? "" : this.text();
  }

  /** Writes bytes where the module wants its next input. */
  private put(bytes: Uint8Array): void {
    const pointer = this.sure(this.exports.input(bytes.length));
    new Uint8Array(this.exports.memory.buffer, pointer, bytes.length).set(bytes);
  }

  /** Copies a window up to the end of its last text. */
  private window(
    pointer: number,
    columns: { text: { offset: number }; textOffset: { offset: number }; textLength: { offset: number } },
    filled: number,
  ): ArrayBuffer {
    const memory = this.exports.memory.buffer;
    let size = columns.text.offset;
    if (filled > 0) {
      const view = new DataView(memory, pointer);
      const last = filled - 1;
      size += view.getUint32(columns.textOffset.offset + 4 * last, true);
      size += view.getUint16(columns.textLength.offset + 2 * last, true);
    }
    return memory.slice(pointer, pointer + size);
  }

  private text(): string {
    return new TextDecoder().decode(this.answer(0));
  }

  /** A copy of the text (0), the wire bytes (1) or the payload (2) of the last answer. */
  private answer(which: number): Uint8Array<ArrayBuffer> {
    const memory = this.exports.memory.buffer;
    const [pointer = 0, length = 0] = new Uint32Array(memory, this.exports.result() + 8 * which, 2);
    return new Uint8Array(memory, pointer, length).slice();
  }

  private sure(code: number): number {
    if (code < refused) throw new EngineError(this.text());
    return code;
  }
}

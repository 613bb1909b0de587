// Columns: typed arrays over a window, a buffer that the engine has copied from WASM.

interface Column {
  readonly offset: number;
  readonly type: string;
  readonly length: number;
}

type View<T extends string> = T extends "uint64"
  ? BigUint64Array
  : T extends "int64"
    ? BigInt64Array
    : T extends "uint32"
      ? Uint32Array
      : T extends "uint16"
        ? Uint16Array
        : Uint8Array;

/** The columns of a window, each as the typed array of its type. */
export type Columns<T extends Record<string, Column>> = { readonly [K in keyof T]: View<T[K]["type"]> };

/** Makes the columns of a window. The last column, its text, ends with the buffer. */
export function columnsOf<T extends Record<string, Column>>(buffer: ArrayBuffer, layout: T): Columns<T> {
  const views: Record<string, unknown> = {};
  for (const [name, column] of Object.entries(layout)) views[name] = viewOf(buffer, column);
  return views as Columns<T>;
}

function viewOf(buffer: ArrayBuffer, { offset, type, length }: Column): unknown {
  switch (type) {
    case "uint64":
      return new BigUint64Array(buffer, offset, length);
    case "int64":
      return new BigInt64Array(buffer, offset, length);
    case "uint32":
      return new Uint32Array(buffer, offset, length);
    case "uint16":
      return new Uint16Array(buffer, offset, length);
    default:
      return new Uint8Array(buffer, offset, Math.min(length, buffer.byteLength - offset));
  }
}

const decoder = new TextDecoder();

interface TextColumns {
  readonly textOffset: Uint32Array;
  readonly textLength: Uint16Array;
  readonly text: Uint8Array;
}

/** The text of row i of a window. */
export function textOf(window: TextColumns, i: number): string {
  const from = window.textOffset[i] ?? 0;
  return decoder.decode(window.text.subarray(from, from + (window.textLength[i] ?? 0)));
}

/** What is before the text of row i of the connections: the peer's address. */
export function remoteOf(window: TextColumns & { readonly remote: Uint16Array }, i: number): string {
  const to = window.textOffset[i] ?? 0;
  return decoder.decode(window.text.subarray(to - (window.remote[i] ?? 0), to));
}

// Columns: typed views over a window that the worker has sent.

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

/** The columns of a window, each as the typed array that fits. */
export type Columns<T extends Record<string, Column>> = { readonly [K in keyof T]: View<T[K]["type"]> };

/** Lays views over a window; text is as long as what was sent of it. */
export function columnsOf<T extends Record<string, Column>>(buffer: ArrayBuffer, layout: T): Columns<T> {
  const views: Record<string, unknown> = {};
  for (const [name, { offset, type, length }] of Object.entries(layout)) {
    switch (type) {
      case "uint64":
        views[name] = new BigUint64Array(buffer, offset, length);
        break;
      case "int64":
        views[name] = new BigInt64Array(buffer, offset, length);
        break;
      case "uint32":
        views[name] = new Uint32Array(buffer, offset, length);
        break;
      case "uint16":
        views[name] = new Uint16Array(buffer, offset, length);
        break;
      default:
        views[name] = new Uint8Array(buffer, offset, Math.min(length, buffer.byteLength - offset));
    }
  }
  return views as Columns<T>;
}

const decoder = new TextDecoder();

/** The text of row i of a window. */
export function textOf(
  w: { textOffset: Uint32Array; textLength: Uint16Array; text: Uint8Array },
  i: number,
): string {
  const from = w.textOffset[i] ?? 0;
  return decoder.decode(w.text.subarray(from, from + (w.textLength[i] ?? 0)));
}

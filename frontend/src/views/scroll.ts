// The scroll position of a list of millions of rows: in rows, and in pixels only for the scroll bar.

/** Height of a row in pixels. */
export const rowHeight = 24;

/** The largest height of an element that every browser renders right. A higher list is scaled to it. */
export const maxHeight = 8_000_000;

/** The size of a list and of its viewport. */
export interface Extent {
  total: number; // rows
  height: number; // of the viewport in pixels
}

/** Height of the element that gives the scroll bar its length. */
export function sizerHeight(e: Extent): number {
  return Math.min(e.total * rowHeight, maxHeight);
}

/** The last position of the row at the top; a fraction if the viewport ends inside a row. */
export function lastTop(e: Extent): number {
  return Math.max(0, e.total - e.height / rowHeight);
}

/** The row at the top for a position of the scroll bar. */
export function topOf(scrollTop: number, e: Extent): number {
  const range = sizerHeight(e) - e.height;
  return range <= 0 ? 0 : Math.min(1, Math.max(0, scrollTop / range)) * lastTop(e);
}

/** The position of the scroll bar for a row at the top. */
export function scrollTopOf(top: number, e: Extent): number {
  const last = lastTop(e);
  return last === 0 ? 0 : (top / last) * (sizerHeight(e) - e.height);
}

/** Whether a pixel of the scroll bar is more than a pixel of the list. */
export function scaled(e: Extent): boolean {
  return e.total * rowHeight > maxHeight;
}

// Where a list of millions of rows stands: positions in rows, pixels only for the scroll bar.

/** Height of a row in pixels. */
export const rowHeight = 24;

/** The tallest element that every browser lays out right: beyond it the scroll bar is a scale. */
export const tallest = 8_000_000;

/** Which part of a list is in sight. */
export interface Extent {
  total: number; // rows
  height: number; // of the viewport in pixels
}

/** Height of the element that gives the scroll bar its length. */
export function sizerHeight(e: Extent): number {
  return Math.min(e.total * rowHeight, tallest);
}

/** The last row that can stand at the top; a fraction when the viewport cuts a row. */
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

/** Whether a pixel of the scroll bar stands for more than a pixel of the list. */
export function scaled(e: Extent): boolean {
  return e.total * rowHeight > tallest;
}

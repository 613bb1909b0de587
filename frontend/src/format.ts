// Formatting of numbers, sizes, times and bytes for people.

// One formatter for all calls: toLocaleString would look up the locale again in each.
const whole = new Intl.NumberFormat("en");

/** A number in groups of three digits. */
export function grouped(n: number | bigint): string {
  return whole.format(n);
}

/** Nanoseconds since the epoch as local time of day, to the millisecond. */
export function timeOfDay(ns: bigint): string {
  const ms = Number(ns / 1000000n);
  const hour = Math.floor(ms / 3_600_000);
  if (hour !== zoneHour) {
    zoneHour = hour;
    zoneOffset = new Date(ms).getTimezoneOffset() * 60_000;
  }
  const day = (((ms - zoneOffset) % 86_400_000) + 86_400_000) % 86_400_000;
  const seconds = Math.floor(day / 1000);
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${String(day % 1000).padStart(3, "0")}`;
}

// The time zone's offset in the hour of the last time stamp.
let zoneHour = Number.NaN;
let zoneOffset = 0;

function two(n: number): string {
  return n < 10 ? `0${n}` : String(n);
}

/** A count with a noun: 1 frame, 12,345 frames. */
export function count(n: number | bigint, noun: string): string {
  return `${grouped(n)} ${noun}${BigInt(n) === 1n ? "" : "s"}`;
}

const units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** A size in bytes, short. */
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), units.length);
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1]}`;
}

/** A payload length for a narrow column: exact if it fits. */
export function shortLength(bytes: bigint): string {
  return bytes < 100_000n ? grouped(bytes) : size(Number(bytes));
}

/** A duration, short. */
export function duration(ms: number): string {
  if (ms < 1000) return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
}

const hexDigits = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

/** A byte as two hex digits. */
export function hex(byte: number): string {
  return hexDigits[byte & 0xff] as string;
}

/** A byte as a character beside a hex dump: a dot if it is not printable ASCII. */
export function ascii(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·";
}

/** Parses bytes in hex; returns null if the text is anything else. */
export function parseHex(text: string): Uint8Array<ArrayBuffer> | null {
  const digits = text.replace(/0x|[\s,:]/g, "");
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) return null;
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

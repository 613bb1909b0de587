// Checks masked UTF-8 for the hand-written decoder: ASCII by words, everything else by an automaton.

/** The states of the automaton: at a character's start, after an error, and within a character. */
export const textStart = 0;
export const textError = 1;
const [one, two, three, afterE0, afterED, afterF0, afterF4] = [2, 3, 4, 5, 6, 7, 8];

/** The next state, by state and byte. */
const steps = makeSteps();

function makeSteps(): Uint8Array {
  const table = new Uint8Array(9 * 256).fill(textError);
  const set = (state: number, low: number, high: number, next: number) => {
    table.fill(next, state * 256 + low, state * 256 + high + 1);
  };
  set(textStart, 0x00, 0x7f, textStart);
  set(textStart, 0xc2, 0xdf, one);
  set(textStart, 0xe0, 0xef, two);
  set(textStart, 0xe0, 0xe0, afterE0);
  set(textStart, 0xed, 0xed, afterED);
  set(textStart, 0xf0, 0xf0, afterF0);
  set(textStart, 0xf1, 0xf3, three);
  set(textStart, 0xf4, 0xf4, afterF4);
  set(one, 0x80, 0xbf, textStart);
  set(two, 0x80, 0xbf, one);
  set(three, 0x80, 0xbf, two);
  set(afterE0, 0xa0, 0xbf, one);
  set(afterED, 0x80, 0x9f, one);
  set(afterF0, 0x90, 0xbf, two);
  set(afterF4, 0x80, 0x8f, two);
  return table;
}

/** A byte of a payload. The key is as little-endian words of the payload see it. */
export function unmasked(view: DataView, at: number, i: number, key: number): number {
  return view.getUint8(at + i) ^ ((key >>> (8 * (i & 3))) & 255);
}

/** The state after so many bytes of a payload, from its start. */
export function advance(view: DataView, at: number, length: number, key: number, state: number): number {
  for (let i = 0; i < length; i++) state = steps[state * 256 + unmasked(view, at, i, key)] ?? textError;
  return state;
}

const highBits = 0x80808080 | 0;

/**
 * Whether a payload is ASCII once it is unmasked. It reads aligned words, since those cost one bounds check
 * each and nothing else; of the first and the last only the bytes that belong to it count.
 */
export function isASCII(words: Int32Array, at: number, length: number, key: number): boolean {
  if (length === 0) return true;
  const end = at + length - 1;
  const before = 8 * (at & 3);
  const behind = 8 * (3 - (end & 3));
  const turned = before === 0 ? key : (key << before) | (key >>> (32 - before));
  const last = end >> 2;
  let w = at >> 2;
  const first = ((words[w] ?? 0) ^ turned) & (-1 << before);
  if (w === last) return (first & (-1 >>> behind) & highBits) === 0;
  let seen = first | (((words[last] ?? 0) ^ turned) & (-1 >>> behind));
  for (w++; w + 8 <= last; w += 8) {
    seen |= (words[w] ?? 0) ^ turned;
    seen |= (words[w + 1] ?? 0) ^ turned;
    seen |= (words[w + 2] ?? 0) ^ turned;
    seen |= (words[w + 3] ?? 0) ^ turned;
    seen |= (words[w + 4] ?? 0) ^ turned;
    seen |= (words[w + 5] ?? 0) ^ turned;
    seen |= (words[w + 6] ?? 0) ^ turned;
    seen |= (words[w + 7] ?? 0) ^ turned;
  }
  for (; w < last; w++) seen |= (words[w] ?? 0) ^ turned;
  return (seen & highBits) === 0;
}

// Text of strangers: invisible characters are shown as marks with their numbers.

/** Marks in one text; further invisible characters are shown as U+FFFD. */
const maxMarks = 50;

/** Characters that are not seen, or change how others are read: controls, formats, surrogates, blank letters. */
const unseen = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]+/gu;

/** Joiners have their place inside emoji and in scripts whose letters join. */
const joiners = /^[\u200c\u200d]$/;
const joinable =
  /(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f|(?!\p{Script=Latin}|\p{Script=Greek}|\p{Script=Cyrillic})\p{L}|\p{M})$/u;

export type Part = string | { mark: string; title: string };

/** Divides a text into what can be shown and marks for what cannot be seen. */
export function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  let marks = 0;
  for (const { 0: run, index } of text.matchAll(unseen)) {
    const before = text.slice(Math.max(0, index - 2), index);
    if (/^[\n\t]+$/.test(run) || (joiners.test(run) && joinable.test(before))) continue;
    parts.push(text.slice(from, index));
    parts.push(++marks > maxMarks ? "\ufffd" : markOf(run));
    from = index + run.length;
  }
  parts.push(text.slice(from));
  return parts.filter((part) => part !== "");
}

/** A run of invisible characters as one mark: the first one's number, and how many there are. */
function markOf(run: string): Part {
  const all = [...run];
  const number = (c: string) => `U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
  const name = number(all[0] ?? "");
  if (all.length === 1) return { mark: name, title: `The invisible character ${name}` };
  const some = [...new Set(all.slice(0, 100))].slice(0, 4).map(number).join(", ");
  return { mark: `${name} × ${all.length}`, title: `${all.length} invisible characters, such as ${some}` };
}

/** A text on one or more lines, in its own direction. */
export function Visible({ text }: { text: string }) {
  return (
    <bdi>
      {partsOf(text).map((part, i) =>
        typeof part === "string" ? (
          part
        ) : (
          <span key={i} class="unseen" title={part.title}>
            {part.mark}
          </span>
        ),
      )}
    </bdi>
  );
}

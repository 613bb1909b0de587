// Formatting JSON without parsing it into values, so that numbers keep every digit.

const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Limits of the nesting and of the result's characters: without them a few bytes could become gigabytes of indentation. */
const maxDepth = 100;
const maxLength = 8 << 20;

/** Formats JSON with one member per line. Returns null if the text is not a JSON object or array, or exceeds the limits. */
export function prettyJSON(text: string): string | null {
  const start = text.trimStart()[0];
  if ((start !== "{" && start !== "[") || text.length > maxLength) return null;
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  let out = "";
  let depth = 0;
  let before = "";
  const line = () => `\n${"  ".repeat(depth)}`;
  for (const [part] of text.matchAll(token)) {
    const closes = part === "}" || part === "]";
    if (closes) depth--;
    const opened = before === "{" || before === "[";
    if (closes ? !opened : opened || before === ",") out += line();
    out += part === ":" ? ": " : part;
    if (part === "{" || part === "[") depth++;
    if (depth > maxDepth || out.length > maxLength) return null;
    before = part;
  }
  return out;
}

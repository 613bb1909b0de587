// Laying out JSON without reading it into values: numbers keep every digit that was sent.

const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** How deep members may lie in each other, and how many characters all may take: a few bytes can ask for gigabytes of spaces. */
const deepest = 100;
const longest = 8 << 20;

/** JSON text with one member a line; null when the text is no JSON object or array, or too much to lay out. */
export function prettyJSON(text: string): string | null {
  const start = text.trimStart()[0];
  if ((start !== "{" && start !== "[") || text.length > longest) return null;
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
    if (depth > deepest || out.length > longest) return null;
    before = part;
  }
  return out;
}

// Editing the filter's text, for the buttons beside it. The WASM module interprets the text.

/** Whether the text contains a term key:…,value,… that is not negated. */
export function hasTerm(text: string, key: string, value: string): boolean {
  return valuesOf(text, key).includes(value);
}

/** Adds the value to the key's term, or removes it. */
export function toggleTerm(text: string, key: string, value: string): string {
  const values = valuesOf(text, key);
  const wanted = values.includes(value) ? values.filter((v) => v !== value) : [...values, value];
  const others = words(text).filter((word) => !word.startsWith(`${key}:`));
  return [...others, ...(wanted.length > 0 ? [`${key}:${wanted.join(",")}`] : [])].join(" ");
}

function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}

function valuesOf(text: string, key: string): string[] {
  return words(text)
    .filter((word) => word.startsWith(`${key}:`))
    .flatMap((word) => word.slice(key.length + 1).split(","));
}

// Reading JSON of a server: every field is checked before it is used.

export type JSONObject = { readonly [name: string]: unknown };

/** The object that a text stands for, or null. */
export function parseObject(text: string): JSONObject | null {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return null;
  }
}

export function asObject(value: unknown): JSONObject | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JSONObject) : null;
}

/** A field that is a text; "" if it is missing or something else. */
export function textIn(o: JSONObject, name: string): string {
  const value = o[name];
  return typeof value === "string" ? value : "";
}

export function numberIn(o: JSONObject, name: string): number {
  const value = o[name];
  return typeof value === "number" ? value : 0;
}

export function booleanIn(o: JSONObject, name: string): boolean {
  return o[name] === true;
}

export function listIn(o: JSONObject, name: string): readonly unknown[] {
  const value = o[name];
  return Array.isArray(value) ? value : [];
}

/** The texts in a list; anything else in it is left out. */
export function textsIn(o: JSONObject, name: string): string[] {
  return listIn(o, name).filter((value) => typeof value === "string");
}

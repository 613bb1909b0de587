// Rules for the page's sources: which module may import which, and no markup from data.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const source = resolve(dirname(fileURLToPath(import.meta.url)), "../../frontend/src");
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) =>
  /\.tsx?$/.test(name),
);

/** The layers in order. A file may import its own layer and those after it. */
const order = ["main", "views", "demos", "state", "client", "worker", "engine", "generated"];
const state = ["store", "playground", "theme", "preferences", "route"];
/** Pure functions, which every layer may import. */
const pure = ["format", "json", "terms", "columns", "modules.d"];

function layer(name: string): string {
  const top = name.split("/")[0]?.replace(/\.tsx?$/, "") ?? "";
  if (state.includes(top)) return "state";
  return pure.includes(top) ? "pure" : top;
}

function imports(name: string): string[] {
  const text = readFileSync(join(source, name), "utf8");
  return [...text.matchAll(/(?:from |import\()"(?:worker:)?(\.[^"]*)"/g)].map((match) =>
    relative(source, resolve(source, dirname(name), match[1] ?? "")),
  );
}

test("every file belongs to a layer", () => {
  assert.ok(files.length > 20);
  for (const name of files) assert.ok(order.includes(layer(name)) || layer(name) === "pure", name);
});

test("imports run main → views → demos → state → client → worker → engine → generated, never back", () => {
  for (const name of files) {
    for (const target of imports(name)) {
      if (layer(target) === "pure") continue;
      assert.notEqual(layer(name), "pure", `${name} is pure and imports ${target}`);
      assert.ok(order.indexOf(layer(name)) <= order.indexOf(layer(target)), `${name} imports ${target}`);
    }
  }
});

test("demos know nothing of each other, and are loaded only when they are opened", () => {
  const folder = (name: string) => /^demos\/(\w+)\//.exec(name)?.[1];
  for (const name of files) {
    for (const target of imports(name)) {
      const demo = folder(target);
      if (demo === undefined || demo === folder(name)) continue;
      assert.equal(name, "demos/catalog.ts", `${name} imports ${target}`);
    }
  }
  assert.doesNotMatch(readFileSync(join(source, "demos/catalog.ts"), "utf8"), /from "\.\/\w+\//);
});

test("no markup is made from data, and no type check is suppressed", () => {
  for (const name of files) {
    const text = readFileSync(join(source, name), "utf8");
    assert.doesNotMatch(
      text,
      /innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write/,
      name,
    );
    assert.doesNotMatch(text, /@ts-|: any\b|as any\b/, name);
  }
});

test("every file begins with a comment that says what it is for", () => {
  for (const name of files) {
    assert.match(readFileSync(join(source, name), "utf8"), /^\/\/ [A-Z].*[.:]\n/, name);
  }
});

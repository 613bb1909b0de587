// The repository's rules for the page: who may import whom, and no markup from data.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const source = resolve(dirname(fileURLToPath(import.meta.url)), "../../frontend/src");
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) =>
  /\.tsx?$/.test(name),
);

/** The order of the rooms: each may import itself and what comes after it. */
const order = ["main", "views", "state", "client", "worker", "engine", "generated"];
const state = ["store", "playground", "theme", "kept"];
/** Pure functions of text and numbers, for any room. */
const pure = ["format", "json", "terms", "columns", "modules.d"];

function room(name: string): string {
  const top = name.split("/")[0]?.replace(/\.tsx?$/, "") ?? "";
  if (state.includes(top)) return "state";
  return pure.includes(top) ? "pure" : top;
}

function imports(name: string): string[] {
  const text = readFileSync(join(source, name), "utf8");
  return [...text.matchAll(/from "(?:worker:)?(\.[^"]*)"/g)].map((match) =>
    relative(source, resolve(source, dirname(name), match[1] ?? "")),
  );
}

test("every file belongs to a room", () => {
  assert.ok(files.length > 20);
  for (const name of files) assert.ok(order.includes(room(name)) || room(name) === "pure", name);
});

test("imports run main → views → state → client → worker → engine → generated, never back", () => {
  for (const name of files) {
    for (const target of imports(name)) {
      if (room(target) === "pure") continue;
      assert.notEqual(room(name), "pure", `${name} is pure and imports ${target}`);
      assert.ok(order.indexOf(room(name)) <= order.indexOf(room(target)), `${name} imports ${target}`);
    }
  }
});

test("no markup is made from text, and no rule of the linter is switched off in passing", () => {
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

test("every file says first what it is responsible for", () => {
  for (const name of files) {
    assert.match(readFileSync(join(source, name), "utf8"), /^\/\/ [A-Z].*[.:]\n/, name);
  }
});

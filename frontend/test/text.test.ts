// Tests of editing the filter's text, and of formatting JSON.

import assert from "node:assert/strict";
import { test } from "node:test";
import { prettyJSON } from "../src/json";
import { hasTerm, toggleTerm } from "../src/terms";

test("a term is added, gets values, loses values and is removed", () => {
  let text = toggleTerm("", "opcode", "text");
  assert.equal(text, "opcode:text");
  text = toggleTerm(text, "opcode", "ping");
  assert.equal(text, "opcode:text,ping");
  assert.ok(hasTerm(text, "opcode", "ping"));
  text = toggleTerm(text, "dir", "in");
  text = toggleTerm(text, "opcode", "text");
  assert.equal(text, "dir:in opcode:ping");
  text = toggleTerm(text, "opcode", "ping");
  assert.equal(text, "dir:in");
});

test("other terms of the filter stay, including negated ones", () => {
  assert.equal(toggleTerm(" -opcode:pong  #3 ", "opcode", "text"), "-opcode:pong #3 opcode:text");
  assert.equal(hasTerm("-opcode:pong", "opcode", "pong"), false);
});

test("formatted JSON has every digit that was sent", () => {
  assert.equal(
    prettyJSON('{"a":[1,2.50,{}],"b":"x,{\\"y\\"}","big":9007199254740993}'),
    '{\n  "a": [\n    1,\n    2.50,\n    {}\n  ],\n  "b": "x,{\\"y\\"}",\n  "big": 9007199254740993\n}',
  );
  assert.equal(prettyJSON("[]"), "[]");
});

test("text that is not a JSON object or array is not formatted", () => {
  const deep = "[".repeat(20_000) + "]".repeat(20_000);
  const long = `["${"x".repeat(9 << 20)}"]`;
  assert.equal(prettyJSON(deep), null);
  assert.equal(prettyJSON(long), null);
  for (const text of ["", "Hello", "3", '"x"', "{", "[1,]", "{'a':1}"]) assert.equal(prettyJSON(text), null);
});

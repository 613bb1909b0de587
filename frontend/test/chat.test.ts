// The chat demo: events that it reads, what it makes of them, and text of strangers.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { parseEvent } from "../src/demos/chat/events";
import type { Line } from "../src/demos/chat/line";
import { Room } from "../src/demos/chat/room";
import { partsOf } from "../src/demos/visible";

/** A WebSocket that the tests play the server of. */
class FakeSocket {
  static all: FakeSocket[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((e: { data: string }) => void) | null = null;
  onclose: ((e: { code: number; reason: string }) => void) | null = null;
  binaryType = "blob";
  bufferedAmount = 0;
  protocol = "";
  extensions = "";
  readonly sent: string[] = [];

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {
    FakeSocket.all.push(this);
  }

  send(data: string): void {
    this.sent.push(data);
  }

  close(): void {}

  say(...events: unknown[]): void {
    for (const event of events) this.onmessage?.({ data: JSON.stringify(event) });
  }
}

const welcome = { type: "welcome", room: "lobby", name: "ann", members: ["ann", "bob"], history: [] };
const said = { type: "message", name: "bob", text: "hi", time: "2026-01-02T15:04:05Z" };

/** The newest socket, and its room, which has joined. */
function joined(t: { after: (fn: () => void) => void }): { room: Room; server: FakeSocket } {
  const room = new Room();
  t.after(() => room.close());
  room.join({ room: "lobby", name: "ann", token: "" });
  const server = FakeSocket.all.at(-1);
  assert.ok(server);
  server.onopen?.();
  server.say(welcome);
  return { room, server };
}

/** The lines once they are shown. */
async function shown(room: Room): Promise<readonly Line[]> {
  await new Promise<void>((resolve) => {
    const before = room.lines.peek();
    const stop = room.lines.subscribe((lines) => {
      if (lines !== before) {
        queueMicrotask(() => stop());
        resolve();
      }
    });
  });
  return room.lines.value;
}

beforeEach(() => {
  FakeSocket.all = [];
  Object.assign(globalThis, {
    window: globalThis,
    WebSocket: FakeSocket,
    location: { href: "http://host.test/", search: "" },
    addEventListener: () => {},
    removeEventListener: () => {},
  });
});

test("every event is read, and nothing else is", () => {
  assert.deepEqual(parseEvent('{"type":"join","name":"bob","members":2}'), { type: "join", names: ["bob"] });
  assert.deepEqual(parseEvent('{"type":"leave","names":["a","b"],"reasons":["x","y"],"members":2}'), {
    type: "leave",
    names: ["a", "b"],
    reasons: ["x", "y"],
  });
  const full = parseEvent(JSON.stringify({ ...welcome, history: [said, { type: "pong" }, 3, null] }));
  assert.ok(full?.type === "welcome" && full.history.length === 1 && full.members.length === 2);
  for (const bad of ["", "3", "null", "[]", "{", '{"type":"new"}', '{"type":5}', '{"text":"hi"}']) {
    assert.equal(parseEvent(bad), null, bad);
  }
  const odd = parseEvent('{"type":"message","name":{"a":1},"text":7,"time":null}');
  assert.deepEqual(odd, { type: "message", name: "", text: "", time: "" });
  assert.deepEqual(parseEvent('{"type":"join","names":["a",5,null,"b"]}'), {
    type: "join",
    names: ["a", "b"],
  });
});

test("a room knows who is here and what was said", async (t) => {
  const { room, server } = joined(t);
  assert.match(server.url, /^ws:\/\/host\.test\/ws\/chat\?mark=[a-z0-9]+-\d+&room=lobby&name=ann$/);
  assert.deepEqual(server.protocols, ["framescope.chat.v1"]);
  server.say({ type: "join", name: "carl", members: 3 }, said, { ...said, name: "ann", text: "hello" });
  const lines = await shown(room);
  assert.deepEqual(room.members.value, ["ann", "bob", "carl"]);
  assert.deepEqual(
    lines.map((line) => [line.kind, "own" in line && line.own]),
    [
      ["moves", false],
      ["said", false],
      ["said", true],
    ],
  );
});

test("a list in pieces is put together", async (t) => {
  const { room, server } = joined(t);
  server.say(
    { ...welcome, members: [], more: true },
    { type: "members", members: ["abe", "ann"], more: true },
    { type: "members", members: ["bob"], more: true },
    { type: "history", history: [said], more: false },
  );
  const lines = await shown(room);
  assert.deepEqual(room.members.value, ["abe", "ann", "bob"]);
  assert.equal(lines.length, 1);
});

test("joins and leaves in a row are one calm line", async (t) => {
  const { room, server } = joined(t);
  server.say(
    { type: "join", name: "carl", members: 3 },
    { type: "join", names: ["dan", "eve"], members: 5 },
    { type: "leave", name: "carl", reason: "1000 normal closure", members: 4 },
    { type: "leave", name: "bob", reason: "timed out", members: 3 },
  );
  const [line, ...others] = await shown(room);
  assert.equal(others.length, 0);
  assert.ok(line?.kind === "moves");
  assert.deepEqual(line.joined, ["dan", "eve"]);
  assert.deepEqual(line.left, ["bob"]);
});

test("typing is shown until the message comes, and reported now and then", async (t) => {
  const { room, server } = joined(t);
  server.say({ type: "typing", name: "bob", on: true });
  await shown(room);
  assert.deepEqual(room.typing.value, ["bob"]);
  server.say(said);
  await shown(room);
  assert.deepEqual(room.typing.value, []);
  for (let i = 0; i < 100; i++) room.types(true);
  room.types(false);
  room.types(false);
  assert.deepEqual(server.sent, ['{"type":"typing","on":true}', '{"type":"typing","on":false}']);
});

test("a line is said to all, to one, or is a command", (t) => {
  const { room, server } = joined(t);
  room.members.value = ["ann", "bob", "bob the builder"];
  assert.equal(room.say("hi", ""), "");
  assert.equal(room.say("hi", "bob"), "");
  assert.equal(room.say("/msg bob the builder can we?", ""), "");
  assert.equal(room.say("/who", ""), "");
  assert.equal(room.say("/QUIT ", ""), "");
  assert.equal(room.say("//who", ""), "");
  assert.match(room.say("/msg nobody hi", ""), /Nobody/);
  assert.match(room.say("/msg bob", ""), /Nobody/);
  assert.match(room.say("/help", ""), /Commands are/);
  assert.match(room.say("/", "bob"), /Commands are/);
  assert.deepEqual(
    server.sent.map((text) => JSON.parse(text)),
    [
      { type: "message", text: "hi" },
      { type: "message", text: "hi", to: "bob" },
      { type: "message", text: "can we?", to: "bob the builder" },
      { type: "who" },
      { type: "quit" },
      { type: "message", text: "/who" },
    ],
  );
});

test("after a lost connection what was missed is added once", async (t) => {
  const { room, server } = joined(t);
  server.say(said);
  await shown(room);
  server.onclose?.({ code: 1006, reason: "" });
  assert.equal(room.members.value.length, 0);
  await new Promise<void>((resolve) => {
    room.socket.state.subscribe((state) => {
      if (state === "waiting") resolve();
    });
  });
  room.socket.retry();
  const again = FakeSocket.all.at(-1);
  assert.ok(again && again !== server);
  again.onopen?.();
  again.say({ ...welcome, history: [said, { ...said, text: "missed", time: "2026-01-02T15:04:06Z" }] });
  const texts = room.lines.value.map((line) => ("text" in line ? line.text : line.kind));
  assert.deepEqual(texts, ["hi", "Connected again as ann.", "missed"]);
});

test("a name that is another member's is told", (t) => {
  const { room, server } = joined(t);
  server.say({ ...welcome, name: "ann-2" });
  const notes = room.lines.value.map((line) => ("text" in line ? line.text : ""));
  assert.deepEqual(notes, ["Somebody else had the name ann first: you are ann-2 now."]);
  room.join({ room: "tea", name: "bob", token: "" });
  const tea = FakeSocket.all.at(-1);
  tea?.onopen?.();
  tea?.say({ ...welcome, room: "tea", name: "bob-2" });
  const line = room.lines.value.at(-1);
  assert.ok(
    room.lines.value.length === 1 && line?.kind === "note" && line.text.includes("is in use: you are bob-2"),
  );
});

test("a flood leaves the newest lines", async (t) => {
  const { room, server } = joined(t);
  for (let i = 0; i < 5000; i++) server.say({ ...said, text: String(i) });
  const lines = await shown(room);
  assert.equal(lines.length, 200);
  const last = lines.at(-1);
  assert.ok(last?.kind === "said" && last.text === "4999");
});

test("what cannot be seen is marked, what belongs to the script is not", () => {
  const plain = (text: string) =>
    partsOf(text).map((part) => (typeof part === "string" ? part : `[${part.mark}]`));
  assert.deepEqual(plain("a\u202eb"), ["a", "[U+202E]", "b"]);
  assert.deepEqual(plain("\u200b\u200b\u200b"), ["[U+200B × 3]"]);
  assert.deepEqual(plain("x\u200dy"), ["x", "[U+200D]", "y"]);
  assert.deepEqual(plain("tab\tand\nline"), ["tab\tand\nline"]);
  assert.deepEqual(plain("\u0007"), ["[U+0007]"]);
  assert.deepEqual(plain("\ud800"), ["[U+D800]"]);
  for (const whole of ["👩‍👩‍👧", "می‌خواهم", "क्‍ष", "Grüße, 世界 🌍", "🏳️‍🌈"])
    assert.deepEqual(plain(whole), [whole]);
  assert.deepEqual(plain(""), []);
});

test("thousands of invisible characters are not thousands of marks", () => {
  const marks = partsOf("a\u200b".repeat(2000)).filter((part) => typeof part !== "string");
  assert.ok(marks.length <= 50, String(marks.length));
});

// npm's socket.io-client loses its connection and comes back: with its id, its rooms, and what it
// missed, each once and in order. clients_test.go starts this with the URL.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const { io } = createRequire(process.env.PACKAGE_JSON)("socket.io-client");
const [url, transport] = process.argv.slice(2);
const options = { transports: [transport], forceNew: true, reconnectionDelay: 300, randomizationFactor: 0 };
const once = (socket, name) => new Promise((resolve) => socket.once(name, resolve));

const ann = io(url, { ...options, auth: { name: "ann" } });
const bob = io(url, { ...options, auth: { name: "bob" } });
await Promise.all([once(ann, "connect"), once(bob, "connect")]);
assert.equal(ann.recovered, false);
const id = ann.id;
const heard = [];
ann.on("said", (...args) => heard.push(args[0]));
await ann.emitWithAck("join", "room");
await ann.emitWithAck("remember", "something");

async function comeBack(missed) {
  const lost = once(ann, "disconnect");
  ann.io.engine.close();
  assert.equal(await lost, "forced close");
  for (const text of missed) await bob.emitWithAck("say", "room", text);
  await bob.emitWithAck("say", "another room", "not for ann");
  await bob.emitWithAck("say", id, `${missed[0]}, privately`);
  await once(ann, "connect");
}

await comeBack(["a", "b"]); // before anything was received
assert.equal(ann.recovered, true);
assert.equal(ann.id, id);
assert.equal(await ann.emitWithAck("recall"), "something");
await bob.emitWithAck("say", "room", "c");
await ann.emitWithAck("sum", 1); // what came before has arrived
assert.deepEqual(heard, ["a", "b", "a, privately", "c"]);

await comeBack(["d"]);
assert.equal(ann.recovered, true);
await ann.emitWithAck("sum", 1);
assert.deepEqual(heard, ["a", "b", "a, privately", "c", "d", "d, privately"]);

// Whoever disconnects is forgotten.
ann.disconnect();
ann.connect();
await once(ann, "connect");
assert.equal(ann.recovered, false);
assert.notEqual(ann.id, id);
ann.disconnect();
bob.disconnect();
console.log("done");

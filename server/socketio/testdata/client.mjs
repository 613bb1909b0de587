// npm's socket.io-client against the application of clients_test.go, which starts this with the
// URL and with polling, websocket or upgrade. It ends with 0 if all is as it should be.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const { io } = createRequire(process.env.PACKAGE_JSON)("socket.io-client");
const [url, mode] = process.argv.slice(2);
const transports = mode === "upgrade" ? ["polling", "websocket"] : [mode];

/** connect opens a client of its own and waits until it is connected. */
async function connect(name, path = "/", more = {}) {
  const socket = io(url + path, { transports, forceNew: true, auth: { name }, ...more });
  await event(socket, "connect");
  return socket;
}

/** event waits for an event and returns its arguments. */
function event(socket, name) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no event ${name}`)), 5000);
    socket.once(name, (...args) => {
      clearTimeout(late);
      resolve(args);
    });
  });
}

const ann = await connect("ann");
assert.equal(ann.id.length, 20);
if (mode === "upgrade" && ann.io.engine.transport.name !== "websocket") await event(ann.io.engine, "upgrade");
assert.equal(ann.io.engine.transport.name, mode === "polling" ? "polling" : "websocket");

// Events with several arguments, and bytes anywhere, both ways.
const bytes = Buffer.from([0, 1, 2, 255]);
const back = event(ann, "back");
ann.emit("back", 1, "two", { three: [true, null], file: bytes }, bytes, "\u{1F600} é \x1e");
assert.deepEqual(await back, [1, "two", { three: [true, null], file: bytes }, bytes, "\u{1F600} é \x1e"]);
const large = Buffer.alloc(300_000, 7);
const largeBack = event(ann, "back");
ann.emit("back", large, "x".repeat(200_000));
assert.deepEqual(await largeBack, [large, "x".repeat(200_000)]);
const order = [];
ann.on("back", (i) => order.push(i));
for (let i = 0; i < 200; i++) ann.emit("back", i, i % 3 === 0 ? Buffer.from([i]) : i);
await ann.emitWithAck("sum", 1); // what came before has arrived
assert.deepEqual(order, [...Array(200).keys()]);

// Acknowledgements by the server, with a timeout, and by the client.
assert.equal(await ann.emitWithAck("sum", 1, 2.5, 3), 6.5);
assert.deepEqual(await ann.emitWithAck("store", "a.txt", bytes), 4);
assert.deepEqual(await ann.emitWithAck("back with ack", { b: bytes }), { b: bytes });
await assert.rejects(ann.timeout(100).emitWithAck("never acknowledged"), /timed out/);
await assert.rejects(ann.timeout(100).emitWithAck("sum", "no number"), /timed out/);
ann.on("question", (n, file, answer) => answer(n + 1, file));
const answered = event(ann, "answered");
ann.emit("ask me", 41);
assert.deepEqual(await answered, [42, bytes]);
const unanswered = event(ann, "unanswered");
ann.emit("ask in vain");
assert.match((await unanswered)[0], /deadline exceeded/);

// Values that last as long as the socket.
await ann.emitWithAck("remember", "something");
assert.equal(await ann.emitWithAck("recall"), "something");

// Rooms: each socket its own; enter, leave, close; a broadcast skips its sender.
const bob = await connect("bob");
const cid = await connect("cid");
const heard = [];
for (const [name, socket] of Object.entries({ ann, bob, cid })) socket.on("said", (text) => heard.push(`${name}: ${text}`));
assert.deepEqual(await ann.emitWithAck("join", "room"), [ann.id, "room"]);
await bob.emitWithAck("join", "room");
await ann.emitWithAck("say", "room", "hi");
await ann.emitWithAck("say", cid.id, "psst");
await ann.emitWithAck("say to others", "all");
await ann.emitWithAck("say to all", "everybody");
await bob.emitWithAck("leave", "room");
await ann.emitWithAck("say", "room", "nobody");
await bob.emitWithAck("join", "room");
await bob.emitWithAck("close", "room");
await ann.emitWithAck("say", "room", "nobody");
await Promise.all([ann, bob, cid].map((s) => s.emitWithAck("sum", 1))); // what came before has arrived
assert.deepEqual(heard.sort(), ["ann: everybody", "bob: all", "bob: everybody", "bob: hi", "cid: all", "cid: everybody", "cid: psst"]);

// Namespaces on one connection, with methods as handlers.
const typed = ann.io.socket("/methods"); // which connects by itself
await event(typed, "connect");
assert.notEqual(typed.id, ann.id);
assert.deepEqual(await typed.emitWithAck("my event", "x"), "my event x");
assert.deepEqual(await typed.emitWithAck("my_event", "y"), "my event y");
assert.deepEqual(await typed.emitWithAck("myEvent", "z"), "my event z");

// Refused connections, with data and without.
for (const [path, auth, message, data] of [
  ["/", { name: "eve" }, "not welcome", { code: 42 }],
  ["/", { name: "" }, "a name, please", undefined],
  ["/nowhere", {}, "Invalid namespace", undefined],
]) {
  const refused = io(url + path, { transports, forceNew: true, auth });
  const [error] = await event(refused, "connect_error");
  assert.equal(error.message, message);
  assert.deepEqual(error.data, data);
  refused.disconnect();
}

// Disconnecting, by either side. The connection goes on for the other namespace.
const kicked = event(typed, "disconnect");
typed.emit("kick me");
assert.deepEqual((await kicked)[0], "io server disconnect");
assert.equal(await ann.emitWithAck("sum", 2, 2), 4);
typed.connect();
await event(typed, "connect");
typed.disconnect();
assert.equal(await ann.emitWithAck("sum", 3, 3), 6);
ann.disconnect();
bob.io.engine.close();
cid.emit("kick me");
assert.equal((await event(cid, "disconnect"))[0], "io server disconnect");
cid.io.engine.close();
bob.disconnect();
console.log("done");

// Tests of the feed with a fake socket: credit, pause, reconnection.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Feed } from "../src/worker/feed";

/** The part of a WebSocket that the feed uses, controlled by the test. */
class PlayedSocket {
  static readonly OPEN = 1;
  static all: PlayedSocket[] = [];
  readyState = 0;
  readonly sent: string[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((e: { data: ArrayBuffer }) => void) | null = null;
  onclose: ((e: { reason: string }) => void) | null = null;

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    PlayedSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  batch(...bytes: number[]): void {
    this.onmessage?.({ data: Uint8Array.from(bytes).buffer });
  }

  lose(reason = ""): void {
    this.readyState = 3;
    this.onclose?.({ reason });
  }
}

Object.assign(globalThis, { WebSocket: PlayedSocket });

function start() {
  const taken: number[][] = [];
  const links: string[] = [];
  let query = "";
  const feed = new Feed("ws://host/ws/inspect", {
    batch: (bytes) => {
      taken.push([...bytes]);
      query = `capture=ab&after=${taken.length}`;
    },
    link: (link, text) => links.push(`${link}: ${text}`),
    resume: () => query,
  });
  const last = () => {
    const socket = PlayedSocket.all.at(-1);
    assert.ok(socket);
    return socket;
  };
  return { feed, taken, links, last };
}

beforeEach(() => {
  PlayedSocket.all = [];
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("each batch that is ingested gives one credit", () => {
  const { taken, links, last } = start();
  assert.equal(last().protocol, "framescope.v1");
  last().open();
  last().batch(1);
  last().batch(2);
  assert.deepEqual(taken, [[1], [2]]);
  assert.deepEqual(last().sent, ["1", "1"]);
  assert.match(links.join("\n"), /^connecting: .*\.\nlive: .*\.$/);
});

test("while paused nothing is ingested and no credit given; then all batches follow in order", () => {
  const { feed, taken, last } = start();
  last().open();
  feed.pause(true);
  last().batch(1);
  last().batch(2);
  assert.deepEqual([taken, last().sent], [[], []]);
  feed.pause(false);
  last().batch(3);
  assert.deepEqual(taken, [[1], [2], [3]]);
  assert.deepEqual(last().sent, ["1", "1", "1"]);
});

test("a lost feed continues where it stopped", () => {
  const { links, last } = start();
  last().open();
  last().batch(1);
  last().lose("the server shuts down");
  assert.equal(
    links.at(-1),
    "offline: The capture feed is gone. It said: the server shuts down. Trying again in 0.25 s.",
  );
  mock.timers.tick(250);
  assert.equal(PlayedSocket.all.length, 2);
  assert.equal(last().url, "ws://host/ws/inspect?capture=ab&after=1");
  last().open();
  assert.match(links.at(-1) ?? "", /^live: /);
});

test("batches that were not ingested when the feed was lost are requested again", () => {
  const { feed, taken, last } = start();
  last().open();
  feed.pause(true);
  last().batch(1);
  last().lose();
  feed.pause(false);
  assert.deepEqual(taken, []);
  mock.timers.tick(250);
  assert.equal(last().url, "ws://host/ws/inspect");
});

test("attempts become rarer, down to one in five seconds, and frequent again after a success", () => {
  const { last } = start();
  const waits: number[] = [];
  for (let i = 0; i < 7; i++) {
    last().lose();
    const before = PlayedSocket.all.length;
    let waited = 0;
    while (PlayedSocket.all.length === before) {
      mock.timers.tick(250);
      waited += 250;
    }
    waits.push(waited);
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 5000, 5000]);
  last().open();
  last().lose("too many pages watch already");
  mock.timers.tick(4750);
  assert.equal(PlayedSocket.all.length, 8, "a server that refuses after the handshake is not asked at once");
  mock.timers.tick(250);
  last().open();
  last().batch(1);
  last().lose();
  mock.timers.tick(250);
  assert.equal(PlayedSocket.all.length, 10);
});

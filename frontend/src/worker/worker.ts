// The worker: feed and inspector away from the page's thread, one message a frame back to it.

import { Engine, EngineError } from "../engine/engine";
import { rowWindow, stateIndex } from "../generated/layout";
import { Feed } from "./feed";
import type { Reply, Request } from "./messages";

const frameTime = 16;
/** How often the connections are sent, in milliseconds: seldom while all of them are others each time. */
const connsTime = 100;
const churnTime = 500;
const shownConns = 200;

let engine: Engine | undefined;
let feed: Feed | undefined;
let view = { id: 0, first: 0, count: 40, follow: true };
/** The frame at the top of a view that does not follow: it stays there when older ones go. */
let anchor: bigint | null = null;
let scheduled = false;
let lastTick = 0;
let lastConns = Number.NEGATIVE_INFINITY;
let connsSeen = 0n;
let connsTimer: ReturnType<typeof setTimeout> | undefined;

function reply(message: Reply, transfer: Transferable[] = []): void {
  postMessage(message, { transfer });
}

/** Runs what needs the engine; when it fails for good the page starts another worker. */
function withEngine(work: (engine: Engine) => void): void {
  if (!engine) return;
  try {
    work(engine);
  } catch (e) {
    const lasting = e instanceof EngineError || e instanceof WebAssembly.RuntimeError;
    reply({ kind: "failed", text: e instanceof Error ? e.message : String(e), restarting: lasting });
    if (lasting) engine = undefined;
  }
}

/** Has the page drawn anew, at most once a frame. */
function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setTimeout(tick, Math.max(0, frameTime - (performance.now() - lastTick)));
}

function tick(): void {
  scheduled = false;
  lastTick = performance.now();
  withEngine((engine) => {
    const state = engine.state();
    const matched = Number(state[stateIndex.matched]);
    const first = firstRow(engine, matched);
    const rows = engine.rows(first, view.count);
    if (!view.follow && anchor === null && rows.count > 0)
      anchor = new BigUint64Array(rows.columns, rowWindow.columns.seq.offset, 1)[0] ?? null;
    const conns = connsDue(state[stateIndex.connectionsSeen] ?? 0n)
      ? engine.connections(0, shownConns)
      : null;
    reply(
      {
        kind: "tick",
        state,
        view: view.id,
        first,
        count: rows.count,
        rows: rows.columns,
        conns,
      },
      conns ? [state.buffer, rows.columns, conns.columns] : [state.buffer, rows.columns],
    );
  });
}

/** Whether to send the connections now; seen is how many there were so far. If not, a later tick is scheduled. */
function connsDue(seen: bigint): boolean {
  clearTimeout(connsTimer);
  const pause = seen - connsSeen < shownConns ? connsTime : churnTime;
  const remaining = pause - (performance.now() - lastConns);
  if (remaining > 0) {
    connsTimer = setTimeout(schedule, remaining);
    return false;
  }
  lastConns = performance.now();
  connsSeen = seen;
  return true;
}

function firstRow(engine: Engine, matched: number): number {
  if (view.follow) return Math.max(0, matched - view.count);
  const anchored = anchor === null ? -1 : engine.find(anchor);
  return anchored >= 0 ? anchored : Math.min(view.first, matched);
}

function showFrame(seq: bigint): void {
  withEngine((engine) => {
    const frame = engine.detail(seq);
    const transfer = frame ? [frame.wire.buffer, frame.payload.buffer] : [];
    reply({ kind: "frame", seq, frame }, transfer);
  });
}

async function start(wasmURL: string, feedURL: string, budgetMiB: number): Promise<void> {
  try {
    const module = await WebAssembly.compileStreaming(fetch(wasmURL));
    engine = await Engine.start(module, budgetMiB);
  } catch (e) {
    const text = e instanceof Error ? e.message : String(e);
    reply({ kind: "failed", text: `The inspector module could not be started: ${text}`, restarting: false });
    return;
  }
  reply({ kind: "ready" });
  feed = new Feed(feedURL, {
    batch: (bytes) => {
      withEngine((engine) => {
        const wrong = engine.ingest(bytes);
        if (wrong !== "") throw new EngineError(`The feed is not understood: ${wrong}`);
      });
      schedule();
    },
    link: (link, text) => reply({ kind: "link", link, text }),
    resume: () => engine?.resume() ?? "",
  });
  schedule();
}

addEventListener("message", (e: MessageEvent<Request>) => {
  const request = e.data;
  switch (request.kind) {
    case "start":
      void start(request.wasmURL, request.feedURL, request.budgetMiB);
      break;
    case "view":
      view = request;
      anchor = null;
      schedule();
      break;
    case "filter":
      anchor = null;
      withEngine((engine) => reply({ kind: "filtered", problem: engine.filter(request.text) }));
      schedule();
      break;
    case "select":
      showFrame(request.seq);
      break;
    case "handshake": {
      const { conn } = request;
      withEngine((engine) => reply({ kind: "handshake", conn, handshake: engine.handshake(conn) }));
      break;
    }
    case "locate":
      // The position holds for the list as it is now: the page must know that one first.
      tick();
      withEngine((engine) => reply({ kind: "located", position: engine.find(request.seq) }));
      break;
    case "pause":
      feed?.pause(request.on);
      break;
    case "clear":
      withEngine((engine) => engine.clear());
      schedule();
      break;
  }
});

// The playground: one WebSocket of the browser's own, and a log of what it did.

import { computed, signal } from "@preact/signals";
import { hex, parseHex } from "./format";

/** In this subprotocol /ws/echo takes "/ping …" as the wish for a ping. */
const pingProtocol = "framescope.play.v1";
const longestLog = 200;
const logDelay = 16;
const mostAwaited = 2000;
const normalClosure = 1000;

export type PlayState = "closed" | "connecting" | "open" | "closing";

/** A line of the log. */
export interface Entry {
  id: number;
  time: number;
  kind: "note" | "sent" | "received" | "fault";
  text: string;
  /** Milliseconds since the message that this one echoes was sent. */
  roundTrip?: number;
}

export const playURL = signal(ownURL("/ws/echo"));
export const playState = signal<PlayState>("closed");
export const playLog = signal<readonly Entry[]>([]);
/** What to send, and how: as text, or as bytes written in hex. */
export const draft = signal("Hello");
export const asBytes = signal(false);

let socket: WebSocket | undefined;
let awaited: { text: string; at: number }[] = [];
let lastID = 0;

function ownURL(path: string): string {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

/** Addresses that this server offers. */
export const suggestions = [
  ownURL("/ws/echo"),
  ownURL("/ws/echo?deflate=off"),
  ownURL("/ws/chat?room=lobby&name=me"),
];

/** Which of our own applications the address leads to: only they know how to send a ping on request. */
const app = computed(() => {
  if (!URL.canParse(playURL.value)) return "";
  const url = new URL(playURL.value);
  return url.host === location.host ? url.pathname : "";
});

/** Why no ping can be sent, or "". */
export const noPing = computed(() => {
  if (app.value !== "/ws/echo" && app.value !== "/ws/chat") {
    return "A browser cannot send pings. Only this page's own server sends one on request, at /ws/echo and /ws/chat.";
  }
  return playState.value === "open"
    ? ""
    : "Connect first: then the server sends a ping on request, since a browser cannot.";
});

let unseen: Entry[] = [];

/** Adds a line; those of one animation frame are shown at once, since messages can come by the thousand. */
function log(kind: Entry["kind"], text: string, roundTrip?: number): void {
  if (unseen.length === 0) setTimeout(showLog, logDelay);
  unseen.push({
    id: ++lastID,
    time: Date.now(),
    kind,
    text,
    ...(roundTrip === undefined ? {} : { roundTrip }),
  });
}

function showLog(): void {
  playLog.value = [...playLog.value, ...unseen].slice(-longestLog);
  unseen = [];
}

export function connect(): void {
  if (playState.value !== "closed") return;
  const url = playURL.value.trim();
  try {
    socket = app.value === "/ws/echo" ? new WebSocket(url, pingProtocol) : new WebSocket(url);
  } catch {
    log("fault", `“${url}” is no address of a WebSocket: it begins with ws:// or wss://.`);
    return;
  }
  const mine = socket;
  mine.binaryType = "arraybuffer";
  playState.value = "connecting";
  awaited = [];
  mine.onopen = () => {
    playState.value = "open";
    log("note", `Connected${mine.protocol ? `, subprotocol ${mine.protocol}` : ""}.`);
  };
  mine.onmessage = (e: MessageEvent<string | ArrayBuffer>) => received(e.data);
  mine.onclose = (e) => closed(e);
}

/** Resolves when the socket is open, or when it has failed. */
export function connected(): Promise<boolean> {
  connect();
  return new Promise((resolve) => {
    const stop = playState.subscribe((state) => {
      if (state === "connecting") return;
      queueMicrotask(() => stop());
      resolve(state === "open");
    });
  });
}

export function disconnect(): void {
  if (!socket || playState.value === "closed") return;
  playState.value = "closing";
  socket.close(normalClosure, "goodbye");
}

function closed(e: CloseEvent): void {
  const never = playState.value === "connecting";
  playState.value = "closed";
  const reason = e.reason ? `, reason “${e.reason}”` : "";
  const clean = e.wasClean
    ? "after a full close handshake (wasClean)"
    : "without a close handshake (not wasClean)";
  if (never)
    log(
      "fault",
      `The connection was not made (code ${e.code}). A browser does not say why; the handshake may.`,
    );
  else log("note", `Closed with code ${e.code}${reason}, ${clean}.`);
}

function received(data: string | ArrayBuffer): void {
  const text = typeof data === "string" ? data : bytesText(new Uint8Array(data));
  const i = awaited.findIndex((message) => message.text === text);
  if (i < 0) {
    log("received", text);
    return;
  }
  const [message] = awaited.splice(i, 1);
  log("received", text, performance.now() - (message?.at ?? 0));
}

/** Bytes in the log: their number, and the first of them in hex. */
function bytesText(bytes: Uint8Array): string {
  const start = [...bytes.subarray(0, 16)].map(hex).join(" ");
  return `${bytes.length} bytes: ${start}${bytes.length > 16 ? " …" : ""}`;
}

/** Sends what stands in the draft. */
export function sendDraft(): void {
  if (!asBytes.value) {
    sendMessage(draft.value);
    return;
  }
  const bytes = parseHex(draft.value);
  if (bytes) sendMessage(bytes);
  else log("fault", "Bytes are pairs of hex digits, as in 48 65 6c 6c 6f.");
}

export function sendMessage(data: string | Uint8Array<ArrayBuffer>): void {
  if (!socket || playState.value !== "open") {
    log("fault", "There is no open connection to send on.");
    return;
  }
  const text = typeof data === "string" ? data : bytesText(data);
  if (awaited.length < mostAwaited) awaited.push({ text, at: performance.now() });
  log("sent", text);
  socket.send(data);
}

/** Asks our own server for a ping with what stands in the draft. */
export function requestPing(): void {
  if (!socket || noPing.value !== "") return;
  socket.send(app.value === "/ws/echo" ? `/ping ${asBytes.value ? "" : draft.value}`.trimEnd() : "/ping");
  log(
    "note",
    "Asked the server for a ping. The browser answers it with a pong by itself: see both among the frames.",
  );
}

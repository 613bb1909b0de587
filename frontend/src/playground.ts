// The playground's state: a WebSocket of the browser, and a log of what happened on it.

import { computed, signal } from "@preact/signals";
import { hex, parseHex } from "./format";

/** In this subprotocol /ws/echo answers "/ping …" with a ping. */
const pingProtocol = "framescope.play.v1";
const maxEntries = 200;
const logDelay = 16;
const maxUnanswered = 2000;
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
/** Whether our own applications may compress. */
export const compress = signal(false);
/** The names of the subprotocols to offer, as they were typed. */
export const subprotocols = signal("");
/** What to send, and whether that is text or bytes in hex. */
export const draft = signal("Hello");
export const asBytes = signal(false);

let socket: WebSocket | undefined;
let unanswered: { text: string; at: number }[] = [];
let lastID = 0;

function ownURL(path: string): string {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

/** URLs that this server offers. */
export const suggestions = [ownURL("/ws/echo"), ownURL("/ws/chat?room=lobby&name=me"), ownURL("/ws/push")];

/** The path of the URL if it is this server's, or "". Only our own applications send a ping on request. */
const app = computed(() => {
  if (!URL.canParse(playURL.value)) return "";
  const url = new URL(playURL.value);
  return url.host === location.host ? url.pathname : "";
});

/** Whether compression can be declined: a browser always offers it, so the server has to be asked. */
export const canDecline = computed(() => app.value === "/ws/echo" || app.value === "/ws/chat");

/** The names that are offered. /ws/echo is offered the one that has pings, unless others were typed. */
export const offered = computed(() => {
  const typed = subprotocols.value.split(/[\s,]+/).filter((name) => name !== "");
  return typed.length === 0 && app.value === "/ws/echo" ? [pingProtocol] : typed;
});

const agreed = signal("");

/** Why no ping can be requested, or "". */
export const pingProblem = computed(() => {
  if (app.value !== "/ws/echo" && app.value !== "/ws/chat") {
    return "A browser cannot send pings. Connect to /ws/echo or /ws/chat of this server, which sends one on request.";
  }
  if (playState.value !== "open")
    return "Connect first. A browser cannot send pings, but this server sends one on request.";
  const wanted = app.value === "/ws/echo" ? pingProtocol : "";
  if (agreed.value === wanted) return "";
  return wanted
    ? `A browser cannot send pings. /ws/echo sends one on request in the subprotocol ${wanted}, which is offered when none is named.`
    : "A browser cannot send pings. /ws/chat sends one on request without a subprotocol.";
});

let pending: Entry[] = [];

/** Adds a line. Lines are shown together after a short delay, since there may be thousands a second. */
function log(kind: Entry["kind"], text: string, roundTrip?: number): void {
  if (pending.length === 0) setTimeout(showLog, logDelay);
  pending.push({
    id: ++lastID,
    time: Date.now(),
    kind,
    text,
    ...(roundTrip === undefined ? {} : { roundTrip }),
  });
}

function showLog(): void {
  playLog.value = [...playLog.value, ...pending].slice(-maxEntries);
  pending = [];
}

export function connect(): void {
  if (playState.value !== "closed") return;
  try {
    socket = new WebSocket(wantedURL(), offered.value);
  } catch {
    log("fault", whyImpossible());
    return;
  }
  const current = socket;
  current.binaryType = "arraybuffer";
  playState.value = "connecting";
  unanswered = [];
  current.onopen = () => {
    agreed.value = current.protocol;
    playState.value = "open";
    const subprotocol = current.protocol ? `subprotocol ${current.protocol}` : "no subprotocol";
    log("note", `Connected: ${subprotocol}, ${current.extensions || "no compression"}.`);
  };
  current.onmessage = (e: MessageEvent<string | ArrayBuffer>) => received(e.data);
  current.onclose = (e) => closed(e);
}

/** The URL, with the request not to compress if that is wanted and the URL does not say. */
function wantedURL(): string {
  const text = playURL.value.trim();
  if (compress.value || !canDecline.value) return text;
  const url = new URL(text);
  if (!url.searchParams.has("deflate")) url.searchParams.set("deflate", "off");
  return url.href;
}

/** Why the browser makes no WebSocket. */
function whyImpossible(): string {
  const url = playURL.value.trim();
  return URL.canParse(url) && /^(ws|http)s?:$/.test(new URL(url).protocol)
    ? `The subprotocols “${subprotocols.value.trim()}” cannot be offered: enter different names of letters and digits, with commas between them.`
    : `“${url}” is not a WebSocket URL: enter one that begins with ws:// or wss://.`;
}

/** Connects. Resolves to whether the socket is open, once it is or has failed. */
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
  const unmet =
    offered.value.length > 0 ? " A browser gives up if the server takes none of the subprotocols." : "";
  if (never)
    log(
      "fault",
      `Could not connect (code ${e.code}). A browser does not say why: check the URL, or select the connection in the list, if it is there, to see its handshake.${unmet}`,
    );
  else log("note", `Closed with code ${e.code}${reason}, ${clean}.`);
}

function received(data: string | ArrayBuffer): void {
  const text = typeof data === "string" ? data : bytesText(new Uint8Array(data));
  const i = unanswered.findIndex((message) => message.text === text);
  if (i < 0) {
    log("received", text);
    return;
  }
  const [message] = unanswered.splice(i, 1);
  log("received", text, performance.now() - (message?.at ?? 0));
}

/** Bytes as the log shows them: their number, and the first of them in hex. */
function bytesText(bytes: Uint8Array): string {
  const start = [...bytes.subarray(0, 16)].map(hex).join(" ");
  return `${bytes.length} bytes: ${start}${bytes.length > 16 ? " …" : ""}`;
}

/** Sends the draft. */
export function sendDraft(): void {
  if (!asBytes.value) {
    sendMessage(draft.value);
    return;
  }
  const bytes = parseHex(draft.value);
  if (bytes) sendMessage(bytes);
  else
    log("fault", "Not sent: these are not bytes in hex. Enter pairs of hex digits, such as 48 65 6c 6c 6f.");
}

export function sendMessage(data: string | Uint8Array<ArrayBuffer>): void {
  if (!socket || playState.value !== "open") {
    log("fault", "Not sent: there is no open connection. Connect first.");
    return;
  }
  const text = typeof data === "string" ? data : bytesText(data);
  if (unanswered.length < maxUnanswered) unanswered.push({ text, at: performance.now() });
  log("sent", text);
  socket.send(data);
}

/** Asks our own server for a ping; /ws/echo sends the draft as its payload. */
export function requestPing(): void {
  if (!socket || pingProblem.value !== "") return;
  socket.send(app.value === "/ws/echo" ? `/ping ${asBytes.value ? "" : draft.value}`.trimEnd() : "/ping");
  log(
    "note",
    "Asked the server for a ping. The browser answers it with a pong; the list of frames shows both.",
  );
}

// One Socket.IO client: npm's socket.io-client, and a log of every packet that it sends or receives.

import { batch, signal } from "@preact/signals";
import { io, type Socket } from "socket.io-client";
import { duration } from "../../format";
import { type Mark, newMark } from "../captured";
import { described, type EnginePacket } from "./packet";

export type TransportChoice = "upgrade" | "websocket" | "polling";

/** A line of the log. */
export interface Entry {
  id: number;
  kind: "sent" | "received" | "note" | "fault";
  raw: string;
  meaning: string;
}

const maxEntries = 200;
const showDelay = 40;
const ackTimeout = 5000;
const longestWait = 15_000;

const transports: Record<TransportChoice, string[]> = {
  upgrade: ["polling", "websocket"],
  websocket: ["websocket"],
  polling: ["polling"],
};

export class Client {
  readonly state = signal<"closed" | "connecting" | "open" | "waiting">("closed");
  readonly problem = signal("");
  readonly sid = signal("");
  /** The transport in use. */
  readonly transport = signal("");
  readonly mark = signal<Mark | null>(null);
  readonly entries = signal<readonly Entry[]>([]);
  private socket: Socket | undefined;
  private watched: unknown;
  private all: Entry[] = [];
  private last = 0;
  private timer = 0;

  connect(namespace: string, choice: TransportChoice, auth: Record<string, unknown>): void {
    this.disconnect();
    // HTTP requests are not captured.
    const mark = choice === "polling" ? null : newMark();
    const socket = io(`${location.origin}${namespace}`, {
      transports: transports[choice],
      auth,
      query: mark ? { mark: mark.name } : {},
      forceNew: true,
      reconnectionDelayMax: longestWait,
    });
    this.socket = socket;
    this.mark.value = mark;
    this.state.value = "connecting";
    this.problem.value = "";
    socket.on("connect", () => {
      batch(() => {
        this.state.value = "open";
        this.problem.value = "";
        this.sid.value = socket.id ?? "";
      });
    });
    socket.on("disconnect", (reason) => {
      batch(() => {
        this.state.value = socket.active ? "waiting" : "closed";
        this.problem.value = `Disconnected: ${reason}.`;
        this.sid.value = "";
      });
    });
    socket.on("connect_error", (e: Error & { data?: unknown }) => {
      const data = e.data === undefined ? "" : `, with the data ${JSON.stringify(e.data)}`;
      this.state.value = socket.active ? "waiting" : "closed";
      this.problem.value = socket.active
        ? "Could not connect. Trying again; check whether the server is running."
        : `The server refused: ${e.message}${data}.`;
    });
    socket.io.on("reconnect_attempt", () => {
      if (mark) {
        const next = newMark();
        socket.io.opts.query = { mark: next.name };
        this.mark.value = next;
      }
      queueMicrotask(() => this.watch());
    });
    this.watch();
  }

  disconnect(): void {
    const { socket } = this;
    if (!socket) return;
    this.socket = undefined;
    socket.disconnect(); // the last packet is logged
    socket.off();
    socket.io.off();
    batch(() => {
      this.state.value = "closed";
      this.problem.value = "";
      this.sid.value = "";
      this.transport.value = "";
    });
  }

  emit(event: string, args: readonly unknown[]): void {
    this.socket?.emit(event, ...args);
  }

  /** Sends an event and waits for its acknowledgement. */
  call(event: string, args: readonly unknown[]): void {
    const begun = performance.now();
    this.socket?.timeout(ackTimeout).emit(event, ...args, (failure: Error | null, ...answer: unknown[]) => {
      if (failure) this.log("fault", "", `“${event}” was not acknowledged within ${ackTimeout / 1000} s.`);
      else {
        const time = duration(performance.now() - begun);
        this.log("note", "", `“${event}” was acknowledged after ${time} with ${JSON.stringify(answer)}.`);
      }
    });
  }

  clear(): void {
    this.all = [];
    this.show();
  }

  /** Logs the packets of the engine. Each connection, the first and those after it, has one of its own. */
  private watch(): void {
    const engine = this.socket?.io.engine;
    if (!engine || engine === this.watched) return;
    this.watched = engine;
    this.transport.value = engine.transport?.name ?? "";
    engine.on("packet", (packet: EnginePacket) => this.logPacket("received", packet));
    engine.on("packetCreate", (packet: EnginePacket) => this.logPacket("sent", packet));
    engine.on("upgrade", (transport: { name: string }) => {
      this.transport.value = transport.name;
      this.log("note", "", `Upgraded to ${transport.name}: polling ends, the session goes on.`);
    });
    engine.on("close", (reason: string) => this.log("note", "", `The connection ended: ${reason}.`));
  }

  private logPacket(kind: "sent" | "received", packet: EnginePacket): void {
    const { raw, meaning } = described(packet);
    this.log(kind, raw, meaning);
  }

  private log(kind: Entry["kind"], raw: string, meaning: string): void {
    this.all.push({ id: ++this.last, kind, raw, meaning });
    if (this.all.length > 2 * maxEntries) this.all = this.all.slice(-maxEntries);
    this.timer ||= window.setTimeout(() => this.show(), showDelay);
  }

  private show(): void {
    clearTimeout(this.timer);
    this.timer = 0;
    this.entries.value = this.all.slice(-maxEntries);
  }
}

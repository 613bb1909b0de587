// A WebSocket that connects again when its connection is lost, each time after a longer wait.

import { type ReadonlySignal, signal } from "@preact/signals";
import { type Mark, newMark } from "./captured";

export type SocketState = "closed" | "connecting" | "open" | "waiting";

export interface SocketOptions {
  /** The URL to connect to. It has the mark as a parameter, so that the capture can be searched for it. */
  url(mark: Mark): string;
  protocols?(): string[];
  opened?(socket: WebSocket): void;
  received(data: string | ArrayBuffer): void;
  /** Called when a connection has ended or could not be made. A sentence as the result says why it is not tried again. */
  ended?(e: CloseEvent, was: "open" | "connecting"): Promise<string | undefined> | string | undefined;
}

const firstWait = 500;
const longestWait = 15_000;
/** A connection that has lasted this long was a good one: the next wait is short again. */
const lasting = 5000;
const normalClosure = 1000;

export class Socket {
  private readonly current = signal<SocketState>("closed");
  private readonly why = signal("");
  private readonly marked = signal<Mark | null>(null);
  readonly state: ReadonlySignal<SocketState> = this.current;
  /** A sentence on why there is no connection, or "". */
  readonly problem: ReadonlySignal<string> = this.why;
  /** The mark of the newest connection. */
  readonly mark: ReadonlySignal<Mark | null> = this.marked;
  private socket: WebSocket | undefined;
  private timer = 0;
  private failures = 0;
  private openedAt = 0;
  private readonly online = () => this.retry();

  constructor(private readonly options: SocketOptions) {}

  open(): void {
    this.abandon();
    addEventListener("online", this.online);
    const mark = newMark();
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.options.url(mark), this.options.protocols?.() ?? []);
    } catch {
      this.current.value = "closed";
      this.why.value =
        "The browser refused to connect: a subprotocol is a name without spaces, and each may be offered once.";
      return;
    }
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.current.value = "open";
      this.why.value = "";
      this.openedAt = performance.now();
      this.options.opened?.(socket);
    };
    socket.onmessage = (e: MessageEvent<string | ArrayBuffer>) => this.options.received(e.data);
    socket.onclose = (e) => void this.ended(e);
    this.socket = socket;
    this.marked.value = mark;
    this.current.value = "connecting";
  }

  /** Connects again now if it is waiting to do so. */
  retry(): void {
    if (this.current.value === "waiting") this.open();
  }

  /** Closes the connection for good. */
  close(): void {
    this.abandon();
    this.failures = 0;
    this.current.value = "closed";
    this.why.value = "";
  }

  /** Reports whether the message was given to the browser, which then has to send it. */
  send(data: string | Uint8Array<ArrayBuffer>): boolean {
    if (!this.socket || this.current.peek() !== "open") return false;
    this.socket.send(data);
    return true;
  }

  /** How many bytes the browser has not sent yet. */
  get unsent(): number {
    return this.socket?.bufferedAmount ?? 0;
  }

  private abandon(): void {
    clearTimeout(this.timer);
    removeEventListener("online", this.online);
    if (!this.socket) return;
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close(normalClosure);
    this.socket = undefined;
  }

  private async ended(e: CloseEvent): Promise<void> {
    const was = this.current.value === "open" ? "open" : "connecting";
    const ended = this.socket;
    const final = await this.options.ended?.(e, was);
    if (this.socket !== ended) return; // closed or opened again meanwhile
    this.socket = undefined;
    if (final !== undefined) {
      this.close();
      this.why.value = final;
      return;
    }
    if (was === "open" && performance.now() - this.openedAt > lasting) this.failures = 0;
    const wait = Math.min(firstWait * 2 ** this.failures++, longestWait) * (0.75 + Math.random() / 2);
    this.current.value = "waiting";
    this.why.value =
      was === "open"
        ? `The connection was lost (code ${e.code}${e.reason ? `, “${e.reason}”` : ""}). Connecting again.`
        : "Could not connect. Trying again; check whether the server is running.";
    this.timer = window.setTimeout(() => this.open(), wait);
  }
}

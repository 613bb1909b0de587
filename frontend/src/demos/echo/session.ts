// The echo's session: sends messages in a rhythm, and times each until its echo is received.

import { type ReadonlySignal, signal } from "@preact/signals";
import { socketURL } from "../captured";
import { Socket } from "../socket";
import { Times } from "./times";

/** Messages a second; 0 sends the next one as soon as the last has come back. */
export type Rhythm = 0 | 1 | 10 | 100;

/** The plot shows this many times. */
export const plotted = 300;
/** Without an answer no more than these are sent. */
const maxUnanswered = 64;
const maxUnansweredBytes = 4 << 20;
const showDelay = 100;
export const maxSize = 1 << 20;

/** What is shown, made anew a few times a second. */
export interface Shown {
  sent: number;
  received: number;
  last: number;
  min: number;
  median: number;
  p99: number;
  /** The number of the first of the newest times, and these times. */
  first: number;
  newest: readonly number[];
}

const nothing: Shown = {
  sent: 0,
  received: 0,
  last: Number.NaN,
  min: Number.NaN,
  median: Number.NaN,
  p99: Number.NaN,
  first: 1,
  newest: [],
};

export class Session {
  readonly rhythm = signal<Rhythm>(10);
  readonly size = signal(125);
  readonly compress = signal(false);
  readonly subprotocols = signal("");
  readonly running = signal(true);
  /** What was agreed: subprotocol and extensions. */
  readonly agreed = signal("");
  private readonly drawn = signal<Shown>(nothing);
  readonly shown: ReadonlySignal<Shown> = this.drawn;

  private readonly times = new Times();
  private readonly newest: number[] = [];
  private readonly sentAt: number[] = [];
  private sent = 0;
  private timer = 0;
  private showTimer = 0;

  readonly socket = new Socket({
    url: (mark) => socketURL("/ws/echo", { deflate: this.compress.value ? "" : "off" }, mark),
    protocols: () => this.subprotocols.value.split(/[\s,]+/).filter((name) => name !== ""),
    opened: (socket) => {
      this.agreed.value = [socket.protocol && `subprotocol ${socket.protocol}`, socket.extensions]
        .filter((part) => part !== "")
        .join(", ");
      this.sentAt.length = 0;
      this.beat();
    },
    received: () => this.received(),
    ended: (_, was) =>
      was === "connecting" && this.subprotocols.value !== ""
        ? "The browser gave up the connection: either the server is not running, or it took none of the subprotocols that were offered, which browsers do not accept (RFC 6455 4.1)."
        : undefined,
  });

  /** Connects, or connects again with other settings. */
  open(): void {
    this.socket.open();
  }

  close(): void {
    clearTimeout(this.timer);
    clearTimeout(this.showTimer);
    this.showTimer = 0;
    this.socket.close();
  }

  setRunning(on: boolean): void {
    this.running.value = on;
    this.beat();
  }

  setRhythm(rhythm: Rhythm): void {
    this.rhythm.value = rhythm;
    this.beat();
  }

  setSize(bytes: number): void {
    this.size.value = Math.min(Math.max(0, Math.floor(bytes) || 0), maxSize);
  }

  /** Forgets all times. */
  clear(): void {
    this.times.clear();
    this.newest.length = 0;
    this.sent = 0;
    this.show();
  }

  /** Sends a message if one is due, and sets the timer for the next. */
  private beat(): void {
    clearTimeout(this.timer);
    if (!this.running.value || this.socket.state.value !== "open") return;
    const waiting = this.sentAt.length;
    const rhythm = this.rhythm.value;
    if (rhythm === 0) {
      if (waiting === 0) this.send();
      return;
    }
    if (waiting < maxUnanswered && (waiting + 1) * this.size.value <= maxUnansweredBytes + this.size.value)
      this.send();
    this.timer = window.setTimeout(() => this.beat(), 1000 / rhythm);
  }

  private send(): void {
    const text = `${this.sent + 1} `.padEnd(this.size.value, "framescope ").slice(0, this.size.value);
    this.sentAt.push(performance.now());
    if (!this.socket.send(text)) {
      this.sentAt.pop();
      return;
    }
    this.sent++;
  }

  private received(): void {
    const at = this.sentAt.shift();
    if (at === undefined) return;
    const time = performance.now() - at;
    this.times.add(time);
    this.newest.push(time);
    if (this.newest.length > plotted) this.newest.shift();
    this.showTimer ||= window.setTimeout(() => this.show(), showDelay);
    if (this.rhythm.value === 0) this.beat();
  }

  private show(): void {
    clearTimeout(this.showTimer);
    this.showTimer = 0;
    const { times, newest } = this;
    this.drawn.value = {
      sent: this.sent,
      received: times.count,
      last: newest.at(-1) ?? Number.NaN,
      min: times.count === 0 ? Number.NaN : times.min,
      median: times.quantile(0.5),
      p99: times.quantile(0.99),
      first: times.count - newest.length + 1,
      newest: [...newest],
    };
  }
}

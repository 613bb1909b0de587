// The capture feed: a WebSocket that reconnects by itself and gives credit.

import type { Link } from "./messages";

const subprotocol = "framescope.v1";
const firstDelay = 250;
const longestDelay = 5000;

/** Where the feed's batches and its state go. */
export interface FeedEvents {
  batch(bytes: Uint8Array): void;
  link(link: Link, text: string): void;
  /** The query that makes a new connection go on where the last one stopped. */
  resume(): string;
}

/** Reads the feed. While paused it neither takes in nor gives credit, so that the server stops sending. */
export class Feed {
  private socket: WebSocket | undefined;
  private delay = firstDelay;
  private waiting: Uint8Array[] = [];
  private paused = false;

  constructor(
    private readonly url: string,
    private readonly events: FeedEvents,
  ) {
    this.connect();
  }

  pause(on: boolean): void {
    this.paused = on;
    if (on) return;
    const batches = this.waiting;
    this.waiting = [];
    for (const batch of batches) this.process(batch);
  }

  private connect(): void {
    if (this.socket) this.events.link("offline", "The capture feed is gone. Trying again now.");
    else this.events.link("connecting", "Connecting to the capture feed.");
    const query = this.events.resume();
    const socket = new WebSocket(query ? `${this.url}?${query}` : this.url, subprotocol);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.events.link("live", "Every frame that crosses this server is shown as it comes.");
    };
    socket.onmessage = (e) => {
      const batch = new Uint8Array(e.data as ArrayBuffer);
      if (this.paused) this.waiting.push(batch);
      else this.process(batch);
    };
    socket.onclose = (e) => this.lost(e);
    this.socket = socket;
  }

  private process(batch: Uint8Array): void {
    this.delay = firstDelay; // a server that refuses us after the handshake sends none
    this.events.batch(batch);
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send("1");
  }

  private lost(e: CloseEvent): void {
    // Batches of a connection that is gone are asked for again by the next one.
    this.waiting = [];
    const seconds = this.delay / 1000;
    const why = e.reason ? ` It said: ${e.reason}.` : "";
    this.events.link("offline", `The capture feed is gone.${why} Trying again in ${seconds} s.`);
    setTimeout(() => this.connect(), this.delay);
    this.delay = Math.min(this.delay * 2, longestDelay);
  }
}

// The page's end of the worker: starts it, starts it anew when it fails, and passes messages.

import workerURL from "worker:./worker/worker.ts";
import wasmURL from "wasm:framescope";
import type { Reply, Request } from "./worker/messages";

/** How much of frames the inspector holds. */
const budgetMiB = 256;
/** How often it may fail within a while, in milliseconds. */
const mostFailures = 3;
const failureTime = 30_000;

/** Talks to the worker; every reply goes to the listener. */
export class Client {
  private worker: Worker;
  private failures: number[] = [];

  constructor(private readonly listener: (reply: Reply) => void) {
    this.worker = this.launch();
  }

  send(request: Request): void {
    this.worker.postMessage(request);
  }

  /** Ends the worker and starts another. */
  restart(): void {
    this.worker.terminate();
    this.worker = this.launch();
  }

  /** Starts anew, but not for ever: an inspector that fails again and again needs a person. */
  private failed(text: string): void {
    const now = performance.now();
    this.failures = [...this.failures.filter((at) => now - at < failureTime), now];
    const restarting = this.failures.length <= mostFailures;
    if (restarting) this.restart();
    else this.worker.terminate();
    this.listener({ kind: "failed", text, restarting });
  }

  private launch(): Worker {
    const worker = new Worker(workerURL, { type: "module", name: "inspector" });
    worker.onmessage = (e: MessageEvent<Reply>) => {
      const reply = e.data;
      if (reply.kind === "failed" && reply.restarting) this.failed(reply.text);
      else this.listener(reply);
    };
    worker.onerror = (e) => {
      const text = `The inspector's worker could not be run: ${e.message || "it did not load"}.`;
      this.listener({ kind: "failed", text, restarting: false });
    };
    const feedURL = new URL("/ws/inspect", location.href);
    feedURL.protocol = feedURL.protocol.replace("http", "ws");
    const start: Request = {
      kind: "start",
      wasmURL: new URL(wasmURL, location.href).href,
      feedURL: feedURL.href,
      budgetMiB,
    };
    worker.postMessage(start);
    return worker;
  }
}

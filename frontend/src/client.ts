// The page's side of the worker: starts it, restarts it when it fails, and passes messages.

import workerURL from "worker:./worker/worker.ts";
import wasmURL from "wasm:framescope";
import type { Reply, Request } from "./worker/messages";

/** How much memory the inspector uses for frames. */
const budgetMiB = 256;
/** How often the worker may fail within the window, in milliseconds, before it is given up. */
const maxFailures = 3;
const failureWindow = 30_000;

/** Sends requests to the worker and passes every reply to the listener. */
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

  /** Restarts the worker, unless it has failed too often. */
  private failed(text: string): void {
    const now = performance.now();
    this.failures = [...this.failures.filter((at) => now - at < failureWindow), now];
    const restarting = this.failures.length <= maxFailures;
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
      const text = `The inspector's worker could not start: ${e.message || "it did not load"}. Reload the page.`;
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

// What was pushed, and the request that pushes.

import { batch, signal } from "@preact/signals";
import { socketURL } from "../captured";
import { numberIn, parseObject } from "../json";
import { reasonIn } from "../refusal";
import { Socket } from "../socket";

interface Push {
  id: number;
  time: Date;
  text: string;
}

const maxShown = 100;
const showDelay = 40;

export class Pushes {
  /** The newest first. */
  readonly received = signal<readonly Push[]>([]);
  readonly total = signal(0);
  private all: Push[] = [];
  private last = 0;
  private timer = 0;

  readonly socket = new Socket({
    url: (mark) => socketURL("/ws/push", {}, mark),
    received: (data) => {
      this.all.unshift({
        id: ++this.last,
        time: new Date(),
        text: typeof data === "string" ? data : "(bytes)",
      });
      if (this.all.length > 2 * maxShown) this.all.length = maxShown;
      this.timer ||= window.setTimeout(() => this.show(), showDelay);
    },
  });

  close(): void {
    clearTimeout(this.timer);
    this.socket.close();
  }

  private show(): void {
    this.timer = 0;
    batch(() => {
      this.received.value = this.all.slice(0, maxShown);
      this.total.value = this.last;
    });
  }
}

/** Asks the server to push a text to all, or to one chat room. */
export async function broadcast(text: string, room: string): Promise<{ receivers: number; problem: string }> {
  try {
    const response = await fetch("/api/broadcast", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(room === "" ? { text } : { text, room }),
    });
    const answer = await response.text();
    if (!response.ok) return { receivers: 0, problem: `Not pushed: ${reasonIn(answer)}.` };
    return { receivers: numberIn(parseObject(answer) ?? {}, "receivers"), problem: "" };
  } catch {
    return { receivers: 0, problem: "Not pushed: the server does not answer. Check whether it is running." };
  }
}

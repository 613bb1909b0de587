// The packets of a Socket.IO client, each as it is written and in words.

import { useRef } from "preact/hooks";
import { useFollow } from "../follow";
import { Visible } from "../visible";
import type { Client, Entry } from "./client";

const signs: Record<Entry["kind"], [sign: string, name: string]> = {
  sent: ["→", "sent"],
  received: ["←", "received"],
  note: ["·", "note"],
  fault: ["!", "error"],
};

export function Packets({ client }: { client: Client }) {
  const list = useRef<HTMLDivElement>(null);
  const entries = client.entries.value;
  const scrolled = useFollow(list, entries);
  return (
    <div class="sio-log">
      <h3>
        Packets
        <button type="button" class="link" onClick={() => client.clear()}>
          Clear
        </button>
      </h3>
      <div
        class="sio-packets"
        ref={list}
        onScroll={scrolled}
        role="group"
        aria-label="Packets"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        tabIndex={0}
      >
        <ol data-testid="sio-packets">
          {entries.map(({ id, kind, raw, meaning }) => (
            <li key={id} class={kind}>
              <span class="sign" role="img" aria-label={signs[kind][1]}>
                {signs[kind][0]}
              </span>
              <div>
                {raw !== "" && (
                  <code>
                    <Visible text={raw} />
                  </code>
                )}
                <span class="meaning">
                  <Visible text={meaning} />
                </span>
              </div>
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}

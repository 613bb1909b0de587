// What stands beside every demo: the way to its frames, its address, and commands for other clients.

import { type ReadonlySignal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { paused, setFilter } from "../store";
import type { Mark } from "./captured";

/** A command for a terminal, and what it does. */
export interface Command {
  says: string;
  command: string;
}

interface StageProps {
  /** The marks of the demo's connections. */
  marks: readonly (Mark | null)[];
  /** What the frames of this demo show. */
  frames: string;
  url: string;
  commands: readonly Command[];
  /** Whether the demo itself has its full height, so that nothing below it would move. */
  ready?: boolean;
  children: ComponentChildren;
}

export function Stage({ marks, frames, url, commands, ready = true, children }: StageProps) {
  return (
    <div class="stage">
      <div class="stage-main">{children}</div>
      <aside class="stage-side" hidden={!ready} aria-label="Beside this demo">
        <h3>Its frames</h3>
        <p>{frames}</p>
        {marks.length > 0 && <Frames marks={marks} />}
        <h3>Its address</h3>
        <Copyable text={url} />
        <h3>With other clients</h3>
        {location.protocol === "https:" && (
          <p>
            If the certificate is self-signed, a client has to be told to accept it:{" "}
            <code>framescope connect</code> with <code>--insecure</code>, <code>curl</code> with{" "}
            <code>-k</code>.
          </p>
        )}
        {commands.map(({ says, command }) => (
          <div key={command} class="command">
            <p>{says}</p>
            <Copyable text={command} />
          </div>
        ))}
      </aside>
    </div>
  );
}

/** A link to the list of frames, with only those of the demo's connections. */
function Frames({ marks }: { marks: readonly (Mark | null)[] }) {
  const ids = marks.map((mark) => mark?.conn.value ?? null).filter((id) => id !== null);
  if (ids.length === 0) {
    return paused.value ? (
      <p>The list of frames is paused: resume it in Live to see those of this demo.</p>
    ) : (
      <p>No WebSocket of this demo has been captured yet.</p>
    );
  }
  return (
    <p>
      {/* biome-ignore lint/a11y/useValidAnchor: it goes to the list; the click also sets the list's filter */}
      <a
        href="#frames"
        data-testid="demo-frames"
        data-conns={ids.join(",")}
        onClick={() => setFilter(`conn:${ids.join(",")}`)}
      >
        Show the frames of {ids.length === 1 ? "connection" : "connections"}{" "}
        {ids.map((id) => `#${id}`).join(", ")}
      </a>
    </p>
  );
}

/** A text with a button that copies it. */
export function Copyable({ text }: { text: string }) {
  const said = useSignal("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      said.value = "Copied";
    } catch {
      said.value = "Select the text to copy it";
    }
  };
  return (
    <div class="copyable">
      <code class={text.includes("\n") ? "lines" : undefined}>
        {text.split(/(\s)/).map((word) => (word.trim() === "" ? word : <span>{word}</span>))}
      </code>
      <button type="button" class="chip" onClick={() => void copy()} onBlur={() => (said.value = "")}>
        <span aria-live="polite">{said.value || "Copy"}</span>
        <span class="visually-hidden"> {text}</span>
      </button>
    </div>
  );
}

const stateTexts = {
  closed: "not connected",
  connecting: "connecting",
  open: "connected",
  waiting: "waiting to connect again",
};

/** The state of a connection, and why there is none. */
export function ConnectionState({
  state,
  problem,
}: {
  state: ReadonlySignal<keyof typeof stateTexts>;
  problem: ReadonlySignal<string>;
}) {
  return (
    <p class="connection-state" role="status" data-state={state.value}>
      <b>{stateTexts[state.value]}</b> {problem.value}
    </p>
  );
}

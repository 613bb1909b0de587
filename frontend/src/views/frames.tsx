// The frames panel: filter, buttons and the list.

import "./frames.css";
import { useEffect, useRef, useState } from "preact/hooks";
import { count, grouped, size } from "../format";
import * as play from "../playground";
import * as store from "../store";
import { hasTerm, toggleTerm } from "../terms";
import { FrameList } from "./list";
import { cells } from "./row";

const chips: readonly [key: string, value: string, name: string][] = [
  ["opcode", "text", "text"],
  ["opcode", "binary", "binary"],
  ["opcode", "continuation", "continuation"],
  ["opcode", "close", "close"],
  ["opcode", "ping", "ping"],
  ["opcode", "pong", "pong"],
  ["dir", "in", "client →"],
  ["dir", "out", "← server"],
  ["rule", "any", "⚠ breaches"],
];

export function FramesPanel() {
  return (
    <section class="panel frames" id="frames" aria-labelledby="frames-title">
      <div class="frames-bar">
        <h2 id="frames-title">
          <span class="number">2</span> Frames
        </h2>
        <Buttons />
      </div>
      <Filter />
      <List />
      <Footer />
      <Announcement />
    </section>
  );
}

function Buttons() {
  const { paused, follow } = store;
  return (
    <div class="buttons">
      <button
        type="button"
        aria-pressed={follow.value}
        onClick={() => store.setFollow(!follow.value)}
        title="Keep the newest frame in view (f)"
      >
        Follow
      </button>
      <button
        type="button"
        data-testid="pause"
        aria-pressed={paused.value}
        onClick={() => store.setPaused(!paused.value)}
        title={
          paused.value
            ? "Show the frames that the server has kept (p)"
            : "Stop the list; the server keeps new frames (p)"
        }
      >
        {paused.value ? "Resume" : "Pause"}
      </button>
      <button
        type="button"
        data-testid="clear"
        onClick={store.clear}
        title="Remove all frames and ended connections from this page (c)"
      >
        Clear
      </button>
    </div>
  );
}

function Filter() {
  const text = store.filterText.value;
  const problem = store.filterProblem.value;
  return (
    <search class="filter">
      <label class="visually-hidden" for="filter">
        Filter
      </label>
      <input
        id="filter"
        data-testid="filter"
        type="text"
        spellcheck={false}
        autocomplete="off"
        placeholder="Filter: opcode:text dir:in conn:1 rule:any   ( / )"
        value={text}
        aria-invalid={problem !== ""}
        aria-describedby="filter-problem"
        onInput={(e) => store.setFilter(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key !== "Escape") return;
          if (text === "") document.querySelector<HTMLElement>(".frame-list")?.focus();
          else store.setFilter("");
        }}
      />
      <p id="filter-problem" class="problem" role="status">
        {problem}
      </p>
      <div class="chips" role="group" aria-label="Show only">
        {chips.map(([key, value, name]) => (
          <button
            key={name}
            type="button"
            class={`chip ${key}`}
            aria-pressed={hasTerm(text, key, value)}
            onClick={() => store.setFilter(toggleTerm(text, key, value))}
          >
            {name}
          </button>
        ))}
        {store.selectedConn.value !== null && (
          <ConnChip conn={String(store.selectedConn.value)} text={text} />
        )}
      </div>
    </search>
  );
}

function ConnChip({ conn, text }: { conn: string; text: string }) {
  return (
    <button
      type="button"
      class="chip"
      aria-pressed={hasTerm(text, "conn", conn)}
      onClick={() => store.setFilter(toggleTerm(text, "conn", conn))}
    >
      connection #{conn}
    </button>
  );
}

function List() {
  const scroller = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!scroller.current) return;
    const list = new FrameList(scroller.current);
    return () => list.stop();
  }, []);
  const { seen, matched } = store.counts.value;
  return (
    <div class="frame-box">
      {/* biome-ignore lint/a11y/useFocusableInteractive: the grid itself has the focus */}
      <div class="frame-heads" id="frame-heads" role="row" aria-rowindex={1}>
        {cells.map(([name, title, hint]) => (
          // biome-ignore lint/a11y/useFocusableInteractive: column heads are not operated
          <span key={name} class={`cell-${name}`} title={hint} role="columnheader">
            {name === "time" ? <TimeHead /> : title}
          </span>
        ))}
      </div>
      <div
        class="frame-list"
        data-testid="frame-list"
        ref={scroller}
        role="grid"
        aria-label="Frames"
        aria-owns="frame-heads"
        aria-colcount={cells.length}
        tabIndex={0}
      />
      {matched === 0 && <Empty seen={seen} />}
      <Newest />
    </div>
  );
}

/** The head of the time column, a button that switches between times of day and times since the row above. */
function TimeHead() {
  const { spans } = store;
  return (
    <button
      type="button"
      class="link"
      aria-pressed={spans.value}
      title={spans.value ? "Show the time of day" : "Show the time since the row above"}
      onClick={() => {
        spans.value = !spans.value;
      }}
    >
      {spans.value ? "Since above" : "Time of day"}
    </button>
  );
}

/** Announces to screen readers how many frames match the filter, once it has not changed for a moment. */
function Announcement() {
  const [text, setText] = useState("");
  const filter = store.filterText.value;
  useEffect(() => {
    const timer = setTimeout(() => {
      setText(filter.trim() === "" ? "" : `The filter shows ${count(store.counts.peek().matched, "frame")}.`);
    }, 800);
    return () => clearTimeout(timer);
  }, [filter]);
  return (
    <p class="visually-hidden" role="status">
      {text}
    </p>
  );
}

/** A button that goes back to the newest frame. */
function Newest() {
  const { below, follow } = store;
  if (follow.value || below.value === 0) return null;
  return (
    <button type="button" class="newest" onClick={() => store.setFollow(true)}>
      ↓ {grouped(below.value)} newer
    </button>
  );
}

/** What the list shows when it has no rows. */
function Empty({ seen }: { seen: number }) {
  if (seen > 0) {
    return (
      <div class="empty">
        <p>No frame matches this filter.</p>
        <button type="button" onClick={() => store.setFilter("")}>
          Show all frames
        </button>
      </div>
    );
  }
  const sayHello = async () => {
    if (await play.connected()) play.sendMessage("Hello");
  };
  return (
    <div class="empty">
      <p class="empty-title">No frames yet.</p>
      <p>
        Connect on this page, or connect any WebSocket client to <code>{play.suggestions[0]}</code>. Each
        frame, in either direction, appears here at once.
      </p>
      <button
        type="button"
        class="main-button"
        onClick={() => void sayHello()}
        disabled={store.status.value !== "live"}
      >
        Connect and say Hello
      </button>
    </div>
  );
}

function Footer() {
  const { held, matched, bytesHeld, budget } = store.counts.value;
  const filtered = store.filterText.value.trim() !== "";
  return (
    <p class="frames-foot">
      {filtered ? `${grouped(matched)} of ${grouped(held)} frames shown` : `${grouped(held)} frames kept`}
      <span>
        {size(bytesHeld)} of {size(budget)}
      </span>
    </p>
  );
}

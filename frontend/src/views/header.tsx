// The top of the page: name, status, counts, and notices.

import "./header.css";
import { useEffect, useState } from "preact/hooks";
import { count, grouped, size } from "../format";
import { demo, demoAddress, type View, view } from "../route";
import { counts, failures, restart, status, statusText } from "../store";
import { nextTheme, theme } from "../theme";
import { helpOpen } from "./keys";

/** The bits of 0x81, the first byte of a final text frame, as the page's logo. */
const mark = [1, 0, 0, 0, 0, 0, 0, 1];
const markMeanings = ["fin", "rsv", "rsv", "rsv", "opcode", "opcode", "opcode", "opcode"];

export function Header() {
  const { seen, breaches, openConnections } = counts.value;
  return (
    <header class="top">
      <h1>
        <span class="mark" aria-hidden="true">
          {mark.map((bit, i) => (
            <i key={i} data-meaning={markMeanings[i]} class={bit ? "set" : ""} />
          ))}
        </span>
        Framescope
      </h1>
      <Views />
      <span
        class="status"
        data-testid="status"
        data-state={status.value}
        role="status"
        title={statusText.value}
      >
        {status.value}
      </span>
      <p class="counts">
        <span data-testid="frame-count" data-value={String(seen)}>
          <b>{grouped(seen)}</b> {seen === 1 ? "frame" : "frames"}
        </span>
        <span class={breaches > 0 ? "with-breaches" : ""}>
          <b>{grouped(breaches)}</b> {breaches === 1 ? "breach" : "breaches"}
        </span>
        <span data-testid="open-count" data-value={String(openConnections)}>
          <b>{grouped(openConnections)}</b> open
        </span>
      </p>
      <div class="top-buttons">
        <button type="button" onClick={nextTheme} title="Switch between the system's theme, light and dark">
          {theme.value === "auto" ? "◐ Auto" : theme.value === "light" ? "○ Light" : "● Dark"}
        </button>
        <button
          type="button"
          aria-haspopup="dialog"
          onClick={() => {
            helpOpen.value = true;
          }}
        >
          Help <kbd>?</kbd>
        </button>
      </div>
    </header>
  );
}

const views: readonly [name: View, title: string][] = [
  ["live", "Live"],
  ["demos", "Demos"],
];

/** Links to the views. Demos leads back to the demo that was shown last, and from there to the cards. */
function Views() {
  return (
    <nav class="views" aria-label="Views">
      {views.map(([name, title]) => (
        <a
          key={name}
          href={
            name === "demos" && view.value !== "demos" && demo.value ? demoAddress(demo.value) : `#${name}`
          }
          data-testid={`nav-${name}`}
          aria-current={view.value === name ? "page" : undefined}
        >
          {title}
        </a>
      ))}
    </nav>
  );
}

/** Sentences on anything unusual: what happened, then what to do. */
export function Notices() {
  const { lost, evicted, budget } = counts.value;
  const state = status.value;
  // The page says that it is loading only if that takes unusually long.
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 1500);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="notices">
      {state === "error" && (
        <p class="notice bad" role="alert">
          {statusText.value}{" "}
          <button type="button" onClick={restart}>
            Start again
          </button>
        </p>
      )}
      {(state === "offline" || state === "paused" || (state === "loading" && late)) && (
        <p class="notice" role="status">
          {statusText.value}
        </p>
      )}
      {failures.value !== "" && state !== "error" && <p class="notice">{failures.value}</p>}
      {lost > 0 && (
        <p class="notice">
          This page missed {count(lost, "frame")}: the server keeps only the newest frames, and does not wait
          for a page that cannot keep up. Start it with a larger --history to keep more.
        </p>
      )}
      {evicted > 0 && (
        <p class="notice quiet">
          The oldest {count(evicted, "frame")} {evicted === 1 ? "was" : "were"} removed: this page keeps at
          most {size(budget)} of frames.
        </p>
      )}
    </div>
  );
}

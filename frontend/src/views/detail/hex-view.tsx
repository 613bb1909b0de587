// The raw bytes of a frame as they were sent. Shape and colour distinguish header, length, key and payload.

import "./hex-view.css";
import { useEffect, useState } from "preact/hooks";
import { ascii, count, grouped, hex } from "../../format";
import type { FrameDetail } from "../../generated/layout";
import { meaning, type Run, runs } from "./figure";

/** Bytes shown at first, and how many more each time. */
const firstBytes = 256;
const moreBytes = 4096;

interface Props {
  detail: FrameDetail;
  wire: Uint8Array;
  /** Whether it shows the selected frame; the example frame has no test id. */
  live: boolean;
}

/** The number of bytes in a line, fewer on a narrow screen. */
function useLineBytes(): number {
  const query = "(max-width: 520px)";
  const [narrow, setNarrow] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const changed = () => setNarrow(media.matches);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, []);
  return narrow ? 8 : 16;
}

export function HexView({ detail, wire, live }: Props) {
  const width = useLineBytes();
  const [limit, setLimit] = useState(firstBytes);
  const all = runs(detail);
  const shown = Math.min(limit, wire.length);
  const lines = Array.from({ length: Math.ceil(shown / width) }, (_, i) => i * width);
  const id = live ? { "data-testid": "hex-view" } : {};
  return (
    <div class="hex">
      <div class="hex-lines" {...id}>
        {lines.map((from) => (
          <Line
            key={from}
            from={from}
            to={Math.min(from + width, shown)}
            width={width}
            all={all}
            wire={wire}
          />
        ))}
      </div>
      {wire.length > shown && (
        <button type="button" class="more" onClick={() => setLimit(limit + moreBytes)}>
          Show {count(Math.min(moreBytes, wire.length - shown), "more byte")} of {grouped(wire.length)}
        </button>
      )}
      <Legend all={all} />
      {detail.cut && (
        <p class="aside">
          {detail.partial
            ? "This frame is incomplete: the connection ended inside it, or its receiver stopped reading it."
            : `Only the first ${count(detail.captured, "byte")} of ${grouped(BigInt(detail.wireSize))} were captured. Start the server with a larger --snap to capture more; while frames flood in, it captures at most 128 bytes of each payload.`}
        </p>
      )}
    </div>
  );
}

interface LineProps {
  from: number;
  to: number;
  width: number;
  all: Run[];
  wire: Uint8Array;
}

function Line({ from, to, width, all, wire }: LineProps) {
  const inside = all.filter((run) => run.from < to && run.to > from);
  const offsets = (run: Run) => {
    const start = Math.max(run.from, from);
    return Array.from({ length: Math.min(run.to, to) - start }, (_, i) => start + i);
  };
  const byte = (at: number) => wire[at] ?? 0;
  return (
    <div class="hex-line">
      <span class="hex-offset" aria-hidden="true">
        {from.toString(16).padStart(4, "0")}
      </span>
      <span class="hex-bytes" style={{ minWidth: `${width * 3}ch` }}>
        {inside.map((run) => (
          <span
            key={run.from}
            class={`run ${run.kind}`}
            data-link={run.fields.join(" ")}
            data-meaning={meaning(run.fields[0] ?? "")}
          >
            {" "}
            <span class="run-box" style={{ backgroundImage: underline(run) }}>
              {offsets(run).map((at, i) => (
                <span key={at} data-at={at}>
                  {i === 0 ? "" : " "}
                  {hex(byte(at))}
                </span>
              ))}
            </span>
          </span>
        ))}
      </span>
      <span class="hex-ascii" aria-hidden="true">
        {inside.map((run) => (
          <span key={run.from} data-link={run.fields.join(" ")} data-meaning={meaning(run.fields[0] ?? "")}>
            {offsets(run)
              .map((at) => ascii(byte(at)))
              .join("")}
          </span>
        ))}
      </span>
    </div>
  );
}

/** A line below a byte, divided like its bits among fields. */
function underline(run: Run): string {
  let at = 0;
  const stops = run.shares.map(({ name, share }) => {
    const from = at;
    at += share * 100;
    return `var(--${meaning(name)}) ${from}% ${at}%`;
  });
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}

const kinds = [
  ["header", "first two bytes"],
  ["length", "extended length"],
  ["key", "masking key"],
  ["payload", "payload"],
] as const;

function Legend({ all }: { all: Run[] }) {
  return (
    <p class="legend">
      {kinds
        .filter(([kind]) => all.some((run) => run.kind === kind))
        .map(([kind, text]) => (
          <span key={kind} class={`run ${kind}`}>
            <span class="run-box sample">00</span> {text}
          </span>
        ))}
    </p>
  );
}

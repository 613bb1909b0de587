// The list of connections, newest first: path, frames and bytes, and how each ended.

import "./connections.css";
import { remoteOf, textOf } from "../columns";
import { count, duration, grouped, size } from "../format";
import { closer, connStates } from "../generated/layout";
import { type ConnColumns, conns, filterText, selectConn, selectedConn, setFilter } from "../store";
import { hasTerm, toggleTerm } from "../terms";

const closers = { [closer.client]: "the client", [closer.server]: "the server", [closer.unknown]: "" };

export function Connections() {
  const shown = conns.value;
  const seen = shown?.seen ?? 0;
  return (
    <section class="panel connections" aria-labelledby="connections-title">
      <h2 id="connections-title">
        <span class="number">1.1</span> Connections
        {seen > 0 && (
          <span class="tally" data-testid="conn-count" data-value={seen}>
            {grouped(seen)}
          </span>
        )}
      </h2>
      {!shown || shown.count === 0 ? (
        <p class="aside">No connections yet. Those to /ws/echo and /ws/chat appear here, from any client.</p>
      ) : (
        <ul>
          {Array.from({ length: shown.count }, (_, i) => (
            <Connection key={shown.columns.id[i]} columns={shown.columns} i={i} />
          ))}
        </ul>
      )}
      {shown && shown.held > shown.count && <p class="aside">Only the newest {shown.count} are shown.</p>}
    </section>
  );
}

function Connection({ columns, i }: { columns: ConnColumns; i: number }) {
  const id = columns.id[i] ?? 0;
  const state = connStates[columns.state[i] ?? 0] ?? "open";
  const path = textOf(columns, i) || "(request not captured)";
  const remote = remoteOf(columns, i);
  const breaches = columns.breaches[i] ?? 0;
  const filtered = hasTerm(filterText.value, "conn", String(id));
  const ended = state === "closed" || state === "refused";
  return (
    <li>
      <button
        type="button"
        class="conn-row"
        data-testid="conn-row"
        data-conn={id}
        data-state={ended ? "closed" : "open"}
        data-path={path}
        aria-pressed={selectedConn.value === id}
        onClick={() => selectConn(id)}
      >
        <span class="conn-head">
          <b>#{id}</b>
          <span class="conn-path">{path}</span>
          <span class={`conn-state ${state}`}>{state}</span>
        </span>
        {remote.includes(", HTTP/2") && <span class="conn-more">{streamOf(remote)}</span>}
        <span class="conn-more">
          → {count(columns.framesIn[i] ?? 0, "frame")} · {size(Number(columns.bytesIn[i] ?? 0))}
        </span>
        <span class="conn-more">
          ← {count(columns.framesOut[i] ?? 0, "frame")} · {size(Number(columns.bytesOut[i] ?? 0))}
        </span>
        {ended && <span class="conn-more">{ending(columns, i, state)}</span>}
        {breaches > 0 && <span class="conn-breaches">⚠ {count(breaches, "frame")} with breaches</span>}
      </button>
      <button
        type="button"
        class="chip"
        aria-pressed={filtered}
        title={`Show only frames of connection #${id}`}
        onClick={() => setFilter(toggleTerm(filterText.value, "conn", String(id)))}
      >
        only
      </button>
    </li>
  );
}

/** Which stream of which connection a WebSocket over HTTP/2 is. */
function streamOf(remote: string): string {
  const [address, stream] = remote.split(", ");
  return `${stream} of ${address}`;
}

/** How a connection ended, in words. */
function ending(columns: ConnColumns, i: number, state: string): string {
  if (state === "refused") return `refused with HTTP status ${columns.status[i]}`;
  const who = closers[(columns.closer[i] ?? closer.unknown) as keyof typeof closers];
  const code = columns.code[i] ?? 0;
  const opened = columns.opened[i] ?? 0n;
  const ended = columns.ended[i] ?? 0n;
  const after =
    opened > 0n && ended > opened ? ` after ${duration(Number((ended - opened) / 1000n) / 1000)}` : "";
  const by = who ? ` by ${who}` : "";
  if (code === 0) return `ended${by} without a close frame${after}`;
  return `closed${by} ${code === 1005 ? "without a code" : `with code ${code}`}${after}`;
}

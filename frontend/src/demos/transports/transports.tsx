// The transports demo: what one message costs on each transport, and what each transport lacks.

import style from "style:./transports.css";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { count, grouped } from "../../format";
import { Stage } from "../stage";
import { TextField } from "../text-field";
import { type Cost, type Costs, measure, type Property, properties, type Row, total } from "./costs";

export { style };

export function Demo() {
  const text = useSignal("hello");
  const costs = useSignal<Costs | null>(null);
  const problem = useSignal("");
  const busy = useSignal(false);
  const run = async () => {
    busy.value = true;
    const result = await measure(text.value);
    busy.value = false;
    problem.value = typeof result === "string" ? result : "";
    if (typeof result !== "string") costs.value = result;
  };
  useEffect(() => void run(), []);
  const url = new URL("/api/transports?text=hello", location.href).href;
  return (
    <Stage
      ready={costs.value !== null || problem.value !== ""}
      marks={[]}
      frames="The server measures between sockets of its own, which are not captured."
      url={url}
      commands={[
        { says: "The same measurement, as JSON:", command: `curl '${url}'` },
        {
          says: "The chat's room lobby can be joined over TCP and UDP, too. Stop the server and start it with both:",
          command: "bin/framescope serve --tcp :8555 --udp :9555",
        },
        {
          says: "Join over TCP. The first line is your name, each further one is said, and QUIT leaves:",
          command: "nc 127.0.0.1 8555",
        },
        {
          says: "Join over UDP. Each datagram is a message: JOIN ann joins, HEARTBEAT keeps you there, QUIT leaves:",
          command: "nc -u 127.0.0.1 9555",
        },
      ]}
    >
      <form
        class="settings"
        onSubmit={(e) => {
          e.preventDefault();
          void run();
        }}
      >
        <TextField label="Message" id="transports-text" value={text} class="message" placeholder="hello" />
        <div class="buttons">
          <button type="submit" class="main-button" data-testid="transports-measure" disabled={busy.value}>
            Measure
          </button>
        </div>
        <p class={problem.value ? "problem" : "aside"} role="status">
          {problem.value || (busy.value ? "Measuring…" : costs.value ? summary(costs.value) : "")}
        </p>
      </form>
      {costs.value && <Bars costs={costs.value} />}
      {costs.value && <Numbers costs={costs.value} />}
      {costs.value && <Lacks rows={costs.value.transports} />}
    </Stage>
  );
}

function summary({ bytes, packets, transports }: Costs): string {
  const wires = transports.map((row) => size(row.send, packets));
  const [least, most] = [Math.min(...wires), Math.max(...wires)];
  return `${count(bytes, "byte")} of text cost ${grouped(least)} to ${count(most, "byte")} to send.`;
}

/** Bytes with all headers where packets are counted, otherwise those of the sockets. */
function size(cost: Cost, packets: boolean): number {
  return packets ? total(cost).wire : total(cost).bytes;
}

function Bars({ costs }: { costs: Costs }) {
  const longest = Math.max(1, ...costs.transports.map((row) => size(row.send, costs.packets)));
  return (
    <figure class="bars">
      <figcaption>
        Bytes to send one message from client to server, both directions
        {costs.packets && ", headers of the packets and acknowledgements included"}
      </figcaption>
      <ul>
        {costs.transports.map((row) => {
          const all = size(row.send, costs.packets);
          const part = (bytes: number) => `${(100 * bytes) / longest}%`;
          const own = Math.min(costs.bytes, all);
          return (
            <li key={row.id} data-testid="transport-bar" data-transport={row.id} data-bytes={all}>
              <span class="name">{row.name}</span>
              <span class="track" aria-hidden="true">
                <i class="text" style={{ width: part(own) }} />
                <i class="rest" style={{ width: part(all - own) }} />
              </span>
              <span class="bytes">{grouped(all)} B</span>
            </li>
          );
        })}
      </ul>
      <p class="aside keys">
        <span class="text-key">the text itself</span> <span class="rest-key">everything around it</span>
      </p>
    </figure>
  );
}

const propertyTexts: Record<Property, [title: string, meaning: string]> = {
  order: ["Order", "Messages come in the order in which they were sent"],
  framing: ["Framing", "The receiver sees where a message ends"],
  arrival: ["Arrival", "What was lost on the way is sent again"],
  identity: ["Identity", "Nobody can send in the peer's name by writing another sender's address"],
  bothWays: ["Both ways", "The server can send at any time, without being asked"],
};

function Numbers({ costs }: { costs: Costs }) {
  const cell = (cost: Cost) => {
    const { bytes, packets, wire } = total(cost);
    return (
      <td>
        {grouped(costs.packets ? wire : bytes)} B{costs.packets && <small>{count(packets, "packet")}</small>}
      </td>
    );
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <div class="numbers" role="group" aria-label="Costs and properties" tabIndex={0}>
      <table data-testid="transports-table">
        <thead>
          <tr>
            <th scope="col">Transport</th>
            <th scope="col">Setup</th>
            <th scope="col">To send</th>
            <th scope="col">To receive</th>
            {properties.map((name) => (
              <th key={name} scope="col" title={propertyTexts[name][1]}>
                {propertyTexts[name][0]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {costs.transports.map((row) => (
            <tr key={row.id}>
              <th scope="row">{row.name}</th>
              {cell(row.setup)}
              {cell(row.send)}
              {cell(row.receive)}
              {properties.map((name) => (
                <td key={name} class={row.has[name] ? "yes" : "no"}>
                  {row.has[name] ? "yes" : "no"}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Lacks({ rows }: { rows: readonly Row[] }) {
  return (
    <dl class="lacks">
      {rows.map((row) => (
        <div key={row.id}>
          <dt>{row.name}</dt>
          <dd>
            {[...row.lacks, row.note].filter((sentence) => sentence !== "").join(" ") ||
              "It lacks none of these."}
          </dd>
        </div>
      ))}
    </dl>
  );
}

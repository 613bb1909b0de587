// The selected frame: its properties, its breaches, its bits, its bytes, its payload.

import "./frame-detail.css";
import type { Frame } from "../../engine/engine";
import { count, timeOfDay } from "../../format";
import type { FrameDetail as Detail, FrameBreach, FrameField } from "../../generated/layout";
import { frame, goTo, handshake, missing, selected, selectedConn } from "../../store";
import { Section } from "../section";
import { BitGrid } from "./bit-grid";
import { ExampleFrame } from "./example";
import { fieldText, label, meaning } from "./figure";
import { HandshakeView } from "./handshake-view";
import { HexView } from "./hex-view";
import { highlightHandlers } from "./highlight";
import { PayloadView } from "./payload-view";

/** The third part of the page: one frame, and the handshake of its connection. */
export function DetailPanel() {
  return (
    <section class="panel detail" id="detail" aria-labelledby="detail-title" tabIndex={-1}>
      {frame.value === null ? <Nothing /> : <FrameView key={frame.value.detail.seq} frame={frame.value} />}
      {handshake.value !== null && (
        <section class="plate">
          <h3>
            <span class="number">3.4</span> Handshake of connection #{selectedConn.value}
            <Section name="RFC 6455 4.2.1" />
          </h3>
          <HandshakeView handshake={handshake.value} />
        </section>
      )}
    </section>
  );
}

function Nothing() {
  const gone = selected.value !== null && missing.value;
  return (
    <>
      <h2 id="detail-title">
        <span class="number">3</span> One frame
      </h2>
      {gone && (
        <p class="aside">
          Frame {String(selected.value)} has been removed: this page removes the oldest frames first. Select
          another one.
        </p>
      )}
      {selected.value === null && <ExampleFrame />}
    </>
  );
}

function FrameView({ frame }: { frame: Frame }) {
  const { detail, wire } = frame;
  return (
    <div data-testid="frame-detail" data-seq={detail.seq} {...highlightHandlers}>
      <h2 id="detail-title">
        <span class="number">3</span> Frame {detail.seq}
        <span class="opcode-name">{detail.opcode}</span>
        <span class="way">{detail.dir === "in" ? "client → server" : "client ← server"}</span>
      </h2>
      <Meta detail={detail} />
      <Breaches breaches={detail.breaches} />
      <section class="plate">
        <h3>
          <span class="number">3.1</span> Header, bit by bit <Section name="RFC 6455 5.2" />
        </h3>
        {detail.fields.length === 0 && (
          <p class="aside">The header is incomplete: the connection ended inside it.</p>
        )}
        <BitGrid detail={detail} wire={wire} live={true} />
        <Fields fields={detail.fields} />
      </section>
      <section class="plate">
        <h3>
          <span class="number">3.2</span> Bytes, as they crossed the wire
        </h3>
        <HexView detail={detail} wire={wire} live={true} />
      </section>
      <section class="plate">
        <h3>
          <span class="number">3.3</span> Payload
          {detail.fields.some((f) => f.name === "masking-key") ? ", unmasked" : ""}
          {detail.inflatedSize === null ? "" : ", inflated"}
        </h3>
        <PayloadView frame={frame} />
      </section>
    </div>
  );
}

/** Shows another frame. The focus moves to its details, since the link that was clicked is removed. */
function show(seq: string): void {
  goTo(BigInt(seq));
  document.querySelector<HTMLElement>("#detail")?.focus();
}

function Meta({ detail }: { detail: Detail }) {
  const nanoseconds = detail.time.slice(-9);
  const time = `${timeOfDay(BigInt(detail.time)).slice(0, 8)}.${nanoseconds}`;
  const { message } = detail;
  return (
    <p class="meta">
      connection #{detail.conn} ·{" "}
      {detail.fields.length === 0
        ? `${count(BigInt(detail.wireSize), "byte")} of an incomplete header`
        : `${count(BigInt(detail.length), "payload byte")} · ${count(BigInt(detail.wireSize), "byte")} on the wire`}{" "}
      · <time>{time}</time>
      {message && message.fragment > 0 && (
        <>
          {" "}
          · fragment {message.fragment}
          {message.last ? ", the last," : ""} of{" "}
          {message.kind === "unknown"
            ? "a message whose beginning was not captured"
            : `a ${message.kind} message`}
          {message.firstSeq !== detail.seq && message.kind !== "unknown" && (
            <>
              {" that began in "}
              <button type="button" class="link" onClick={() => show(message.firstSeq)}>
                frame {message.firstSeq}
              </button>
            </>
          )}
        </>
      )}
    </p>
  );
}

function Breaches({ breaches }: { breaches: FrameBreach[] }) {
  if (breaches.length === 0) return null;
  return (
    <ul class="breaches" aria-label="Rules that this frame breaks">
      {breaches.map((breach) => (
        <li key={breach.rule}>
          <span class="breach-sign" aria-hidden="true">
            !
          </span>
          <span>
            <b>{sentence(breach.text)}</b> <Section name={breach.section} />
            <br />
            <code>{breach.rule}</code>: a receiver that follows the RFC closes the connection with code{" "}
            {breach.closeCode}.
          </span>
        </li>
      ))}
    </ul>
  );
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

/** Groups consecutive fields with equal value and text, usually the three reserved bits, into one line. */
function shared(fields: FrameField[]): FrameField[][] {
  const lines: FrameField[][] = [];
  for (const field of fields) {
    const before = lines.at(-1);
    if (before?.[0]?.text === field.text && before[0].value === field.value) before.push(field);
    else lines.push([field]);
  }
  return lines;
}

function Fields({ fields }: { fields: FrameField[] }) {
  return (
    <table class="fields">
      <caption class="visually-hidden">The header's fields, explained</caption>
      <colgroup>
        <col class="col-name" />
        <col class="col-value" />
        <col />
        <col class="col-section" />
      </colgroup>
      <tbody>
        {shared(fields).map((line) => (
          <FieldLine key={line[0]?.name} line={line} />
        ))}
      </tbody>
    </table>
  );
}

function FieldLine({ line }: { line: FrameField[] }) {
  const [field] = line;
  if (!field) return null;
  const lastNumber = line.length > 1 ? `–${label(line.at(-1)?.name ?? "").slice(-1)}` : "";
  return (
    <tr class="field-row" data-link={line.map((f) => f.name).join(" ")} data-meaning={meaning(field.name)}>
      <th scope="row">
        {label(field.name).replace("payload length", "len")}
        {lastNumber}
      </th>
      <td class="field-value">{line.map(fieldText).join(" ")}</td>
      <td>{field.text}</td>
      <td>
        <Section name={field.section} short />
      </td>
    </tr>
  );
}

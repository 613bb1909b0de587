// The payload of a frame, unmasked and inflated: text as text, JSON formatted, anything else as a dump.

import "./payload-view.css";
import { useState } from "preact/hooks";
import type { Frame } from "../../engine/engine";
import { ascii, count, grouped, hex } from "../../format";
import { prettyJSON } from "../../json";
import { Section } from "../section";

/** Characters or bytes shown at first, and how many more each time. */
const firstShown = 4096;
const moreShown = 65536;

const decoder = new TextDecoder();

export function PayloadView({ frame }: { frame: Frame }) {
  const { detail, payload } = frame;
  return (
    <div class="payload">
      {detail.compressed && <Compression frame={frame} />}
      <div data-testid="payload-view">
        {detail.close && <ClosePayload frame={frame} />}
        {!detail.close && payload.length === 0 && <p class="aside">This frame has no payload.</p>}
        {!detail.close && payload.length > 0 && <Content frame={frame} />}
      </div>
      {detail.unmasked !== "" && detail.fields.some((f) => f.name === "masking-key") && (
        <Unmasking frame={frame} />
      )}
    </div>
  );
}

/** The sizes before and after inflating, and why the payload could not be inflated if so. */
function Compression({ frame: { detail } }: { frame: Frame }) {
  const { inflatedSize, inflateNote, length } = detail;
  return (
    <p class="aside">
      {inflatedSize !== null && (
        <>
          Inflated: {count(BigInt(length), "byte")} on the wire, {count(BigInt(inflatedSize), "byte")} here
          {ratio(length, inflatedSize)}. <Section name="RFC 7692 7.2.2" />{" "}
        </>
      )}
      {inflateNote}
    </p>
  );
}

function ratio(wire: string, inflated: string): string {
  const [from, to] = [Number(wire), Number(inflated)];
  return from > 0 && to > 0 ? `, ${Math.round((100 * from) / to)} %` : "";
}

function ClosePayload({ frame: { detail } }: { frame: Frame }) {
  if (!detail.close) return null;
  const { name, reason } = detail.close;
  return (
    <dl class="close-payload">
      <dt>Close code</dt>
      <dd>
        <b>{name}</b>
      </dd>
      <dt>Reason</dt>
      <dd>{reason === "" ? <span class="aside">none given</span> : <q>{reason}</q>}</dd>
    </dl>
  );
}

function isText(frame: Frame): boolean {
  const { payloadKind, payloadValid, message } = frame.detail;
  if (payloadKind === "text") return true;
  return payloadKind === "control" && payloadValid && message === null;
}

function Content({ frame }: { frame: Frame }) {
  const [limit, setLimit] = useState(firstShown);
  const [plain, setPlain] = useState(false);
  const { detail, payload } = frame;
  if (!isText(frame)) {
    return (
      <>
        <pre class="dump">{dump(payload.subarray(0, limit))}</pre>
        <More shown={limit} total={payload.length} unit="byte" more={() => setLimit(limit + moreShown)} />
      </>
    );
  }
  const text = decoder.decode(payload);
  const pretty = prettyJSON(text);
  const shown = pretty !== null && !plain ? pretty : text;
  return (
    <>
      {pretty !== null && (
        <div class="choice" role="group" aria-label="Show as">
          <button type="button" aria-pressed={!plain} onClick={() => setPlain(false)}>
            Formatted JSON
          </button>
          <button type="button" aria-pressed={plain} onClick={() => setPlain(true)}>
            As sent
          </button>
        </div>
      )}
      <pre class="text">{shown.slice(0, limit)}</pre>
      <More shown={limit} total={shown.length} unit="character" more={() => setLimit(limit + moreShown)} />
      {!detail.payloadValid && detail.message?.fragment === 0 && !detail.cut && (
        <p class="aside">The payload is not valid UTF-8: invalid bytes are shown as �.</p>
      )}
    </>
  );
}

interface MoreProps {
  shown: number;
  total: number;
  unit: string;
  more: () => void;
}

function More({ shown, total, unit, more }: MoreProps) {
  if (total <= shown) return null;
  return (
    <button type="button" class="more" onClick={more}>
      Show {count(Math.min(moreShown, total - shown), `more ${unit}`)} of {grouped(total)}
    </button>
  );
}

function dump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const line = [...bytes.subarray(at, at + 16)];
    const left = line.map(hex).join(" ").padEnd(47);
    lines.push(`${at.toString(16).padStart(4, "0")}  ${left}  ${line.map(ascii).join("")}`);
  }
  return lines.join("\n");
}

/** RFC 6455 5.3 by example: each masked byte, the key's byte below it, and the result. */
function Unmasking({ frame: { detail, wire } }: { frame: Frame }) {
  const field = detail.fields.find((f) => f.name === "masking-key");
  if (!field) return null;
  const keyAt = field.bit / 8;
  const plain = detail.unmasked.split(" ");
  const steps = plain.map((byte, i) => ({
    masked: hex(wire[detail.headerSize + i] ?? 0),
    key: hex(wire[keyAt + (i % 4)] ?? 0),
    plain: byte,
    sign: detail.compressed ? "" : ascii(Number.parseInt(byte, 16)),
  }));
  const rows = [
    ["on the wire", "masked"],
    ["XOR key", "key"],
    ["payload", "plain"],
    ["", "sign"],
  ] as const;
  return (
    <figure class="unmasking">
      <table>
        <tbody>
          {rows.map(([name, part]) => (
            <tr key={part} class={part}>
              <th scope="row">{name}</th>
              {steps.map((step, i) => (
                <td key={i}>{step[part]}</td>
              ))}
              <td class="rest">{BigInt(detail.length) > BigInt(plain.length) ? "…" : ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <figcaption>
        Payload byte i is byte i on the wire XOR byte i mod 4 of the masking key (
        <Section name="RFC 6455 5.3" />
        ).
      </figcaption>
    </figure>
  );
}

// The bit grid: a frame's header drawn as in the RFC, with the bits that were sent.

import "./bit-grid.css";
import { hex } from "../../format";
import type { FrameDetail } from "../../generated/layout";
import { fieldText, fieldValue, label, meaning, type Piece, payloadPieces, pieces, rowBits } from "./figure";

const columns = Array.from({ length: rowBits }, (_, i) => i);
/** The first two rows of the grid show the numbers of the bits. */
const numberRows = 2;

interface Props {
  detail: FrameDetail;
  wire: Uint8Array;
  /** Whether it shows the selected frame; the example frame has no test ids. */
  live: boolean;
}

/** The figure of RFC 6455 section 5.2 for one frame. */
export function BitGrid({ detail, wire, live }: Props) {
  const id = live ? { "data-testid": "bit-grid" } : {};
  return (
    <div class="bit-grid" {...id} role="group" aria-label="Frame header, 32 bits a row">
      <Numbers />
      {pieces(detail.fields).map((piece) => (
        <Cell key={`${piece.field.name}-${piece.row}`} piece={piece} opcode={detail.opcode} />
      ))}
      <PayloadCells detail={detail} wire={wire} />
    </div>
  );
}

/** Bit numbers as in the figure: tens above, units below. */
function Numbers() {
  return (
    <>
      {columns.map((i) => (
        <span class="bit-number" key={`t${i}`} aria-hidden="true" style={{ gridColumn: i + 1, gridRow: 1 }}>
          {i % 10 === 0 ? i / 10 : ""}
        </span>
      ))}
      {columns.map((i) => (
        <span class="bit-number" key={`u${i}`} aria-hidden="true" style={{ gridColumn: i + 1, gridRow: 2 }}>
          {i % 10}
        </span>
      ))}
    </>
  );
}

function Cell({ piece, opcode }: { piece: Piece; opcode: string }) {
  const { field, bits, first, named } = piece;
  const data = first
    ? { "data-field": field.name, "data-value": fieldValue(field), tabIndex: 0, title: field.text }
    : { "aria-hidden": true };
  const narrow = field.bits === 1;
  const place = {
    gridColumn: `${piece.column + 1} / span ${bits.length}`,
    gridRow: piece.row + 1 + numberRows,
  };
  return (
    <div
      class={`bit-cell ${narrow ? "narrow" : ""} ${piece.continues ? "continues" : ""} ${first ? "" : "continued"}`}
      data-link={field.name}
      data-meaning={meaning(field.name)}
      style={place}
      {...data}
    >
      <Bits text={bits} />
      {narrow ? (
        <span class="bit-name upright">
          {[...label(field.name)].map((letter, i) => (
            <span key={i}>{letter}</span>
          ))}
        </span>
      ) : (
        <span class="bit-name">
          {label(field.name)}
          {named ? "" : first ? " …" : " (continued)"}
        </span>
      )}
      {!narrow && named && (
        <span class="bit-value">{field.name === "opcode" ? shortOpcode(opcode) : fieldText(field)}</span>
      )}
    </div>
  );
}

/** An opcode's name, shortened to fit into four bits of the figure. */
function shortOpcode(name: string): string {
  return name.length > 7 ? `${name.slice(0, 4)}.` : name;
}

/** Bits, each below its number. */
function Bits({ text }: { text: string }) {
  return (
    <span class="bits">
      {[...text].map((bit, i) => (
        <span key={i} class={bit === "1" ? "one" : "zero"}>
          {bit}
        </span>
      ))}
    </span>
  );
}

/** The first bits of the payload, as they were sent. */
function PayloadCells({ detail, wire }: { detail: FrameDetail; wire: Uint8Array }) {
  const size = detail.captured - detail.headerSize;
  return (
    <>
      {payloadPieces(detail).map(({ row, column, bits }, i, all) => {
        const from = row * 4 + column / 8;
        const bytes = wire.subarray(from, from + bits / 8);
        const shown = all.reduce((sum, p) => sum + p.bits / 8, 0);
        const last = i === all.length - 1;
        return (
          <div
            key={row}
            class={`bit-cell payload-cell ${last && shown < size ? "open-ended" : ""} ${i > 0 ? "continued" : ""} ${last ? "" : "continues"}`}
            data-link="payload"
            data-meaning="payload"
            style={{ gridColumn: `${column + 1} / span ${bits}`, gridRow: row + 1 + numberRows }}
          >
            <Bits text={[...bytes].map((b) => b.toString(2).padStart(8, "0")).join("")} />
            {bits >= 16 && (
              <span class="bit-name">{i === 0 ? "Payload Data" : "Payload Data (continued)"}</span>
            )}
            <span class="bit-value">{[...bytes].map(hex).join(" ")}</span>
          </div>
        );
      })}
    </>
  );
}

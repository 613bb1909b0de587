// The RFC's example frame, which the detail panel shows until a frame is selected.

import type { FrameDetail } from "../../generated/layout";
import { goldenDetail1 } from "../../generated/layout";
import { Section } from "../section";
import { BitGrid } from "./bit-grid";
import { HexView } from "./hex-view";
import { highlightHandlers } from "./highlight";

/** RFC 6455 5.7: a single-frame masked text message, "Hello". */
const wire = Uint8Array.of(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58);
const detail: FrameDetail = goldenDetail1;

export function ExampleFrame() {
  return (
    <div class="example" {...highlightHandlers}>
      <p class="lead">
        Select a frame in the list to see its bits. Until then, this is the example of{" "}
        <Section name="RFC 6455 5.7" />, a masked “Hello”.
      </p>
      <BitGrid detail={detail} wire={wire} live={false} />
      <div class="example-hex">
        <HexView detail={detail} wire={wire} live={false} />
      </div>
      <dl class="glossary">
        <dt data-meaning="fin">FIN</dt>
        <dd>set in the last frame of a message</dd>
        <dt data-meaning="rsv">RSV</dt>
        <dd>reserved for extensions, otherwise 0</dd>
        <dt data-meaning="opcode">opcode</dt>
        <dd>the type of the frame</dd>
        <dt data-meaning="mask">MASK</dt>
        <dd>set by clients, never by servers</dd>
        <dt data-meaning="length">length</dt>
        <dd>in 7 bits, or in the next 16 or 64</dd>
        <dt data-meaning="key">key</dt>
        <dd>XORed with the payload</dd>
      </dl>
    </div>
  );
}

// What stands where a frame will: the RFC's own example, drawn as every frame is.

import type { FrameDetail } from "../../generated/layout";
import { goldenDetail1 } from "../../generated/layout";
import { Section } from "../section";
import { BitGrid } from "./bit-grid";
import { HexView } from "./hex-view";
import { linking } from "./lit";

/** RFC 6455 5.7: a single-frame masked text message, "Hello". */
const wire = Uint8Array.of(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58);
const detail: FrameDetail = goldenDetail1;

export function Specimen() {
  return (
    <div class="specimen" {...linking}>
      <p class="lead">
        Choose a frame in the list, and its bits stand here. Until then, a specimen: the masked “Hello” of{" "}
        <Section name="RFC 6455 5.7" />.
      </p>
      <BitGrid detail={detail} wire={wire} live={false} />
      <div class="specimen-hex">
        <HexView detail={detail} wire={wire} live={false} />
      </div>
      <dl class="glossary">
        <dt data-meaning="fin">FIN</dt>
        <dd>this frame ends its message</dd>
        <dt data-meaning="rsv">RSV</dt>
        <dd>reserved for extensions, else 0</dd>
        <dt data-meaning="opcode">opcode</dt>
        <dd>what the frame is for</dd>
        <dt data-meaning="mask">MASK</dt>
        <dd>set by clients, never by servers</dd>
        <dt data-meaning="length">length</dt>
        <dd>in 7 bits, or the 16 or 64 that follow</dd>
        <dt data-meaning="key">key</dt>
        <dd>XORed over the payload</dd>
      </dl>
    </div>
  );
}

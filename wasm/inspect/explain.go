// One line on each header field, for the person who looks at its bits.

package inspect

import (
	"strconv"

	"framescope/protocol"
)

// explain says what a field's value means in this frame, and the section. deflate says
// that permessage-deflate was agreed on.
func explain(f protocol.Field, h protocol.Header, from protocol.Side, flags rowFlags, deflate bool) (text, section string) {
	const framing = "RFC 6455 5.2"
	switch f.Name {
	case "fin":
		if !h.Fin && h.Opcode.Control() {
			return "Not set, but control frames must not be fragmented.", "RFC 6455 5.5"
		}
		return explainFin(h), "RFC 6455 5.4"
	case "rsv1", "rsv2", "rsv3":
		if f.Name == "rsv1" && flags&flagCompressed != 0 {
			return explainRSV1(f.Value, h.Opcode), "RFC 7692 6"
		}
		if f.Name == "rsv1" && f.Value == 0 && deflate && (h.Opcode == protocol.OpText || h.Opcode == protocol.OpBinary) {
			return "0: this message is not compressed, though both sides agreed that it may be (permessage-deflate).", "RFC 7692 6"
		}
		if f.Value == 0 {
			return "Reserved, 0: no extension uses this bit here.", framing
		}
		return "Set: only an extension that both sides agreed on may give it a meaning.", framing
	case "opcode":
		return explainOpcode(h.Opcode), opcodeSection(h.Opcode)
	case "mask":
		return explainMask(h.Masked, from), "RFC 6455 5.1"
	case "payload-len":
		return explainLength(f.Value), framing
	case "extended-length":
		return "The payload is " + count(f.Value, "byte") + " long, in " + strconv.Itoa(f.Bits) + " bits, highest byte first.", framing
	default:
		return "Payload byte i is XORed with byte i mod 4 of this key, chosen anew for each frame.", "RFC 6455 5.3"
	}
}

func explainRSV1(value uint64, o protocol.Opcode) string {
	switch {
	case value == 0:
		return "0, as in every fragment but the first: that one says that the message is compressed."
	case o == protocol.OpContinuation:
		return "Set, but only the first fragment says that a message is compressed."
	}
	return "Set: this message is compressed, as both sides agreed (permessage-deflate)."
}

func explainFin(h protocol.Header) string {
	switch {
	case !h.Fin:
		return "More fragments of this message follow."
	case h.Opcode.Control():
		return "Set, as in every control frame: they are never fragmented."
	case h.Opcode == protocol.OpContinuation:
		return "The last fragment: the message ends here."
	}
	return "The message ends with this frame: it is whole."
}

func explainOpcode(o protocol.Opcode) string {
	switch o {
	case protocol.OpContinuation:
		return "Continuation: goes on with the message that an earlier frame began."
	case protocol.OpText:
		return "Text: a message of UTF-8 begins here."
	case protocol.OpBinary:
		return "Binary: a message of any bytes begins here."
	case protocol.OpClose:
		return "Close: the sender is done; the other side answers with a close."
	case protocol.OpPing:
		return "Ping: the other side must answer with a pong of the same payload."
	case protocol.OpPong:
		return "Pong: the answer to a ping, or a heartbeat unasked for."
	}
	if o.Control() {
		return "Reserved for control frames to come: the receiver must fail the connection."
	}
	return "Reserved for data frames to come: the receiver must fail the connection."
}

func opcodeSection(o protocol.Opcode) string {
	switch o {
	case protocol.OpContinuation:
		return "RFC 6455 5.4"
	case protocol.OpText, protocol.OpBinary:
		return "RFC 6455 5.6"
	case protocol.OpClose:
		return "RFC 6455 5.5.1"
	case protocol.OpPing:
		return "RFC 6455 5.5.2"
	case protocol.OpPong:
		return "RFC 6455 5.5.3"
	}
	return "RFC 6455 5.2"
}

func explainMask(masked bool, from protocol.Side) string {
	switch {
	case masked && from == protocol.Client:
		return "Masked, as every frame from a client must be: a masking key follows."
	case masked:
		return "Masked, but frames from a server must not be."
	case from == protocol.Client:
		return "Not masked, but every frame from a client must be."
	}
	return "Not masked: a server never masks."
}

func explainLength(v uint64) string {
	switch v {
	case 126:
		return "126 is no length: the next 16 bits hold it."
	case 127:
		return "127 is no length: the next 64 bits hold it."
	}
	return "The payload is " + count(v, "byte") + " long; up to 125 fit here."
}

func count(n uint64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.FormatUint(n, 10) + " " + noun
}

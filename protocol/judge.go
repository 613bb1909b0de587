// The rules of a header at its place in the stream.

package protocol

import "math"

// judge returns the rules that a header breaks at this place of the stream.
func (d *Decoder) judge(h *Header) (broken Rules) {
	if h.RSV != 0 {
		broken |= d.judgeRSV(h)
	}
	if h.Opcode.Reserved() {
		// RFC 6455 5.2: an unknown opcode fails the connection.
		broken |= RuleOpcodeReserved.Set()
	}
	if h.Masked != (d.From == Client) {
		// RFC 6455 5.1: a client masks all frames, a server none.
		if d.From == Client {
			broken |= RuleClientUnmasked.Set()
		} else {
			broken |= RuleServerMasked.Set()
		}
	}
	if h.LengthBytes == 2 && h.PayloadLength < minLength2 || h.LengthBytes == 8 && h.PayloadLength < minLength8 {
		// RFC 6455 5.2: the minimal number of bytes must encode the length.
		broken |= RuleLengthNotMinimal.Set()
	}
	if h.PayloadLength&highBit != 0 {
		// RFC 6455 5.2: the most significant bit must be 0.
		broken |= RuleLengthHighBit.Set()
	}
	if h.Opcode.Control() {
		return broken | d.judgeControl(h)
	}
	return broken | d.judgeData(h)
}

func (d *Decoder) judgeRSV(h *Header) (broken Rules) {
	rsv := h.RSV
	if d.Deflate.On && h.Opcode <= OpBinary {
		if rsv&RSV1 != 0 && h.Opcode == OpContinuation {
			// RFC 7692 6: RSV1 is set in the first fragment only.
			broken |= RuleDeflateRSV1Continuation.Set()
		}
		rsv &^= RSV1
	}
	if rsv != 0 {
		// RFC 6455 5.2: must be 0 unless an extension defines a meaning.
		broken |= RuleRSVUnexpected.Set()
	}
	return broken
}

func (d *Decoder) judgeControl(h *Header) (broken Rules) {
	if h.PayloadLength > MaxControlPayload {
		// RFC 6455 5.5: control frames carry 125 bytes or less.
		broken |= RuleControlTooLong.Set()
	}
	if !h.Fin {
		// RFC 6455 5.5: control frames must not be fragmented.
		broken |= RuleControlFragmented.Set()
	}
	if d.closed && h.Opcode == OpClose {
		// RFC 6455 7.1.3: one close frame from each side. Pings and pongs may
		// still cross it.
		broken |= RuleFrameAfterClose.Set()
	}
	return broken
}

func (d *Decoder) judgeData(h *Header) (broken Rules) {
	size := h.PayloadLength
	switch {
	case h.Opcode == OpContinuation && d.message == OpContinuation:
		if !d.unsure {
			// RFC 6455 5.4: a continuation needs a message to continue.
			broken |= RuleContinuationUnexpected.Set()
		}
	case h.Opcode == OpContinuation:
		size = saturatingAdd(size, d.size)
	case d.message != OpContinuation:
		// RFC 6455 5.4: fragments of messages must not be interleaved.
		broken |= RuleContinuationExpected.Set()
	}
	if d.closed {
		// RFC 6455 5.5.1: no data frames after a close frame.
		broken |= RuleFrameAfterClose.Set()
	}
	limit := d.MaxMessageSize
	if limit != 0 && d.compresses(h) {
		limit = largestCompressed(limit) // what it inflates to is judged by Inflate
	}
	if d.tooBig(size, limit) {
		broken |= RuleMessageTooBig.Set()
	}
	return broken
}

// tooBig reports whether a message is larger than a limit; 0 is no limit.
func (d *Decoder) tooBig(size, limit uint64) bool {
	// RFC 6455 10.4: a limit on the message after reassembly.
	return limit != 0 && size > limit
}

// compresses reports whether a data frame belongs to a compressed message.
func (d *Decoder) compresses(h *Header) bool {
	if h.Opcode == OpContinuation {
		return d.compressed && d.message != OpContinuation
	}
	// RFC 7692 6: RSV1 says so in the first frame of a text or a binary message. A
	// reserved opcode gives it no meaning.
	return d.Deflate.On && h.RSV&RSV1 != 0 && !h.Opcode.Reserved()
}

func saturatingAdd(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

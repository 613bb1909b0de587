// The decoder: one direction of a connection, from bytes to judged frames.

package protocol

import (
	"encoding/binary"
	"math/bits"
)

// Decoder reads the frames that one side sends. The caller passes it the bytes as they
// arrive; it returns what they are and which rules they break. It neither copies nor keeps them.
// The zero value reads a client's frames without a size limit.
type Decoder struct {
	From Side
	// MaxMessageSize is the largest message allowed, in bytes over all its
	// fragments; 0 allows any.
	MaxMessageSize uint64
	// Deflate is what the handshake agreed on. While it is on, the payloads of messages
	// for which Compressed is true must be passed to [Decoder.Inflate].
	Deflate Deflate

	header   Header
	offset   uint64 // of the header in the stream
	position uint64 // in the stream: bytes consumed
	at       uint64 // in the payload: bytes consumed
	inside   bool   // a payload, of which more is to come

	message Opcode // of the unfinished data message, OpContinuation for none
	size    uint64 // payload bytes that its frames have declared
	text    UTF8
	mute    bool // its text is not judged: it is invalid already, or parts of it are missing
	closed  bool // a close frame has been seen
	unsure  bool // frames were lost: a message may have begun in one of them

	compressed bool // the current data message is, or the last one was
	deflate    *messageInflater

	broken Rules  // by the last event
	known  uint32 // the headers that JudgeKnown accepts, see known
	seen   uint64
}

// Event says what the next bytes were. A small frame is one event; a long one is its
// start, then its payload as it arrives.
type Event struct {
	// Data is the next part of the payload, unmasked in place: it aliases the
	// bytes given to Next.
	Data []byte
	// Broken are the rules that these bytes break.
	Broken Rules
	// Start is set when the header has been read: see [Decoder.Header].
	Start bool
	// End is set when the frame is complete.
	End bool
}

// Next reads what it can from the start of b and returns how many bytes that was. If
// n is 0, it needs more: call it again with b and the bytes that follow. Payload bytes
// in b are unmasked in place. The payload of a control frame is returned in one piece;
// a breach in a header is reported as soon as the header is complete.
func (d *Decoder) Next(b []byte) (ev Event, n int) {
	if d.inside {
		return d.payload(b)
	}
	h := &d.header
	if n = h.parse(b); n == 0 {
		return ev, 0
	}
	rest := b[n:]
	broken := d.judge(h)
	if h.comesWhole() && uint64(len(rest)) < h.PayloadLength {
		if broken == 0 {
			return ev, 0
		}
		rest = nil
	}
	d.begin(n)
	if uint64(len(rest)) > h.PayloadLength {
		rest = rest[:h.PayloadLength]
	}
	d.broken = broken
	d.unmask(rest)
	return Event{Data: rest, Broken: d.broken, Start: true, End: !d.inside}, n + len(rest)
}

// Judge is Next for one captured frame, b, which it does not change: masked payloads are
// judged without unmasking them in place. It returns all rules that the frame breaks. If the
// frame was cut, it judges the bytes in b and skips the others. h points into the decoder and
// is valid until its next frame. If b ends inside the header, ok is false and nothing has changed.
func (d *Decoder) Judge(b []byte) (h *Header, broken Rules, ok bool) {
	h = &d.header
	n := h.parse(b)
	if n == 0 {
		return h, 0, false
	}
	between := d.message == OpContinuation && !d.unsure
	if d.broken = d.judge(h); d.broken == 0 && between && h.LengthBytes == 0 {
		d.known |= known(b)
	}
	d.begin(n)
	payload := b[n:]
	if uint64(len(payload)) > h.PayloadLength {
		payload = payload[:h.PayloadLength]
	}
	d.consume(payload, h.MaskingKey)
	if broken = d.broken; d.inside {
		d.Skip(d.Pending())
		d.broken = broken
	}
	return h, broken, true
}

// JudgeKnown is Judge for most frames, in less time. For any other frame ok is false and nothing
// has changed: one that is incomplete or longer than 125 bytes, that begins or continues a
// fragmented message, or that breaks a rule. It accepts headers that broke no rule when Judge saw
// them between two messages: which rules such a header breaks there depends only on its first
// byte, its mask bit and the limit of size.
func (d *Decoder) JudgeKnown(b []byte) (op Opcode, ok bool) {
	if len(b) < 2 {
		return 0, false
	}
	length := int(b[1] &^ maskBit)
	n := 2 + int(b[1]&maskBit)>>5
	if want := known(b); d.known&want != want || want == 0 || length >= length16 || length > len(b)-n || d.message != OpContinuation {
		return 0, false
	}
	op = Opcode(b[0] & 0xF)
	key := uint32(0)
	if n > 2 {
		key = binary.LittleEndian.Uint32(b[2:6])
	}
	if !op.Control() {
		if d.tooBig(uint64(length), d.MaxMessageSize) {
			return 0, false
		}
		if payload := b[n : n+length]; op == OpText && !isASCII(key, payload) && !isText(key, payload) {
			return 0, false
		}
		d.size = uint64(length)
		d.text.Reset()
		d.mute, d.compressed = false, false
	}
	h := &d.header
	h.PayloadLength, h.MaskingKey = uint64(length), bits.ReverseBytes32(key)
	h.LengthBytes, h.Opcode, h.RSV, h.Fin, h.Masked = 0, op, 0, true, n > 2
	d.broken = 0
	d.at = uint64(length)
	d.offset = d.position
	d.position += uint64(n + length)
	return op, true
}

// known returns the two bits of a header in Decoder.known, one for its opcode and one for its mask
// bit; 0 unless FIN is set and no reserved bit is.
func known(b []byte) uint32 {
	if b[0]&0xF0 != finBit {
		return 0
	}
	return 1<<(b[0]&0xF) | 1<<16<<(b[1]>>7)
}

// comesWhole reports whether the payload is returned only when all of it has arrived.
func (h *Header) comesWhole() bool {
	return h.Opcode.Control() && h.PayloadLength <= MaxControlPayload
}

// payload reads more of the current frame's payload.
func (d *Decoder) payload(b []byte) (Event, int) {
	left := d.header.PayloadLength - d.at
	if uint64(len(b)) > left {
		b = b[:left]
	}
	if len(b) == 0 || d.header.comesWhole() && uint64(len(b)) < left {
		return Event{}, 0
	}
	d.broken = 0
	d.unmask(b)
	return Event{Data: b, Broken: d.broken, End: !d.inside}, len(b)
}

// begin makes the header just parsed, of n bytes, that of the current frame.
func (d *Decoder) begin(n int) {
	h := &d.header
	d.at, d.inside = 0, true
	d.offset = d.position
	d.position += uint64(n)
	switch {
	case h.Opcode == OpClose:
		d.closed, d.known = true, 0
	case h.Opcode.Control():
	case h.Opcode == OpContinuation:
		if d.message == OpContinuation {
			d.size, d.mute, d.compressed = 0, true, false // a fragment of an unknown message
		}
		d.size = saturatingAdd(d.size, h.PayloadLength)
		if d.compressed {
			d.deflate.continueInflating()
		}
	default:
		d.message, d.size = h.Opcode, h.PayloadLength
		d.text.Reset()
		d.compressed = d.compresses(h)
		d.mute, d.unsure = h.RSV&^RSV1 != 0 || h.RSV != 0 && !d.compressed, false
		if d.compressed {
			d.beginInflating()
		}
	}
}

// unmask unmasks payload bytes of the current frame in place and consumes them.
func (d *Decoder) unmask(b []byte) {
	if d.header.Masked {
		Mask(d.header.MaskingKey, int(d.at&3), b)
	}
	d.consume(b, 0)
}

// consume judges payload bytes of the current frame and advances past them. If key is not
// 0, they are masked with it, and b is the payload from its start.
func (d *Decoder) consume(b []byte, key uint32) {
	text := d.message == OpText && !d.header.Opcode.Control() && !d.mute && !d.compressed
	if text && len(b) > 0 {
		if bad := d.text.writeMasked(key, b); bad >= 0 {
			d.badText(d.at + uint64(bad))
			text = false
		}
	}
	d.at += uint64(len(b))
	d.position += uint64(len(b))
	if d.at < d.header.PayloadLength {
		return
	}
	if text && d.header.Fin && !d.text.Complete() {
		d.badText(d.at)
	}
	d.end(b, key)
}

// badText records that the message's text is invalid from a byte of this frame on.
func (d *Decoder) badText(at uint64) {
	// RFC 6455 8.1: text that is not UTF-8 fails the connection, and at once.
	d.broken |= RuleUTF8Invalid.Set()
	d.seen = at
	d.mute = true
}

// end is called at the end of the current frame; last is the last part of its payload,
// masked as for consume.
func (d *Decoder) end(last []byte, key uint32) {
	d.inside = false
	switch h := &d.header; {
	case h.Opcode == OpClose:
		if h.comesWhole() && uint64(len(last)) == h.PayloadLength {
			d.judgeClose(last, key)
		}
	case !h.Opcode.Control() && h.Fin:
		d.message, d.unsure = OpContinuation, false
	}
}

// judgeClose judges the whole payload of a close frame.
func (d *Decoder) judgeClose(payload []byte, key uint32) {
	var buf [MaxControlPayload]byte
	if key != 0 {
		payload = buf[:copy(buf[:], payload)]
		Mask(key, 0, payload)
	}
	code, _, broken := ParseClosePayload(payload)
	d.broken |= broken
	d.seen = uint64(code)
}

// Masked reports whether the current frame is masked.
func (d *Decoder) Masked() bool { return d.header.Masked }

// Header returns the header of the current frame, valid from its start event on.
func (d *Decoder) Header() Header { return d.header }

// Message returns the opcode of the unfinished data message and how many payload bytes
// its frames have declared so far; OpContinuation if there is none.
func (d *Decoder) Message() (op Opcode, size uint64) { return d.message, d.size }

// Pending returns how many payload bytes of the current frame are still to come.
func (d *Decoder) Pending() uint64 {
	if !d.inside {
		return 0
	}
	return d.header.PayloadLength - d.at
}

// Breach returns the first breach of the last event with Broken set: the one at which a
// strict receiver stops.
func (d *Decoder) Breach() Breach {
	r, _ := d.broken.First()
	return d.BreachOf(r)
}

// BreachOf returns the breach of rule r, one of those that the last event broke.
func (d *Decoder) BreachOf(r Rule) Breach {
	b := d.header.Breach(r, d.Seen(r))
	b.Offset = d.offset
	return b
}

// Seen returns the number that broke rule r, if it is not in the header: the size of
// a message that is too big, the offset of an invalid byte in the payload, a close
// code. It is 0 for any other rule.
func (d *Decoder) Seen(r Rule) uint64 {
	switch r {
	case RuleMessageTooBig:
		return d.size
	case RuleUTF8Invalid, RuleCloseCodeInvalid:
		return d.seen
	case RuleDeflateCorrupt:
		if d.deflate != nil {
			return d.deflate.corrupt
		}
	}
	return 0
}

// Skip skips n payload bytes of the current frame that were not captured. The
// remainder of the message's text cannot be judged after that.
func (d *Decoder) Skip(n uint64) {
	n = min(n, d.Pending())
	d.at += n
	d.position += n
	if !d.header.Opcode.Control() {
		d.mute = true
		d.skipInflating()
	}
	if d.inside && d.at == d.header.PayloadLength {
		d.broken = 0
		d.end(nil, 0)
	}
}

// Gap says that whole frames are missing before the next one: which message is
// unfinished is unknown until a new one begins.
func (d *Decoder) Gap() {
	d.inside, d.known = false, 0
	d.message = OpContinuation
	d.mute, d.unsure, d.compressed = true, true, false
	if d.Deflate.On {
		d.LoseContext()
	}
}

// What a Decoder keeps to inflate compressed messages: it judges what they inflate to.

package protocol

import "math"

// messageInflater is the state of one direction's permessage-deflate.
type messageInflater struct {
	z       *Inflater // of the unfinished message
	context []byte    // what messages before, or calls before, inflated to
	size    uint64    // of the message so far, inflated
	frame   uint64    // how much of that the current frame added
	corrupt uint64    // the offset in that from which it cannot be inflated
	text    bool
	stage   inflateStage
	missing bool // bytes of the present frame were not captured
	lost    bool // the present frame cannot be inflated
	unsure  bool // the sender's context may reach back further than ours
}

// inflateStage says how much of the last compressed message has been inflated.
type inflateStage uint8

const (
	messageInflated inflateStage = iota // inflated to its end, or there was none yet
	messageOpen                         // more of it is to come
	messageStopped                      // the remainder of it cannot be inflated
)

// Compressed reports whether the present data frame belongs to a compressed
// message: then its payload bytes, as they come, are for [Decoder.Inflate].
func (d *Decoder) Compressed() bool { return d.compressed && !d.header.Opcode.Control() }

// ContextLost reports whether the present frame, as far as it was given to Inflate,
// cannot be inflated, because bytes that it builds on were not captured, or were
// corrupt. That is no breach.
func (d *Decoder) ContextLost() bool { return d.Compressed() && d.deflate.lost }

// SwapInflater sets the Inflater that the decoder uses and returns the one that it
// used before, so that a caller can share few of them among many decoders. Without one
// (nil) the decoder makes its own when it needs one. Call it only between messages: an
// Inflater holds nothing that one message leaves for the next.
func (d *Decoder) SwapInflater(z *Inflater) (old *Inflater) {
	if d.deflate == nil {
		d.deflate = new(messageInflater)
	}
	if z != nil {
		z.Reset()
	}
	old, d.deflate.z = d.deflate.z, z
	return old
}

// Inflate appends to dst what the payload bytes p inflate to, where p is the Data
// of the last event (RFC 7692 7.2.2). What inflates to more than MaxMessageSize
// stops there. Text is judged as Next judges it. To each event of a compressed
// message belongs a call, also if its Data are empty.
func (d *Decoder) Inflate(dst, p []byte) (out []byte, broken Rules) {
	out, _, _, broken = d.InflatePart(dst, p, math.MaxInt)
	return out, broken
}

// InflatePart is Inflate for callers that bound the memory they use: it stops once n bytes
// have been appended, or up to 258 more. While more is true, another call continues with
// remaining, which may be empty.
func (d *Decoder) InflatePart(dst, p []byte, n int) (out, remaining []byte, more bool, broken Rules) {
	f := d.deflate
	if !d.Compressed() || f.stage != messageOpen {
		return dst, nil, false, 0
	}
	if f.z == nil {
		f.z = new(Inflater)
	}
	limit := math.MaxInt - len(dst)
	if d.MaxMessageSize != 0 {
		limit = int(min(uint64(limit), d.MaxMessageSize-f.size))
	}
	out, remaining, v := f.z.inflate(dst, f.context, p, 1<<d.Deflate.WindowBits(d.From), len(dst)+min(n, limit))
	if v == inflateFull {
		if more = len(out)-len(dst) <= limit && n < limit; more {
			v = inflateMore
		} else {
			out = out[:len(dst)+limit]
		}
	}
	return out, remaining, more, d.inflated(out[len(dst):], v, !more)
}

// inflatePiece is how much is inflated at once for callers that do not keep all of it.
const inflatePiece = 64 << 10

// InflateSome is Inflate for callers that keep only the first n bytes of what a frame
// inflates to: the remainder is judged and discarded, 64 KiB at a time.
func (d *Decoder) InflateSome(dst, p []byte, n int) (out []byte, broken Rules) {
	keep := len(dst) + n
	for more := true; more; {
		var b Rules
		dst, p, more, b = d.InflatePart(dst, p, inflatePiece)
		dst = dst[:min(len(dst), keep)]
		broken |= b
	}
	return dst, broken
}

// ContextSize returns how many bytes are kept of what earlier messages inflated to.
func (d *Decoder) ContextSize() int {
	if d.deflate == nil {
		return 0
	}
	return cap(d.deflate.context)
}

// Inflated returns how many bytes the current frame has inflated to.
func (d *Decoder) Inflated() uint64 {
	if d.deflate == nil {
		return 0
	}
	return d.deflate.frame
}

// inflated judges what a call has inflated and keeps what later messages build on; end says
// that all of the event has been inflated.
func (d *Decoder) inflated(fresh []byte, v verdict, end bool) (broken Rules) {
	f := d.deflate
	last := end && d.header.Fin && !d.inside && !f.missing
	if last && v == inflateMore {
		v = f.z.finish()
	}
	f.size += uint64(len(fresh))
	f.lost = v == inflateBefore && f.unsure
	if v == inflateBefore && !f.unsure {
		v = inflateCorrupt // the context is all that there is
	}
	d.broken = d.judgeInflated(fresh, v, last)
	f.frame += uint64(len(fresh))
	switch {
	case v != inflateMore || f.missing && end:
		f.stage, f.missing = messageStopped, false
	case last:
		f.stage = messageInflated
	}
	if f.stage == messageOpen || f.stage == messageInflated && !d.Deflate.NoContextTakeover(d.From) {
		f.remember(fresh, 1<<d.Deflate.WindowBits(d.From))
	}
	return d.broken
}

// judgeInflated returns the rules that the bytes which a call has inflated break.
func (d *Decoder) judgeInflated(fresh []byte, v verdict, last bool) (broken Rules) {
	f := d.deflate
	if f.text && !d.mute {
		bad := -1
		if len(fresh) > 0 {
			bad = d.text.Write(fresh)
		}
		if bad < 0 && last && v == inflateMore && !d.text.Complete() {
			bad = len(fresh)
		}
		if bad >= 0 {
			// RFC 6455 8.1, of the message as it is after inflating.
			broken |= RuleUTF8Invalid.Set()
			d.seen, d.mute = f.frame+uint64(bad), true
		}
	}
	switch v {
	case inflateCorrupt:
		broken |= RuleDeflateCorrupt.Set()
		f.corrupt = f.frame + uint64(len(fresh))
	case inflateFull:
		broken |= RuleMessageTooBig.Set()
		d.size = f.size + 1 // at least
	}
	return broken
}

// beginInflating is called at the first frame of a compressed message.
func (d *Decoder) beginInflating() {
	if d.deflate == nil {
		d.deflate = new(messageInflater)
	}
	f := d.deflate
	if f.stage != messageInflated || f.missing {
		d.LoseContext()
	}
	if d.Deflate.NoContextTakeover(d.From) {
		// RFC 7692 7.1.1: each message starts with an empty window.
		f.context, f.unsure = f.context[:0], false
	}
	if f.z != nil {
		f.z.Reset()
	}
	f.size, f.frame, f.stage, f.missing, f.lost = 0, 0, messageOpen, false, false
	f.text = d.message == OpText
}

// continueInflating is called at each further frame of a compressed message.
func (f *messageInflater) continueInflating() {
	if f.missing {
		f.stage, f.missing = messageStopped, false
	}
	f.frame, f.lost = 0, f.stage == messageStopped
}

// skipInflating says that bytes of the current frame are missing.
func (d *Decoder) skipInflating() {
	if d.compressed && d.deflate != nil {
		d.deflate.missing = true
	}
}

// LoseContext says that compressed messages may be missing before the next one. Later
// messages are inflated if they build on nothing before the next one.
func (d *Decoder) LoseContext() {
	if d.deflate == nil {
		d.deflate = new(messageInflater)
	}
	f := d.deflate
	f.context, f.unsure = f.context[:0], true
}

// ReleaseContext frees the memory that is kept for inflating between two frames. What builds
// on it cannot be inflated then: the remainder of an unfinished message, and later ones as
// after [Decoder.LoseContext].
func (d *Decoder) ReleaseContext() {
	d.LoseContext()
	f := d.deflate
	f.context, f.z = nil, nil
	if f.stage == messageOpen {
		f.stage = messageStopped
	}
}

// remember keeps the end of what was inflated for later copies. It is moved to the
// front only when two windows are full.
func (f *messageInflater) remember(p []byte, window int) {
	if len(p) >= window {
		f.context = append(f.context[:0], p[len(p)-window:]...)
		return
	}
	if have := len(f.context); have+len(p) > 2*window {
		f.context = f.context[:copy(f.context, f.context[have+len(p)-window:])]
	}
	f.context = append(f.context, p...)
}

// largestCompressed returns the largest size of a compressed message that inflates to limit
// bytes: what does not shrink is stored, with five more bytes for each block.
func largestCompressed(limit uint64) uint64 {
	return saturatingAdd(limit, limit/8+1024)
}

// The details of one frame: everything that its bytes say, as JSON.

package inspect

import (
	"unicode/utf8"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// Detail is the answer for one frame. All slices are valid until the next call.
type Detail struct {
	JSON    []byte // FrameDetail in the page's types
	Wire    []byte // the captured bytes as they crossed the wire
	Payload []byte // the captured payload, unmasked and inflated
}

// Detail returns the details of frame seq; ok is false if it is not held.
func (in *Inspector) Detail(seq uint64) (d Detail, ok bool) {
	i := in.rowAfter(seq)
	if i >= in.rows.next || in.seqOf(i) != seq {
		return d, false
	}
	w := in.rows.at(i)
	r := in.record(w)
	h, payload := payloadOf(&r)
	in.payload = unmasked(in.payload[:0], h, payload, len(payload))
	in.first = append(in.first[:0], in.payload[:min(len(in.payload), firstBytes)]...)
	inflated := in.clear.of(i)
	if inflated != nil {
		in.payload = append(in.payload[:0], inflated.data...)
	}
	j := jsonWriter{buf: in.text[:0]}
	in.writeDetail(&j, seq, w, &r, h, inflated)
	in.text = j.buf
	return Detail{in.text, r.Data, in.payload}, true
}

func (in *Inspector) writeDetail(j *jsonWriter, seq uint64, w *row, r *feed.Record, h protocol.Header, inflated *inflatedFrame) {
	j.open('{')
	j.key("seq").big(seq)
	j.key("conn").int(int(w.conn))
	j.key("dir").string(direct(r.Side))
	j.key("time").big(uint64(max(r.Time, 0)))
	j.key("opcode").string(w.opcode.String())
	j.key("fin").bool(w.flags&flagFin != 0)
	j.key("length").big(h.PayloadLength)
	j.key("headerSize").int(min(h.Size(), len(r.Data)))
	j.key("captured").int(len(r.Data))
	j.key("wireSize").big(wireSize(r))
	j.key("cut").bool(w.flags&flagCut != 0)
	j.key("partial").bool(w.flags&flagPartial != 0)
	writeCompression(j, w, inflated)
	j.key("unmasked").string(string(appendHex(nil, in.first, true)))
	writeFields(j, w, r, h, in.deflates(w.conn))
	writeBreaches(j, w, h, inflated)
	in.writeMessage(j, seq, w)
	in.writeClose(j, h)
	j.key("payloadKind").string(payloadKind(w, h))
	j.key("payloadValid").bool(validStart(in.payload, inflated))
	j.close('}')
}

// wireSize returns the size of the frame; if its header was cut before the length, the size of
// what was received.
func wireSize(r *feed.Record) uint64 {
	if n, _ := protocol.ScanHeader(r.Data); n == 0 {
		return uint64(len(r.Data))
	}
	return r.WireSize
}

// deflates reports whether permessage-deflate was agreed on for a connection.
func (in *Inspector) deflates(id uint32) bool {
	c := in.conns.byID(id)
	return c != nil && c.sent[0].decoder.Deflate.On
}

// validStart is utf8.Valid, except that the last character may be incomplete: p may be
// only the beginning of what a frame inflates to.
func validStart(p []byte, inflated *inflatedFrame) bool {
	if inflated != nil && uint64(len(inflated.data)) < inflated.size {
		for end := len(p) - 1; end >= max(len(p)-utf8.UTFMax, 0); end-- {
			if utf8.RuneStart(p[end]) {
				if !utf8.FullRune(p[end:]) {
					p = p[:end]
				}
				break
			}
		}
	}
	return utf8.Valid(p)
}

func direct(s protocol.Side) string {
	if s == protocol.Client {
		return "in"
	}
	return "out"
}

// writeCompression writes what a frame of a compressed message inflates to.
func writeCompression(j *jsonWriter, w *row, inflated *inflatedFrame) {
	j.key("compressed").bool(w.flags&flagCompressed != 0)
	j.key("inflatedSize")
	if inflated != nil {
		j.big(inflated.size)
	} else {
		j.null()
	}
	note := ""
	switch {
	case w.flags&flagLost != 0:
		note = "This cannot be inflated: " + missingContext
	case inflated != nil && uint64(len(inflated.data)) < inflated.size:
		note = "Of what it inflates to, the first " + count(uint64(len(inflated.data)), "byte") + " are kept."
	}
	j.key("inflateNote").string(note)
}

// firstBytes is how many bytes of the payload are shown both masked and unmasked.
const firstBytes = 12

// writeFields lists the header's fields; a header that was cut has none.
func writeFields(j *jsonWriter, w *row, r *feed.Record, h protocol.Header, deflate bool) {
	j.key("fields").open('[')
	if _, n := protocol.ParseHeader(r.Data); n > 0 {
		for _, f := range protocol.AppendFields(nil, h) {
			text, section := explain(f, h, r.Side, w.flags, deflate)
			j.open('{')
			j.key("name").string(f.Name)
			j.key("bit").int(f.Bit)
			j.key("bits").int(f.Bits)
			j.key("value").big(f.Value)
			j.key("text").string(text)
			j.key("section").string(section)
			j.close('}')
		}
	}
	j.close(']')
}

func writeBreaches(j *jsonWriter, w *row, h protocol.Header, inflated *inflatedFrame) {
	j.key("breaches").open('[')
	for rule := range w.broken.All() {
		seen := uint64(w.seen)
		switch rule {
		case protocol.RuleCloseCodeInvalid:
			seen = uint64(w.code)
		case protocol.RuleMessageTooBig, protocol.RuleDeflateCorrupt:
			// The row has only one number, of 32 bits; for invalid text that is the byte's offset.
			size := h.PayloadLength
			if inflated != nil {
				size = inflated.size
			}
			if w.broken.Has(protocol.RuleUTF8Invalid) {
				seen = size
			}
			if rule == protocol.RuleMessageTooBig {
				seen = max(seen, size)
			}
		}
		j.open('{')
		j.key("rule").string(rule.String())
		j.key("text").string(h.Breach(rule, seen).Text())
		j.key("section").string(rule.Section())
		j.key("closeCode").int(int(rule.CloseCode()))
		j.close('}')
	}
	j.close(']')
}

// writeMessage writes which part of its message a data frame is.
func (in *Inspector) writeMessage(j *jsonWriter, seq uint64, w *row) {
	j.key("message")
	if w.opcode.Control() {
		j.null()
		return
	}
	kind := "unknown" // its beginning was not captured
	switch {
	case w.opcode.Reserved():
		kind = "reserved"
	case w.flags&flagText != 0:
		kind = "text"
	case w.opcode == protocol.OpBinary, w.opcode == protocol.OpContinuation && w.back > 0:
		kind = "binary"
	}
	j.open('{')
	j.key("kind").string(kind)
	j.key("firstSeq").big(seq - uint64(w.back))
	j.key("fragment").int(int(w.fragment))
	j.key("last").bool(w.flags&flagFin != 0)
	j.close('}')
}

func (in *Inspector) writeClose(j *jsonWriter, h protocol.Header) {
	j.key("close")
	if h.Opcode != protocol.OpClose || !closeCaptured(&h, in.payload) {
		j.null()
		return
	}
	code, reason, _ := protocol.ParseClosePayload(in.payload)
	j.open('{')
	j.key("code").int(int(code))
	j.key("name").string(code.String())
	j.key("reason").string(string(reason))
	j.close('}')
}

func payloadKind(w *row, h protocol.Header) string {
	switch {
	case h.Opcode == protocol.OpClose:
		return "close"
	case w.flags&flagLost != 0, h.RSV != 0 && w.flags&flagCompressed == 0:
		return "extension"
	case h.Opcode.Control():
		return "control"
	case w.flags&flagText != 0:
		return "text"
	}
	return "binary"
}

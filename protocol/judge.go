// Judging whole frames in place, for a reader that must not change them.

package protocol

import "encoding/binary"

// Judge reads the one frame that b holds, as a capture has it, without changing
// a byte of it, and names what it breaks. It does to the decoder's state what
// [Decoder.Next] does. Of a frame cut short it judges what is there and passes
// over the rest. h is the decoder's own, until its next frame. ok is false, and
// nothing has happened, when not even the header
// is whole.
func (d *Decoder) Judge(b []byte) (h *Header, broken Rules, ok bool) {
	h = &d.header
	n := h.parse(b)
	if n == 0 {
		return h, 0, false
	}
	d.broken = d.judge(h)
	d.begin(n)
	payload := b[n:]
	if uint64(len(payload)) > h.PayloadLength {
		payload = payload[:h.PayloadLength]
	}
	switch {
	case !h.Opcode.Control():
		d.judgeText(payload)
	case h.Opcode == OpClose:
		d.judgeClose(payload)
	}
	d.position += uint64(len(payload))
	d.at = uint64(len(payload))
	if d.at < h.PayloadLength {
		broken = d.broken
		d.Skip(d.Pending())
		d.broken = broken
		return h, broken, true
	}
	d.inside = false
	if !h.Opcode.Control() && h.Fin {
		if d.message == OpText && !d.mute && !d.compressed && !d.text.Complete() {
			d.badText(d.at)
		}
		d.message, d.unsure = OpContinuation, false
	}
	return h, d.broken, true
}

// judgeText checks a masked or unmasked part of a text. ASCII, the usual case, is
// seen through the mask.
func (d *Decoder) judgeText(payload []byte) {
	if d.message != OpText || d.mute || d.compressed || d.text.Complete() && isASCII(d.header.MaskingKey, payload) {
		return
	}
	var clear [512]byte
	for at := 0; at < len(payload); {
		n := copy(clear[:], payload[at:])
		if d.header.Masked {
			Mask(d.header.MaskingKey, at, clear[:n])
		}
		if bad := d.text.Write(clear[:n]); bad >= 0 {
			d.badText(uint64(at + bad))
			return
		}
		at += n
	}
}

func (d *Decoder) judgeClose(payload []byte) {
	if uint64(len(payload)) != d.header.PayloadLength || !d.header.comesWhole() {
		return
	}
	var clear [MaxControlPayload]byte
	p := clear[:copy(clear[:], payload)]
	if d.header.Masked {
		Mask(d.header.MaskingKey, 0, p)
	}
	code, _, broken := ParseClosePayload(p)
	d.broken |= broken
	d.seen = uint64(code)
}

// isASCII reports whether b, once unmasked with key, is all ASCII. A key of 0
// masks nothing.
func isASCII(key uint32, b []byte) bool {
	// The key in the order of its bytes, as little-endian words see it.
	k := uint64(key>>24 | key>>8&0xFF00 | key<<8&0xFF0000 | key<<24)
	k |= k << 32
	var seen uint64
	rest := b
	for len(rest) >= 32 {
		s := (*[32]byte)(rest)
		seen |= binary.LittleEndian.Uint64(s[0:8]) ^ k
		seen |= binary.LittleEndian.Uint64(s[8:16]) ^ k
		seen |= binary.LittleEndian.Uint64(s[16:24]) ^ k
		seen |= binary.LittleEndian.Uint64(s[24:32]) ^ k
		rest = rest[32:]
	}
	for len(rest) >= 8 {
		seen |= binary.LittleEndian.Uint64(rest) ^ k
		rest = rest[8:]
	}
	for i, c := range rest {
		seen |= uint64(c ^ byte(k>>(8*i)))
	}
	return seen&highBits == 0
}

// The preview: a payload on one line of printable text.

package inspect

import (
	"unicode/utf8"

	"framescope/protocol"
	"framescope/protocol/feed"
)

const (
	previewSize  = 256 // size limit of a preview in bytes
	previewText  = 160 // payload bytes shown as text
	previewBytes = 48  // payload bytes shown in hex
)

// appendPreview appends the start of a frame's payload, in at most previewSize bytes: text
// as text, a close frame as its code and reason, anything else in hex.
func (in *Inspector) appendPreview(dst []byte, w *row, index uint64, r *feed.Record) []byte {
	h, payload := payloadOf(r)
	if w.flags&flagLost != 0 {
		return append(dst, cannotInflate...)
	}
	p, whole := in.inflatedStart(w, index, previewText)
	if w.flags&flagCompressed == 0 {
		in.scratch = unmasked(in.scratch[:0], h, payload, previewText)
		p, whole = in.scratch, uint64(len(in.scratch)) == h.PayloadLength
	}
	switch {
	case h.Opcode == protocol.OpClose && closeCaptured(&h, p):
		return appendClose(dst, p)
	case isText(w, h, p):
		return appendPrintable(dst, p, whole)
	}
	return appendHex(dst, p, whole)
}

// isText reports whether a payload is shown as text: that of a text message, and that of
// a ping or a pong if it looks like text.
func isText(w *row, h protocol.Header, p []byte) bool {
	if h.RSV != 0 && w.flags&flagCompressed == 0 {
		return false // bytes of an extension
	}
	if h.Opcode == protocol.OpPing || h.Opcode == protocol.OpPong {
		return utf8.Valid(p)
	}
	return w.flags&flagText != 0
}

func appendClose(dst, p []byte) []byte {
	code, reason, _ := protocol.ParseClosePayload(p)
	dst = append(dst, code.String()...)
	if len(reason) > 0 {
		dst = append(dst, ": "...)
		dst = appendPrintable(dst, reason, true)
	}
	return dst
}

const ellipsis = "…"

// appendPrintable appends UTF-8 with control characters as their pictures and
// wrong bytes as U+FFFD. A character cut by the end of p is left out.
func appendPrintable(dst, p []byte, whole bool) []byte {
	const limit = previewSize - 2*utf8.UTFMax
	for len(p) > 0 {
		if !whole && !utf8.FullRune(p) {
			break
		}
		if len(dst) > limit {
			whole = false
			break
		}
		c, size := utf8.DecodeRune(p)
		dst = utf8.AppendRune(dst, printable(c))
		p = p[size:]
	}
	if !whole {
		dst = append(dst, ellipsis...)
	}
	return dst
}

func printable(c rune) rune {
	switch {
	case c < 0x20:
		return 0x2400 + c // control pictures
	case c == 0x7F:
		return 0x2421
	case c >= 0x80 && c < 0xA0, c == 0x2028, c == 0x2029, c >= 0x202A && c <= 0x202E, c >= 0x2066 && c <= 0x2069:
		return utf8.RuneError // would break the line or change its direction
	}
	return c
}

func appendHex(dst, p []byte, whole bool) []byte {
	if len(p) > previewBytes {
		p, whole = p[:previewBytes], false
	}
	for i, b := range p {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, hexDigits[b>>4], hexDigits[b&0xF])
	}
	if !whole {
		dst = append(dst, " "+ellipsis...)
	}
	return dst
}

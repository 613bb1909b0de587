// What the RFC says of a stream of bytes: the oracle that both libraries are held
// against. It is written after the text of the RFC and calls neither of them.

package compare_test

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// end is how a connection stands after a stream of bytes.
type end int

const (
	open    end = iota // nothing wrong, and no close frame
	closed             // the peer closed in order
	refused            // the receiver closed because of a fault
	dropped            // the receiver hung up without a close frame
	silent             // the receiver never answered
)

func (e end) String() string { return [...]string{"open", "closed", "refused", "dropped", "silent"}[e] }

// noStatus stands for a close frame without a code (RFC 6455 7.1.5).
const noStatus = 1005

// verdict is what a receiver that echoes messages made of a stream.
type verdict struct {
	answers string // echoes and pongs, in order
	end     end
	code    int // of the close frame that came back
	told    int // code of the peer's close frame, as the application was told
}

func (v *verdict) answer(a answer) { v.answers += a.String() + "; " }

func (v verdict) String() string {
	s := v.answers + v.end.String()
	if v.end == closed || v.end == refused {
		s += " " + name(v.code)
	}
	if v.end == closed && v.told != v.code {
		s += ", told " + name(v.told)
	}
	return s
}

// judgement is the RFC's verdict and why.
type judgement struct {
	verdict
	why   reason // zero when nothing was wrong
	whole int    // bytes up to the last header that is not whole, which need not be judged
	idle  bool   // no message and no frame is unfinished
}

func (j *judgement) refuse(why reason) judgement {
	j.why, j.end, j.code, j.told = why, refused, why.code, failed
	return *j
}

// limit is the largest message in bytes that all ends are told to take.
const limit = 16 << 20

// judge reads what is sent to an end in role r. The first fault counts, and text
// that went wrong counts from the byte on that no text can have there.
func judge(r role, wire []byte) (j judgement) {
	var op byte // of the unfinished message, continuation for none
	var message []byte
	for {
		rest := wire[j.whole:]
		h, whole := readHeader(rest)
		if !whole {
			j.idle = len(rest) == 0 && op == continuation
			return j
		}
		if why := h.fault(r, op != continuation); why != (reason{}) {
			return j.refuse(why)
		}
		if !control(h.op) && h.length > limit-uint64(len(message)) {
			return j.refuse(tooBig)
		}
		payload := unmasked(h, rest[h.size:])
		whole = uint64(len(payload)) == h.length
		j.whole += h.size + len(payload)
		if control(h.op) {
			if !whole {
				return j
			}
			switch h.op {
			case ping:
				// RFC 6455 5.5.3: identical application data.
				j.answer(answer{pong, payload})
			case closing:
				return j.close(payload)
			}
			continue
		}
		if h.op != continuation {
			op = h.op
		}
		message = append(message, payload...)
		if op == text && !utf8Possible(message, whole && h.fin) {
			return j.refuse(notUTF8)
		}
		switch {
		case !whole:
			return j
		case h.fin:
			j.answer(answer{op, message})
			op, message = continuation, nil
		}
	}
}

// unmasked is as much of a frame's payload as there is.
func unmasked(h header, rest []byte) []byte {
	payload := bytes.Clone(rest[:min(uint64(len(rest)), h.length)])
	for i := range payload {
		payload[i] ^= h.key[i%4] // a key of 0 when there is none
	}
	return payload
}

// fault is the first thing wrong with a header; inside is set while a fragmented
// message is unfinished. All of these earn the same close code, so the order in
// which they are found cannot be seen.
func (h header) fault(r role, inside bool) reason {
	switch {
	case h.rsv != 0:
		return reservedBits
	case !strings.ContainsRune("\x00\x01\x02\x08\x09\x0a", rune(h.op)):
		return reservedOpcode
	case h.masked != (r == server):
		return [...]reason{server: notMasked, client: wronglyMasked}[r]
	case control(h.op) && h.length > 125:
		return controlTooLong
	case control(h.op) && !h.fin:
		return controlFragmented
	case h.length>>63 != 0:
		return highBit
	case h.form == 2 && h.length < 126, h.form == 8 && h.length < 1<<16:
		return notMinimal
	case h.op == continuation && !inside:
		return nothingToContinue
	case !control(h.op) && h.op != continuation && inside:
		return interleaved
	}
	return reason{}
}

// close judges the payload of a close frame (RFC 6455 5.5.1).
func (j *judgement) close(payload []byte) judgement {
	j.end, j.code, j.told = closed, noStatus, noStatus
	switch {
	case len(payload) == 0:
		return *j
	case len(payload) == 1:
		return j.refuse(halfACode)
	}
	code := int(binary.BigEndian.Uint16(payload))
	if !codeAllowed(code) {
		return j.refuse(codeForbidden)
	}
	if !utf8Possible(payload[2:], true) {
		return j.refuse(reasonNotUTF8)
	}
	// RFC 6455 5.5.1: the answer "typically echos the status code it received".
	j.code, j.told = code, code
	return *j
}

// codesAllowed are the ranges of codes that a close frame may have: those of RFC
// 6455 7.4.1 and of the registry that 11.7 founds, then those of 7.4.2.
var codesAllowed = [][2]int{{1000, 1003}, {1007, 1011}, {1012, 1014}, {3000, 3999}, {4000, 4999}}

func codeAllowed(code int) bool {
	for _, r := range codesAllowed {
		if code >= r[0] && code <= r[1] {
			return true
		}
	}
	return false
}

// utf8Ranges are the well-formed characters by their bytes, as the grammar of RFC
// 3629 4 gives them.
var utf8Ranges = [][][2]byte{
	{{0x00, 0x7F}},
	{{0xC2, 0xDF}, {0x80, 0xBF}},
	{{0xE0, 0xE0}, {0xA0, 0xBF}, {0x80, 0xBF}},
	{{0xE1, 0xEC}, {0x80, 0xBF}, {0x80, 0xBF}},
	{{0xED, 0xED}, {0x80, 0x9F}, {0x80, 0xBF}},
	{{0xEE, 0xEF}, {0x80, 0xBF}, {0x80, 0xBF}},
	{{0xF0, 0xF0}, {0x90, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}},
	{{0xF1, 0xF3}, {0x80, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}},
	{{0xF4, 0xF4}, {0x80, 0x8F}, {0x80, 0xBF}, {0x80, 0xBF}},
}

// utf8Possible reports whether b is UTF-8 or, when more may come, the beginning of some.
func utf8Possible(b []byte, all bool) bool {
	for len(b) > 0 {
		n := 0
		for _, character := range utf8Ranges {
			if n = prefix(b, character); n > 0 {
				if n < len(character) && all {
					return false
				}
				break
			}
		}
		if n == 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

// prefix is how many bytes of a character b begins with: all of them, or as many
// as b has, or 0 when it is not this one.
func prefix(b []byte, character [][2]byte) int {
	n := min(len(b), len(character))
	for i, r := range character[:n] {
		if b[i] < r[0] || b[i] > r[1] {
			return 0
		}
	}
	return n
}

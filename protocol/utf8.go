// UTF-8 checked as it arrives, however the text is cut into pieces.

package protocol

import (
	"encoding/binary"
	"math/bits"
)

// UTF8 checks a text that arrives in pieces (RFC 6455 8.1). The zero value is at the
// start of a text. It finds an error at the first byte that no valid text can have, not
// at the end of the character.
//
// It is an automaton (RFC 3629 4) in which a step is one shift: the row of a byte has
// the next state for each state, and a state is the number of bits by which a row is
// shifted to get that state's entry. There are no branches to be mispredicted, so a
// text of many scripts costs no more than one of a single script.
type UTF8 struct{ state uint8 }

// The states: between characters, or what the next byte must be.
const (
	utf8Start   = iota * utf8Width // a first byte
	utf8One                        // one more byte, 80 to BF
	utf8Two                        // two more
	utf8Three                      // three more
	utf8AfterE0                    // two more, the first A0 to BF: a shorter form exists below
	utf8AfterED                    // two more, the first 80 to 9F: surrogates are above
	utf8AfterF0                    // three more, the first 90 to BF: a shorter form exists below
	utf8AfterF4                    // three more, the first 80 to 8F: beyond U+10FFFF above
	utf8Error                      // it stays in this state
)

// utf8Width is how many bits of a row an entry has.
const utf8Width = 6

// utf8Rows has a row for each byte.
var utf8Rows = makeUTF8Rows()

func makeUTF8Rows() (rows [256]uint64) {
	for b := range rows {
		for from := utf8Start; from <= utf8Error; from += utf8Width {
			rows[b] |= uint64(utf8Next(from, byte(b))) << from
		}
	}
	return rows
}

// utf8Next is the state after a byte.
func utf8Next(state int, b byte) int {
	low, high, next := byte(0x80), byte(0xBF), utf8Start
	switch state {
	case utf8Start:
		return utf8First(b)
	case utf8One:
	case utf8Two:
		next = utf8One
	case utf8Three:
		next = utf8Two
	case utf8AfterE0:
		low, next = 0xA0, utf8One
	case utf8AfterED:
		high, next = 0x9F, utf8One
	case utf8AfterF0:
		low, next = 0x90, utf8Two
	case utf8AfterF4:
		high, next = 0x8F, utf8Two
	default:
		return utf8Error
	}
	if b < low || b > high {
		return utf8Error
	}
	return next
}

// utf8First is the state after the first byte of a character.
func utf8First(b byte) int {
	switch {
	case b < 0x80:
		return utf8Start
	case b < 0xC2 || b > 0xF4:
		return utf8Error
	case b < 0xE0:
		return utf8One
	case b == 0xE0:
		return utf8AfterE0
	case b == 0xED:
		return utf8AfterED
	case b < 0xF0:
		return utf8Two
	case b == 0xF0:
		return utf8AfterF0
	case b == 0xF4:
		return utf8AfterF4
	}
	return utf8Three
}

// Write checks the next piece. It returns -1 while the text can still become valid, or
// the index in p of the first byte that no valid text can have there. After an error,
// call Reset before the next Write.
func (u *UTF8) Write(p []byte) (bad int) {
	state, rest := uint64(u.state), p
	for len(rest) >= asciiBlockSize {
		if state != utf8Start {
			// Read the next character byte by byte, to continue between two characters.
			if state = utf8Rows[rest[0]] >> state & 63; state == utf8Error {
				return len(p) - len(rest)
			}
			rest = rest[1:]
			continue
		}
		if asciiBlock((*[asciiBlockSize]byte)(rest)) {
			rest = rest[asciiBlockSize:]
			continue
		}
		n := validPrefix(rest)
		if n == 0 {
			break
		}
		// These n bytes are valid, but for an incomplete character at their end: endState
		// finds the state there, and whether it can still become a character.
		if state, rest = endState(rest[:n]), rest[n:]; state == utf8Error {
			return len(p) - len(rest) - 1
		}
	}
	if state == utf8Start && isASCII(0, rest) {
		u.state = utf8Start
		return -1
	}
	for state == utf8Start && len(rest) >= 8 && binary.LittleEndian.Uint64(rest)&highBits == 0 {
		rest = rest[8:]
	}
	before := state
	for _, b := range rest {
		state = utf8Rows[b] >> (state & 63)
	}
	if state &= 63; state == utf8Error {
		return len(p) - len(rest) + firstError(before, rest)
	}
	u.state = uint8(state)
	return -1
}

// writeMasked is Write for text that is masked with key, from the key's first byte on, and
// that must not be changed. A key of 0 masks nothing.
func (u *UTF8) writeMasked(key uint32, p []byte) (bad int) {
	if key == 0 {
		return u.Write(p)
	}
	if u.Complete() && isASCII(bits.ReverseBytes32(key), p) {
		return -1
	}
	var buf [512]byte
	for at := 0; at < len(p); {
		piece := buf[:copy(buf[:], p[at:])]
		Mask(key, at, piece)
		if bad = u.Write(piece); bad >= 0 {
			return at + bad
		}
		at += len(piece)
	}
	return -1
}

// isText reports whether all of p is valid text, masked as for isASCII.
//
//go:noinline
func isText(key uint32, p []byte) bool {
	var u UTF8
	return u.writeMasked(bits.ReverseBytes32(key), p) < 0 && u.Complete()
}

// endState returns the state after p, which begins between characters and is valid.
func endState(p []byte) (state uint64) {
	at := len(p) - 1
	for p[at]&0xC0 == 0x80 {
		at--
	}
	for _, b := range p[at:] {
		state = utf8Rows[b] >> (state & 63)
	}
	return state & 63
}

// firstError returns the index of the error in p, which begins in the given state.
func firstError(state uint64, p []byte) int {
	for i, b := range p {
		if state = utf8Rows[b] >> (state & 63); state&63 == utf8Error {
			return i
		}
	}
	return len(p)
}

// highBits are the bits that no ASCII byte has.
const highBits = 0x8080808080808080

// asciiBlockSize is how many bytes are skipped at once if they are ASCII.
const asciiBlockSize = 64

// isASCII reports whether b, once unmasked, is all ASCII. The key is that of the header with its
// bytes reversed, as little-endian words of b need it; a key of 0 masks nothing. The last words
// overlap those before, so that no byte is checked alone.
func isASCII(key uint32, b []byte) bool {
	k := uint64(key)<<32 | uint64(key)
	last := bits.RotateLeft64(k, -8*(len(b)&3)) // at the last 4, 8, 16 or 64 bytes
	var seen uint64
	switch {
	case len(b) >= 64:
		for rest := b; ; {
			w := (*[64]byte)(rest)
			seen = (binary.LittleEndian.Uint64(w[0:8]) ^ k) | (binary.LittleEndian.Uint64(w[8:16]) ^ k) |
				(binary.LittleEndian.Uint64(w[16:24]) ^ k) | (binary.LittleEndian.Uint64(w[24:32]) ^ k) |
				(binary.LittleEndian.Uint64(w[32:40]) ^ k) | (binary.LittleEndian.Uint64(w[40:48]) ^ k) |
				(binary.LittleEndian.Uint64(w[48:56]) ^ k) | (binary.LittleEndian.Uint64(w[56:64]) ^ k)
			if seen&highBits != 0 || len(rest) == 64 {
				break
			}
			if rest = rest[64:]; len(rest) < 64 {
				rest, k = b[len(b)-64:], last
			}
		}
	case len(b) >= 16:
		for rest := b; len(rest) > 16; rest = rest[16:] {
			seen |= (binary.LittleEndian.Uint64(rest) ^ k) | (binary.LittleEndian.Uint64(rest[8:]) ^ k)
		}
		rest := b[len(b)-16:]
		seen |= (binary.LittleEndian.Uint64(rest) ^ last) | (binary.LittleEndian.Uint64(rest[8:]) ^ last)
	case len(b) >= 8:
		seen = (binary.LittleEndian.Uint64(b) ^ k) | (binary.LittleEndian.Uint64(b[len(b)-8:]) ^ last)
	case len(b) >= 4:
		seen = uint64((binary.LittleEndian.Uint32(b) ^ key) | (binary.LittleEndian.Uint32(b[len(b)-4:]) ^ uint32(last)))
	default:
		for i, c := range b {
			seen |= uint64(c ^ byte(key>>(8*i)))
		}
	}
	return seen&highBits == 0
}

func asciiBlock(b *[asciiBlockSize]byte) bool {
	seen := binary.LittleEndian.Uint64(b[0:8]) | binary.LittleEndian.Uint64(b[8:16]) |
		binary.LittleEndian.Uint64(b[16:24]) | binary.LittleEndian.Uint64(b[24:32]) |
		binary.LittleEndian.Uint64(b[32:40]) | binary.LittleEndian.Uint64(b[40:48]) |
		binary.LittleEndian.Uint64(b[48:56]) | binary.LittleEndian.Uint64(b[56:64])
	return seen&highBits == 0
}

// Complete reports whether the text so far does not end inside a character.
func (u *UTF8) Complete() bool { return u.state == utf8Start }

// Reset prepares u for the start of a text.
func (u *UTF8) Reset() { u.state = utf8Start }

// UTF-8 checked as it arrives, however the text is cut into pieces.

package protocol

import "unicode/utf8"

// UTF8 checks a text that comes in pieces (RFC 6455 8.1). The zero value is at
// the start of a text. It notices an error at the very byte that makes the text
// impossible, not at the end of the character.
type UTF8 struct {
	start [3]byte // of a character whose end has not come yet
	n     uint8   // bytes in start
}

// Write takes the next piece. It returns -1 while all can still become valid
// text, or the index in p of the first byte that no valid text can have there.
// After an error, Reset before the next Write.
func (u *UTF8) Write(p []byte) (bad int) {
	i := 0
	if u.n > 0 {
		var done bool
		if i, done = u.finish(p); !done {
			return -1
		} else if i < 0 {
			return -i - 1
		}
	}
	body := p[i:]
	tail := cutCharacter(body)
	whole := body[:len(body)-tail]
	if !utf8.Valid(whole) {
		return i + firstInvalid(whole)
	}
	if tail > 0 {
		rest := body[len(body)-tail:]
		if good := validPrefix(rest); good < tail {
			return i + len(whole) + good
		}
		u.n = uint8(copy(u.start[:], rest))
	}
	return -1
}

// finish completes the pending character with the first bytes of p. It returns
// how many it took, or -1-index of a wrong byte; done is false when p ended first.
func (u *UTF8) finish(p []byte) (i int, done bool) {
	var c [utf8.UTFMax]byte
	n := copy(c[:], u.start[:u.n])
	size := characterSize(c[0])
	for i = 0; n < size; i++ {
		if i == len(p) {
			u.n = uint8(copy(u.start[:], c[:n]))
			return i, false
		}
		c[n] = p[i]
		n++
		if validPrefix(c[:n]) < n {
			return -i - 1, true
		}
	}
	u.n = 0
	return i, true
}

// Complete reports whether the text so far does not end inside a character.
func (u *UTF8) Complete() bool { return u.n == 0 }

// Reset goes back to the start of a text.
func (u *UTF8) Reset() { u.n = 0 }

// cutCharacter is how many bytes at the end of p start a character that p does
// not hold whole: 0 to 3.
func cutCharacter(p []byte) int {
	for k := 1; k <= 3 && k <= len(p); k++ {
		b := p[len(p)-k]
		if b < 0x80 {
			return 0
		}
		if b >= 0xC0 {
			if characterSize(b) > k {
				return k
			}
			return 0
		}
	}
	return 0
}

// characterSize is the length that the first byte of a character announces, 1
// for a byte that starts none.
func characterSize(b byte) int {
	switch {
	case b < 0xC2 || b > 0xF4:
		return 1
	case b < 0xE0:
		return 2
	case b < 0xF0:
		return 3
	}
	return 4
}

// firstInvalid is the index of the first byte of p that no valid text can have.
func firstInvalid(p []byte) int {
	for i := 0; i < len(p); {
		r, size := utf8.DecodeRune(p[i:])
		if r == utf8.RuneError && size == 1 {
			return i + validPrefix(p[i:])
		}
		i += size
	}
	return len(p)
}

// validPrefix is how many leading bytes of p, at most one character's, could
// begin a valid character (RFC 3629 4).
func validPrefix(p []byte) int {
	if p[0] >= 0x80 && characterSize(p[0]) == 1 {
		return 0
	}
	low, high := byte(0x80), byte(0xBF)
	switch p[0] {
	case 0xE0: // shorter form exists
		low = 0xA0
	case 0xED: // surrogates
		high = 0x9F
	case 0xF0: // shorter form exists
		low = 0x90
	case 0xF4: // beyond U+10FFFF
		high = 0x8F
	}
	size := characterSize(p[0])
	for i := 1; i < size && i < len(p); i++ {
		if p[i] < low || p[i] > high {
			return i
		}
		low, high = 0x80, 0xBF
	}
	return min(size, len(p))
}

// Checking JSON without decoding it: where a value ends, and that it is valid and not too deep.

package socketio

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// maxDepth is how deeply arrays and objects of a packet may be nested. It is the number of bits
// that remember which of them are objects.
const maxDepth = 64

// skipValue returns the index behind the JSON value at p[i:], and the spaces before it; -1 if
// it is not valid (RFC 8259), or nested too deeply. That strings are valid UTF-8 is not checked.
func skipValue(p []byte, i int) int {
	var objects uint64 // a bit for each container that is open, the innermost lowest
	key := false       // an object's key is next
	for depth := 0; ; {
		if i = skipSpace(p, i); i >= len(p) {
			return -1
		}
		c := p[i]
		if key {
			if i = skipKey(p, i); i < 0 {
				return -1
			}
			key = false
			continue
		}
		if c == '[' || c == '{' {
			if depth == maxDepth {
				return -1
			}
			i = skipSpace(p, i+1)
			if i < len(p) && p[i] == c+2 { // ']' and '}' are two after '[' and '{'
				i++
			} else {
				depth++
				objects <<= 1
				if key = c == '{'; key {
					objects |= 1
				}
				continue
			}
		} else if i = skipScalar(p, i); i < 0 {
			return -1
		}
		for {
			if depth == 0 {
				return i
			}
			if i = skipSpace(p, i); i >= len(p) {
				return -1
			}
			c, i = p[i], i+1
			if c == ',' {
				key = objects&1 == 1
				break
			}
			if c != ']'+byte(objects&1)*('}'-']') {
				return -1
			}
			depth, objects = depth-1, objects>>1
		}
	}
}

func skipSpace(p []byte, i int) int {
	for i < len(p) && (p[i] == ' ' || p[i] == '\n' || p[i] == '\r' || p[i] == '\t') {
		i++
	}
	return i
}

// skipKey skips a key and its colon.
func skipKey(p []byte, i int) int {
	if p[i] != '"' {
		return -1
	}
	if i = skipString(p, i+1); i < 0 {
		return -1
	}
	if i = skipSpace(p, i); i >= len(p) || p[i] != ':' {
		return -1
	}
	return i + 1
}

func skipScalar(p []byte, i int) int {
	switch p[i] {
	case '"':
		return skipString(p, i+1)
	case 't':
		return skipLiteral(p, i, "true")
	case 'f':
		return skipLiteral(p, i, "false")
	case 'n':
		return skipLiteral(p, i, "null")
	}
	return skipNumber(p, i)
}

func skipLiteral(p []byte, i int, literal string) int {
	if bytes.HasPrefix(p[i:], []byte(literal)) {
		return i + len(literal)
	}
	return -1
}

func skipNumber(p []byte, i int) int {
	if p[i] == '-' {
		i++
	}
	if i < len(p) && p[i] == '0' {
		i++
	} else if i = skipDigits(p, i); i < 0 {
		return -1
	}
	if i < len(p) && p[i] == '.' {
		if i = skipDigits(p, i+1); i < 0 {
			return -1
		}
	}
	if i < len(p) && p[i]|0x20 == 'e' {
		if i++; i < len(p) && (p[i] == '+' || p[i] == '-') {
			i++
		}
		return skipDigits(p, i)
	}
	return i
}

// skipDigits skips one digit or more.
func skipDigits(p []byte, i int) int {
	first := i
	for i < len(p) && isDigit(p[i]) {
		i++
	}
	if i == first {
		return -1
	}
	return i
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// skipString returns the index behind the quote that ends the string whose characters begin
// at i.
func skipString(p []byte, i int) int {
	for {
		i = plainEnd(p, i)
		if i >= len(p) || p[i] < ' ' {
			return -1
		}
		if p[i] == '"' {
			return i + 1
		}
		if i = skipEscape(p, i+1); i < 0 {
			return -1
		}
	}
}

// plainEnd returns the index of the first quote, backslash or control character from i on.
func plainEnd(p []byte, i int) int {
	const low, high = 0x0101010101010101, 0x8080808080808080
	for ; len(p)-i >= 8; i += 8 {
		// For each byte: whether it is below 0x20, or becomes 0 by the xor. A borrow may mark
		// bytes above a marked one, too, but the lowest mark is right.
		v := binary.LittleEndian.Uint64(p[i:])
		quote, slash := v^('"'*low), v^('\\'*low)
		marks := ((v - ' '*low) &^ v) | ((quote - low) &^ quote) | ((slash - low) &^ slash)
		if marks &= high; marks != 0 {
			return i + bits.TrailingZeros64(marks)/8
		}
	}
	for i < len(p) && p[i] != '"' && p[i] != '\\' && p[i] >= ' ' {
		i++
	}
	return i
}

// skipEscape skips what follows a backslash.
func skipEscape(p []byte, i int) int {
	if i >= len(p) {
		return -1
	}
	switch p[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		if len(p)-i < 5 {
			return -1
		}
		for _, c := range p[i+1 : i+5] {
			if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
				return -1
			}
		}
		return i + 5
	}
	return -1
}

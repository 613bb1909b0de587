// Hex digits and what may be between them.

package decode

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
)

// hexText reads hex digits or a hex dump. A digit by itself is a byte, as in the lists
// that programs print; digits at the end of a line continue on the next line.
type hexText struct {
	half byte // a digit without its second, or 0
	run  int  // consecutive digits so far
	dump dump
}

var errOddDigits = errors.New("an odd number of hex digits")

func (h *hexText) decode(dst, line []byte, last bool) ([]byte, error) {
	had := len(dst)
	p, offset, err := h.dump.split(bytes.TrimRight(line, "\r\n"))
	if err != nil {
		return dst, err
	}
	for len(p) > 0 {
		c, n := p[0], 1
		if prefixed(p) {
			c, n = ' ', 2
		}
		if dst, err = h.add(dst, c); err != nil {
			return dst[:had], badHex(err, line)
		}
		p = p[n:]
	}
	if ends := h.half == 0 || h.run == 1; last || ends && bytes.HasSuffix(line, []byte("\n")) {
		if dst, err = h.add(dst, ' '); err != nil {
			return dst[:had], err
		}
	}
	h.dump.next = offset + uint64(len(dst)-had)
	h.dump.width = max(h.dump.width, len(dst)-had)
	return dst, nil
}

// prefixed reports whether p begins with 0x.
func prefixed(p []byte) bool { return len(p) > 1 && p[0] == '0' && p[1]|0x20 == 'x' }

func badHex(err error, line []byte) error {
	if errors.Is(err, errOddDigits) {
		return err
	}
	return fmt.Errorf("%q is not hex: give --format base64 or binary if it is that", shorten(line))
}

// add adds a digit, or a character that ends a number.
func (h *hexText) add(dst []byte, c byte) ([]byte, error) {
	switch {
	case bytes.IndexByte([]byte(" \t\r:,;-"), c) < 0 && h.half == 0:
		h.half = c
		h.run++
	case bytes.IndexByte([]byte(" \t\r:,;-"), c) < 0:
		pair := []byte{h.half, c}
		h.half = 0
		h.run++
		return hex.AppendDecode(dst, pair)
	case h.half != 0 && h.run > 1:
		return dst, errOddDigits
	case h.half != 0:
		pair := []byte{'0', h.half}
		h.half, h.run = 0, 0
		return hex.AppendDecode(dst, pair)
	default:
		h.run = 0
	}
	return dst, nil
}

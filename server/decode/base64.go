// Base64, in lines of any length, padded or not.

package decode

import (
	"encoding/base64"
	"fmt"
)

// base64Text decodes base64 of either alphabet. Padding ends a string, after which another may
// begin; the last needs no padding.
type base64Text struct {
	digits []byte // of an unfinished group
	padded int    // how many = may still follow
}

func (t *base64Text) decode(dst, line []byte, last bool) ([]byte, error) {
	had := len(dst)
	wrong := func() ([]byte, error) {
		return dst[:had], fmt.Errorf("%q is not base64: give --format hex or binary if it is that", shorten(line))
	}
	for _, c := range line {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '=':
			if n := len(t.digits); n >= 2 {
				t.padded = 4 - n
			}
			if t.padded == 0 {
				return wrong()
			}
			t.padded--
			c = 0
		case '-':
			c = '+'
		case '_':
			c = '/'
		}
		if c != 0 {
			t.digits, t.padded = append(t.digits, c), 0
		}
		if n := len(t.digits); n == 4 || c == 0 && n > 0 {
			var err error
			if dst, err = t.group(dst); err != nil {
				return wrong()
			}
		}
	}
	if last && len(t.digits) > 0 {
		var err error
		if dst, err = t.group(dst); err != nil {
			return wrong()
		}
	}
	return dst, nil
}

// group decodes the digits of a group: four, or fewer at the end of a string.
func (t *base64Text) group(dst []byte) ([]byte, error) {
	dst, err := base64.RawStdEncoding.AppendDecode(dst, t.digits)
	t.digits = t.digits[:0]
	return dst, err
}

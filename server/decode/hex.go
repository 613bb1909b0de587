// Hex digits, and dumps of them.

package decode

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// A dump has an offset before the bytes and perhaps characters behind them. Between
// bars they are told from bytes; without, two spaces set them off.
var (
	isDump     = regexp.MustCompile(`^([0-9a-fA-F]{4,16})(?::\s|\s\s)`)
	barredDump = regexp.MustCompile(`^[0-9a-fA-F]{4,16}:?\s+((?:[0-9a-fA-F]{2}\s{1,2})*)\s*\|.*$`)
	plainDump  = regexp.MustCompile(`^[0-9a-fA-F]{4,16}:?\s+((?:[0-9a-fA-F]{2,8}\s)*[0-9a-fA-F]{2,8})(?:\s*$|\s\s.*$)`)
	lastOffset = regexp.MustCompile(`^([0-9a-fA-F]{4,16})\s*$`)
)

// hexText reads hex digits, whatever stands between them, or a hex dump.
type hexText struct {
	half []byte // a digit without its second
	dump bool   // the first line began with an offset
	next uint64 // the offset that the next line must have
	some bool   // a line of the dump has been read
}

var errOddDigits = errors.New("an odd number of hex digits")

func (h *hexText) decode(dst, line []byte, last bool) ([]byte, error) {
	had := len(dst)
	bytesOf, offset, err := h.dumped(bytes.TrimRight(line, "\r\n"))
	if err != nil {
		return dst, err
	}
	digits := h.half
	for i, c := range bytesOf {
		switch {
		case c == '0' && i+1 < len(bytesOf) && (bytesOf[i+1] == 'x' || bytesOf[i+1] == 'X'):
		case (c == 'x' || c == 'X') && i > 0 && bytesOf[i-1] == '0':
		case bytes.IndexByte([]byte(" \t\r\n:,;-"), c) >= 0:
		default:
			digits = append(digits, c)
		}
	}
	whole := digits[:len(digits)&^1]
	dst, err = hex.AppendDecode(dst, whole)
	if err != nil {
		return dst[:had], fmt.Errorf("%q is not hex: give --format base64 or binary if it is that", shorten(line))
	}
	h.half = append([]byte(nil), digits[len(whole):]...)
	if last && len(h.half) > 0 {
		return dst[:had], errOddDigits
	}
	h.next = offset + uint64(len(dst)-had)
	return dst, nil
}

// dumped is the part of a dump's line that holds the bytes, and their offset; any
// other line is all bytes.
func (h *hexText) dumped(line []byte) (p []byte, offset uint64, err error) {
	m := isDump.FindSubmatch(line)
	if m == nil && h.dump {
		m = lastOffset.FindSubmatch(line)
	}
	if m == nil {
		if h.dump && bytes.Equal(bytes.TrimSpace(line), []byte("*")) {
			return nil, 0, errors.New("* stands for lines that are left out: dump all of them (hexdump -v)")
		}
		return line, h.next, nil
	}
	offset, _ = strconv.ParseUint(string(m[1]), 16, 64) // 16 digits at most
	if h.some && offset != h.next {
		return nil, 0, fmt.Errorf("the offset is %x where %x is due: lines are missing", offset, h.next)
	}
	h.dump, h.some = true, true
	for _, form := range []*regexp.Regexp{barredDump, plainDump} {
		if m := form.FindSubmatch(line); m != nil {
			return m[1], offset, nil
		}
	}
	if lastOffset.Match(line) {
		return nil, offset, nil
	}
	return line, offset, nil
}

// From hex, a hex dump or base64 to bytes.

package decode

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
)

// sampleSize is how much of the input is looked at to tell its format, in bytes.
const sampleSize = 4 << 10

// Plain reads bytes that are written in a format. "auto" looks at the beginning:
// hex if it is nothing else, base64 if it is nothing else, and otherwise binary.
func Plain(in io.Reader, format string) (io.Reader, error) {
	r := bufio.NewReaderSize(in, sampleSize)
	sample, err := r.Peek(sampleSize)
	if err := ended(err); err != nil {
		return nil, err
	}
	if format == "" || format == "auto" {
		format = guess(sample)
	}
	switch format {
	case "hex":
		return &hexReader{lines: bufio.NewReader(r)}, nil
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, &base64Reader{in: r}), nil
	case "binary":
		return r, nil
	}
	return nil, fmt.Errorf("format %q is not known: give auto, hex, base64 or binary", format)
}

var (
	onlyHex    = regexp.MustCompile(`^(?:0[xX]|[0-9a-fA-F]|[\s:,;-])*$`)
	onlyBase64 = regexp.MustCompile(`^[A-Za-z0-9+/_\s-]+={0,2}\s*$`)
	// A dump has offsets before the bytes and perhaps characters behind them.
	dumpLine = regexp.MustCompile(`^[0-9a-fA-F]{4,16}(?::|\s\s|\s|$)\s*((?:[0-9a-fA-F]{2,4}\s{1,2})*[0-9a-fA-F]{2,4}|)(?:\s*$|\s\s.*$|\s+\|.*$)`)
	isDump   = regexp.MustCompile(`^[0-9a-fA-F]{4,16}(?::\s|\s\s)`)
)

func guess(sample []byte) string {
	first, _, _ := bytes.Cut(sample, []byte("\n"))
	text := len(bytes.TrimSpace(sample)) > 0
	switch {
	case text && (onlyHex.Match(sample) || isDump.Match(first)):
		return "hex"
	case text && onlyBase64.Match(sample):
		return "base64"
	}
	return "binary"
}

// hexReader reads hex digits, whatever stands between them, or a hex dump.
type hexReader struct {
	lines *bufio.Reader
	line  int
	ready []byte // decoded
	half  []byte // a digit without its second
	dump  bool   // a line began with an offset
	err   error
}

func (h *hexReader) Read(p []byte) (int, error) {
	for len(h.ready) == 0 {
		if h.err != nil {
			return 0, h.err
		}
		h.next()
	}
	n := copy(p, h.ready)
	h.ready = h.ready[n:]
	return n, nil
}

// next decodes a line, or a part of a very long one.
func (h *hexReader) next() {
	line, err := h.lines.ReadSlice('\n')
	switch {
	case err == bufio.ErrBufferFull && line[len(line)-1] == '0':
		_ = h.lines.UnreadByte() // perhaps of 0x
		line = line[:len(line)-1]
	case err != nil && err != bufio.ErrBufferFull:
		h.err = err
	}
	h.line++
	if m := dumpLine.FindSubmatch(bytes.TrimRight(line, "\r\n")); m != nil && (h.dump || isDump.Match(line)) {
		line, h.dump = m[1], true
	}
	digits := h.half
	for i, c := range line {
		switch {
		case c == '0' && i+1 < len(line) && (line[i+1] == 'x' || line[i+1] == 'X'):
		case (c == 'x' || c == 'X') && i > 0 && line[i-1] == '0':
		case bytes.IndexByte([]byte(" \t\r\n:,;-"), c) >= 0:
		default:
			digits = append(digits, c)
		}
	}
	if h.err == io.EOF && len(digits)%2 == 1 {
		h.err = fmt.Errorf("line %d: an odd number of hex digits", h.line)
	}
	whole := digits[:len(digits)&^1]
	h.half = append([]byte(nil), digits[len(whole):]...)
	h.ready = make([]byte, len(whole)/2)
	if _, err := hex.Decode(h.ready, whole); err != nil {
		h.ready, h.err = nil, fmt.Errorf("line %d: %q is not hex: give --format base64 or binary if it is that", h.line, shorten(line))
	}
}

func shorten(line []byte) []byte {
	line = bytes.TrimSpace(line)
	return line[:min(len(line), 40)]
}

// base64Reader lets the URL-safe alphabet pass for the usual one. It fills what it
// is given, since the decoder's word on broken input depends on how it comes.
type base64Reader struct{ in io.Reader }

func (b *base64Reader) Read(p []byte) (int, error) {
	n, err := io.ReadFull(b.in, p)
	if n > 0 {
		err = nil
	}
	for i, c := range p[:n] {
		switch c {
		case '-':
			p[i] = '+'
		case '_':
			p[i] = '/'
		case ' ', '\t':
			p[i] = '\n' // which the decoder passes over
		}
	}
	return n, err
}

// From hex, a hex dump or base64 to bytes.

package decode

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"regexp"
)

// sampleSize is how many bytes of the input are looked at to find its format.
const sampleSize = 4 << 10

// Plain returns a reader of the bytes that in holds in a format. For "auto" it looks at the first
// line that is not blank: if that can be hex the format is hex, else if it can be base64 base64,
// else binary. It reads no more of in than that takes.
func Plain(in io.Reader, format string) (io.Reader, error) {
	r := bufio.NewReaderSize(in, sampleSize)
	if format == "" || format == "auto" {
		line, err := firstLine(r)
		if err != nil {
			return nil, err
		}
		format = guess(line)
	}
	switch format {
	case "hex":
		return &textReader{lines: bufio.NewReader(r), decode: new(hexText).decode}, nil
	case "base64":
		return &textReader{lines: bufio.NewReader(r), decode: new(base64Text).decode}, nil
	case "binary":
		return r, nil
	}
	return nil, fmt.Errorf("format %q is not known: give auto, hex, base64 or binary", format)
}

// firstLine returns the first line that is not blank, or the beginning of the input up to the first
// byte that no text has.
func firstLine(r *bufio.Reader) ([]byte, error) {
	start := 0
	for n := 1; n <= sampleSize; n++ {
		p, err := r.Peek(n)
		if len(p) < n {
			return p[start:], readError(err)
		}
		switch c := p[n-1]; {
		case c == '\n' && len(bytes.TrimSpace(p[start:])) > 0:
			return p[start:], nil
		case c == '\n':
			start = n
		case c != '\t' && c != '\r' && (c < ' ' || c > '~'):
			return p[start:], nil
		}
	}
	p, _ := r.Peek(sampleSize)
	return p[start:], nil
}

var (
	onlyHex    = regexp.MustCompile(`^(?:0[xX]|[0-9a-fA-F]|[\s:,;-])*$`)
	onlyBase64 = regexp.MustCompile(`^[A-Za-z0-9+/_\s-]+={0,2}\s*$`)
)

func guess(line []byte) string {
	text := len(bytes.TrimSpace(line)) > 0
	switch {
	case text && (onlyHex.Match(line) || isDump.Match(line) || zeroDump.Match(line) || wordDump.Match(line)):
		return "hex"
	case text && onlyBase64.Match(line):
		return "base64"
	}
	return "binary"
}

// textReader reads bytes that are written as text, line by line.
type textReader struct {
	lines *bufio.Reader
	line  int
	ready []byte // decoded
	err   error
	// decode appends to dst the bytes of a line, or of a part of a very long one. last is set
	// for the last line.
	decode func(dst, line []byte, last bool) ([]byte, error)
}

func (t *textReader) Read(p []byte) (int, error) {
	for len(t.ready) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		t.next()
	}
	n := copy(p, t.ready)
	t.ready = t.ready[n:]
	return n, nil
}

func (t *textReader) next() {
	line, err := t.lines.ReadSlice('\n')
	switch {
	case err == bufio.ErrBufferFull && line[len(line)-1] == '0':
		_ = t.lines.UnreadByte() // perhaps of 0x
		line = line[:len(line)-1]
	case err != nil && err != bufio.ErrBufferFull:
		t.err = err
	}
	t.line++
	ready, err := t.decode(t.ready[:0], line, t.err == io.EOF)
	if t.ready = ready; err != nil {
		t.err = fmt.Errorf("line %d: %w", t.line, err)
	}
}

func shorten(line []byte) []byte {
	line = bytes.TrimSpace(line)
	return line[:min(len(line), 40)]
}

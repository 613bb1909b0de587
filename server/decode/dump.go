// Hex dumps: an offset before the bytes and perhaps characters after them.

package decode

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

const dumpOffset = `^\s*(?:0[xX])?([0-9a-fA-F]{4,16})`

// Some dumps print the characters between bars. In others two spaces come before the characters, but
// also in the middle of a line of sixteen bytes.
var (
	isDump     = regexp.MustCompile(dumpOffset + `(?::\s|\s\s)`)
	colonDump  = regexp.MustCompile(dumpOffset + `:\s`)
	barredDump = regexp.MustCompile(dumpOffset + `:?\s+((?:[0-9a-fA-F]{2}\s{1,2})*)\s*\|.*$`)
	halvedDump = regexp.MustCompile(dumpOffset + `:?\s+((?:[0-9a-fA-F]{2}\s){8}\s(?:[0-9a-fA-F]{2}\s){0,7}[0-9a-fA-F]{2})(?:\s*$|\s\s.*$)`)
	plainDump  = regexp.MustCompile(dumpOffset + `:?\s+((?:[0-9a-fA-F]{2,8}\s)*[0-9a-fA-F]{2,8})(?:\s*$|\s\s.*$)`)
	lastOffset = regexp.MustCompile(dumpOffset + `:?\s*$`)

	// od prints one space after its offsets, which are known from bytes only by their leading
	// zeros. Words are in the byte order of the machine that dumped them.
	zeroDump  = regexp.MustCompile(`^0{6,8} [0-9a-fA-F]{2}(?: [0-9a-fA-F]{2})*(?:\s\s.*)?\s*$`)
	spaceDump = regexp.MustCompile(`^([0-9a-fA-F]{6,16}) `)
	wordDump  = regexp.MustCompile(`^0{6,8}(?: | {3,})[0-9a-fA-F]{4}(?:[0-9a-fA-F]{4}|[0-9a-fA-F]{12})?(?: | {3,}|\s*$)`)
)

// dump splits the lines of a hex dump into offset, bytes and characters.
type dump struct {
	form  *regexp.Regexp // nil until the first such line
	some  bool           // a line has been read
	width int            // the most bytes that a line had
	next  uint64         // the offset that the next line must have
}

// split returns the part of a line that holds bytes, and their offset. A line that is not one of a
// dump is all bytes.
func (d *dump) split(line []byte) (p []byte, offset uint64, err error) {
	if !d.some {
		if wordDump.Match(line) {
			return nil, 0, errors.New("a dump of words, whose bytes are in an order of the machine's own: dump single bytes (hexdump -C, od -An -tx1 -v)")
		}
		switch {
		case isDump.Match(line):
			d.form = isDump
		case zeroDump.Match(line):
			d.form = spaceDump
		}
		d.some = len(bytes.TrimSpace(line)) > 0
		return d.bytesOf(line, true)
	}
	return d.bytesOf(line, false)
}

func (d *dump) bytesOf(line []byte, first bool) (p []byte, offset uint64, err error) {
	if d.form == nil {
		if colonDump.Match(line) {
			return nil, 0, errors.New("this line begins with an offset, the first did not")
		}
		return line, d.next, nil
	}
	m := d.form.FindSubmatch(line)
	if m == nil {
		m = lastOffset.FindSubmatch(line)
	}
	if m == nil {
		if bytes.Equal(bytes.TrimSpace(line), []byte("*")) {
			return nil, 0, errors.New("* stands for lines that are left out: dump all of them (hexdump -v)")
		}
		return line, d.next, nil
	}
	if offset, err = d.offset(string(m[1]), first); err != nil {
		return nil, 0, err
	}
	for _, form := range []*regexp.Regexp{barredDump, halvedDump, plainDump} {
		m := form.FindSubmatch(line)
		if m == nil {
			continue
		}
		if form == halvedDump && d.width <= 8 && len(m[2]) == len("00 11 22 33 44 55 66 77  ab cd ef") && bytes.HasSuffix(line, m[2]) {
			break // the last eight may be the characters of the first eight
		}
		return m[2], offset, nil
	}
	if lastOffset.Match(line) {
		return nil, offset, nil
	}
	return nil, 0, fmt.Errorf("%q: which of it are bytes cannot be told", shorten(line))
}

// offset parses an offset in hex or, if that is not the expected one, in octal or decimal, which od
// prints too.
func (d *dump) offset(digits string, first bool) (uint64, error) {
	offset, _ := strconv.ParseUint(digits, 16, 64) // 16 digits at most
	if first || offset == d.next {
		return offset, nil
	}
	for _, base := range []int{8, 10} {
		if n, err := strconv.ParseUint(digits, base, 64); err == nil && n == d.next && d.form == spaceDump {
			return n, nil
		}
	}
	return 0, fmt.Errorf("the offset is %s where %0*x is due: lines are missing", digits, len(digits), d.next)
}

// Hex dumps: an offset before the bytes and perhaps characters behind them.

package decode

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

const dumpOffset = `^\s*(?:0[xX])?([0-9a-fA-F]{4,16})`

// Between bars the characters are told from bytes; without, two spaces set them off, but
// in the middle of a line of sixteen bytes too.
var (
	isDump     = regexp.MustCompile(dumpOffset + `(?::\s|\s\s)`)
	colonDump  = regexp.MustCompile(dumpOffset + `:\s`)
	barredDump = regexp.MustCompile(dumpOffset + `:?\s+((?:[0-9a-fA-F]{2}\s{1,2})*)\s*\|.*$`)
	halvedDump = regexp.MustCompile(dumpOffset + `:?\s+((?:[0-9a-fA-F]{2}\s){8}\s(?:[0-9a-fA-F]{2}\s){0,7}[0-9a-fA-F]{2})(?:\s*$|\s\s.*$)`)
	plainDump  = regexp.MustCompile(dumpOffset + `:?\s+((?:[0-9a-fA-F]{2,8}\s)*[0-9a-fA-F]{2,8})(?:\s*$|\s\s.*$)`)
	lastOffset = regexp.MustCompile(dumpOffset + `:?\s*$`)

	// od sets its offsets off by one space: only that they begin with nought tells them
	// from bytes. Words are in the order of the machine that dumped them.
	zeroDump  = regexp.MustCompile(`^0{6,8} [0-9a-fA-F]{2}(?: [0-9a-fA-F]{2})*(?:\s\s.*)?\s*$`)
	spaceDump = regexp.MustCompile(`^([0-9a-fA-F]{6,16}) `)
	wordDump  = regexp.MustCompile(`^0{6,8}(?: | {3,})[0-9a-fA-F]{4}(?:[0-9a-fA-F]{4}|[0-9a-fA-F]{12})?(?: | {3,}|\s*$)`)
)

// dump knows which lines begin with an offset.
type dump struct {
	form  *regexp.Regexp // nil until the first such line
	some  bool           // a line has been read
	width int            // the most bytes that a line had
	next  uint64         // the offset that the next line must have
}

// split is the part of a line that holds the bytes, and their offset; any line that is
// none of a dump is all bytes.
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
			break // these may be the eight characters of eight bytes
		}
		return m[2], offset, nil
	}
	if lastOffset.Match(line) {
		return nil, offset, nil
	}
	return nil, 0, fmt.Errorf("%q: which of it are bytes cannot be told", shorten(line))
}

// offset reads an offset in hex or, where that is not the one that is due, as od
// counts too, in octal or decimal.
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

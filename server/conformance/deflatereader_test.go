// DEFLATE read by hand (RFC 1951), to see what an inflater does not report: how far
// back the copies reach.

package conformance

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"framescope/protocol"
)

// checker reads the compressed messages of one direction and holds them to what
// was agreed.
type checker struct {
	flow
	history    string
	compressed int  // messages so far
	reaches    bool // a copy came from a message before
}

// clear is the frame uncompressed, if it is compressed.
func (c *checker) clear(f frame) (frame, error) {
	if f.rsv != protocol.RSV1 || f.op != protocol.OpText && f.op != protocol.OpBinary {
		return f, nil
	}
	if f.open {
		return f, errors.New("a compressed message in fragments")
	}
	history := c.history
	if c.alone {
		history = ""
	}
	u := unpacker{in: []byte(f.payload + "\x00\x00\xff\xff"), out: []byte(history), start: len(history), window: c.window()}
	if err := u.run(); err != nil {
		return f, fmt.Errorf("compressed message of %d bytes: %w", len(f.payload), err)
	}
	f.rsv, f.payload = 0, string(u.out[u.start:])
	c.history = lastBytes(string(u.out), 1<<15)
	c.compressed++
	c.reaches = c.reaches || u.reaches
	return f, nil
}

// unpacker is DEFLATE data being read.
type unpacker struct {
	in      []byte
	at      int // in bits
	out     []byte
	start   int // of the message in out
	window  int
	reaches bool
}

var errShort = errors.New("the data end too early")

func (u *unpacker) bits(n int) (v int, err error) {
	if u.at+n > 8*len(u.in) {
		return 0, errShort
	}
	for i := range n {
		v |= int(u.in[u.at>>3]>>(u.at&7)&1) << i
		u.at++
	}
	return v, nil
}

// run reads blocks to the end of the data.
func (u *unpacker) run() error {
	for u.at <= 8*len(u.in)-8 {
		head, err := u.bits(3)
		if err != nil {
			return err
		}
		switch head >> 1 {
		case storedBlock:
			err = u.storedBlock()
		case fixedBlock:
			err = u.coded(fixedCodes())
		case dynamicBlock:
			err = u.dynamic()
		default:
			err = errors.New("a block of type 3")
		}
		if err != nil {
			return err
		}
		if head&1 != 0 {
			u.at = (u.at + 7) &^ 7 // RFC 7692 7.2.1
		}
	}
	return nil
}

func (u *unpacker) storedBlock() error {
	u.at = (u.at + 7) &^ 7
	length, _ := u.bits(16)
	check, err := u.bits(16)
	if err != nil || length != check^0xFFFF || u.at/8+length > len(u.in) {
		return errors.New("a stored block of wrong length")
	}
	u.out = append(u.out, u.in[u.at/8:u.at/8+length]...)
	u.at += 8 * length
	return nil
}

// codes maps the bits of a Huffman code behind a leading one to its symbol plus
// one (RFC 1951 3.2.2).
type codes [1 << 16]uint16

func newCodes(lengths []int) *codes {
	var c codes
	next := 0
	for n := 1; n <= 15; n++ {
		for symbol, length := range lengths {
			if length == n {
				c[(1<<n|next)&0xFFFF] = uint16(symbol + 1)
				next++
			}
		}
		next <<= 1
	}
	return &c
}

func fixedCodes() (literals, distances *codes) {
	lengths := make([]int, 288)
	for i := range lengths {
		switch {
		case i < 144 || i >= 280:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		default:
			lengths[i] = 7
		}
	}
	return newCodes(lengths), newCodes(slices.Repeat([]int{5}, 30))
}

func (u *unpacker) symbol(c *codes) (int, error) {
	for code := 1; code < 1<<15; {
		bit, err := u.bits(1)
		if err != nil {
			return 0, err
		}
		code = code<<1 | bit
		if symbol := c[code]; symbol != 0 {
			return int(symbol - 1), nil
		}
	}
	return 0, errors.New("no such code")
}

// dynamic is a block that begins with its own codes (RFC 1951 3.2.7).
func (u *unpacker) dynamic() error {
	counts, err := u.bits(14)
	if err != nil {
		return err
	}
	literals, distances, given := counts&31+257, counts>>5&31+1, counts>>10+4
	order := []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	own := make([]int, 19)
	for _, symbol := range order[:given] {
		own[symbol], _ = u.bits(3)
	}
	lengths, err := u.lengths(newCodes(own), literals+distances)
	if err != nil {
		return err
	}
	return u.coded(newCodes(lengths[:literals]), newCodes(lengths[literals:]))
}

// lengths reads n code lengths, which are themselves compressed.
func (u *unpacker) lengths(c *codes, n int) (lengths []int, err error) {
	for len(lengths) < n {
		symbol, err := u.symbol(c)
		if err != nil {
			return nil, err
		}
		value, repeat := symbol, 1
		if symbol >= 16 {
			extra := []int{2, 3, 7}[symbol-16]
			more, _ := u.bits(extra)
			value, repeat = 0, more+[]int{3, 3, 11}[symbol-16]
			if symbol == 16 {
				if len(lengths) == 0 {
					return nil, errors.New("no length to repeat")
				}
				value = lengths[len(lengths)-1]
			}
		}
		for range repeat {
			lengths = append(lengths, value)
		}
	}
	if len(lengths) != n {
		return nil, errors.New("too many code lengths")
	}
	return lengths, nil
}

// coded reads the symbols of a block to its end.
func (u *unpacker) coded(literals, distances *codes) error {
	for {
		symbol, err := u.symbol(literals)
		switch {
		case err != nil:
			return err
		case symbol < 256:
			u.out = append(u.out, byte(symbol))
		case symbol == 256:
			return nil
		case symbol > 285:
			return errors.New("no such length")
		default:
			if err := u.copy(copyLengths[symbol-257], distances); err != nil {
				return err
			}
		}
	}
}

func (u *unpacker) copy(l step, distances *codes) error {
	more, err := u.bits(l.extra)
	if err != nil {
		return err
	}
	symbol, err := u.symbol(distances)
	if err != nil {
		return err
	}
	if symbol >= len(copyDistances) {
		return errors.New("no such distance")
	}
	d := copyDistances[symbol]
	far, err := u.bits(d.extra)
	if err != nil {
		return err
	}
	distance := d.base + far
	if distance > u.window || distance > len(u.out) {
		return fmt.Errorf("a copy from %d bytes back, the window is %d, of which %d are filled", distance, u.window, len(u.out))
	}
	u.reaches = u.reaches || distance > len(u.out)-u.start
	for range l.base + more {
		u.out = append(u.out, u.out[len(u.out)-distance])
	}
	return nil
}

// TestCheckerReadsDeflate: the checker reads what the standard library writes, and
// the standard library what is written by hand here.
func TestCheckerReadsDeflate(t *testing.T) {
	noise := make([]byte, 3000)
	rand.NewChaCha8([32]byte{2}).Read(noise)
	for _, s := range []string{"", "a", "Hello", strings.Repeat("ab", 70000), longText[:100000], string(noise), strings.Repeat("Grüße ", 9) + string(noise)} {
		for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
			var b bytes.Buffer
			w, err := flate.NewWriter(&b, level)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(w, s)
			w.Flush()
			u := unpacker{in: b.Bytes(), window: 1 << 15}
			if err := u.run(); err != nil || string(u.out) != s {
				t.Errorf("%.10q at level %d: %d bytes of %d, %v", s, level, len(u.out), len(s), err)
			}
		}
		hand := greedy("", s, 1<<12).stored("", true).out
		if back, err := io.ReadAll(flate.NewReader(bytes.NewReader(hand))); err != nil || string(back) != s {
			t.Errorf("%.10q by hand: %d bytes of %d, %v", s, len(back), len(s), err)
		}
	}
}

// DEFLATE written by hand (RFC 1951): blocks with any copy in them, allowed or not.

package conformance

import "strings"

// step is a symbol of RFC 1951 3.2.5: the values from base on, told apart by extra bits.
type step struct{ base, extra int }

// copyLengths belong to the symbols 257 to 285, copyDistances to 0 to 29.
var (
	copyLengths   = append(steps(3, 28, 4), step{258, 0})
	copyDistances = steps(1, 30, 2)
)

// steps are n symbols; from the second group on, each of the given size takes one
// bit more.
func steps(base, n, group int) (all []step) {
	for i := range n {
		s := step{base, max(0, i/group-1)}
		all = append(all, s)
		base += 1 << s.extra
	}
	return all
}

// find is the last symbol whose base is not larger than v.
func find(all []step, v int) int {
	i := len(all) - 1
	for all[i].base > v {
		i--
	}
	return i
}

// block types of RFC 1951 3.2.3.
const (
	storedBlock  = 0
	fixedBlock   = 1
	dynamicBlock = 2
	wrongBlock   = 3
)

// blocks is DEFLATE data in the making.
type blocks struct {
	out   []byte
	used  int  // bits of the last byte
	final bool // BFINAL of the block begun
}

// put appends the n lowest bits of v, the lowest first.
func (b *blocks) put(v, n int) *blocks {
	for ; n > 0; n-- {
		if b.used == 0 {
			b.out = append(b.out, 0)
		}
		b.out[len(b.out)-1] |= byte(v&1) << b.used
		b.used = (b.used + 1) & 7
		v >>= 1
	}
	return b
}

// code appends a Huffman code, whose highest bit comes first.
func (b *blocks) code(v, n int) *blocks {
	for ; n > 0; n-- {
		b.put(v>>(n-1), 1)
	}
	return b
}

// begin starts a block; final is BFINAL.
func (b *blocks) begin(kind int, final bool) *blocks {
	if b.final = final; final {
		return b.put(1, 1).put(kind, 2)
	}
	return b.put(0, 1).put(kind, 2)
}

// symbol appends one of a block with fixed codes (RFC 1951 3.2.6).
func (b *blocks) symbol(s int) *blocks {
	switch {
	case s < 144:
		return b.code(0x30+s, 8)
	case s < 256:
		return b.code(0x190+s-144, 9)
	case s < 280:
		return b.code(s-256, 7)
	}
	return b.code(0xC0+s-280, 8)
}

func (b *blocks) literals(s string) *blocks {
	for i := range len(s) {
		b.symbol(int(s[i]))
	}
	return b
}

func (b *blocks) copy(length, distance int) *blocks {
	l, d := find(copyLengths, length), find(copyDistances, distance)
	b.symbol(257+l).put(length-copyLengths[l].base, copyLengths[l].extra)
	return b.code(d, 5).put(distance-copyDistances[d].base, copyDistances[d].extra)
}

// end ends a block with fixed codes. RFC 7692 7.2.1: what follows one with BFINAL
// begins in a new byte.
func (b *blocks) end() *blocks {
	if b.symbol(256); b.final {
		b.align()
	}
	return b
}

// align fills up the last byte.
func (b *blocks) align() *blocks {
	b.used = 0
	return b
}

// stored appends a whole block of at most 65535 bytes as they are.
func (b *blocks) stored(s string, final bool) *blocks {
	b.begin(storedBlock, final).align()
	n := uint16(len(s))
	b.out = append(b.out, byte(n), byte(n>>8), ^byte(n), ^byte(n>>8))
	b.out = append(b.out, s...)
	return b
}

// message is the payload of a compressed message: RFC 7692 7.2.1 has it end with
// an empty stored block of which the last four bytes are left out.
func (b *blocks) message() string {
	return string(b.begin(storedBlock, false).align().out)
}

// fixed begins data with a block of fixed codes.
func fixed() *blocks { return new(blocks).begin(fixedBlock, false) }

// greedy appends s as one block with fixed codes that copies what it can from the
// given number of bytes before, history included.
func greedy(history, s string, window int) *blocks {
	b := fixed()
	all := history + s
	seen := map[string]int{}
	note := func(at int) {
		if at+3 <= len(all) {
			seen[all[at:at+3]] = at
		}
	}
	for at := range len(history) {
		note(at)
	}
	for at := len(history); at < len(all); {
		n := 0
		from, ok := seen[all[at:min(at+3, len(all))]]
		if ok && at-from <= window {
			n = commonPrefix(all[from:], all[at:min(at+258, len(all))])
		}
		if n >= 3 {
			b.copy(n, at-from)
		} else {
			n = 1
			b.literals(all[at : at+1])
		}
		for range n {
			note(at)
			at++
		}
	}
	return b.end()
}

func commonPrefix(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// lastBytes is at most the last n bytes of s.
func lastBytes(s string, n int) string { return strings.Clone(s[max(0, len(s)-n):]) }

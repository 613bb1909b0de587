// Huffman codes of DEFLATE: from code lengths to tables that are looked up by the
// next bits of the stream.

package protocol

import "encoding/binary"

// An entry of a table says what the next bits mean.
//
//	bits  0 to 3   length of the code in bits
//	bits  4 to 7   how many extra bits follow, or how many index the second table
//	bits  8 to 10  the kind, 0 when no code begins so
//	bits 16 to 31  the literal, the base of a length or distance, or where in the
//	               table the second one begins
type entry = uint32

const (
	kindLiteral entry = 1 << 8
	kindCopy    entry = 2 << 8 // a length, or a distance
	kindEnd     entry = 3 << 8
	kindSecond  entry = 4 << 8
	kindMask    entry = 7 << 8
)

const (
	maxCodeLength = 15
	maxLiterals   = 288 // codes for literals and lengths
	maxDistances  = 32
	literalBits   = 9 // index the first table of literals
	distanceBits  = 7
	lengthBits    = 7 // of the code of the code lengths: all of them
)

// The first table and all second ones that a complete code can need.
type (
	literalTable  [1 << 10]entry
	distanceTable [1 << 10]entry
)

// What each symbol means (RFC 1951 3.2.5); the code's length is added in a table.
var (
	literalEntries  = makeLiteralEntries()
	distanceEntries = makeDistanceEntries()
	lengthEntries   = makeLengthEntries()
)

func makeLiteralEntries() (e [maxLiterals]entry) {
	for i := range 256 {
		e[i] = kindLiteral | entry(i)<<16
	}
	e[256] = kindEnd
	base, extra := 3, 0
	for i := 257; i < 285; i++ {
		if i >= 265 && (i-265)%4 == 0 {
			extra++
		}
		e[i] = kindCopy | entry(base)<<16 | entry(extra)<<4
		base += 1 << extra
	}
	e[285] = kindCopy | 258<<16
	return e // 286 and 287 have codes in the fixed code but no meaning
}

func makeDistanceEntries() (e [maxDistances]entry) {
	base, extra := 1, 0
	for i := range 30 {
		if i >= 4 && i%2 == 0 {
			extra++
		}
		e[i] = kindCopy | entry(base)<<16 | entry(extra)<<4
		base += 1 << extra
	}
	return e
}

// makeLengthEntries: 0 to 15 are code lengths, 16 to 18 repeat one (RFC 1951 3.2.7).
func makeLengthEntries() (e [19]entry) {
	for i := range e {
		e[i] = kindLiteral | entry(i)<<16
	}
	return e
}

// The fixed code (RFC 1951 3.2.6).
var fixedLiterals, fixedDistances = makeFixed()

func makeFixed() (l *literalTable, d *distanceTable) {
	var lengths [maxLiterals]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	l, d = new(literalTable), new(distanceTable)
	buildTable(l[:], literalBits, lengths[:], literalEntries[:])
	for i := range maxDistances {
		lengths[i] = 5
	}
	buildTable(d[:], distanceBits, lengths[:maxDistances], distanceEntries[:])
	return l, d
}

// buildTable makes the table of a code whose first table is indexed by root bits.
// ok is false for lengths that are no code: too many, or too few unless there is
// just one code of one bit, or none (RFC 1951 3.2.7).
func buildTable(table []entry, root uint, lengths []uint8, meanings []entry) (ok bool) {
	var count [maxCodeLength + 1]int
	for at := 0; at < len(lengths); at++ {
		at = skipUnused(lengths, at)
		count[lengths[at]]++
	}
	var sorted [maxLiterals]uint16
	if ok, codes := sortSymbols(&sorted, &count, lengths); !ok || codes <= 1 {
		clear(table[:1<<root])
		if ok && codes == 1 {
			fillEvery(table[:1<<root], meanings[sorted[0]]|1, 2)
		}
		return ok
	}
	next, code := 0, uint(0)
	size := uint(1) // of the part of the first table that is made
	for n := uint(1); n <= root; n++ {
		copy(table[size:2*size], table[:size])
		size *= 2
		for range count[n] {
			table[code] = withLength(meanings[sorted[next]], n)
			next++
			code = nextCode(code, n)
		}
	}
	begin, end, prefix := uint(0), size, size
	for n := root + 1; n <= maxCodeLength; n++ {
		for left := count[n]; left > 0; left-- {
			if at := code & (size - 1); at != prefix {
				prefix = at
				second := secondBits(&count, n, left, root)
				begin, end = end, end+1<<second
				table[prefix] = kindSecond | entry(begin)<<16 | entry(second)<<4 | entry(root)
			}
			fillEvery(table[begin+code>>root:end], withLength(meanings[sorted[next]], n), 1<<(n-root))
			next++
			code = nextCode(code, n)
		}
	}
	return true
}

// skipUnused skips symbols without a code, eight at a time, but not the last ones: short messages
// have few kinds of bytes, and counting the others takes longer than all else here.
func skipUnused(lengths []uint8, at int) int {
	for at+8 < len(lengths) && binary.LittleEndian.Uint64(lengths[at:]) == 0 {
		at += 8
	}
	return at
}

// sortSymbols orders the symbols that have a code by its length and counts them.
func sortSymbols(sorted *[maxLiterals]uint16, count *[maxCodeLength + 1]int, lengths []uint8) (ok bool, codes int) {
	var at [maxCodeLength + 1]int
	free := 1
	for n := 1; n <= maxCodeLength; n++ {
		at[n] = codes
		codes += count[n]
		if free = 2*free - count[n]; free < 0 {
			return false, codes
		}
	}
	for symbol := 0; symbol < len(lengths); symbol++ {
		symbol = skipUnused(lengths, symbol)
		if n := lengths[symbol]; n != 0 {
			sorted[at[n]] = uint16(symbol)
			at[n]++
		}
	}
	return free == 0 || codes == 0 || codes == 1 && count[1] == 1, codes
}

// nextCode returns the code of n bits after this one. Codes count upwards with their
// first bit highest, but the first bit in the stream is the lowest of a byte
// (RFC 1951 3.1.1): so they are counted with their bits reversed.
func nextCode(code, n uint) uint {
	bit := uint(1) << (n - 1)
	for code&bit != 0 {
		bit >>= 1
	}
	if bit == 0 {
		return 0
	}
	return code&(bit-1) | bit
}

// secondBits is how many bits index the second table that begins with a code of n
// bits, of which left are still to come.
func secondBits(count *[maxCodeLength + 1]int, n uint, left int, root uint) uint {
	free := 1<<(n-root) - left
	for free > 0 && n < maxCodeLength {
		n++
		free = 2*free - count[n]
	}
	return n - root
}

func fillEvery(table []entry, e entry, step int) {
	for i := 0; i < len(table); i += step {
		table[i] = e
	}
}

// withLength returns e as the entry of a code of n bits; an entry without meaning stays 0.
func withLength(e entry, n uint) entry {
	if e == 0 {
		return 0
	}
	return e | entry(n)
}

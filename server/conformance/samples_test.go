// Texts that are UTF-8 and byte sequences that are not, by kind (RFC 3629).

package conformance

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

type sample struct{ name, text string }

// stretched writes a number as a character of n bytes, whether it may be or not.
func stretched(number uint32, n int) string {
	b := make([]byte, n)
	for i := n - 1; i > 0; i-- {
		b[i] = 0x80 | byte(number&0x3F)
		number >>= 6
	}
	b[0] = byte(uint16(0xFF00)>>n) | byte(number)
	return string(b)
}

// largest are the largest numbers that fit into 1 to 6 bytes as UTF-8 once had them.
var largest = [...]uint32{0x7F, 0x7FF, 0xFFFF, 0x1FFFFF, 0x3FFFFFF, 0x7FFFFFFF}

func validTexts() []sample {
	all := []sample{
		{"ASCII", "Hello-WebSocket"},
		{"all lengths", "Hello-µ@ßöäüàá-UTF-8!! κόσμε 漢字 👋🏽"},
		{"byte order mark", "\ufeffx"},
		{"character that replaces wrong ones", "a\ufffdb"},
		{"combining marks", "e\u0301a\u0308"},
		{"line ends and NUL", "\x00\r\n\x7f"},
	}
	for _, r := range []rune{
		0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xCFFF, 0xD000, 0xD7FF, 0xE000, 0xFFFD, 0xFFFF,
		0x10000, 0x3FFFF, 0x40000, 0xFFFFF, 0x100000, 0x10FFFF,
	} {
		all = append(all, sample{fmt.Sprintf("at a boundary, %U", r), string(r)})
	}
	// Noncharacters are reserved, and yet may be sent.
	for plane := rune(0); plane <= 16; plane++ {
		all = append(all, sample{fmt.Sprintf("noncharacters of plane %d", plane), string([]rune{plane<<16 | 0xFFFE, plane<<16 | 0xFFFF})})
	}
	for i := range "κόσμε" {
		all = append(all, sample{fmt.Sprintf("%d bytes of Greek", i), "κόσμε"[:i]})
	}
	return all
}

func invalidTexts() (all []sample) {
	add := func(name, text string) { all = append(all, sample{name, text}) }
	add("in the midst of text", "κόσμε\xed\xa0\x80edited")
	add("in the first byte", "\xffa")
	// Bytes that only continue, with nothing to continue.
	for _, b := range []string{"\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80", "a\x80b"} {
		add(fmt.Sprintf("continuing byte %x", b), b)
	}
	for b := 0x80; b < 0xC0; b += 9 {
		add(fmt.Sprintf("continuing byte %x after text", b), "text"+string([]byte{byte(b)}))
	}
	// Bytes that begin a character which does not go on.
	for b := 0xC0; b < 0x100; b++ {
		add(fmt.Sprintf("lonely byte %x", b), string([]byte{byte(b), ' '}))
	}
	for n := 2; n <= 6; n++ {
		low, high := stretched(largest[n-2]+1, n), stretched(largest[n-1], n)
		for cut := 1; cut < n; cut++ {
			add(fmt.Sprintf("%d of the smallest %d bytes", cut, n), low[:cut])
			add(fmt.Sprintf("%d of the largest %d bytes", cut, n), high[:cut])
		}
	}
	add("characters cut short in a row", "\xe0\xa0\xf0\x90\x80\xc3\xe1\x80\xf4\x8f\xbf")
	add("bytes fe and ff", "\xfe\xfe\xff\xff")
	// One character in more bytes than it takes, and characters that are none.
	for n := 2; n <= 6; n++ {
		add(fmt.Sprintf("NUL in %d bytes", n), stretched(0, n))
		add(fmt.Sprintf("slash in %d bytes", n), stretched('/', n))
		add(fmt.Sprintf("%U in %d bytes", largest[n-2], n), stretched(largest[n-2], n))
	}
	for _, half := range []uint32{0xD800, 0xDB7F, 0xDB80, 0xDBFF, 0xDC00, 0xDF80, 0xDFFF} {
		add(fmt.Sprintf("surrogate %U", half), stretched(half, 3))
		add(fmt.Sprintf("surrogates %U and U+DC00", half), stretched(half, 3)+stretched(0xDC00, 3))
	}
	add("beyond the last character", stretched(0x110000, 4))
	for n := 4; n <= 6; n++ {
		add(fmt.Sprintf("largest of %d bytes", n), stretched(largest[n-1], n))
	}
	return all
}

// completions are what a valid text that ends inside a character can need: any legal
// continuing byte belongs to the same range as one of these.
var completions = func() (all []string) {
	const bytes = "\x80\x8f\x90\x9f\xa0\xbf"
	all = []string{""}
	for from, n := 0, 0; n < 3; n++ {
		to := len(all)
		for _, e := range all[from:to] {
			for i := range len(bytes) {
				all = append(all, e+bytes[i:i+1])
			}
		}
		from = to
	}
	return all
}()

// doomedAt is the index of the first byte of s after which no valid text can come
// of it, or -1. It tries all that could follow: slow, but with no rule in it.
func doomedAt(s string) int {
	for i := range len(s) {
		if !slices.ContainsFunc(completions, func(c string) bool { return utf8.ValidString(s[:i+1] + c) }) {
			return i
		}
	}
	return -1
}

// spell is a name for bytes of any kind.
func spell(s string) string { return fmt.Sprintf("% x", s) }

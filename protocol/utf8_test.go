// UTF-8 in pieces against the standard library on the whole.

package protocol

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// firstBad finds, byte by byte, the first one after which no text can be valid.
func firstBad(b []byte) int {
	for i := range b {
		if !couldBecomeValid(b[:i+1]) {
			return i
		}
	}
	return -1
}

func couldBecomeValid(b []byte) bool {
	for end := max(0, len(b)-3); end <= len(b); end++ {
		if !utf8.Valid(b[:end]) {
			continue
		}
		if end == len(b) {
			return true
		}
		// Try every continuation of up to 3 bytes.
		if completes(b[end:], 3) {
			return true
		}
	}
	return false
}

func completes(start []byte, more int) bool {
	if len(start) > 4 {
		return false
	}
	if r, n := utf8.DecodeRune(start); n == len(start) && (r != utf8.RuneError || n > 1) {
		return true
	}
	if more == 0 {
		return false
	}
	for _, c := range []byte{0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF} {
		if completes(append(start[:len(start):len(start)], c), more-1) {
			return true
		}
	}
	return false
}

func checkUTF8(t *testing.T, b []byte) {
	t.Helper()
	want := firstBad(b)
	for cut := 0; cut <= len(b); cut++ {
		var u UTF8
		got := u.Write(b[:cut])
		if got < 0 {
			if got = u.Write(b[cut:]); got >= 0 {
				got += cut
			}
		}
		if got != want {
			t.Fatalf("% x cut at %d: first bad byte %d, want %d", b, cut, got, want)
		}
		if want < 0 && u.Complete() != utf8.Valid(b) {
			t.Fatalf("% x cut at %d: Complete is %v", b, cut, u.Complete())
		}
	}
}

func TestUTF8(t *testing.T) {
	for _, s := range []string{
		"", "Hello", "κόσμε", "€", "𝄞", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf",
		"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\x80", "a\xe2\x82", "a\xe2\x28\xa1", "\xe2\x82\xac\xf0\x9f\x98",
		"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
	} {
		checkUTF8(t, []byte(s))
	}
	for a := range 256 {
		for b := range 256 {
			checkUTF8(t, []byte{byte(a), byte(b), 0x80, 0x80})
		}
	}
}

func FuzzUTF8(f *testing.F) {
	f.Add([]byte("κόσμε \xf4\x90"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 64 {
			checkUTF8(t, b)
		}
		// So that b ends with the last vector.
		long := append([]byte(strings.Repeat("a", 96-len(b)%32)), b...)
		var whole, pieces UTF8
		got, want := whole.Write(long), -1
		for i := range long {
			if want < 0 && pieces.Write(long[i:i+1]) >= 0 {
				want = i
			}
		}
		if got != want {
			t.Fatalf("% x: %d, byte by byte %d", long, got, want)
		}
	})
}

// TestUTF8Vectors: every pair of bytes, with several third and fourth ones, at
// places around the ends of vectors and of the text, which is long enough for them.
func TestUTF8Vectors(t *testing.T) {
	const size = 3 * 64
	text := []byte(strings.Repeat("窗", size/3))
	wanted := func(p []byte) int {
		state := uint64(utf8Start)
		return firstError(state, p)
	}
	check := func(at int, bytes ...byte) {
		p := append([]byte(nil), text...)
		copy(p[at:], bytes)
		want := wanted(p)
		if want == len(p) {
			want = -1
		}
		var u UTF8
		if got := u.Write(p); got != want {
			t.Fatalf("% x at %d: %d, want %d", bytes, at, got, want)
		}
	}
	for pair := range 1 << 16 {
		first, second := byte(pair>>8), byte(pair)
		for _, more := range []string{"aa", "\x80a", "\x80\x80", "\xbf\xbf"} {
			check(63+27, first, second, more[0], more[1])
			check(63+30, first, second, more[0], more[1])
		}
		check(size-3, 'a', first, second) // which nothing follows
	}
}

func BenchmarkUTF8(b *testing.B) {
	words := []string{"frame ", "数据帧", "window ", "窗口", "the ", "消息", "协议规定", "bytes ", "每一个字节", "close "}
	rng := rand.New(rand.NewPCG(1, 2))
	mixed := ""
	for len(mixed) < 16<<10 {
		mixed += words[rng.IntN(len(words))]
	}
	for _, c := range []struct{ name, text string }{
		{"ascii", strings.Repeat("a frame ", 2<<10)}, {"chinese", strings.Repeat("数据帧窗口消息协议规定", 500)}, {"mixed", mixed},
	} {
		for _, n := range []int{125, 1 << 10, 16 << 10} {
			p := []byte(c.text)[:min(n, len(c.text))]
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				b.SetBytes(int64(len(p)))
				for b.Loop() {
					var u UTF8
					if u.Write(p) >= 0 {
						b.Fatal("valid text is refused")
					}
				}
			})
			b.Run(fmt.Sprintf("%s/%d/standard", c.name, n), func(b *testing.B) {
				b.SetBytes(int64(len(p)))
				for b.Loop() {
					utf8.Valid(p)
				}
			})
		}
	}
}

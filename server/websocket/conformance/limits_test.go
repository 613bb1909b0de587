// Sizes and limits: groups 9 and 10. Each limit is met exactly and passed by one.

package conformance

import (
	"fmt"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/server/websocket"
)

func TestLimits(t *testing.T) {
	const small = 1000
	s := strings.Repeat("x", small)
	walk(t, websocket.Options{MaxMessageSize: small}, []chop{whole, octets}, []testCase{
		{"exactly", []frame{binary(s)}, []string{message(s)}, true},
		{"one more", []frame{binary(s + "x")}, []string{closed(1009)}, false},
		{"one more, of which only the header comes", []frame{{op: protocol.OpBinary, fin: true, declare: small + 1}}, []string{closed(1009)}, false},
		{"exactly, in fragments", []frame{start(s[:600]), ping(""), last(s[600:])}, []string{pongOf(""), message(s)}, true},
		{"one more, in fragments", []frame{start(s[:600]), last(s[600:] + "x")}, []string{closed(1009)}, false},
		{"one more, in many fragments", []frame{start(s), more(""), more("x")}, []string{closed(1009)}, false},
	})
}

func TestLargeMessages(t *testing.T) {
	var cases []testCase
	for _, n := range []int{64 << 10, 256 << 10, 1 << 20, 4 << 20} {
		s := strings.Repeat("Grüße aus der Ferne, ", n/23+1)[:n/23*23]
		b := strings.Repeat("\x00\xff\x80", n/3)
		cases = append(cases,
			testCase{fmt.Sprintf("9.1 text of %d bytes", len(s)), []frame{text(s)}, []string{message(s)}, true},
			testCase{fmt.Sprintf("9.2 binary of %d bytes", len(b)), []frame{binary(b)}, []string{message(b)}, true})
	}
	for _, step := range []int{64, 256, 1 << 10, 16 << 10, 256 << 10} {
		s := strings.Repeat("0123456789abcdef", min(1<<20, step*4096)/16)
		cases = append(cases, testCase{fmt.Sprintf("9.3 %d bytes in fragments of %d", len(s), step), fragments(s, step), []string{message(s)}, true})
	}
	cases = append(cases, testCase{"10.1 64 KiB in fragments of 1300", fragments(strings.Repeat("*", 65536), 1300), []string{message(strings.Repeat("*", 65536))}, true})
	walk(t, websocket.Options{}, []chop{whole, chopped}, cases)
}

func TestLargestMessage(t *testing.T) {
	s := strings.Repeat("0123456789abcdef", limit/16)
	walk(t, websocket.Options{MaxMessageSize: limit}, []chop{whole}, []testCase{
		{"9.1.6 16 MiB", []frame{text(s)}, []string{message(s)}, true},
		{"9.4 16 MiB in fragments", fragments(s, 1<<20), []string{message(s)}, true},
		{"16 MiB and one byte", []frame{{op: protocol.OpText, fin: true, declare: limit + 1}}, []string{closed(1009)}, false},
	})
}

func TestManyMessages(t *testing.T) {
	for _, n := range []int{0, 16, 64, 256, 1024, 4096} {
		c := testCase{name: fmt.Sprintf("9.7 1000 messages of %d bytes", n), end: true}
		s := strings.Repeat("*", n)
		for range 1000 {
			c.send = append(c.send, text(s))
			c.want = append(c.want, message(s))
		}
		walk(t, websocket.Options{}, []chop{whole, framed}, []testCase{c})
	}
}

// fragments cuts a text message.
func fragments(s string, step int) (frames []frame) {
	for at := 0; at < len(s); at += step {
		f := frame{payload: s[at:min(at+step, len(s))], fin: at+step >= len(s)}
		if at == 0 {
			f.op = protocol.OpText
		}
		frames = append(frames, f)
	}
	return frames
}

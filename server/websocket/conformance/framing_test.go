// Framing, pings and pongs, reserved bits, opcodes, fragmentation: groups 1 to 5.

package conformance

import (
	"fmt"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/server/websocket"
)

func TestFraming(t *testing.T) {
	var cases []testCase
	for _, n := range []int{0, 1, 125, 126, 127, 128, 65535, 65536, 65537} {
		s := strings.Repeat("*", n)
		cases = append(cases,
			testCase{fmt.Sprintf("1.1 text of %d bytes", n), []frame{text(s)}, []string{message(s)}, true},
			testCase{fmt.Sprintf("1.2 binary of %d bytes", n), []frame{binary(strings.Repeat("\xfe", n))}, []string{message(strings.Repeat("\xfe", n))}, true})
	}
	walk(t, websocket.Options{}, []chop{whole, octets, chopped}, cases)
}

func TestPingsAndPongs(t *testing.T) {
	full := strings.Repeat("\xfe", 125)
	var ten []frame
	var tenPongs []string
	for i := range 10 {
		ten = append(ten, ping(fmt.Sprint("payload ", i)))
		tenPongs = append(tenPongs, pongOf(fmt.Sprint("payload ", i)))
	}
	walk(t, websocket.Options{}, all, []testCase{
		{"2.1 empty", []frame{ping("")}, []string{pongOf("")}, true},
		{"2.2 text", []frame{ping("Hello")}, []string{pongOf("Hello")}, true},
		{"2.3 bytes", []frame{ping("\x00\xff\xfe\xfd\xfc")}, []string{pongOf("\x00\xff\xfe\xfd\xfc")}, true},
		{"2.4 125 bytes", []frame{ping(full)}, []string{pongOf(full)}, true},
		{"2.5 126 bytes", []frame{ping(full + "x")}, []string{closed(1002)}, false},
		{"2.7 pong unasked for", []frame{pong("")}, nil, true},
		{"2.8 pong unasked for, with payload", []frame{pong("x")}, nil, true},
		{"2.9 pong and then ping", []frame{pong("unasked"), ping("asked")}, []string{pongOf("asked")}, true},
		{"2.10 ten pings", ten, tenPongs, true},
	})
}

func TestReservedBits(t *testing.T) {
	var cases []testCase
	for rsv := uint8(1); rsv < 8; rsv++ {
		for _, op := range []protocol.Opcode{protocol.OpText, protocol.OpBinary, protocol.OpClose, protocol.OpPing, protocol.OpPong} {
			bad := frame{op: op, fin: true, rsv: rsv}
			cases = append(cases,
				testCase{fmt.Sprintf("3 RSV %03b in %v", rsv, op), []frame{bad}, []string{closed(1002)}, false},
				testCase{fmt.Sprintf("3 RSV %03b in %v, good ones before", rsv, op), []frame{text("a"), ping("b"), bad, ping("c")}, []string{message("a"), pongOf("b"), closed(1002)}, false})
		}
	}
	walk(t, websocket.Options{}, []chop{whole, octets}, cases)
}

func TestReservedOpcodes(t *testing.T) {
	var cases []testCase
	for _, op := range []protocol.Opcode{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		for _, payload := range []string{"", "reserved"} {
			bad := frame{op: op, fin: true, payload: payload}
			cases = append(cases,
				testCase{fmt.Sprintf("4 opcode %v, payload %q", op, payload), []frame{bad, ping("")}, []string{closed(1002)}, false},
				testCase{fmt.Sprintf("4 opcode %v, payload %q, good ones before", op, payload), []frame{text("a"), bad, ping("")}, []string{message("a"), closed(1002)}, false})
		}
	}
	walk(t, websocket.Options{}, all, cases)
}

func TestFragmentation(t *testing.T) {
	walk(t, websocket.Options{}, all, []testCase{
		{"5.1 ping in two", []frame{{op: protocol.OpPing, payload: "a"}, last("b")}, []string{closed(1002)}, false},
		{"5.2 pong in two", []frame{{op: protocol.OpPong, payload: "a"}, last("b")}, []string{closed(1002)}, false},
		{"5.3 text in two", []frame{start("fragment1"), last("fragment2")}, []string{message("fragment1fragment2")}, true},
		{"5.6 ping between", []frame{start("a"), ping("p"), last("b")}, []string{pongOf("p"), message("ab")}, true},
		{"5.9 continuation of nothing, FIN", []frame{last("a"), text("b")}, []string{closed(1002)}, false},
		{"5.12 continuation of nothing", []frame{more("a"), text("b")}, []string{closed(1002)}, false},
		{"5.15 continuation after a whole message", []frame{start("a"), last("b"), more("c"), text("d")}, []string{message("ab"), closed(1002)}, false},
		{"5.16 three times", []frame{more("a"), start("b"), last("c")}, []string{closed(1002)}, false},
		{"5.18 text in text", []frame{start("a"), text("b")}, []string{closed(1002)}, false},
		{"5.18 binary in text", []frame{start("a"), binary("b")}, []string{closed(1002)}, false},
		{"5.19 five, pings between", []frame{start("1"), more("2"), ping("p"), more("3"), more("4"), ping("q"), last("5")}, []string{pongOf("p"), pongOf("q"), message("12345")}, true},
		{"empty ones", []frame{start(""), more(""), last("")}, []string{message("")}, true},
		{"close within a message", []frame{start("a"), closing(1000, "")}, []string{closed(1000)}, false},
		{"a message behind another", []frame{start("a"), last("b"), start("c"), last("d")}, []string{message("ab"), message("cd")}, true},
	})
}

// TestEveryFragmentOrder: all orders of up to four frames of these kinds, against
// what RFC 6455 5.4 says of them.
func TestEveryFragmentOrder(t *testing.T) {
	kinds := map[byte]frame{'T': text("T"), 't': start("t"), 'C': last("C"), 'c': more("c"), 'P': ping("P")}
	var orders []string
	var grow func(order string, open bool)
	grow = func(order string, open bool) {
		orders = append(orders, order)
		if len(order) == 4 {
			return
		}
		for _, k := range []byte("TtCcP") {
			opens := k == 't' || k == 'c'
			if k == 'P' {
				opens = open
			}
			if (k == 'T' || k == 't') == open && k != 'P' {
				orders = append(orders, order+string(k)) // ends in a breach
				continue
			}
			grow(order+string(k), opens)
		}
	}
	grow("", false)
	var cases []testCase
	for _, order := range orders {
		c := testCase{name: "order " + order, end: true}
		held, open := "", false
		for _, k := range []byte(order) {
			c.send = append(c.send, kinds[k])
			switch {
			case k == 'P':
				c.want = append(c.want, pongOf("P"))
			case (k == 'T' || k == 't') == open:
				c.want, c.end = append(c.want, closed(1002)), false
			default:
				held += string(k)
				if open = k == 't' || k == 'c'; !open {
					c.want = append(c.want, message(held))
					held = ""
				}
			}
		}
		cases = append(cases, c)
	}
	walk(t, websocket.Options{}, []chop{whole}, cases)
}

func TestWrongFrames(t *testing.T) {
	walk(t, websocket.Options{}, all, []testCase{
		{"masked the wrong way", []frame{{op: protocol.OpText, fin: true, payload: "a", wrong: true}}, []string{closed(1002)}, false},
		{"control masked the wrong way", []frame{text("a"), {op: protocol.OpPing, fin: true, wrong: true}}, []string{message("a"), closed(1002)}, false},
		{"125 in 16 bits", []frame{{op: protocol.OpBinary, fin: true, payload: strings.Repeat("a", 125), length: 2}}, []string{closed(1002)}, false},
		{"65535 in 64 bits", []frame{{op: protocol.OpBinary, fin: true, payload: strings.Repeat("a", 65535), length: 8}}, []string{closed(1002)}, false},
		{"0 in 16 bits", []frame{{op: protocol.OpBinary, fin: true, length: 2}}, []string{closed(1002)}, false},
		{"control length in 16 bits", []frame{{op: protocol.OpPing, fin: true, payload: "a", length: 2}}, []string{closed(1002)}, false},
		{"highest bit of the length", []frame{{op: protocol.OpBinary, fin: true, declare: 1 << 63}}, []string{closed(1002)}, false},
		{"2^63-1 bytes", []frame{{op: protocol.OpBinary, fin: true, declare: 1<<63 - 1}}, []string{closed(1009)}, false},
	})
}

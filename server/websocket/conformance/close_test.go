// Closing: group 7, and what must not come behind a close frame.

package conformance

import (
	"fmt"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/server/websocket"
)

func TestClose(t *testing.T) {
	raw := func(payload string) frame { return frame{op: protocol.OpClose, fin: true, payload: payload} }
	reason := strings.Repeat("*", 123)
	cases := []testCase{
		{"7.1.1 after a message", []frame{text("Hello"), closing(1000, "")}, []string{message("Hello"), closed(1000)}, false},
		{"7.1.2 twice", []frame{closing(1000, ""), closing(1000, "")}, []string{closed(1000)}, false},
		{"7.1.3 ping behind it", []frame{closing(1000, ""), ping("late")}, []string{closed(1000)}, false},
		{"7.1.4 text behind it", []frame{closing(1000, ""), text("late")}, []string{closed(1000)}, false},
		{"7.1.5 within a message", []frame{start("a"), closing(1000, ""), last("b")}, []string{closed(1000)}, false},
		{"7.1.6 256 KiB behind it", []frame{closing(1000, ""), text(strings.Repeat("a", 256<<10))}, []string{closed(1000)}, false},
		{"7.3.1 no payload", []frame{raw("")}, []string{closed(1005)}, false},
		{"7.3.2 one byte", []frame{raw("\x03")}, []string{closed(1002)}, false},
		{"7.3.3 a code", []frame{closing(1000, "")}, []string{closed(1000)}, false},
		{"7.3.4 a reason", []frame{closing(1000, "Hello")}, []string{closed(1000)}, false},
		{"7.3.5 a reason of 123 bytes", []frame{closing(1000, reason)}, []string{closed(1000)}, false},
		{"7.3.6 a reason of 124 bytes", []frame{raw("\x03\xe8" + reason + "*")}, []string{closed(1002)}, false},
		{"7.5.1 a reason that is no UTF-8", []frame{raw("\x03\xe8\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited")}, []string{closed(1007)}, false},
		{"without FIN", []frame{{op: protocol.OpClose, payload: "\x03\xe8"}}, []string{closed(1002)}, false},
	}
	for _, code := range []protocol.CloseCode{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		cases = append(cases, testCase{fmt.Sprintf("7.7 code %d", code), []frame{closing(code, "")}, []string{closed(code)}, false})
	}
	for _, code := range []protocol.CloseCode{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		cases = append(cases, testCase{fmt.Sprintf("7.9 code %d", code), []frame{raw(string([]byte{byte(code >> 8), byte(code)}))}, []string{closed(1002)}, false})
	}
	walk(t, websocket.Options{}, []chop{whole, framed, octets}, cases)
}

// UTF-8: group 6. What is valid comes back, what is not is refused, and at the very
// byte at which it cannot become valid any more.

package conformance

import (
	"fmt"
	"testing"
	"unicode/utf8"

	"framescope/protocol"
	"framescope/server/websocket"
)

// validTexts are all kinds of characters, boundaries first (RFC 3629 3).
var validTexts = []string{
	"", "Hello-µ@ßöäüàá-UTF-8!!", "\x00", "\u007f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\ufffd",
	"\U00010000", "\U0010ffff", "κόσμε", "\ufdd0", "\ufffe", "\U0001fffe", "\U0010fffe", "😀", "日本語",
}

// invalidTexts each break at their last byte; rest cannot mend it.
var invalidTexts = []struct{ good, bad, rest string }{
	{"", "\x80", ""}, {"", "\xbf", "a"}, {"a", "\xfe", ""}, {"", "\xff", "\xff"},
	{"", "\xc0", "\x80"}, {"", "\xc1", "\xbf"}, // two bytes for ASCII
	{"\xe0", "\x80", "\x80"}, {"\xe0", "\x9f", "\xbf"}, // three for two
	{"\xf0", "\x80", "\x80\x80"}, {"\xf0", "\x8f", "\xbf\xbf"}, // four for three
	{"\xed", "\xa0", "\x80"}, {"\xed", "\xbf", "\xbf"}, // surrogates
	{"\xf4", "\x90", "\x80\x80"}, {"", "\xf5", "\x80\x80\x80"}, {"", "\xf8", "\x88\x80\x80\x80"}, // beyond U+10FFFF
	{"\xce", "a", "\xbb"}, {"\xe2\x82", "a", ""}, {"\xf0\x9f\x98", "a", ""}, {"\xe2", "\xe2", "\x82\xac"},
	{"κόσμε", "\xed\xa0"[1:], "edited"},
	{"κόσμε\xed", "\xa0", "\x80edited"},
	{"κόσμε\xf4", "\x90", "\x80\x80edited"},
}

func TestUTF8(t *testing.T) {
	var cases []testCase
	for _, s := range validTexts {
		if !utf8.ValidString(s) {
			t.Fatalf("%q is no valid text", s)
		}
		cases = append(cases, testCase{fmt.Sprintf("6.2 valid %q", s), []frame{text(s)}, []string{message(s)}, true})
		for cut := 1; cut < len(s); cut++ {
			cases = append(cases, testCase{fmt.Sprintf("6.2 valid %q cut at %d", s, cut), []frame{start(s[:cut]), ping(""), last(s[cut:])}, []string{pongOf(""), message(s)}, true})
		}
	}
	for _, s := range invalidTexts {
		cases = append(cases, testCase{fmt.Sprintf("6.3 invalid %q", s.good+s.bad+s.rest), []frame{text(s.good + s.bad + s.rest)}, []string{closed(1007)}, false})
	}
	for _, s := range []string{"\xc2", "a\xe2\x82", "\xf0\x9f\x98"} {
		cases = append(cases,
			testCase{fmt.Sprintf("6 ends within a character %q", s), []frame{text(s)}, []string{closed(1007)}, false},
			testCase{fmt.Sprintf("6 ends within a character %q, in fragments", s), []frame{start(s), last("")}, []string{closed(1007)}, false})
	}
	walk(t, websocket.Options{}, []chop{whole, octets}, cases)
}

// TestUTF8FailsFast: the close frame comes though the rest is never sent.
func TestUTF8FailsFast(t *testing.T) {
	for _, s := range subjects(t, websocket.Options{}) {
		for _, c := range invalidTexts {
			for name, send := range map[string][]frame{
				"6.4.1 in a fragment":   {start("valid " + c.good), more(c.bad)},
				"6.4.3 within a frame":  {{op: protocol.OpText, fin: true, payload: "valid " + c.good + c.bad, declare: 1000}},
				"6.4.4 in a later part": {start("valid "), {fin: true, payload: c.good + c.bad, declare: 1000}},
			} {
				t.Run(fmt.Sprintf("%s/%s/%q", s.name, name, c.good+c.bad), func(t *testing.T) {
					p := s.peer(t, "", "")
					if got := p.exchange(framed, send...); !equal(got, []string{closed(1007)}) {
						t.Errorf("came back: %v", got)
					}
				})
			}
		}
	}
}

// Edges: of names, lists and heads, each a byte to either side of where the rule changes.

package protocol

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"testing"
)

func TestFoldingStopsAtTheAlphabet(t *testing.T) {
	if !equalFold("AMZ", "amz") {
		t.Error("AMZ differs from amz")
	}
	for _, pair := range [][2]string{{"@", "`"}, {"[", "{"}} {
		if equalFold(pair[0], pair[1]) {
			t.Errorf("%s is taken for %s", pair[0], pair[1])
		}
	}
}

func TestEdgesOfClosePayloads(t *testing.T) {
	reason := strings.Repeat("r", MaxCloseReason)
	for _, more := range []string{"", "r"} {
		if got := AppendClosePayload(nil, 4000, reason+more); string(got[2:]) != reason {
			t.Errorf("a reason of %d bytes becomes one of %d", len(reason+more), len(got)-2)
		}
	}
	if _, _, broken := ParseClosePayload([]byte("\x03\xed\xff")); broken != RuleCloseCodeInvalid.Set()|RuleCloseReasonUTF8.Set() {
		t.Errorf("of two rules broken it says %b", broken)
	}
	for code, want := range map[CloseCode]string{2999: "2999 undefined", 3999: "3999 registered use", 4000: "4000 private use"} {
		if code.String() != want {
			t.Errorf("%q, want %q", code, want)
		}
	}
}

func TestEdgesOfExtensions(t *testing.T) {
	for quoted, want := range map[string]string{
		`"`: `"`, `""`: "", `"ab\"`: `ab\`, `"a\bcd"`: "abcd", `"a\\b"`: `a\b`, `"a`: `"a`,
	} {
		if got := unquoted(quoted); got != want {
			t.Errorf("%s is %s without quotes, want %s", quoted, got, want)
		}
	}
	for s, want := range map[string]bool{"a~": true, "!": true, "a\x7f": false, "a b": false, "a\x1f": false, "": false} {
		if IsToken(s) != want {
			t.Errorf("%q is a token: %v", s, !want)
		}
	}
	if list, ok := ParseExtensions([]string{" , \t,a , "}); !ok || len(list) != 1 || list[0].Name != "a" {
		t.Errorf("%v, %v", list, ok)
	}
	limits := Deflate{ClientNoContextTakeover: true, ClientMaxWindowBits: 9, ServerNoContextTakeover: true, ServerMaxWindowBits: 8}
	if got := (Deflate{On: true, ClientMaxWindowBits: 12}).WithClientLimits(limits); got != (Deflate{On: true, ClientNoContextTakeover: true, ClientMaxWindowBits: 9}) {
		t.Errorf("with the client's limits: %+v", got)
	}
	if got := (Deflate{}).WithClientLimits(limits); got != (Deflate{}) {
		t.Errorf("with the client's limits and without compression: %+v", got)
	}
}

// A line of one byte is empty only if that is the CR.
func TestHeadWithAShortLine(t *testing.T) {
	const head = "GET / HTTP/1.1\r\nx\nHost: a\r\n\r\n"
	if h, n := ParseHead([]byte(head + "more")); n != len(head) || len(h.Lines) != 2 {
		t.Errorf("%d bytes of %d, %q", n, len(head), h.Lines)
	}
}

func TestEdgesOfRequests(t *testing.T) {
	for fields, want := range map[string]bool{
		"":                                       false,
		"Content-Length: 0\r\n":                  false,
		"Content-Length: 5\r\n":                  true,
		"Content-Length: 5\r\nContent-Length: 0": true,
		"Transfer-Encoding: chunked\r\nContent-Length: 0": true,
	} {
		h, _ := ParseHead([]byte("GET / HTTP/1.1\r\n" + strings.TrimSuffix(fields, "\r\n") + "\r\n\r\n"))
		if r, _ := RequestOf(h); r.Body != want {
			t.Errorf("%q announces a body: %v", fields, r.Body)
		}
	}
	for version, want := range map[string][2]int{"HTTP/1.1": {1, 1}, "HTTP/2.0": {2, 0}, "HTTP/1x1": {}, "HTTP/1.10": {}, "HTTP/1": {}, "HTTP/": {}, "HTTP/x.1": {}, "HTTP/1.x": {}} {
		if r, _ := RequestOf(Head{StartLine: "GET / " + version}); [2]int{r.Major, r.Minor} != want {
			t.Errorf("%s is read as %d.%d", version, r.Major, r.Minor)
		}
	}
}

// offering is the RFC's request with other subprotocols.
func offering(t *testing.T, value string) Request {
	t.Helper()
	h, n := ParseHead([]byte(strings.Replace(exampleRequest, "chat, superchat", value, 1)))
	if n == 0 {
		t.Fatal("no head")
	}
	r, _ := RequestOf(h)
	return r
}

func TestEdgesOfSubprotocols(t *testing.T) {
	many := make([]string, maxSubprotocols+1)
	for i := range many {
		many[i] = fmt.Sprint("p", i)
	}
	for value, want := range map[string]bool{
		strings.Join(many[1:], ", "): true,
		strings.Join(many, ", "):     false,
		"a, b":                       true,
		"a, b c":                     false,
		"b c":                        false,
		"a, b, a":                    false,
		"":                           false,
		",":                          false,
	} {
		if _, err := CheckRequest(offering(t, value)); (err == nil) != want {
			t.Errorf("%.40q: %v", value, err)
		}
	}
}

// RFC 6455 4.1: of these fields a response has one each.
func TestResponseNamesEachThingOnce(t *testing.T) {
	request, _ := ParseHead([]byte(exampleRequest))
	for field, section := range map[string]string{
		"Upgrade: websocket": "RFC 6455 4.1",
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=": "RFC 6455 4.2.2",
		"Sec-WebSocket-Protocol: chat":                       "RFC 6455 4.1",
		"Sec-WebSocket-Extensions: ; a":                      "RFC 6455 4.1", // not a list
	} {
		response, _ := ParseHead([]byte(strings.Replace(exampleResponse, "\r\n\r\n", "\r\n"+field+"\r\n\r\n", 1)))
		var fault *HandshakeError
		if err := CheckResponse(101, response, request); !errors.As(err, &fault) || fault.Section != section {
			t.Errorf("with %q: %v", field, err)
		}
	}
	response, _ := ParseHead([]byte(strings.Replace(exampleResponse, "Upgrade: websocket", "Upgrade: a\r\nUpgrade: b\r\nUpgrade: c", 1)))
	for _, c := range ResponseChecks(101, response, request) {
		if c.What == "Upgrade is websocket" && (c.OK || c.Seen != "a, b, c") {
			t.Errorf("%+v", c)
		}
	}
}

func TestEdgesOfHTTP(t *testing.T) {
	for wire, want := range map[string]error{
		"\rGET / HTTP/1.1\r\n\r\n":                 errHTTPControl, // no empty line
		"GET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n":    nil,            // a line that goes on
		"GET / HTTP/1.1\r\n\tX: a\r\n\r\n":         errHTTPField,
		"GET  HTTP/1.1\r\n\r\n":                    errHTTPRequestLine,
		"GET / HTTP/1.1\r\nX: a\r\n\tb: c\r\n\r\n": nil,
	} {
		d := HTTPDecoder{}
		if _, n, err := d.Next([]byte(wire)); err != want || err == nil && n != len(wire) {
			t.Errorf("%q: %d bytes of %d, %v, want %v", wire, n, len(wire), err, want)
		}
	}
	for status, want := range map[string]error{"100": nil, "099": errHTTPStatusLine} {
		d := HTTPDecoder{From: Server}
		if _, _, err := d.Next([]byte("HTTP/1.1 " + status + " x\r\n\r\n")); err != want {
			t.Errorf("status %s: %v, want %v", status, err, want)
		}
	}
}

func TestEdgesOfTrailers(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
	limit := len(head)
	trailer := "X: " + strings.Repeat("y", limit-len("X: \r\n")) + "\r\n"
	for wire, want := range map[string]error{
		head + "0\r\n" + trailer + "\r\n":      nil,
		head + "0\r\nX" + trailer + "\r\n":     errHTTPTrailers,
		head + "0\r\n X: y\r\n\r\n":            errHTTPField, // goes on with nothing
		head + "0\r\nX: y\r\n z\r\n\r\n":       nil,
		head + "2\r\nab\r\n0\r\nX: y\r\n\r\n":  nil,
		head + "2\r\nabc\r\n0\r\nX: y\r\n\r\n": errHTTPChunkEnd,
	} {
		d := HTTPDecoder{MaxHead: limit}
		var err error
		for b, n := []byte(wire), 1; err == nil && n > 0; b = b[n:] {
			_, n, err = d.Next(b)
		}
		if err != want || err == nil && d.Unfinished() {
			t.Errorf("%q: %v, want %v", wire[limit:], err, want)
		}
	}
}

// What a reserved bit without a meaning changes is unknown: its frame is not judged as text, too.
func TestTextWithReservedBits(t *testing.T) {
	for _, c := range []struct {
		first byte
		on    bool
	}{{0xC1, false}, {0xA1, false}, {0xA1, true}, {0xE1, true}, {0xF1, true}} {
		d := Decoder{From: Server, Deflate: Deflate{On: c.on}}
		ev, _ := d.Next([]byte{c.first, 2, 'a', 0xFF})
		_, broken := d.Inflate(nil, ev.Data)
		if broken |= ev.Broken; broken&^RuleDeflateCorrupt.Set() != RuleRSVUnexpected.Set() {
			t.Errorf("first byte %x, compression %v: breaks %b", c.first, c.on, broken)
		}
	}
}

// One byte that is not ASCII is seen wherever it stands.
func TestASCIIAtEveryPlace(t *testing.T) {
	var block [asciiBlockSize]byte
	if !asciiBlock(&block) {
		t.Error("zeros are not ASCII")
	}
	for i := range block {
		for _, c := range []byte{0x80, 0xC3, 0xFF} {
			if block[i] = c; asciiBlock(&block) {
				t.Errorf("%x at %d of a block is taken for ASCII", c, i)
			}
		}
		block[i] = 0x7F
	}
	for _, key := range []uint32{0, 0x80808080, 0x37fa213d, 0x8000007f} {
		for n := range 3 * asciiBlockSize / 2 {
			text := []byte(strings.Repeat("~", n))
			Mask(key, 0, text)
			if !isASCII(bits.ReverseBytes32(key), text) {
				t.Errorf("%d bytes with key %08x are not ASCII", n, key)
			}
			for i := range text {
				if text[i] ^= 0x80; isASCII(bits.ReverseBytes32(key), text) {
					t.Errorf("%d bytes with key %08x are ASCII, though that at %d is not", n, key, i)
				}
				text[i] ^= 0x80
			}
		}
	}
}

// Also inside a text, at whatever length ASCII is passed over in blocks.
func TestWrongByteAtEveryPlace(t *testing.T) {
	text := []byte(strings.Repeat("a", 3*asciiBlockSize))
	for n := range len(text) {
		for i := range n {
			text[i] = 0xFF
			if u := (UTF8{}); u.Write(text[:n]) != i {
				t.Fatalf("of %d bytes that at %d is wrong and not found there", n, i)
			}
			text[i] = 'a'
		}
	}
}

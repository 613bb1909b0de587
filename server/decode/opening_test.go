// HTTP before the frames: what is followed, what begins a WebSocket, and that nothing in
// a body does.

package decode_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"framescope/server/decode"
)

const (
	asking    = "GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	accepting = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
	refusing  = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nlogin"
	getting   = "GET /poll HTTP/1.1\r\nHost: a\r\n\r\n"
	answering = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

	asked      = "client handshake: \"GET /x HTTP/1.1\"\n"
	accepted   = "server handshake: \"HTTP/1.1 101 Switching Protocols\"\n"
	refused    = "server HTTP: \"HTTP/1.1 401 Unauthorized\"\n"
	got        = "client HTTP: \"GET /poll HTTP/1.1\"\n"
	answered   = "server HTTP: \"HTTP/1.1 200 OK\"\n"
	posted     = "client HTTP: \"POST /in HTTP/1.1\"\n"
	helloShown = "@0      client text FIN mask 37fa213d length 5\n        \"Hello\"\n"
	hiShown    = "@0      server text FIN length 2\n        \"hi\"\n"
	hi         = "\x81\x02hi"
)

// withOffer is a handshake's head with permessage-deflate.
func withOffer(head string) string {
	return strings.TrimSuffix(head, "\r\n") + "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
}

// lengthy and chunky are messages with a body.
func lengthy(line, body string) string {
	return line + "\r\nContent-Length: " + fmt.Sprint(len(body)) + "\r\n\r\n" + body
}

func chunky(line, body string) string {
	half := len(body) / 2
	return line + "\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x", half) + "\r\n" + body[:half] + "\r\n" + fmt.Sprintf("%x", len(body)-half) + ";x=y\r\n" + body[half:] + "\r\n0\r\nTrailer: x\r\n\r\n"
}

func TestHTTPBeforeTheFrames(t *testing.T) {
	const none = "no WebSocket was found"
	forged := asking + hello
	forgedAnswer := accepting + hi
	for name, c := range map[string]struct {
		in, want, err string
	}{
		"keep-alive":               {getting + getting + asking + hello, got + got + asked + helloShown, ""},
		"a forged body":            {lengthy("POST /in HTTP/1.1", forged) + asking + hello, posted + asked + helloShown, ""},
		"a forged chunked body":    {chunky("POST /in HTTP/1.1", forged) + asking + hello, posted + asked + helloShown, ""},
		"a forged body alone":      {lengthy("POST /in HTTP/1.1", forged), posted, none},
		"a forged page":            {lengthy("HTTP/1.1 200 OK", forgedAnswer) + accepting + hi, answered + accepted + hiShown, ""},
		"a forged chunked page":    {chunky("HTTP/1.1 200 OK", forgedAnswer) + accepting + hi, answered + accepted + hiShown, ""},
		"a forged endless page":    {"HTTP/1.1 200 OK\r\n\r\n" + forgedAnswer, answered, none},
		"a forged endless request": {"HTTP/1.1 200 OK\r\n\r\n" + forged, answered, none},
		"a body in the handshake":  {lengthy(strings.TrimSuffix(asking, "\r\n\r\n"), forged) + hello, asked + "      ! a WebSocket handshake has no body: leave out Content-Length and Transfer-Encoding (RFC 9110 9.3.1)\n" + helloShown, "break the RFC"},
		"no bodies":                {"HTTP/1.1 204 No\r\n\r\nHTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\n" + accepting + hi, "server HTTP: \"HTTP/1.1 204 No\"\nserver HTTP: \"HTTP/1.1 304 Not\"\n" + accepted + hiShown, ""},
		"interim answers":          {"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n" + accepting + hi, "server HTTP: \"HTTP/1.1 103 Early\"\n" + accepted + hiShown, ""},
		"blank lines between":      {getting + "\r\n\r\n" + asking + hello, got + asked + helloShown, ""},

		"asked again":           {asking + asking + hello, asked + asked + helloShown, ""},
		"asked, then plain":     {asking + getting, asked + got, none},
		"asked, frames":         {getting + asking + getting + asking + hello, got + asked + got + asked + helloShown, ""},
		"refused":               {refusing, refused, none},
		"refused with a page":   {"HTTP/1.1 403 Forbidden\r\n\r\n\x82\x7e page", "server HTTP: \"HTTP/1.1 403 Forbidden\"\n", none},
		"refused, accepted":     {refusing + accepting + hi, refused + accepted + hiShown, ""},
		"both, refused":         {asking + refusing, asked + refused, none},
		"both, in the end":      {getting + answering + asking + refusing + asking + accepting + hello, got + answered + asked + refused + asked + accepted + helloShown, ""},
		"both, after HEAD":      {"HEAD / HTTP/1.1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + asking + accepting + hi, "client HTTP: \"HEAD / HTTP/1.1\"\n" + answered + asked + accepted + hiShown, ""},
		"plain requests only":   {getting + getting, got + got, none},
		"the handshake only":    {getting + asking, got + asked, ""},
		"the answer only":       {answering + accepting, answered + accepted, ""},
		"frames like a request": {accepting + "G\x02hi", accepted + "@0      server 0x7 RSV1 length 2\n        6869\n      ! rsv-unexpected: reserved bits 100 (RSV1 RSV2 RSV3) are set and no extension gives them a meaning (RFC 6455 5.2, close 1002)\n      ! opcode-reserved: opcode 0x7 is reserved (RFC 6455 5.2, close 1002)\n", "break the RFC"},

		"another protocol": {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0", "server HTTP: \"HTTP/1.1 101 Switching Protocols\"\n", "becomes another protocol"},
		"through a tunnel": {"CONNECT a:80 HTTP/1.1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" + asking + accepting + hello, "client HTTP: \"CONNECT a:80 HTTP/1.1\"\n" + answered + asked + accepted + helloShown, ""},

		"both framings":        {"POST /in HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" + asking + hello, "", "cannot be followed: Transfer-Encoding and Content-Length are both there (RFC 9112 6.1)"},
		"frames after a body":  {getting + hello, got, "what follows is not HTTP"},
		"an answer of no kind": {answering + "hello\r\n\r\n", answered, "the first line is no status line"},
		"a handshake at fault": {strings.Replace(accepting, "\r\n", "\r\nno field\r\n", 1) + hi, accepted + "      ! a line is no header field: it needs a name without blanks, then a colon (RFC 9112 5.1)\n" + hiShown, "break the RFC"},
		"asked at fault":       {strings.Replace(asking, "\r\n", "\r\nno field\r\n", 1) + asking + hello, asked + "      ! a line is no header field: it needs a name without blanks, then a colon (RFC 9112 5.1)\n" + asked + helloShown, "break the RFC"},
		"a body cut short":     {strings.TrimSuffix(refusing, "in"), refused, "ends inside the body"},
		"chunks cut short":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHel", answered, "ends inside the body"},
		"a head cut short":     {getting + asking[:40], got, "ends inside a head: its blank line is missing"},
	} {
		for how, in := range map[string]io.Reader{"whole": strings.NewReader(c.in), "byte by byte": iotest.OneByteReader(strings.NewReader(c.in))} {
			var out strings.Builder
			err := decode.Run(in, &out, decode.Options{Payload: 100})
			if out.String() != c.want {
				t.Errorf("%s, %s:\n%s\nwant\n%s", name, how, out.String(), c.want)
			}
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%s, %s: error %v, want %q", name, how, err, c.err)
			}
		}
	}
}

// A client's request is what tells whether RSV1 may mean compressed, where the answer
// stands on the other side; an answer that is there decides.
func TestOfferedCompression(t *testing.T) {
	agreeing := strings.TrimSuffix(accepting, "\r\n") + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
	// "Hello", as in RFC 7692 7.2.3.1, and once more in 7.2.3.2, which copies it.
	const once, again = "\xc1\x87\x00\x00\x00\x00\xf2\x48\xcd\xc9\xc9\x07\x00", "\xc1\x85\x00\x00\x00\x00\xf2\x00\x11\x00\x00"
	for name, c := range map[string]struct {
		in   string
		want int // how often it says Hello
		err  error
	}{
		"offered":                {withOffer(asking) + once + again, 2, nil},
		"not offered":            {asking + once, 0, decode.ErrBreaches},
		"offered and agreed":     {withOffer(asking) + agreeing + once + again, 2, nil},
		"offered and declined":   {withOffer(asking) + accepting + once, 0, decode.ErrBreaches},
		"offered only before":    {withOffer(asking) + asking + once, 0, decode.ErrBreaches},
		"offered the second way": {asking + withOffer(asking) + once + again, 2, nil},
	} {
		got, err := run(c.in, decode.Options{})
		if n := strings.Count(got, "\"Hello\""); n != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, Hello %d times, want %v and %d:\n%s", name, err, n, c.err, c.want, got)
		}
	}
}

func TestOpeningInJSON(t *testing.T) {
	got, err := run(lengthy("POST /in HTTP/1.1", "x")+asking+hello, decode.Options{JSON: true})
	lines := strings.Split(got, "\n")
	if err != nil || len(lines) != 4 || lines[0] != `{"http":"POST /in HTTP/1.1","from":"client"}` ||
		!strings.HasPrefix(lines[1], `{"head":"GET /x HTTP/1.1","from":"client","checks":[{"ok":true,`) || !strings.HasPrefix(lines[2], `{"offset":0,"from":"client","opcode":"text"`) {
		t.Errorf("%q, %v", lines, err)
	}
}

// What a head says is escaped as payloads are, and loses no byte.
func TestHeadsAreEscaped(t *testing.T) {
	const first = "GET /\u202e\x1b\xff HTTP/1.1\r\n"
	in := first + "X: y\r\n\r\n" + strings.Replace(asking, "GET /x HTTP/1.1\r\n", first, 1)
	want := `"GET /\u202e\x1b\xff HTTP/1.1"`
	if got, err := run(in, decode.Options{}); err != nil || got != "client HTTP: "+want+"\nclient handshake: "+want+"\n" {
		t.Errorf("%q, %v", got, err)
	}
	want = strings.ReplaceAll(want, `\`, `\\`)
	if got, err := run(in, decode.Options{JSON: true}); err != nil || !strings.HasPrefix(got, `{"http":`+want+`,"from":"client"}`+"\n"+`{"head":`+want) {
		t.Errorf("%q, %v", got, err)
	}
}

// However long a body is, and whatever never ends, little memory is taken.
func TestLongHTTPTakesLittleMemory(t *testing.T) {
	for name, c := range map[string]struct {
		in  io.Reader
		err string
	}{
		"body":  {io.MultiReader(strings.NewReader("POST / HTTP/1.1\r\nContent-Length: 1073741824\r\n\r\n"), io.LimitReader(zeros{}, 1<<30), strings.NewReader(asking+hello)), ""},
		"page":  {io.MultiReader(strings.NewReader("HTTP/1.1 200 OK\r\n\r\n"), io.LimitReader(zeros{}, 1<<30)), "no WebSocket was found"},
		"head":  {io.MultiReader(strings.NewReader("GET / HTTP/1.1\r\nX: "), zeros{}), "longer than 65536 bytes"},
		"chunk": {io.MultiReader(strings.NewReader("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), zeros{}), "longer than 4 KiB"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := decode.Run(c.in, io.Discard, decode.Options{Format: "binary"})
		runtime.ReadMemStats(&after)
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v, want %q", name, err, c.err)
		}
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 1<<20 {
			t.Errorf("%s: %d bytes were taken", name, taken)
		}
	}
}

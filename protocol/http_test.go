// Following HTTP/1.1: where messages end, in any cut, and as net/http sees it.

package protocol

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// followHTTP passes d the pieces of a stream as they would arrive and describes what they
// were: "head(…) body(…) end".
func followHTTP(d *HTTPDecoder, pieces ...string) string {
	var told, body strings.Builder
	describe := func(text string) {
		if body.Len() > 0 {
			fmt.Fprintf(&told, " body(%s)", body.String())
			body.Reset()
		}
		told.WriteString(text)
	}
	var held []byte
	for _, piece := range pieces {
		held = append(held, piece...)
		for {
			ev, n, err := d.Next(held)
			if ev.Head != nil {
				line, _ := cutLine(string(ev.Head))
				describe(fmt.Sprintf(" head(%s)+%d", line, len(ev.Head)))
			}
			body.Write(ev.Body)
			if ev.End {
				describe(" end")
			}
			if ev.Over {
				describe(" over")
			}
			if held = held[n:]; err != nil {
				describe(fmt.Sprintf(" %s", err.(*HTTPError).Section))
				return told.String()
			}
			if n == 0 {
				break
			}
		}
	}
	describe("")
	if d.Unfinished() {
		told.WriteString(" …")
	}
	if len(held) > 0 {
		fmt.Fprintf(&told, " left(%d)", len(held))
	}
	return strings.TrimPrefix(told.String(), " ")
}

// httpVector is a stream and what it is.
type httpVector struct {
	name, wire, want string
	from             Side
	method           string
}

var httpVectors = []httpVector{
	{name: "no body", wire: "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\n\r\n", want: "head(GET / HTTP/1.1)+27 end head(GET /b HTTP/1.1)+19 end"},
	{name: "lone LF", wire: "GET / HTTP/1.1\nHost: a\n\nGET", want: "head(GET / HTTP/1.1)+24 end … left(3)"},
	{name: "empty lines before", wire: "\r\n\n\r\nGET / HTTP/1.0\r\n\r\n", want: "head(GET / HTTP/1.0)+18 end"},
	{name: "length", wire: "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nHelloGET", want: "head(POST / HTTP/1.1)+38 body(Hello) end … left(3)"},
	{name: "length of nothing", wire: "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\nG", want: "head(POST / HTTP/1.1)+38 end … left(1)"},
	{name: "length said twice", wire: "POST / HTTP/1.1\r\ncontent-length: 2\r\nContent-Length:2 \r\n\r\nhiG", want: "head(POST / HTTP/1.1)+57 body(hi) end … left(1)"},
	{name: "body cut short", wire: "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nHe", want: "head(POST / HTTP/1.1)+38 body(He) …"},
	{name: "chunks", wire: "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nHello\r\n1;x=\"y;z\"\r\n,\r\n0A \t\r\n0123456789\r\n0\r\n\r\nG", want: "head(POST / HTTP/1.1)+47 body(Hello,0123456789) end … left(1)"},
	{name: "trailers", wire: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n  z\r\nA:\n\nG", want: "head(POST / HTTP/1.1)+47 end … left(1)"},
	{name: "folded field", wire: "GET / HTTP/1.1\r\nX: y\r\n Content-Length: 5\r\n \r\n\r\nG", want: "head(GET / HTTP/1.1)+47 end … left(1)"},
	{name: "chunked in HTTP/1.0", wire: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nhiG", want: "head(POST / HTTP/1.0)+66 body(hi) end … left(1)"},

	{name: "both framings", wire: "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0", want: "head(POST / HTTP/1.1)+66 RFC 9112 6.1"},
	{name: "another coding", wire: "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", want: "head(POST / HTTP/1.1)+53 RFC 9112 6.1"},
	{name: "no coding", wire: "POST / HTTP/1.1\r\nTransfer-Encoding:\r\n\r\n", want: "head(POST / HTTP/1.1)+39 RFC 9112 6.1"},
	{name: "chunked twice", wire: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", want: "head(POST / HTTP/1.1)+75 RFC 9112 6.1"},
	{name: "lengths differ", wire: "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", want: "head(POST / HTTP/1.1)+57 RFC 9112 6.3"},
	{name: "length is a list", wire: "POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n", want: "head(POST / HTTP/1.1)+41 RFC 9112 6.3"},
	{name: "length has a sign", wire: "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n", want: "head(POST / HTTP/1.1)+39 RFC 9112 6.3"},
	{name: "no length", wire: "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", want: "head(POST / HTTP/1.1)+36 RFC 9112 6.3"},
	{name: "length beyond 63 bits", wire: "POST / HTTP/1.1\r\nContent-Length: 9223372036854775808\r\n\r\n", want: "head(POST / HTTP/1.1)+56 RFC 9112 6.3"},
	{name: "length of two lines", wire: "POST / HTTP/1.1\r\nContent-Length: 5\r\n 0\r\n\r\n", want: "head(POST / HTTP/1.1)+42 RFC 9112 5.2"},
	{name: "coding of two lines", wire: "POST / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n", want: "head(POST / HTTP/1.1)+49 RFC 9112 5.2"},
	{name: "blank before the colon", wire: "POST / HTTP/1.1\r\nContent-Length : 5\r\n\r\n", want: "head(POST / HTTP/1.1)+39 RFC 9112 5.1"},
	{name: "no colon", wire: "GET / HTTP/1.1\r\nHost\r\n\r\n", want: "head(GET / HTTP/1.1)+24 RFC 9112 5.1"},
	{name: "first field is folded", wire: "GET / HTTP/1.1\r\n Host: a\r\n\r\n", want: "head(GET / HTTP/1.1)+28 RFC 9112 5.1"},
	{name: "CR inside a line", wire: "GET / HTTP/1.1\r\nX: a\rContent-Length: 5\r\n\r\n", want: "head(GET / HTTP/1.1)+42 RFC 9112 2.2"},
	{name: "NUL inside a line", wire: "GET / HTTP/1.1\r\nX: \x00\r\n\r\n", want: "head(GET / HTTP/1.1)+24 RFC 9112 2.2"},
	{name: "no version", wire: "GET /\r\n\r\n", want: "head(GET /)+9 RFC 9112 3"},
	{name: "no target", wire: "GET  HTTP/1.1\r\n\r\n", want: "head(GET  HTTP/1.1)+17 RFC 9112 3"},
	{name: "blank in the target", wire: "GET /a b HTTP/1.1\r\n\r\n", want: "head(GET /a b HTTP/1.1)+21 RFC 9112 3"},
	{name: "HTTP/2", wire: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", want: "head(PRI * HTTP/2.0)+18 RFC 9112 3"},
	{name: "no chunk size", wire: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", want: "head(POST / HTTP/1.1)+47 RFC 9112 7.1"},
	{name: "chunk size in words", wire: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\n", want: "head(POST / HTTP/1.1)+47 RFC 9112 7.1"},
	{name: "chunk size with prefix", wire: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\n", want: "head(POST / HTTP/1.1)+47 RFC 9112 7.1"},
	{name: "chunk size of 65 bits", wire: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000005\r\n", want: "head(POST / HTTP/1.1)+47 RFC 9112 7.1"},
	{name: "LF behind a chunk size", wire: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\nHello", want: "head(POST / HTTP/1.1)+47 RFC 9112 7.1"},
	{name: "CR in a chunk extension", wire: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;\r5\r\nHello", want: "head(POST / HTTP/1.1)+47 RFC 9112 7.1"},
	{name: "longer chunk than said", wire: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nHello\r\n", want: "head(POST / HTTP/1.1)+47 body(Hell) RFC 9112 7.1"},
	{name: "LF behind a chunk", wire: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\n", want: "head(POST / HTTP/1.1)+47 body(Hello) RFC 9112 7.1"},
	{name: "broken trailer", wire: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nGET / HTTP/1.1\r\n", want: "head(POST / HTTP/1.1)+47 RFC 9112 5.1"},

	{name: "response of a length", from: Server, wire: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiH", want: "head(HTTP/1.1 200 OK)+38 body(hi) end … left(1)"},
	{name: "response until the end", from: Server, wire: "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1", want: "head(HTTP/1.1 200 OK)+19 body(HTTP/1.1)"},
	{name: "response without a reason", from: Server, wire: "HTTP/1.0 404\r\nTransfer-Encoding: chunked\r\n\r\n0", want: "head(HTTP/1.0 404)+44 body(0)"},
	{name: "interim response", from: Server, wire: "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\nH", want: "head(HTTP/1.1 103 Early Hints)+37 end head(HTTP/1.1 204 No)+38 end … left(1)"},
	{name: "not modified", from: Server, wire: "HTTP/1.1 304 Not\r\nTransfer-Encoding: chunked\r\n\r\nH", want: "head(HTTP/1.1 304 Not)+48 end … left(1)"},
	{name: "answer to HEAD", from: Server, method: "HEAD", wire: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nH", want: "head(HTTP/1.1 200 OK)+38 end … left(1)"},
	{name: "switching", from: Server, wire: "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n\r\n\x81\x00", want: "head(HTTP/1.1 101 Yes)+40 end over left(2)"},
	{name: "tunnel", from: Server, method: "CONNECT", wire: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", want: "head(HTTP/1.1 200 OK)+38 end over left(3)"},
	{name: "refused tunnel", from: Server, method: "CONNECT", wire: "HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nabc", want: "head(HTTP/1.1 403 No)+38 body(abc) end"},
	{name: "no status", from: Server, wire: "HTTP/1.1 OK\r\n\r\n", want: "head(HTTP/1.1 OK)+15 RFC 9112 4"},
	{name: "status of two digits", from: Server, wire: "HTTP/1.1 099 OK\r\n\r\n", want: "head(HTTP/1.1 099 OK)+19 RFC 9112 4"},
	{name: "request for a response", from: Server, wire: "GET / HTTP/1.1\r\n\r\n", want: "head(GET / HTTP/1.1)+18 RFC 9112 4"},
}

// Every vector is read the same in one piece, byte by byte, and cut at any two places.
func TestHTTPDecoder(t *testing.T) {
	for _, v := range httpVectors {
		read := func(pieces ...string) string {
			return strings.TrimPrefix(followHTTP(&HTTPDecoder{From: v.from, Method: v.method}, pieces...), " ")
		}
		if got := read(v.wire); got != v.want {
			t.Errorf("%s:\n got %s\nwant %s", v.name, got, v.want)
			continue
		}
		if got := read(strings.Split(v.wire, "")...); got != v.want {
			t.Errorf("%s, byte by byte:\n got %s\nwant %s", v.name, got, v.want)
		}
		for a := range v.wire {
			for b := a; b < len(v.wire); b += 1 + b%7 {
				if got := read(v.wire[:a], v.wire[a:b], v.wire[b:]); got != v.want {
					t.Fatalf("%s, cut at %d and %d:\n got %s\nwant %s", v.name, a, b, got, v.want)
				}
			}
		}
	}
}

func TestHTTPDecoderBounds(t *testing.T) {
	long := func(n int) string { return "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", n-23) + "\r\n\r\n" }
	chunked := "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, c := range []struct {
		name, wire string
		max        int
		ok         bool
	}{
		{"longest head", long(64 << 10), 0, true},
		{"head too long", long(64<<10 + 1), 0, false},
		{"shorter bound", long(100), 100, true},
		{"beyond it", long(101), 100, false},
		{"head without an end", strings.Repeat("x\n", 1<<20), 0, false},
		{"longest line", chunked + "0;" + strings.Repeat("x", 4<<10-4) + "\r\n\r\n", 0, true},
		{"line too long", chunked + "0;" + strings.Repeat("x", 4<<10-3) + "\r\n\r\n", 0, false},
		{"line without an end", chunked + strings.Repeat("0", 1<<20), 0, false},
		{"trailers", chunked + "0\r\n" + strings.Repeat("a: b\r\n", 10_000) + "\r\n", 0, true},
		{"too many trailers", chunked + "0\r\n" + strings.Repeat("a: b\r\n", 11_000) + "\r\n", 0, false},
	} {
		for _, pieces := range [][]string{{c.wire}, {c.wire[:len(c.wire)/2], c.wire[len(c.wire)/2:]}} {
			got := followHTTP(&HTTPDecoder{MaxHead: c.max}, pieces...)
			if ok := strings.HasSuffix(got, " end"); ok != c.ok || !ok && !strings.Contains(got, "RFC 9112") {
				t.Errorf("%s: %.200s", c.name, got)
			}
		}
	}
	d := HTTPDecoder{}
	_, _, first := d.Next([]byte("?\n\n"))
	if _, n, again := d.Next([]byte("GET / HTTP/1.1\r\n\r\n")); first == nil || again != first || n != 0 {
		t.Errorf("after %v: %d bytes taken, %v", first, n, again)
	}
}

// A head is searched once, however it comes: from its start for each byte would be
// 10^14 bytes here, which no test survives.
func TestHTTPDecoderSearchesOnce(t *testing.T) {
	const size = 16 << 20
	wire := []byte("GET / HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", size/6) + "\r\n")
	d := HTTPDecoder{MaxHead: 2 * size}
	for end := range wire {
		if ev, n, err := d.Next(wire[:end]); n > 0 || err != nil || ev.Head != nil {
			t.Fatalf("%d of %d bytes: n = %d, %v", end, len(wire), n, err)
		}
	}
	if ev, n, err := d.Next(wire); n != len(wire) || err != nil || !ev.End {
		t.Errorf("n = %d, %v", n, err)
	}
}

// asNetHTTP reads the messages of wire with net/http and describes of each what
// followHTTP would, without the head's first line, as far as net/http takes them.
func asNetHTTP(wire []byte, side Side, method string) (messages []string) {
	source := bytes.NewReader(wire)
	r := bufio.NewReader(source)
	at := func() int { return len(wire) - source.Len() - r.Buffered() }
	for {
		var body io.ReadCloser
		if side == Server {
			response, err := http.ReadResponse(r, &http.Request{Method: method})
			if err != nil {
				return messages
			}
			body = response.Body
		} else {
			request, err := http.ReadRequest(r)
			if err != nil {
				return messages
			}
			body = request.Body
		}
		head := at()
		b, err := io.ReadAll(body)
		if err != nil {
			return messages
		}
		messages = append(messages, fmt.Sprintf("head to %d, body %q, to %d", head, b, at()))
	}
}

// asWeDo describes the same with our decoder. sure is false if what follows the messages that it
// describes is an error, or no HTTP.
func asWeDo(wire []byte, side Side, method string) (messages []string, sure bool) {
	d := HTTPDecoder{From: side, Method: method}
	var head int
	var body []byte
	for at := 0; ; {
		ev, n, err := d.Next(wire[at:])
		if err != nil || ev.Over {
			return messages, false
		}
		if at += n; ev.Head != nil {
			head, body = at, nil
		}
		body = append(body, ev.Body...)
		ended := ev.End || n == 0 && d.state == httpToEnd
		if ended {
			messages = append(messages, fmt.Sprintf("head to %d, body %q, to %d", head, body, at))
		}
		if n == 0 {
			return messages, true
		}
	}
}

// FuzzHTTPDecoder: every cut reads the same, and what net/http takes for a message is
// the same message to us, or an error.
func FuzzHTTPDecoder(f *testing.F) {
	for _, v := range httpVectors {
		method := byte(0)
		switch v.method {
		case "HEAD":
			method = 1
		case "CONNECT":
			method = 2
		}
		f.Add([]byte(v.wire), v.from == Server, method, uint(len(v.wire)/2), uint(len(v.wire)/3))
	}
	f.Fuzz(func(t *testing.T, wire []byte, server bool, by byte, a, b uint) {
		side, method := Client, []string{"GET", "HEAD", "CONNECT"}[by%3]
		if server {
			side = Server
		}
		read := func(pieces ...string) string {
			return followHTTP(&HTTPDecoder{From: side, Method: method}, pieces...)
		}
		s := string(wire)
		whole := read(s)
		first, second := int(a%uint(len(s)+1)), int(b%uint(len(s)+1))
		first, second = min(first, second), max(first, second)
		if cut := read(s[:first], s[first:second], s[second:]); cut != whole {
			t.Fatalf("cut at %d and %d:\n%s\nwhole:\n%s", first, second, cut, whole)
		}
		ours, sure := asWeDo(wire, side, method)
		for i, theirs := range asNetHTTP(wire, side, method) {
			switch {
			case i < len(ours) && ours[i] != theirs, i >= len(ours) && sure:
				t.Fatalf("message %d of %v: to net/http it is\n%s", i, ours, theirs)
			case i >= len(ours):
				return // ours is an error
			}
		}
	})
}

func BenchmarkHTTPDecoder(b *testing.B) {
	body := "10000\r\n" + strings.Repeat("x", 64<<10) + "\r\n"
	for _, c := range []struct{ name, wire string }{
		{"heads", exampleRequest},
		{"chunks", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat(body, 4) + "0\r\n\r\n"},
		{"tiny chunks", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 1000) + "0\r\n\r\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			wire := []byte(c.wire)
			var d HTTPDecoder
			b.SetBytes(int64(len(wire)))
			b.ReportAllocs()
			for b.Loop() {
				for at := 0; at < len(wire); {
					_, n, err := d.Next(wire[at:])
					if err != nil {
						b.Fatal(err)
					}
					at += n
				}
			}
		})
	}
}

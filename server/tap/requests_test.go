// What is held of a connection that is HTTP.

package tap

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"framescope/protocol"
)

func requestOf(t *testing.T, head string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRequestsHoldLittle(t *testing.T) {
	q := &newExchange(&Conn{tap: new(Tap)}).requests
	get := "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
	post := "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n"
	q.receive([]byte(get[:10]))
	q.receive([]byte(get[10:] + get + post[:20]))
	for range 2 {
		q.next(requestOf(t, get))
		if string(q.head) != get || q.err != nil {
			t.Fatalf("the head is %q, %v", q.head, q.err)
		}
	}
	q.receive([]byte(post[20:] + "begin"))
	q.next(requestOf(t, post))
	piece := make([]byte, 10_000)
	for sent := len("begin"); sent < 10_000_000; sent += len(piece) {
		if piece = piece[:min(len(piece), 10_000_000-sent)]; q.held != nil || !q.body || q.err != nil {
			t.Fatalf("inside a body %d bytes are held, %v", len(q.held), q.err)
		}
		q.receive(piece)
	}
	if q.held != nil || q.body {
		t.Errorf("behind it %d are held", len(q.held))
	}
	q.receive([]byte(get))
	if q.next(requestOf(t, get)); string(q.head) != get || q.held != nil {
		t.Errorf("the head behind it is %q, %v", q.head, q.err)
	}
	for range 1000 {
		if q.receive(bytes.Repeat([]byte("x"), 1000)); cap(q.held) > 2*maxHeld {
			t.Fatalf("%d bytes are held", cap(q.held))
		}
	}
	if !errors.Is(q.err, errHeadTooLong) || q.held != nil || q.head != nil {
		t.Errorf("after a head without an end: %v, %d bytes are held", q.err, len(q.held))
	}
}

// A connection whose request is done, and one whose frame was given up, hold nothing.
func TestNothingIsHeldAfterwards(t *testing.T) {
	c := newConn(New(Options{Snap: 1 << 20, History: 1 << 20}), nil, protocol.Client)
	c.http = newExchange(c)
	get := "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
	c.Received([]byte(get), nil)
	c.nextRequest(requestOf(t, get))
	if held := len(c.http.requests.head); held != len(get) {
		t.Errorf("while it is handled %d bytes are held", held)
	}
	c.requestDone()
	if q := &c.http.requests; q.head != nil || q.held != nil {
		t.Errorf("%d and %d bytes are held", len(q.head), len(q.held))
	}
	c.phase.Store(phaseFrames)
	long := append([]byte{0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0}, make([]byte, 1<<16)...)
	for _, given := range []int{1, 9, 10, 5000} {
		c.Received(long[:given], nil)
		c.Abandon()
		c.Received(long[given:60_000], nil)
		if p := c.in.partial; p != nil && (len(p.kept) > protocol.MaxHeaderSize || p.large != nil) {
			t.Errorf("given up after %d bytes, %d are held", given, len(p.kept))
		}
		c.Received(long[60_000:], nil)
	}
}

// What net/http hands to a handler and what came must be one thing.
func TestRequestsOutOfStep(t *testing.T) {
	shake := "GET /a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nSec-WebSocket-Key: one\r\n\r\n"
	for name, c := range map[string]struct{ came, handled string }{
		"nothing":          {"", shake},
		"half a head":      {shake[:30], shake},
		"another method":   {shake, strings.Replace(shake, "GET", "PUT", 1)},
		"another target":   {shake, strings.Replace(shake, "/a", "/b", 1)},
		"another version":  {shake, strings.Replace(shake, "1.1", "1.0", 1)},
		"another key":      {shake, strings.Replace(shake, "one", "two", 1)},
		"one key more":     {shake, strings.Replace(shake, "one", "one\r\nSec-WebSocket-Key: two", 1)},
		"inside a body":    {"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n", shake},
		"after an error":   {"?\r\n\r\n", shake},
		"in a broken body": {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nno", shake},
	} {
		q := &newExchange(&Conn{tap: new(Tap)}).requests
		q.receive([]byte(c.came))
		if strings.HasPrefix(c.came, "POST") {
			q.next(requestOf(t, "POST / HTTP/1.1\r\n\r\n"))
		}
		q.receive([]byte("\r\n"))
		q.next(requestOf(t, c.handled))
		q.receive([]byte(shake))
		if q.err == nil || q.held != nil || q.head != nil {
			t.Errorf("%s: %v, the head is %q, %d bytes are held", name, q.err, q.head, len(q.held))
		}
		// And it stays so.
		if q.next(requestOf(t, shake)); q.err == nil {
			t.Errorf("%s: the next request is taken", name)
		}
	}
}

// An answer that comes in many pieces is searched once, and its interim heads are passed
// over.
func TestAnswerHead(t *testing.T) {
	wire := "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n\r\n"
	for _, size := range []int{1, 2, 10, 50, len(wire)} {
		x := newExchange(&Conn{tap: new(Tap)})
		x.answers = protocol.HTTPDecoder{From: protocol.Server}
		var seen []string
		for at := 0; at < len(wire); at += size {
			x.answer = append(x.answer, wire[at:min(at+size, len(wire))]...)
			if head, status, err := x.answerHead(); head != nil || err != nil {
				seen = append(seen, fmt.Sprintf("%d %.16q %v", status, head, err))
			}
		}
		if want := `101 "HTTP/1.1 101 Yes" <nil>`; len(seen) != 1 || seen[0] != want {
			t.Errorf("in pieces of %d bytes: %q", size, seen)
		}
	}
}

// Raw bytes against our server: every handshake and the status that it gets, every
// limit of time. What frames may and may not do is in folder conformance.

package websocket_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

func timeLimit() time.Time { return time.Now().Add(time.Minute) }

const handshake = "GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n"

// rawDial does the handshake by hand and returns the bare connection.
func rawDial(t *testing.T, url string) (net.Conn, *bufio.Reader) {
	t.Helper()
	return rawDialWith(t, url, "")
}

// rawDialWith does it with further fields.
func rawDialWith(t *testing.T, url, fields string) (net.Conn, *bufio.Reader) {
	t.Helper()
	host := strings.TrimPrefix(url, "ws://")
	nc, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(timeLimit())
	fmt.Fprintf(nc, handshake, host, fields)
	r := bufio.NewReader(nc)
	response, err := http.ReadResponse(r, nil)
	if err != nil || response.StatusCode != 101 {
		t.Fatalf("handshake: %v, %v", response, err)
	}
	if got := response.Header.Get("Sec-WebSocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("accept key %q", got)
	}
	return nc, r
}

// masked builds a client's frame with the masking key 0, which leaves it legible.
func masked(op protocol.Opcode, fin bool, payload string) []byte {
	b := protocol.AppendHeader(nil, protocol.Header{Opcode: op, Fin: fin, Masked: true, PayloadLength: uint64(len(payload))})
	return append(b, payload...)
}

// readAll reads frames until the server ends the connection.
func readAll(t *testing.T, r io.Reader) (frames []string, code protocol.CloseCode) {
	t.Helper()
	return readAllWith(t, r, protocol.Deflate{})
}

// readAllDeflated does so where permessage-deflate is on.
func readAllDeflated(t *testing.T, r io.Reader) (frames []string, code protocol.CloseCode) {
	t.Helper()
	return readAllWith(t, r, protocol.Deflate{On: true, ServerNoContextTakeover: true})
}

func readAllWith(t *testing.T, r io.Reader, deflate protocol.Deflate) (frames []string, code protocol.CloseCode) {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Errorf("the connection ended with %v, not in order", err)
	}
	d := protocol.Decoder{From: protocol.Server, Deflate: deflate}
	for len(b) > 0 {
		ev, n := d.Next(b)
		if n == 0 || ev.Broken != 0 {
			t.Fatalf("the server sent % x", b)
		}
		frames = append(frames, fmt.Sprintf("%v %q", d.Header().Opcode, ev.Data))
		if d.Header().Opcode == protocol.OpClose {
			code, _, _ = protocol.ParseClosePayload(ev.Data)
		}
		b = b[n:]
	}
	return frames, code
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func TestHandshakeRefusals(t *testing.T) {
	url, _ := echoServer(t, websocket.Options{})
	host := strings.TrimPrefix(url, "ws://")
	for _, c := range []struct {
		name, old, new string
		status         int
		field          string // that the answer must have
	}{
		{"plain HTTP", "Upgrade: websocket\r\nConnection: Upgrade\r\n", "", 426, "Sec-Websocket-Version"},
		{"old version", "Version: 13", "Version: 8", 426, "Sec-Websocket-Version"},
		{"POST", "GET", "POST", 405, "Allow"},
		{"no key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400, ""},
		{"body", "Upgrade: websocket", "Content-Length: 5\r\nUpgrade: websocket", 400, ""},
		{"body in chunks", "Upgrade: websocket", "Transfer-Encoding: chunked\r\nUpgrade: websocket", 400, ""},
		{"empty body", "Upgrade: websocket", "Content-Length: 0\r\nUpgrade: websocket", 101, ""},
		{"other host", "Host: " + host, "Host: evil.example", 403, ""},
		{"other origin", "Upgrade: websocket", "Origin: http://evil.example\r\nUpgrade: websocket", 403, ""},
		{"null origin", "Upgrade: websocket", "Origin: null\r\nUpgrade: websocket", 403, ""},
		{"same origin", "Upgrade: websocket", "Origin: http://" + host + "\r\nUpgrade: websocket", 101, ""},
		{"localhost", "Host: " + host, "Host: localhost:1234", 101, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			nc, err := net.Dial("tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			nc.SetDeadline(timeLimit())
			io.WriteString(nc, strings.Replace(fmt.Sprintf(handshake, host, ""), c.old, c.new, 1))
			io.WriteString(nc, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n") // never to be read as a request
			r := bufio.NewReader(nc)
			response, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != c.status || c.field != "" && response.Header.Get(c.field) == "" {
				t.Errorf("answered with %d %v", response.StatusCode, response.Header)
			}
			if c.status != 101 {
				body, _ := io.ReadAll(response.Body)
				if bytes.Count(body, []byte("\n")) != 1 || len(body) < 20 {
					t.Errorf("the reason is %q, want one line", body)
				}
				if !response.Close {
					t.Error("the answer does not say that the connection is closed")
				}
				if more, _ := io.ReadAll(r); len(more) > 0 {
					t.Errorf("after the refusal came %q", more)
				}
			}
		})
	}
}

func TestTenThousandFragments(t *testing.T) {
	url, _ := echoServer(t, websocket.Options{})
	nc, r := rawDial(t, url)
	var wire []byte
	wire = append(wire, masked(protocol.OpText, false, "a")...)
	for range 9998 {
		wire = append(wire, masked(protocol.OpContinuation, false, "b")...)
	}
	wire = append(wire, masked(protocol.OpContinuation, true, "c")...)
	wire = append(wire, masked(protocol.OpClose, true, "")...)
	go nc.Write(wire)
	if frames, _ := readAll(t, r); len(frames) != 2 || len(frames[0]) != len(`text ""`)+10000 {
		t.Errorf("%d frames came back", len(frames))
	}
}

func TestSlowFrameIsClosed(t *testing.T) {
	url, ended := echoServer(t, websocket.Options{FrameTimeout: 50 * time.Millisecond})
	nc, r := rawDial(t, url)
	nc.Write(unhex("81 85 00000000 48"))
	if _, code := readAll(t, r); code != protocol.ClosePolicy {
		t.Errorf("closed with %v", code)
	}
	nc.Close()
	if err := <-ended; !errors.Is(err, websocket.ErrSlowFrame) {
		t.Error(err)
	}
}

func TestSilentPeerIsPingedThenDropped(t *testing.T) {
	url, ended := echoServer(t, websocket.Options{IdleTimeout: 30 * time.Millisecond, PongTimeout: 30 * time.Millisecond})
	nc, r := rawDial(t, url)
	frames, code := readAll(t, r)
	if len(frames) != 2 || frames[0] != `ping ""` || code != protocol.ClosePolicy {
		t.Errorf("%v, closed with %v", frames, code)
	}
	nc.Close()
	if err := <-ended; !errors.Is(err, websocket.ErrNoPong) {
		t.Error(err)
	}
}

func TestPeerThatNeverReadsIsDropped(t *testing.T) {
	url, ended := echoServer(t, websocket.Options{WriteTimeout: 100 * time.Millisecond})
	nc, _ := rawDial(t, url)
	message := masked(protocol.OpBinary, true, strings.Repeat("x", 1<<20))
	go func() {
		for {
			if _, err := nc.Write(message); err != nil {
				return
			}
		}
	}()
	if err := <-ended; !errors.Is(err, websocket.ErrSlowReader) {
		t.Error(err)
	}
	nc.Close()
}

func TestEchoAllocatesNothing(t *testing.T) {
	echoAllocates(t, 0, (*websocket.Conn).NextMessage, (*websocket.Conn).WriteMessage)
}

// A message that the caller owns is one allocation.
func TestOwnedMessageIsOneAllocation(t *testing.T) {
	echoAllocates(t, 1, (*websocket.Conn).ReadMessage, (*websocket.Conn).WriteMessage)
}

// echoAllocates expects so many allocations for each message that is read and written back.
func echoAllocates(t *testing.T, want float64, read func(*websocket.Conn) (protocol.Opcode, []byte, error), write func(*websocket.Conn, protocol.Opcode, []byte) error) {
	client, c := rawPeer(t, plain)
	defer c.CloseNow()
	frame := masked(protocol.OpText, true, strings.Repeat("x", 125))
	back := make([]byte, 127)
	step := make(chan struct{})
	go func() {
		for range step {
			client.Write(frame)
			io.ReadFull(client, back)
			step <- struct{}{}
		}
	}()
	defer close(step)
	if n := testing.AllocsPerRun(100, func() {
		step <- struct{}{}
		op, p, err := read(c)
		if err == nil {
			err = write(c, op, p)
		}
		if err != nil {
			t.Fatal(err)
		}
		<-step
	}); n != want {
		t.Errorf("%v allocations a message, want %v", n, want)
	}
}

// What is held to leave together, and pongs among it, allocates nothing either.
func TestHeldFramesAllocateNothing(t *testing.T) {
	client, c := rawPeer(t, plain)
	defer c.CloseNow()
	const messages = 16
	one := append(masked(protocol.OpPing, true, "?"), masked(protocol.OpText, true, strings.Repeat("x", 125))...)
	all := bytes.Repeat(one, messages)
	back := make([]byte, messages*(3+127))
	step := make(chan struct{})
	go func() {
		for range step {
			client.Write(all)
			io.ReadFull(client, back)
			step <- struct{}{}
		}
	}()
	defer close(step)
	if n := testing.AllocsPerRun(50, func() {
		step <- struct{}{}
		for range messages {
			op, p, err := c.NextMessage()
			if err == nil {
				err = c.WriteMessage(op, p)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		<-step
	}); n != 0 {
		t.Errorf("%v allocations for %d messages", n, messages)
	}
}

func TestPingThatCrossesOurCloseIsNoFault(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	c := websocket.NewConn(server, protocol.Server, nil, websocket.Options{})
	closed := make(chan error, 1)
	go func() { closed <- c.Close(protocol.CloseNormal, "") }()
	client.SetDeadline(timeLimit())
	if _, err := io.ReadFull(client, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	client.Write(append(masked(protocol.OpPing, true, "late"), masked(protocol.OpClose, true, "\x03\xe8")...))
	if err := <-closed; err != nil {
		t.Errorf("the close handshake failed: %v", err)
	}
	if err := c.WriteMessage(protocol.OpText, nil); !errors.Is(err, websocket.ErrClosed) {
		t.Errorf("a write after the end: %v", err)
	}
}

// Raw bytes against our server: every breach and the close code that comes back,
// every handshake and the status that it gets, every limit.

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

func timeLimit() time.Time { return time.Now().Add(10 * time.Second) }

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

func TestBreachesAreClosedWithTheirCode(t *testing.T) {
	url, ended := echoServer(t, websocket.Options{MaxMessageSize: 1000})
	for _, c := range []struct {
		rule protocol.Rule
		wire []byte
	}{
		{protocol.RuleRSVUnexpected, unhex("c1 80 00000000")},
		{protocol.RuleOpcodeReserved, unhex("83 80 00000000")},
		{protocol.RuleOpcodeReserved, unhex("8b 80 00000000")},
		{protocol.RuleControlTooLong, append(unhex("89 fe 007e 00000000"), make([]byte, 126)...)},
		{protocol.RuleControlFragmented, unhex("09 80 00000000")},
		{protocol.RuleClientUnmasked, unhex("81 01 61")},
		{protocol.RuleLengthNotMinimal, unhex("82 fe 0001 00000000 61")},
		{protocol.RuleLengthNotMinimal, unhex("82 ff 0000000000000001 00000000 61")},
		{protocol.RuleLengthHighBit, unhex("82 ff 8000000000000000 00000000")},
		{protocol.RuleContinuationUnexpected, masked(protocol.OpContinuation, true, "")},
		{protocol.RuleContinuationExpected, append(masked(protocol.OpText, false, "a"), masked(protocol.OpText, true, "b")...)},
		{protocol.RuleMessageTooBig, masked(protocol.OpBinary, true, strings.Repeat("x", 1001))},
		{protocol.RuleMessageTooBig, append(masked(protocol.OpBinary, false, strings.Repeat("x", 600)), masked(protocol.OpContinuation, true, strings.Repeat("x", 401))...)},
		{protocol.RuleMessageTooBig, unhex("82 ff 7fffffffffffffff 00000000")},
		{protocol.RuleUTF8Invalid, masked(protocol.OpText, true, "a\xff")},
		{protocol.RuleUTF8Invalid, append(masked(protocol.OpText, false, "\xe2\x82"), masked(protocol.OpContinuation, true, "a")...)},
		{protocol.RuleUTF8Invalid, masked(protocol.OpText, true, "a\xe2\x82")},
		{protocol.RuleUTF8Invalid, unhex("81 fe 0100 00000000 ff")}, // at once, not at the end of the frame
		{protocol.RuleCloseLengthOne, masked(protocol.OpClose, true, "\x03")},
		{protocol.RuleCloseCodeInvalid, masked(protocol.OpClose, true, "\x03\xed")},
		{protocol.RuleCloseReasonUTF8, masked(protocol.OpClose, true, "\x03\xe8\xff")},
		// Where permessage-deflate is on, RSV1 has a meaning, but not everywhere.
		{protocol.RuleRSVUnexpected, unhex("c9 80 00000000")},
		{protocol.RuleRSVUnexpected, unhex("a2 80 00000000")},
		{protocol.RuleDeflateRSV1Continuation, append(masked(protocol.OpText, false, "a"), unhex("c0 80 00000000")...)},
		{protocol.RuleDeflateCorrupt, unhex("c2 82 00000000 ffff")},
		{protocol.RuleDeflateCorrupt, unhex("c2 80 00000000")}, // not even an empty block
		{protocol.RuleUTF8Invalid, deflatedFrame(protocol.OpText, "a\xff")},
		{protocol.RuleMessageTooBig, deflatedFrame(protocol.OpText, strings.Repeat("x", 1001))},
	} {
		t.Run(c.rule.String(), func(t *testing.T) {
			fields := "Sec-WebSocket-Extensions: permessage-deflate\r\n"
			if c.wire[0] == 0xc1 && c.rule == protocol.RuleRSVUnexpected {
				fields = ""
			}
			nc, r := rawDialWith(t, url, fields)
			if _, err := nc.Write(c.wire); err != nil {
				t.Fatal(err)
			}
			if frames, code := readAll(t, r); code != c.rule.CloseCode() || len(frames) != 1 {
				t.Errorf("the server sent %v, want one close frame with %v", frames, c.rule.CloseCode())
			}
			nc.Close()
			var breach protocol.Breach
			if err := <-ended; !errors.As(err, &breach) || breach.Rule != c.rule {
				t.Errorf("our side ended with %v, want %v", err, c.rule)
			}
		})
	}
}

func TestMessageOfExactlyTheLimit(t *testing.T) {
	url, _ := echoServer(t, websocket.Options{MaxMessageSize: 1000})
	nc, r := rawDial(t, url)
	nc.Write(masked(protocol.OpBinary, true, strings.Repeat("x", 1000)))
	nc.Write(append(masked(protocol.OpBinary, false, strings.Repeat("x", 600)), masked(protocol.OpContinuation, true, strings.Repeat("x", 400))...))
	nc.Write(masked(protocol.OpClose, true, "\x03\xe8"))
	if frames, code := readAll(t, r); code != protocol.CloseNormal || len(frames) != 3 {
		t.Errorf("%d frames, close %v", len(frames), code)
	}
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
			response, err := http.ReadResponse(bufio.NewReader(nc), nil)
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
	client, server := net.Pipe()
	defer client.Close()
	c := websocket.NewConn(server, protocol.Server, nil, websocket.Options{})
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
		op, p, err := c.ReadMessage()
		if err == nil {
			err = c.WriteMessage(op, p)
		}
		if err != nil {
			t.Fatal(err)
		}
		<-step
	}); n != 0 {
		t.Errorf("%v allocations a message", n)
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

// What the RFC asks and no peer sees broken at once: what our client's request holds, that
// keys are chosen anew, and the codes that are never on the wire.

package websocket_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"framescope/protocol"
	"framescope/server/websocket"
)

// dialled is our client, connected to a raw server, and the request that it sent.
func dialled(t *testing.T) (c *websocket.Conn, server net.Conn, request *http.Request) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	type asked struct {
		nc      net.Conn
		request *http.Request
	}
	accepted := make(chan asked, 1)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		r, err := http.ReadRequest(bufio.NewReader(nc))
		if err != nil {
			return
		}
		fmt.Fprintf(nc, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", protocol.AcceptKey(r.Header.Get("Sec-WebSocket-Key")))
		accepted <- asked{nc, r}
	}()
	c, _, err = websocket.Dial(t.Context(), "ws://"+l.Addr().String()+"/path?query", nil)
	if err != nil {
		t.Fatal(err)
	}
	a := <-accepted
	a.nc.SetDeadline(timeLimit())
	t.Cleanup(func() { c.CloseNow(); a.nc.Close() })
	return c, a.nc, a.request
}

func TestRequestKeepsEveryDuty(t *testing.T) {
	keys := map[string]bool{}
	for range 3 {
		_, _, r := dialled(t)
		key, fault := protocol.CheckRequest(protocol.Request{Method: r.Method, Host: r.Host, Major: r.ProtoMajor, Minor: r.ProtoMinor, Fields: r.Header})
		if fault != nil || r.RequestURI != "/path?query" || r.Header.Get("Origin") != "" {
			t.Errorf("%s %v: %v", r.RequestURI, r.Header, fault)
		}
		keys[key] = true
	}
	if len(keys) != 3 {
		t.Errorf("three requests have %d keys", len(keys))
	}
}

func TestEveryFrameHasItsOwnMaskingKey(t *testing.T) {
	c, server, _ := dialled(t)
	const frames = 100
	for range frames {
		if err := c.WriteMessage(protocol.OpText, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	wire := make([]byte, frames*7)
	if _, err := io.ReadFull(server, wire); err != nil {
		t.Fatal(err)
	}
	keys := map[uint32]bool{}
	for len(wire) > 0 {
		h, n := protocol.ParseHeader(wire)
		if !h.Masked {
			t.Fatal("a client's frame is not masked")
		}
		keys[h.MaskingKey] = true
		wire = wire[n+int(h.PayloadLength):]
	}
	if len(keys) < frames-1 {
		t.Errorf("%d frames have %d keys", frames, len(keys))
	}
}

func TestCodesThatAreNeverSent(t *testing.T) {
	for end, want := range map[string]protocol.CloseCode{"\x88\x00": protocol.CloseNoStatus, "": protocol.CloseAbnormal, "\x81\x05He": protocol.CloseAbnormal} {
		c, server, _ := dialled(t)
		io.WriteString(server, end)
		server.Close()
		_, _, err := c.ReadMessage()
		var closed *websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != want {
			t.Errorf("%q and the end: %v, want %v", end, err, want)
		}
	}
}

// RFC 6455 5.5: a control frame has 125 bytes of payload at most, and may have all of them.
func TestLongestPing(t *testing.T) {
	c, server, _ := dialled(t)
	longest := make([]byte, protocol.MaxControlPayload)
	if err := c.SendPing(longest); err != nil {
		t.Error(err)
	}
	wire := make([]byte, 2+4+len(longest))
	if _, err := io.ReadFull(server, wire); err != nil || wire[0] != 0x89 || wire[1] != 0x80|125 {
		t.Errorf("% x …, %v", wire[:2], err)
	}
	if err := c.SendPing(append(longest, 0)); err == nil {
		t.Error("a ping of 126 bytes was sent")
	}
}

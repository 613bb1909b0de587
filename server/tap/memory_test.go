// What the tap holds for its connections counts in the server's budget.

package tap_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/server/memory"
	"framescope/server/tap"
)

// What requests hold counts, and those that hold the most are closed when that is too much.
func TestHeadsAreBoundedTogether(t *testing.T) {
	b := memory.NewBudget(4<<20, slog.New(slog.DiscardHandler))
	frames := tap.New(tap.Options{History: 1 << 20, Requests: b})
	h := httptest.NewUnstartedServer(http.NotFoundHandler())
	h.Listener = frames.Listener(h.Listener)
	tap.Attach(h.Config)
	const peers = 100
	closed := make(chan struct{}, peers)
	h.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	h.Start()
	defer h.Close()
	ended := make(chan error, peers)
	for range peers {
		nc, err := net.Dial("tcp", h.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		go func() {
			fmt.Fprintf(nc, "GET / HTTP/1.1\r\nHost: localhost\r\n%s", strings.Repeat("abc:\n", 12<<10))
			_, err := nc.Read(make([]byte, 1)) // until the server ends it
			ended <- err
		}()
	}
	for range peers - 4<<20/(900<<10) {
		if err := <-ended; err == nil {
			t.Error("half a request was answered")
		}
	}
	if used := b.Used(); used > 6<<20 {
		t.Errorf("%d bytes are held", used)
	}
	h.Listener.Close()
	h.CloseClientConnections()
	for range peers {
		<-closed
	}
	if used := b.Used(); used != 0 {
		t.Errorf("%d bytes are held by connections that are closed", used)
	}
}

// Of long frames that do not end less is captured when memory is used up.
func TestUnfinishedFramesCount(t *testing.T) {
	b := memory.NewBudget(1<<20, slog.New(slog.DiscardHandler))
	frames := tap.New(tap.Options{Snap: 64 << 10, History: 1 << 20, Memory: b})
	var conns []net.Conn
	for range 50 {
		peer, ours := net.Pipe()
		c := frames.Wrap(ours, protocol.Client)
		conns = append(conns, peer, c)
		go io.Copy(io.Discard, c)
		frame := protocol.AppendHeader(nil, protocol.Header{Fin: true, Opcode: protocol.OpBinary, Masked: true, PayloadLength: 1 << 20})
		for _, part := range [][]byte{frame, make([]byte, 3<<10), make([]byte, 40<<10), make([]byte, 1)} {
			if _, err := peer.Write(part); err != nil {
				t.Fatal(err)
			}
		}
	}
	if used := b.Used(); used < 1<<20 || used > 1<<20+70<<10 {
		t.Errorf("%d bytes are held", used)
	}
	for _, nc := range conns {
		nc.Close()
	}
	if used := b.Used(); used != 0 {
		t.Errorf("%d bytes are held by connections that are closed", used)
	}
}

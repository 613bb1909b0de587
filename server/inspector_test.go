// Tests of the tap and the inspector together: the inspector decodes what gorilla sends in
// either role to the last byte, and knows which connections are open.

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"framescope/protocol"
	"framescope/server/tap"
	"framescope/wasm/inspect"
)

// gorillaServer starts a tapped server that echoes, with a ping before each answer.
func gorillaServer(t *testing.T, frames *tap.Tap) (url string) {
	t.Helper()
	upgrader := websocket.Upgrader{WriteBufferSize: 512}
	server := httptest.NewUnstartedServer(frames.Handler(0, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		for {
			kind, p, err := c.ReadMessage()
			if err != nil {
				return
			}
			c.WriteControl(websocket.PingMessage, []byte("between"), time.Now().Add(time.Second))
			// A writer with a small buffer sends a long message in fragments.
			message, err := c.NextWriter(kind)
			if err != nil {
				return
			}
			message.Write(p)
			message.Close()
		}
	})))
	server.Listener = frames.Listener(server.Listener)
	tap.Attach(server.Config)
	server.Start()
	t.Cleanup(server.Close)
	return "ws" + strings.TrimPrefix(server.URL, "http")
}

// inspected returns an inspector that has read everything that the tap recorded, up to the
// end of the connection.
func inspected(t *testing.T, frames *tap.Tap) *inspect.Inspector {
	t.Helper()
	watcher, err := frames.Watch(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Close()
	in := inspect.New(64 << 20)
	for in.Connections(0, 1) == 0 || in.ConnWindow().Ended[0] == 0 {
		batch, err := watcher.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		copy(in.Input(len(batch)), batch)
		if err := in.Ingest(); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

func TestInspectorDecodesGorilla(t *testing.T) {
	frames := tap.New(tap.Options{Snap: 1 << 20, History: 64 << 20})
	c, _, err := websocket.DefaultDialer.Dial(gorillaServer(t, frames), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sent := map[int]string{}
	for kind, text := range map[int]string{websocket.TextMessage: strings.Repeat("Grüße ", 500), websocket.BinaryMessage: strings.Repeat("\x00\xff", 40000)} {
		sent[kind] = text
		if err := c.WriteMessage(kind, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.ReadMessage(); err != nil {
			t.Fatal(err)
		}
	}
	c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, "bye"))
	c.ReadMessage()
	c.Close()

	in := inspected(t, frames)
	state := in.Refresh()
	if state.Breaches != 0 || state.Held != state.LastSeq {
		t.Fatalf("state %+v", *state)
	}
	messages, opcodes := map[string]string{}, map[string]int{}
	var open [2]string
	for seq := uint64(1); seq <= state.LastSeq; seq++ {
		in.Rows(int(seq-1), 1)
		w := in.RowWindow()
		op, side := protocol.Opcode(w.Opcode[0]), protocol.Side(w.Flags[0]>>2&1)
		opcodes[fmt.Sprint(side, " ", op)]++
		if op.Control() {
			continue
		}
		if op != protocol.OpContinuation {
			open[side] = fmt.Sprint(side, " ", op)
		}
		d, ok := in.Detail(seq)
		if !ok {
			t.Fatalf("frame %d has no detail", seq)
		}
		messages[open[side]] += string(d.Payload)
	}
	for key, want := range map[string]string{
		"client text": sent[websocket.TextMessage], "server text": sent[websocket.TextMessage],
		"client binary": sent[websocket.BinaryMessage], "server binary": sent[websocket.BinaryMessage],
	} {
		if messages[key] != want {
			t.Errorf("%s: %d bytes read, %d sent", key, len(messages[key]), len(want))
		}
	}
	if opcodes["server ping"] != 2 || opcodes["client pong"] != 2 || opcodes["server continuation"] == 0 ||
		opcodes["client close"] != 1 || opcodes["server close"] != 1 {
		t.Errorf("frames: %v", opcodes)
	}
	in.Connections(0, 1)
	if w := in.ConnWindow(); w.Code[0] != 1001 || w.Closer[0] != uint8(protocol.Client) || w.Status[0] != 101 {
		t.Errorf("closed with %d by side %d, status %d", w.Code[0], w.Closer[0], w.Status[0])
	}
	if h, ok := in.Handshake(1); !ok || strings.Contains(string(h), `"ok":false`) {
		t.Errorf("handshake: %s", h)
	}
}

// TestInspectorKnowsOpenConnections opens and closes thousands of connections. A watcher
// that came late, and one whose records the tap has dropped, must still know which are open.
func TestInspectorKnowsOpenConnections(t *testing.T) {
	frames := tap.New(tap.Options{Snap: 1 << 20, History: 1 << 20})
	early := follow(t, frames)
	var open []*tap.Conn
	random := rand.New(rand.NewPCG(1, 2))
	frame := append([]byte{0x82, 126, 0x40, 0}, make([]byte, 16<<10)...)
	for round := range 60 {
		for range 100 {
			open = append(open, frames.Wrap(discardConn{}, protocol.Client))
		}
		for range 90 {
			i := random.IntN(len(open))
			open[i].Close()
			open[i] = open[len(open)-1]
			open = open[:len(open)-1]
		}
		for range random.IntN(100) {
			open[random.IntN(len(open))].Write(frame)
		}
		if round%20 == 5 {
			early.catchUp()
		}
	}
	late := follow(t, frames)
	for _, f := range []*follower{early, late} {
		f.catchUp()
		if s := f.in.Refresh(); s.OpenConnections != uint64(len(open)) {
			t.Errorf("%d connections are open, want %d; the inspector has %d", s.OpenConnections, len(open), s.Connections)
		}
	}
	for _, c := range open {
		c.Close()
	}
	early.catchUp()
	if s := early.in.Refresh(); s.OpenConnections != 0 {
		t.Errorf("%d connections are open at the end", s.OpenConnections)
	}
}

// follower is an inspector and the watcher from which it reads records.
type follower struct {
	t       *testing.T
	tap     *tap.Tap
	watcher *tap.Watcher
	in      *inspect.Inspector
}

func follow(t *testing.T, frames *tap.Tap) *follower {
	t.Helper()
	watcher, err := frames.Watch(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watcher.Close)
	return &follower{t, frames, watcher, inspect.New(64 << 20)}
}

// catchUp reads all records so far. It opens and closes a connection, and reads up to the
// end of that.
func (f *follower) catchUp() {
	f.t.Helper()
	last := f.tap.Wrap(discardConn{}, protocol.Client)
	mark := fmt.Appendf([]byte{0x81, 30}, "%030d", rand.Uint64())
	last.Write(mark)
	last.Close()
	for found := false; !found || f.in.ConnWindow().Ended[0] == 0; f.in.Connections(0, 1) {
		batch, err := f.watcher.Next(f.t.Context())
		if err != nil {
			f.t.Fatal(err)
		}
		found = found || bytes.Contains(batch, mark)
		copy(f.in.Input(len(batch)), batch)
		if err := f.in.Ingest(); err != nil {
			f.t.Fatal(err)
		}
	}
}

// discardConn is a net.Conn that discards what is written to it.
type discardConn struct{ net.Conn }

func (discardConn) Write(b []byte) (int, error) { return len(b), nil }
func (discardConn) Close() error                { return nil }
func (discardConn) RemoteAddr() net.Addr        { return &net.TCPAddr{} }

// The connection reports to the tap what it reads from and writes to the descriptor: whatever it does,
// what is recorded are the bytes that crossed the wire.

package tap_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/protocol/feed"
	"framescope/server/tap"
	"framescope/server/websocket"
)

// wirePeer is a client that keeps every byte that it sends and receives.
type wirePeer struct {
	t     *testing.T
	nc    *net.TCPConn
	wrote []byte
	begun <-chan struct{} // closed when the application has got a message
	reads chan struct{}   // to be closed when the peer is to read
}

func (p *wirePeer) send(b []byte) {
	p.t.Helper()
	p.wrote = append(p.wrote, b...)
	if _, err := p.nc.Write(b); err != nil {
		p.t.Error(err)
	}
}

// sendAll sends messages of these sizes, each with a write.
func (p *wirePeer) sendAll(sizes ...int) {
	for _, n := range sizes {
		p.send(masked(protocol.OpBinary, n))
	}
}

// masked is a frame as a client sends it.
func masked(op protocol.Opcode, size int) []byte {
	h := protocol.Header{Fin: true, Opcode: op, Masked: true, MaskingKey: 0x01020304, PayloadLength: uint64(size)}
	b := protocol.AppendHeader(nil, h)
	at := len(b)
	b = append(b, bytes.Repeat([]byte{byte(size)}, size)...)
	protocol.Mask(h.MaskingKey, 0, b[at:])
	return b
}

var clientClose = []byte("\x88\x82\x00\x00\x00\x00\x03\xe8")

// wireCase is something that a connection does.
type wireCase struct {
	name   string
	fields string // of the request
	small  bool   // the peer's receive buffer, which it reads only when it wants to
	rough  bool   // the peer breaks a rule or is cut off: bytes that cross then may be missing
	// answer is what the application does with a message; nil echoes it.
	answer func(c *websocket.Conn, op protocol.Opcode, p []byte) error
	peer   func(p *wirePeer)
}

var wireCases = []wireCase{
	{name: "echo", peer: func(p *wirePeer) { p.sendAll(0, 1, 125, 126, 16<<10, 40_000, 70_000, 1<<20, 1) }},
	{name: "held answers", peer: func(p *wirePeer) {
		p.send(bytes.Repeat(slices.Concat(masked(protocol.OpBinary, 100), masked(protocol.OpPing, 5), masked(protocol.OpBinary, 3000)), 100))
	}},
	{name: "byte by byte", peer: func(p *wirePeer) {
		for _, b := range slices.Concat(masked(protocol.OpBinary, 130), masked(protocol.OpPing, 20), masked(protocol.OpBinary, 0)) {
			p.send([]byte{b})
		}
	}},
	{name: "in parts", answer: func(c *websocket.Conn, op protocol.Opcode, _ []byte) error {
		w, err := c.NextWriter(op)
		for _, n := range []int{1, 500, 70_000, 0, 33_000} {
			if err == nil {
				_, err = w.Write(make([]byte, n))
			}
		}
		if err == nil {
			err = w.Close()
		}
		return err
	}, peer: func(p *wirePeer) { p.sendAll(1, 2, 3) }},
	{
		name:   "compressed",
		fields: "Sec-WebSocket-Extensions: permessage-deflate\r\n",
		answer: func(c *websocket.Conn, _ protocol.Opcode, _ []byte) error {
			return c.WriteMessage(protocol.OpText, bytes.Repeat([]byte("the same again "), 10_000))
		},
		peer: func(p *wirePeer) { p.sendAll(10, 10, 10) },
	},
	{name: "fan-out", answer: func(c *websocket.Conn, op protocol.Opcode, p []byte) error {
		for _, n := range []int{1, 100, 40_000, 0, 200_000, 7} {
			if m, err := websocket.Prepare(op, make([]byte, n)); err != nil || c.Send(m) != nil {
				return websocket.ErrClosed
			}
		}
		return c.SendPing(p)
	}, peer: func(p *wirePeer) { p.sendAll(1, 2, 3, 4, 5) }},
	{
		name: "slow reader", small: true,
		answer: func(c *websocket.Conn, op protocol.Opcode, _ []byte) error {
			return c.WriteMessage(op, make([]byte, 8<<20))
		},
		peer: func(p *wirePeer) {
			p.sendAll(1)
			<-p.begun
			p.send(bytes.Repeat(masked(protocol.OpPing, 100), 1000)) // while the write waits
			close(p.reads)
		},
	},
	{name: "too long", rough: true, peer: func(p *wirePeer) {
		p.sendAll(5)
		p.send(masked(protocol.OpBinary, 17<<20)[:50_000])
	}},
	{name: "breach", rough: true, peer: func(p *wirePeer) {
		p.send(slices.Concat(masked(protocol.OpBinary, 5), []byte("\x83\x80\x00\x00\x00\x00more")))
	}},
	{name: "cut off", rough: true, peer: func(p *wirePeer) {
		p.send(masked(protocol.OpBinary, 70_000)[:69_000])
		_ = p.nc.CloseWrite()
	}},
}

func TestRecordedIsWhatCrossedTheWire(t *testing.T) {
	for _, c := range wireCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			frames := tap.New(tap.Options{Snap: 32 << 20, History: 4 << 30}) // so that nothing is cut
			p, read := c.talk(t, frames)
			all := collect(t, frames)
			all.until(closed)
			in, out := bytesOf(t, all, protocol.Client), bytesOf(t, all, protocol.Server)
			if !bytes.Equal(in, p.wrote) && !(c.rough && bytes.HasPrefix(p.wrote, in) && len(in) > 0) {
				t.Errorf("of the client %d bytes are recorded, it sent %d; they differ from byte %d on", len(in), len(p.wrote), firstDifference(in, p.wrote))
			}
			if !bytes.Equal(out, read) && !(c.rough && bytes.HasPrefix(out, read)) {
				t.Errorf("of the server %d bytes are recorded, %d came; they differ from byte %d on", len(out), len(read), firstDifference(out, read))
			}
		})
	}
}

// talk has a peer and a connection do what the case says, and returns all that the peer has
// read.
func (w *wireCase) talk(t *testing.T, frames *tap.Tap) (p *wirePeer, read []byte) {
	begun := make(chan struct{})
	sockets := &websocket.Server{Options: websocket.Options{MaxMessageSize: 16 << 20}}
	app := func(c *websocket.Conn) {
		for n := 0; ; n++ {
			op, p, err := c.NextMessage()
			if err != nil {
				return
			}
			if n == 0 {
				close(begun)
			}
			if w.answer != nil {
				_ = w.answer(c, op, p)
			} else {
				_ = c.WriteMessage(op, p)
			}
		}
	}
	server := httptest.NewUnstartedServer(frames.Handler(1<<20, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = sockets.Handle(w, r, nil, app) })))
	server.Listener = frames.Listener(server.Listener)
	tap.Attach(server.Config)
	server.Start()
	defer server.Close()
	host := server.Listener.Addr().String()
	nc, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	p = &wirePeer{t: t, nc: nc.(*net.TCPConn), begun: begun, reads: make(chan struct{})}
	if w.small {
		_ = p.nc.SetReadBuffer(64 << 10)
	} else {
		close(p.reads)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-p.reads
		read, _ = io.ReadAll(nc) // a connection that is reset has said enough before
	}()
	p.send([]byte(strings.Replace(strings.Replace(request, "%h", host, 1), "\r\n\r\n", "\r\n"+w.fields+"\r\n", 1)))
	if w.peer(p); !w.rough {
		p.send(clientClose)
	}
	<-done
	return p, read
}

// bytesOf puts together what is recorded of a side.
func bytesOf(t *testing.T, all *collector, side protocol.Side) (b []byte) {
	t.Helper()
	for _, r := range all.records {
		if r.Side != side || r.Kind != feed.Head && r.Kind != feed.Frame {
			continue
		}
		if b = append(b, r.Data...); r.Flags&feed.Cut != 0 && r.Flags&feed.Partial == 0 {
			t.Errorf("a frame of %d bytes is cut", r.WireSize)
		}
	}
	return b
}

func firstDifference(a, b []byte) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// The rig: a raw peer at the other end of our server's, or our client's, echo.

package conformance

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"framescope/protocol"
	"framescope/server/echo"
	"framescope/server/websocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait; nothing is expected to take so long.
const patience = 20 * time.Second

// subject is what is tested: our server or our client, echoing.
type subject struct {
	name string
	// peer connects a raw peer; offer is the Sec-WebSocket-Extensions of the
	// client, answer that of the server.
	peer func(t *testing.T, offer, answer string) *peer
}

// peer is the raw other end.
type peer struct {
	t       *testing.T
	nc      net.Conn
	r       *bufio.Reader
	side    protocol.Side // that it plays
	deflate protocol.Deflate
}

const limit = 16 << 20

// subjects are both roles, with the given options.
func subjects(t *testing.T, o websocket.Options) []subject {
	return []subject{serverSubject(t, o), clientSubject(o)}
}

// serverSubject is our server; the peer is a client.
func serverSubject(t *testing.T, o websocket.Options) subject {
	s := &websocket.Server{Options: o}
	h := httptest.NewServer(&echo.Handler{Server: s, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.Shutdown(ctx)
		h.Close()
	})
	address := h.Listener.Addr().String()
	return subject{"server", func(t *testing.T, offer, _ string) *peer {
		nc, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		p := newPeer(t, nc, protocol.Client)
		request := "GET / HTTP/1.1\r\nHost: " + address + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
		if offer != "" {
			request += "Sec-WebSocket-Extensions: " + offer + "\r\n"
		}
		io.WriteString(nc, request+"\r\n")
		response, err := http.ReadResponse(p.r, nil)
		if err != nil || response.StatusCode != 101 {
			t.Fatalf("the handshake: %v, %v", response, err)
		}
		agreed, ok := protocol.AgreedDeflate(http.Header{"Sec-Websocket-Extensions": {offer}}, response.Header)
		if !ok {
			t.Fatalf("offered %q, the answer is %q", offer, response.Header.Values("Sec-WebSocket-Extensions"))
		}
		p.deflate = agreed
		return p
	}}
}

// clientSubject is our client; the peer is a server that gives a certain answer.
func clientSubject(o websocket.Options) subject {
	return subject{"client", func(t *testing.T, _, answer string) *peer {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		dialled := make(chan struct{})
		go func() {
			defer close(dialled)
			c, _, err := websocket.Dial(context.Background(), "ws://"+l.Addr().String()+"/", &websocket.DialOptions{Options: o})
			if err != nil {
				t.Errorf("dial: %v", err)
				return
			}
			defer c.CloseNow()
			for {
				op, p, err := c.ReadMessage()
				if err != nil || c.WriteMessage(op, p) != nil {
					return
				}
			}
		}()
		nc, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close(); <-dialled })
		p := newPeer(t, nc, protocol.Server)
		request, err := http.ReadRequest(p.r)
		if err != nil {
			t.Fatal(err)
		}
		response := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Accept: " + protocol.AcceptKey(request.Header.Get("Sec-WebSocket-Key")) + "\r\n"
		if answer != "" {
			response += "Sec-WebSocket-Extensions: " + answer + "\r\n"
		}
		io.WriteString(nc, response+"\r\n")
		agreed, ok := protocol.AgreedDeflate(request.Header, http.Header{"Sec-Websocket-Extensions": {answer}})
		if !ok && answer != "" {
			t.Fatalf("our client offers %q, which does not allow %q", request.Header.Values("Sec-WebSocket-Extensions"), answer)
		}
		p.deflate = agreed
		return p
	}}
}

func newPeer(t *testing.T, nc net.Conn, side protocol.Side) *peer {
	nc.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { nc.Close() })
	return &peer{t: t, nc: nc, r: bufio.NewReader(nc), side: side}
}

// frame is one that is to be sent, legal or not.
type frame struct {
	op      protocol.Opcode
	fin     bool
	rsv     uint8
	payload string
	length  uint8  // bytes of extended length, if not the shortest form
	wrong   bool   // masked the way that this side must not
	declare uint64 // a payload length that is not the payload's
}

// wire is the frame as bytes; a client masks.
func (f frame) wire(side protocol.Side) []byte {
	h := protocol.Header{
		Fin: f.fin, RSV: f.rsv, Opcode: f.op, Masked: (side == protocol.Client) != f.wrong,
		LengthBytes: f.length, PayloadLength: max(uint64(len(f.payload)), f.declare),
	}
	if h.Masked {
		h.MaskingKey = 0x37fa213d
	}
	b := append(protocol.AppendHeader(nil, h), f.payload...)
	if h.Masked {
		protocol.Mask(h.MaskingKey, 0, b[len(b)-len(f.payload):])
	}
	return b
}

// How bytes are cut into segments.
type chop int

const (
	whole   chop = iota // all in one write
	framed              // a write for each frame
	octets              // a write for each byte
	chopped             // 997 bytes at a time, which fits no boundary
)

var chopNames = map[chop]string{whole: "whole", framed: "framed", octets: "octets", chopped: "chopped"}

// send writes frames while somebody else reads.
func (p *peer) send(how chop, frames ...frame) {
	var all []byte
	var ends []int
	for _, f := range frames {
		all = append(all, f.wire(p.side)...)
		ends = append(ends, len(all))
	}
	step := map[chop]int{octets: 1, chopped: 997}[how]
	for at := 0; at < len(all); {
		to := len(all)
		switch {
		case step > 0:
			to = min(to, at+step)
		case how == framed:
			to, ends = ends[0], ends[1:]
		}
		if _, err := p.nc.Write(all[at:to]); err != nil {
			return // the other end has closed, which its answer tells
		}
		at = to
	}
}

// hear reads frames until the connection ends, and says what they were: opcode
// and payload, or close code. What is not whole or not legal fails the test.
func (p *peer) hear() (frames []string) {
	d := protocol.Decoder{From: p.side.Peer(), Deflate: p.deflate}
	var buf []byte
	var message, clear []byte
	for {
		ev, n := d.Next(buf)
		if n == 0 {
			more := make([]byte, 64<<10)
			got, err := p.r.Read(more)
			if err != nil {
				if err != io.EOF || len(buf) > 0 {
					p.t.Errorf("after %v the connection ended with %v, %d bytes of a frame in", shorten(frames), err, len(buf))
				}
				return frames
			}
			buf = append(buf, more[:got]...)
			continue
		}
		buf = buf[n:]
		if d.Compressed() {
			var broken protocol.Rules
			clear, broken = d.Inflate(clear[:0], ev.Data)
			ev.Data, ev.Broken = clear, ev.Broken|broken
		}
		if ev.Broken != 0 {
			p.t.Errorf("after %v it sends a breach: %v", shorten(frames), d.Breach())
			return frames
		}
		h := d.Header()
		switch {
		case h.Opcode == protocol.OpClose:
			code, _, _ := protocol.ParseClosePayload(ev.Data)
			frames = append(frames, fmt.Sprintf("close %d", code))
			if p.side == protocol.Server {
				// RFC 6455 7.1.1: the server closes TCP first.
				p.nc.(*net.TCPConn).CloseWrite()
			}
		case h.Opcode.Control():
			frames = append(frames, fmt.Sprintf("%v %q", h.Opcode, ev.Data))
		default:
			message = append(message, ev.Data...)
			if ev.End && h.Fin {
				frames = append(frames, fmt.Sprintf("message %q", message))
				message = message[:0]
			}
		}
	}
}

// exchange sends and hears at the same time.
func (p *peer) exchange(how chop, frames ...frame) []string {
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		p.send(how, frames...)
	}()
	heard := p.hear()
	<-sent
	return heard
}

func shorten(frames []string) (short []string) {
	for _, f := range frames {
		if len(f) > 80 {
			f = f[:80] + "…"
		}
		short = append(short, f)
	}
	return short
}

func equal(got, want []string) bool { return strings.Join(got, "\x00") == strings.Join(want, "\x00") }

// text, binary and the others build frames that are legal.
func text(s string) frame   { return frame{op: protocol.OpText, fin: true, payload: s} }
func binary(s string) frame { return frame{op: protocol.OpBinary, fin: true, payload: s} }
func ping(s string) frame   { return frame{op: protocol.OpPing, fin: true, payload: s} }
func pong(s string) frame   { return frame{op: protocol.OpPong, fin: true, payload: s} }
func start(s string) frame  { return frame{op: protocol.OpText, payload: s} }
func more(s string) frame   { return frame{payload: s} }
func last(s string) frame   { return frame{fin: true, payload: s} }

func closing(code protocol.CloseCode, reason string) frame {
	return frame{op: protocol.OpClose, fin: true, payload: string(protocol.AppendClosePayload(nil, code, reason))}
}

func message(s string) string            { return fmt.Sprintf("message %q", s) }
func pongOf(s string) string             { return fmt.Sprintf("pong %q", s) }
func closed(c protocol.CloseCode) string { return fmt.Sprintf("close %d", c) }

// permessage-deflate on connections: with gorilla in both roles, with each set of
// parameters, and what the peer must not do.

package websocket_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	gorilla "github.com/gorilla/websocket"

	"framescope/protocol"
	"framescope/server/websocket"
)

// compressible is text of n bytes that shrinks.
func compressible(n int) string {
	words := strings.Fields("frame mask payload opcode fragment control close ping pong 世界 window context")
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[rng.IntN(len(words))])
		fmt.Fprintf(&b, " %d ", rng.IntN(1000))
	}
	return strings.ToValidUTF8(b.String()[:n], "")
}

func TestDeflateWithGorillasClient(t *testing.T) {
	url, _ := echoServer(t, websocket.Options{})
	d := gorilla.Dialer{EnableCompression: true}
	c, response, err := d.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := response.Header.Get("Sec-WebSocket-Extensions"); !strings.HasPrefix(got, "permessage-deflate") {
		t.Fatalf("agreed on %q", got)
	}
	for _, n := range []int{0, 1, 100, 1000, 70_000, 1 << 20} {
		for _, compressed := range []bool{true, false} {
			text := compressible(n)
			c.EnableWriteCompression(compressed)
			if err := c.WriteMessage(gorilla.TextMessage, []byte(text)); err != nil {
				t.Fatal(err)
			}
			if kind, p, err := c.ReadMessage(); kind != gorilla.TextMessage || string(p) != text || err != nil {
				t.Fatalf("%d bytes, compressed %v: came back as %d of kind %d, %v", n, compressed, len(p), kind, err)
			}
		}
	}
}

func TestDeflateWithGorillasServer(t *testing.T) {
	upgrader := gorilla.Upgrader{EnableCompression: true}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		for {
			kind, p, err := c.ReadMessage()
			if err != nil || c.WriteMessage(kind, p) != nil {
				return
			}
		}
	}))
	defer h.Close()
	c, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(h.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := c.Deflate(); !d.On || !d.ServerNoContextTakeover || !d.ClientNoContextTakeover {
		t.Fatalf("agreed on %+v", d)
	}
	for _, n := range []int{0, 1, 1000, 70_000, 1 << 20} {
		text := compressible(n)
		if err := c.WriteMessage(protocol.OpText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if op, p, err := c.ReadMessage(); op != protocol.OpText || string(p) != text || err != nil {
			t.Fatalf("%d bytes came back as %d, %v", n, len(p), err)
		}
	}
	c.Close(protocol.CloseNormal, "")
}

func TestDeflateParameters(t *testing.T) {
	for _, takeover := range []bool{false, true} {
		for _, peerTakeover := range []bool{false, true} {
			for _, bits := range []int{8, 9, 12, 15} {
				o := websocket.Options{Compression: websocket.Compression{
					ContextTakeover: takeover, PeerNoContextTakeover: !peerTakeover, WindowBits: bits, PeerWindowBits: 23 - bits, Threshold: 1,
				}}
				client, server := pair(t, o)
				got := server.Deflate()
				if got != client.Deflate() || !got.On || got.WindowBits(protocol.Server) != min(bits, 23-bits) {
					t.Errorf("%+v: server agreed on %+v, client on %+v", o.Compression, got, client.Deflate())
				}
				if got.ServerNoContextTakeover != (!takeover || !peerTakeover) {
					t.Errorf("%+v: agreed on %+v", o.Compression, got)
				}
				for _, n := range []int{1, 300, 5000, 100_000} {
					for range 3 {
						text := compressible(n)
						swap(t, client, server, text)
						swap(t, server, client, text)
					}
				}
			}
		}
	}
}

// swap sends a text from one end to the other, where our own decoder checks that
// it keeps to window and context.
func swap(t *testing.T, from, to *websocket.Conn, text string) {
	t.Helper()
	sent := make(chan error, 1)
	go func() { sent <- from.WriteMessage(protocol.OpText, []byte(text)) }()
	if _, p, err := to.ReadMessage(); string(p) != text || err != nil {
		t.Fatalf("%d bytes came as %d, %v", len(text), len(p), err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

func TestPreparedCompressed(t *testing.T) {
	text := compressible(3000)
	m := prepared(protocol.OpText, []byte(text))
	for _, o := range []websocket.Options{{}, plain, {Compression: websocket.Compression{ContextTakeover: true}}, {Compression: websocket.Compression{WindowBits: 9}}} {
		client, server := pair(t, o)
		if err := server.Send(m); err != nil {
			t.Fatal(err)
		}
		if _, p, err := client.ReadMessage(); string(p) != text || err != nil {
			t.Errorf("%+v: %d bytes, %v", o.Compression, len(p), err)
		}
	}
}

// A message that compression would make larger is sent as it is, written or prepared.
func TestWhatDoesNotShrinkIsNotCompressed(t *testing.T) {
	noise := make([]byte, 3000)
	rand.NewChaCha8([32]byte{}).Read(noise)
	url := "ws" + strings.TrimPrefix(running(t, func(c *websocket.Conn) {
		c.WriteMessage(protocol.OpBinary, noise)
		c.Send(prepared(protocol.OpBinary, noise))
		c.WriteMessage(protocol.OpText, []byte(compressible(3000)))
	}), "http")
	nc, r := rawDialWith(t, url, "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n")
	nc.Write(masked(protocol.OpClose, true, ""))
	wire, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	compressed := 0
	headers, payloads := frames(t, wire)
	for i, h := range headers {
		if h.RSV&protocol.RSV1 != 0 {
			compressed++
		}
		if h.Opcode == protocol.OpBinary && !bytes.Equal(payloads[i], noise) {
			t.Errorf("noise is sent as %v of %d bytes", h, h.PayloadLength)
		}
	}
	if len(headers) != 3 || compressed != 1 {
		t.Errorf("%d frames, %d of them compressed: %v", len(headers), compressed, headers)
	}
}

// running is a server that runs app on each connection.
func running(t *testing.T, app func(*websocket.Conn)) (url string) {
	t.Helper()
	s := &websocket.Server{}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Handle(w, r, nil, app) }))
	t.Cleanup(h.Close)
	return h.URL
}

// deflatedFrame is a client's compressed message, made by the standard library.
func deflatedFrame(op protocol.Opcode, text string) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	io.WriteString(w, text)
	w.Flush()
	p := bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff"))
	h := protocol.Header{Fin: true, RSV: protocol.RSV1, Opcode: op, Masked: true, PayloadLength: uint64(len(p))}
	return append(protocol.AppendHeader(nil, h), p...)
}

func TestDeflateLimits(t *testing.T) {
	const limit = 100_000
	for n, want := range map[int]protocol.CloseCode{limit: protocol.CloseNormal, limit + 1: protocol.CloseMessageTooBig, 50_000_000: protocol.CloseMessageTooBig} {
		url, _ := echoServer(t, websocket.Options{MaxMessageSize: limit})
		nc, r := rawDialWith(t, url, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
		nc.Write(deflatedFrame(protocol.OpBinary, strings.Repeat("a", n)))
		nc.Write(masked(protocol.OpClose, true, "\x03\xe8"))
		if _, code := readAllDeflated(t, r); code != want {
			t.Errorf("a message that inflates to %d bytes, limit %d: close code %v, want %v", n, limit, code, want)
		}
	}
}

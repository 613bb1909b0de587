// What crosses a connection of net/http's and gorilla's: HTTP kept alive, bodies of every
// kind, a refused handshake, and a WebSocket at last, recorded on both sides and decoded.

package decode_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"framescope/protocol"
	"framescope/server/decode"
)

// recorded is a connection that keeps what each side sends.
type recorded struct {
	net.Conn
	mu   sync.Mutex
	sent [2]bytes.Buffer // by protocol.Side
}

func (c *recorded) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent[protocol.Server].Write(p[:n])
	return n, err
}

func (c *recorded) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.sent[protocol.Client].Write(p)
	c.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *recorded) side(s protocol.Side) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent[s].String()
}

// site serves pages, takes in posts, and lets a WebSocket in that is asked for with a
// token.
func site(t *testing.T) *httptest.Server {
	t.Helper()
	upgrader := websocket.Upgrader{EnableCompression: true}
	mux := http.NewServeMux()
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, accepting+hi)
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		for range 3 {
			fmt.Fprint(w, accepting+hi)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/in", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			http.Error(w, accepting+hi, http.StatusUnauthorized)
			return
		}
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		kind, p, err := c.ReadMessage()
		if err != nil {
			t.Error(err)
			return
		}
		if err := c.WriteMessage(kind, p); err != nil {
			t.Error(err)
		}
		c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1000, "enough"))
		c.ReadMessage()
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// visit makes requests to s, one after the other on one connection, and then speaks
// WebSocket there.
func visit(t *testing.T, s *httptest.Server, text string) *recorded {
	t.Helper()
	nc, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	conn := &recorded{Conn: nc}
	reader := bufio.NewReader(conn)
	ask := func(method, path string, body io.Reader, fields ...string) (status int) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, body)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(fields); i += 2 {
			request.Header.Set(fields[i], fields[i+1])
		}
		if err := request.Write(conn); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(reader, request)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusSwitchingProtocols {
			if _, err := io.Copy(io.Discard, response.Body); err != nil {
				t.Fatal(err)
			}
		}
		return response.StatusCode
	}
	handshake := []string{
		"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Extensions", "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
	}
	forged := strings.Repeat(asking+hello, 1000)
	ask("GET", "/page", nil)
	ask("POST", "/in", strings.NewReader(forged))
	ask("POST", "/in", io.MultiReader(strings.NewReader(forged))) // of unknown length: in chunks
	ask("GET", "/stream", nil)
	ask("GET", "/ws", nil, handshake...)
	if status := ask("GET", "/ws", nil, append(handshake, "Authorization", "Bearer x")...); status != http.StatusSwitchingProtocols {
		t.Fatalf("the handshake ends with %d", status)
	}
	if _, err := conn.Write(append(compressedFrame(t, text), "\x88\x82\x00\x00\x00\x00\x03\xe8"...)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, reader); err != nil { // until the server has closed
		t.Fatal(err)
	}
	return conn
}

// compressedFrame is a client's text message.
func compressedFrame(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 9)
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte(text))
	w.Flush()
	payload := bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff"))
	frame := protocol.AppendHeader(nil, protocol.Header{Fin: true, RSV: protocol.RSV1, Opcode: protocol.OpText, Masked: true, MaskingKey: 0x01020304, PayloadLength: uint64(len(payload))})
	protocol.Mask(0x01020304, 0, payload)
	return append(frame, payload...)
}

func TestRecordedConnections(t *testing.T) {
	text := strings.Repeat("Grüße ", 30)
	conn := visit(t, site(t), text)
	for side, want := range map[protocol.Side]struct{ heads, frames []string }{
		protocol.Client: {
			[]string{`HTTP: "GET /page`, `HTTP: "POST /in`, `HTTP: "POST /in`, `HTTP: "GET /stream`, `handshake: "GET /ws`, `handshake: "GET /ws`},
			[]string{"client text FIN RSV1 mask", "client close FIN mask"},
		},
		protocol.Server: {
			[]string{`HTTP: "HTTP/1.1 200`, `HTTP: "HTTP/1.1 204`, `HTTP: "HTTP/1.1 204`, `HTTP: "HTTP/1.1 200`, `HTTP: "HTTP/1.1 401`, `handshake: "HTTP/1.1 101`},
			[]string{"server text FIN RSV1 length", "server close FIN length"},
		},
	} {
		got, err := run(conn.side(side), decode.Options{Payload: 1000})
		if err != nil {
			t.Errorf("%v: %v", side, err)
		}
		var heads, frames []string
		for line := range strings.Lines(got) {
			switch {
			case strings.HasPrefix(line, "@"):
				frames = append(frames, line)
			case !strings.HasPrefix(line, " "):
				heads = append(heads, line)
			}
		}
		if !alike(heads, want.heads) || !alike(frames, want.frames) || !strings.Contains(got, "inflates to "+fmt.Sprint(len(text))+"\n        \""+text+"\"\n") {
			t.Errorf("%v: want %q, %q; got\n%s", side, want.heads, want.frames, got)
		}
	}
}

// alike reports whether each line holds the words at its place.
func alike(lines, words []string) bool {
	for i, line := range lines {
		if i >= len(words) || !strings.Contains(line, words[i]) {
			return false
		}
	}
	return len(lines) == len(words)
}

// Tests of the echo with gorilla's client, and of the ping that a browser can ask for.

package echo_test

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"framescope/server/echo"
	"framescope/server/websocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dial connects to an echo server and collects the payloads of the pings that it receives.
func dial(t *testing.T, subprotocols ...string) (c *gorilla.Conn, pings *[]string) {
	t.Helper()
	server := httptest.NewServer(&echo.Handler{Server: &websocket.Server{}, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(server.Close)
	d := gorilla.Dialer{Subprotocols: subprotocols}
	c, _, err := d.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	pings = new([]string)
	c.SetPingHandler(func(p string) error { *pings = append(*pings, p); return nil })
	return c, pings
}

// TestSubprotocols: the client's order decides, and unknown ones are ignored or refused.
func TestSubprotocols(t *testing.T) {
	server := httptest.NewServer(&echo.Handler{Server: &websocket.Server{}, Log: slog.New(slog.DiscardHandler)})
	defer server.Close()
	url := "ws" + strings.TrimPrefix(server.URL, "http")
	for _, test := range []struct {
		query   string
		offered []string
		chosen  string
		status  int
	}{
		{"", nil, "", 101},
		{"", []string{"chat", "superchat"}, "chat", 101},
		{"", []string{"superchat", "chat"}, "superchat", 101},
		{"", []string{"unknown", "superchat"}, "superchat", 101},
		{"", []string{"unknown"}, "", 101},
		{"", []string{"Chat"}, "", 101},
		{"", []string{"chat", echo.Subprotocol}, "chat", 101},
		{"?subprotocol=required", []string{"unknown", "chat"}, "chat", 101},
		{"?subprotocol=required", []string{"unknown"}, "", 400},
		{"?subprotocol=required", nil, "", 400},
	} {
		d := gorilla.Dialer{Subprotocols: test.offered}
		c, response, err := d.Dial(url+test.query, nil)
		if response == nil || response.StatusCode != test.status || response.Header.Get("Sec-Websocket-Protocol") != test.chosen {
			t.Fatalf("%s %q: %v %v", test.query, test.offered, response, err)
		}
		if test.status != 101 {
			body, _ := io.ReadAll(response.Body)
			if want := "no subprotocol is offered that this URL speaks: offer framescope.play.v1 or chat or superchat (RFC 6455 4.2.2)\n"; string(body) != want {
				t.Errorf("%q: the answer says %q", test.offered, body)
			}
			continue
		}
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		send(t, c, gorilla.TextMessage, "Hello")
		receive(t, c, gorilla.TextMessage, "Hello")
		c.Close()
	}
}

func send(t *testing.T, c *gorilla.Conn, kind int, text string) {
	t.Helper()
	if err := c.WriteMessage(kind, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, c *gorilla.Conn, kind int, text string) {
	t.Helper()
	if got, p, err := c.ReadMessage(); err != nil || got != kind || string(p) != text {
		t.Errorf("received %q of kind %d, %v; want %q of kind %d", p, got, err, text, kind)
	}
}

func TestEcho(t *testing.T) {
	c, pings := dial(t)
	for _, text := range []string{"Hello", "", "/ping", "/ping x"} {
		send(t, c, gorilla.TextMessage, text)
		receive(t, c, gorilla.TextMessage, text)
		send(t, c, gorilla.BinaryMessage, text)
		receive(t, c, gorilla.BinaryMessage, text)
	}
	if len(*pings) != 0 {
		t.Errorf("pings %q without the subprotocol", *pings)
	}
}

func TestPingOnRequest(t *testing.T) {
	c, pings := dial(t, echo.Subprotocol)
	if c.Subprotocol() != echo.Subprotocol {
		t.Fatalf("subprotocol %q", c.Subprotocol())
	}
	long := strings.Repeat("x", 200)
	for _, text := range []string{"/ping", "/ping are you there", "/ping " + long} {
		send(t, c, gorilla.TextMessage, text)
	}
	send(t, c, gorilla.BinaryMessage, "/ping")
	receive(t, c, gorilla.BinaryMessage, "/ping")
	send(t, c, gorilla.TextMessage, "/pingpong")
	receive(t, c, gorilla.TextMessage, "/pingpong")
	if want := []string{"", "are you there", long[:125]}; strings.Join(*pings, "|") != strings.Join(want, "|") {
		t.Errorf("pings %q, want %q", *pings, want)
	}
}

// Tests of the echo with gorilla's client, and of the ping that a browser can ask for.

package echo_test

import (
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

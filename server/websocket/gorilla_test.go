// Our server against gorilla's client, and our client against gorilla's server.

package websocket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	gorilla "github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"framescope/protocol"
	"framescope/server/websocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echoServer echoes until the connection ends and reports how it did.
func echoServer(t *testing.T, o websocket.Options) (url string, ended <-chan error) {
	t.Helper()
	results := make(chan error, 16)
	s := &websocket.Server{Options: o}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := s.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"chat.v2", "chat.v1"}})
		if err != nil {
			results <- err
			return
		}
		for {
			op, p, err := c.ReadMessage()
			if err == nil {
				err = c.WriteMessage(op, p)
			}
			if err != nil {
				results <- err
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	return "ws" + strings.TrimPrefix(server.URL, "http"), results
}

func dialGorilla(t *testing.T, url string, subprotocols ...string) *gorilla.Conn {
	t.Helper()
	d := gorilla.Dialer{Subprotocols: subprotocols}
	c, _, err := d.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// lengths are the boundaries of the three length forms, and a large message.
var lengths = []int{0, 1, 125, 126, 127, 4081, 4082, 65535, 65536, 1 << 20}

func TestGorillaClientIsEchoed(t *testing.T) {
	url, ended := echoServer(t, websocket.Options{})
	c := dialGorilla(t, url, "unknown", "chat.v1")
	if c.Subprotocol() != "chat.v1" {
		t.Errorf("subprotocol %q", c.Subprotocol())
	}
	for _, kind := range []int{gorilla.TextMessage, gorilla.BinaryMessage} {
		for _, n := range lengths {
			sent := bytes.Repeat([]byte("€uro"), n/6)
			sent = append(sent, strings.Repeat("x", n-len(sent))...)
			if err := c.WriteMessage(kind, sent); err != nil {
				t.Fatal(err)
			}
			got, p, err := c.ReadMessage()
			if err != nil || got != kind || !bytes.Equal(p, sent) {
				t.Fatalf("kind %d, %d bytes: came back as kind %d, %d bytes, %v", kind, n, got, len(p), err)
			}
		}
	}
	closeAndExpect(t, c, 4321, "done")
	var closed *websocket.CloseError
	if err := <-ended; !errors.As(err, &closed) || closed.Code != 4321 || closed.Reason != "done" {
		t.Errorf("our side ended with %v", err)
	}
}

// closeAndExpect closes with a code and expects the same back.
func closeAndExpect(t *testing.T, c *gorilla.Conn, code int, reason string) {
	t.Helper()
	if err := c.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(code, reason)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.ReadMessage(); !gorilla.IsCloseError(err, code) {
		t.Errorf("close %d was answered with %v", code, err)
	}
}

func TestGorillaFragmentsWithPingBetween(t *testing.T) {
	url, _ := echoServer(t, websocket.Options{})
	c := dialGorilla(t, url)
	pong := ""
	c.SetPongHandler(func(p string) error { pong = p; return nil })
	w, err := c.NextWriter(gorilla.TextMessage)
	if err != nil {
		t.Fatal(err)
	}
	// gorilla sends a fragment whenever its buffer of 4 KiB is full.
	sent := strings.Repeat("fragment ", 2000)
	for i, part := range []string{sent[:9000], sent[9000:]} {
		if _, err := w.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if err := c.WriteControl(gorilla.PingMessage, []byte("between"), timeLimit()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, p, err := c.ReadMessage(); err != nil || string(p) != sent || pong != "between" {
		t.Errorf("%d bytes came back, pong %q, %v", len(p), pong, err)
	}
	closeAndExpect(t, c, gorilla.CloseNormalClosure, "")
}

func TestDialGorillaServer(t *testing.T) {
	upgrader := gorilla.Upgrader{Subprotocols: []string{"chat.v1"}}
	closed := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			closed <- err
			return
		}
		defer c.Close()
		for {
			kind, p, err := c.ReadMessage()
			if err != nil {
				closed <- err
				return
			}
			if err := c.WriteControl(gorilla.PingMessage, []byte("are you there"), timeLimit()); err != nil {
				closed <- err
				return
			}
			if err := c.WriteMessage(kind, p); err != nil {
				closed <- err
				return
			}
		}
	}))
	defer server.Close()
	c, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), &websocket.DialOptions{Subprotocols: []string{"chat.v1"}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Subprotocol() != "chat.v1" {
		t.Errorf("subprotocol %q", c.Subprotocol())
	}
	for _, n := range lengths {
		sent := bytes.Repeat([]byte("y"), n)
		if err := c.WriteMessage(protocol.OpText, sent); err != nil {
			t.Fatal(err)
		}
		op, p, err := c.ReadMessage()
		if err != nil || op != protocol.OpText || !bytes.Equal(p, sent) {
			t.Fatalf("%d bytes came back as %v, %d bytes, %v", n, op, len(p), err)
		}
	}
	if err := c.Close(protocol.CloseGoingAway, "bye"); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := <-closed; !gorilla.IsCloseError(err, gorilla.CloseGoingAway) {
		t.Errorf("gorilla's side ended with %v", err)
	}
}

func TestDialRefused(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, response, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err == nil || response == nil || response.StatusCode != 404 || !strings.Contains(err.Error(), "404") {
		t.Errorf("%v, %v", response, err)
	}
	for _, url := range []string{"http://localhost/", "://", "ws://127.0.0.1:1/"} {
		if _, _, err := websocket.Dial(t.Context(), url, nil); err == nil {
			t.Errorf("%s: no error", url)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(server.URL, "http"), nil); err == nil {
		t.Error("a cancelled dial succeeded")
	}
}

func TestServerShutdownSends1001(t *testing.T) {
	s := &websocket.Server{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := s.Accept(w, r, nil); err == nil {
			for err == nil {
				_, _, err = c.ReadMessage()
			}
		}
	}))
	defer server.Close()
	url := "ws" + strings.TrimPrefix(server.URL, "http")
	var clients []*gorilla.Conn
	for range 10 {
		clients = append(clients, dialGorilla(t, url))
	}
	codes := make(chan string, len(clients))
	for _, c := range clients {
		go func() {
			_, _, err := c.ReadMessage()
			codes <- fmt.Sprint(gorilla.IsCloseError(err, gorilla.CloseGoingAway), err)
		}()
	}
	s.Shutdown(t.Context())
	for range clients {
		if code := <-codes; !strings.HasPrefix(code, "true") {
			t.Error(code)
		}
	}
	if _, _, err := gorilla.DefaultDialer.Dial(url, nil); err == nil {
		if c := dialGorilla(t, url); c != nil {
			if _, _, err := c.ReadMessage(); err == nil {
				t.Error("a connection lives after Shutdown")
			}
		}
	}
}

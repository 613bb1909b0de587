// A test of WebSockets over TLS with peers that do not read: they are dropped, and nobody waits for them.

package secure_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net/http"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"framescope/server/secure"
	"framescope/server/websocket"
)

// member opens a WebSocket to the server at l.
func member(t *testing.T, l *secure.Listener, config *tls.Config) *gorilla.Conn {
	t.Helper()
	d := gorilla.Dialer{TLSClientConfig: config, HandshakeTimeout: patience}
	c, _, err := d.Dial("wss://"+l.HTTP1.Addr().String()+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(patience))
	return c
}

func TestSlowReadersHarmNobody(t *testing.T) {
	l, config := served(t, secure.Options{})
	sockets := &websocket.Server{}
	joined, left := make(chan *websocket.Conn, 100), make(chan error, 100)
	h := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = sockets.Handle(w, r, nil, func(c *websocket.Conn) {
			joined <- c
			_, _, err := c.ReadMessage()
			left <- err
		})
	})}
	served := make(chan error, 1)
	go func() { served <- h.Serve(l.HTTP1) }()
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		sockets.Shutdown(ctx)
		_ = h.Close()
		<-served
	}()

	const deaf = 20
	var all []*websocket.Conn
	for range deaf { // they never read
		member(t, l, config)
		all = append(all, <-joined)
	}
	reader := member(t, l, config)
	all = append(all, <-joined)
	message := make([]byte, 256<<10)
	dropped := 0
	for i := 0; i < 20 || dropped < deaf; i++ {
		binary.BigEndian.PutUint32(message, uint32(i))
		m, err := websocket.Prepare(websocket.Binary, message)
		if err != nil {
			t.Fatal(err)
		}
		rest := all[:0]
		for _, c := range all {
			if c.Send(m) == nil {
				rest = append(rest, c)
				continue
			}
			dropped++
			c.CloseNow()
			if err := <-left; err == nil {
				t.Error("a dropped peer's connection goes on")
			}
		}
		all = rest
		_, p, err := reader.ReadMessage()
		if err != nil {
			t.Fatal(fmt.Errorf("message %d: %w", i, err))
		}
		if got := binary.BigEndian.Uint32(p); len(p) != len(message) || int(got) != i {
			t.Fatalf("message %d of %d bytes, want %d", got, len(p), i)
		}
	}
	if len(all) != 1 {
		t.Errorf("%d connections are left", len(all))
	}
	reader.Close()
}

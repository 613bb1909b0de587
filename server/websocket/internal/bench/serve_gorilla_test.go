// gorilla/websocket: buffers of net/http, pooled write buffers, prepared messages.

package bench

import (
	"bytes"
	"net"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

func serveGorilla(l net.Listener) error {
	mux := http.NewServeMux()
	pool := &sync.Pool{}
	handle := func(path string, app func(*websocket.Conn), compress bool) {
		upgrader := websocket.Upgrader{WriteBufferPool: pool, EnableCompression: compress}
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			c, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				return
			}
			c.SetReadLimit(maxMessage)
			// As its chat example does: what net/http holds can be freed.
			go func() {
				defer c.Close()
				app(c)
			}()
		})
	}
	handle("/echo", gorillaEcho, false)
	handle("/deflate", gorillaEcho, true)
	var all crowd[*websocket.Conn]
	handle("/idle", gorillaEcho, false)
	handle("/fanout", func(c *websocket.Conn) { gorillaFanOut(c, &all) }, false)
	return http.Serve(l, mux)
}

func gorillaEcho(c *websocket.Conn) {
	for gorillaAnswer(c) == nil {
	}
}

// gorillaAnswer reads into a pooled buffer: its ReadMessage makes one each time.
func gorillaAnswer(c *websocket.Conn) error {
	kind, r, err := c.NextReader()
	if err != nil {
		return err
	}
	message := messages.Get().(*bytes.Buffer)
	defer messages.Put(message)
	message.Reset()
	if _, err := message.ReadFrom(r); err != nil {
		return err
	}
	if kind == websocket.TextMessage && !utf8.Valid(message.Bytes()) {
		refusal := websocket.FormatCloseMessage(websocket.CloseInvalidFramePayloadData, "")
		_ = c.WriteControl(websocket.CloseMessage, refusal, time.Now().Add(time.Second))
		return websocket.ErrCloseSent
	}
	return c.WriteMessage(kind, message.Bytes())
}

func gorillaFanOut(c *websocket.Conn, all *crowd[*websocket.Conn]) {
	defer all.add(c)()
	for {
		kind, p, err := c.ReadMessage()
		if err != nil {
			return
		}
		m, err := websocket.NewPreparedMessage(kind, p)
		if err != nil {
			return
		}
		all.each(func(c *websocket.Conn) { _ = c.WritePreparedMessage(m) })
	}
}

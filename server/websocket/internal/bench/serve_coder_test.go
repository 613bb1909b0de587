// coder/websocket: no options beside the mode of compression.

package bench

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"unicode/utf8"

	"github.com/coder/websocket"
)

func serveCoder(l net.Listener) error {
	mux := http.NewServeMux()
	handle := func(path string, app func(*websocket.Conn), mode websocket.CompressionMode) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: mode})
			if err != nil {
				return
			}
			c.SetReadLimit(maxMessage)
			go func() {
				defer c.CloseNow()
				app(c)
			}()
		})
	}
	handle("/echo", coderEcho, websocket.CompressionDisabled)
	handle("/deflate", coderEcho, websocket.CompressionNoContextTakeover)
	handle("/takeover", coderEcho, websocket.CompressionContextTakeover)
	var all crowd[*websocket.Conn]
	handle("/idle", coderEcho, websocket.CompressionDisabled)
	handle("/fanout", func(c *websocket.Conn) { coderFanOut(c, &all) }, websocket.CompressionDisabled)
	return http.Serve(l, mux)
}

func coderEcho(c *websocket.Conn) {
	for coderAnswer(c) == nil {
	}
}

// coderAnswer reads into a pooled buffer: its Read makes one each time.
func coderAnswer(c *websocket.Conn) error {
	background := context.Background()
	kind, r, err := c.Reader(background)
	if err != nil {
		return err
	}
	message := messages.Get().(*bytes.Buffer)
	defer messages.Put(message)
	message.Reset()
	if _, err := message.ReadFrom(r); err != nil {
		return err
	}
	if kind == websocket.MessageText && !utf8.Valid(message.Bytes()) {
		_ = c.Close(websocket.StatusInvalidFramePayloadData, "")
		return net.ErrClosed
	}
	return c.Write(background, kind, message.Bytes())
}

func coderFanOut(c *websocket.Conn, all *crowd[*websocket.Conn]) {
	defer all.add(c)()
	background := context.Background()
	for {
		kind, p, err := c.Read(background)
		if err != nil {
			return
		}
		all.each(func(c *websocket.Conn) { _ = c.Write(background, kind, p) })
	}
}

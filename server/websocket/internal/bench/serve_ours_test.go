// Our servers: without the capture, with it, and with the page's feed.

package bench

import (
	"log/slog"
	"net"
	"net/http"

	"framescope/server/chat"
	"framescope/server/memory"
	"framescope/server/tap"
	"framescope/server/watch"
	"framescope/server/websocket"
)

// serveOurs is captured if there is a tap.
func serveOurs(l net.Listener, t *tap.Tap) error {
	mux := http.NewServeMux()
	kept := memory.NewBudget(4<<30, slog.New(slog.DiscardHandler)) // as `framescope serve` has one
	handle := func(path string, app func(*websocket.Conn), c websocket.Compression) {
		s := &websocket.Server{Options: websocket.Options{MaxMessageSize: maxMessage, Compression: c, Memory: kept}}
		var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = s.Handle(w, r, nil, app) })
		if t != nil {
			h = t.Handler(maxMessage, h)
		}
		mux.Handle(path, h)
	}
	handle("/echo", ourEcho, websocket.Compression{Off: true})
	handle("/deflate", ourEcho, websocket.Compression{PeerNoContextTakeover: true})
	handle("/takeover", ourEcho, websocket.Compression{PeerNoContextTakeover: true, ContextTakeover: true})
	handle("/idle", ourEcho, websocket.Compression{Off: true})
	var all crowd[*websocket.Conn]
	handle("/fanout", func(c *websocket.Conn) { ourFanOut(c, &all) }, websocket.Compression{Off: true})
	rooms := http.Handler(chat.New(&websocket.Server{Options: websocket.Options{Memory: kept}}, slog.New(slog.DiscardHandler), chat.Options{MessageRate: 1e6}))
	if t != nil {
		rooms = t.Handler(chat.MaxMessageSize, rooms)
	}
	mux.Handle("/chat", rooms)
	server := &http.Server{Handler: mux}
	if t != nil {
		mux.Handle("/ws/inspect", tap.Ignore(&watch.Handler{Tap: t, Server: &websocket.Server{}, Log: slog.New(slog.DiscardHandler)}))
		tap.Attach(server)
		l = t.Listener(l)
	}
	return server.Serve(l)
}

// serveTapped captures as `framescope serve` does by default.
func serveTapped(l net.Listener) error {
	return serveOurs(l, tap.New(tap.Options{Snap: 64 << 10, History: 64 << 20}))
}

func ourEcho(c *websocket.Conn) {
	for {
		op, p, err := c.NextMessage()
		if err != nil || c.WriteMessage(op, p) != nil {
			return
		}
	}
}

func ourFanOut(c *websocket.Conn, all *crowd[*websocket.Conn]) {
	defer all.add(c)()
	for {
		op, p, err := c.NextMessage()
		if err != nil {
			return
		}
		m, err := websocket.Prepare(op, p)
		if err != nil {
			return
		}
		all.each(func(c *websocket.Conn) { _ = c.Send(m) })
	}
}

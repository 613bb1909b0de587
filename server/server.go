// The wiring: which address leads to which room.

package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"framescope/server/chat"
	"framescope/server/echo"
	"framescope/server/memory"
	"framescope/server/site"
	"framescope/server/tap"
	"framescope/server/watch"
	"framescope/server/websocket"
)

// server holds what lives as long as the process serves.
type server struct {
	config  *config
	log     *slog.Logger
	tap     *tap.Tap
	memory  *memory.Budget
	sockets *websocket.Server
	page    http.Handler
	running sync.RWMutex // read-locked by each request, WebSockets included, until it ends
}

func newServer(c *config, log *slog.Logger) (*server, error) {
	// A quarter is for requests: who has not finished one displaces nobody who has.
	requests := int64(c.maxMemory) / 4
	kept := memory.NewBudget(int64(c.maxMemory)-requests, log.With("of", "messages"))
	s := &server{
		config: c,
		log:    log,
		tap:    tap.New(tap.Options{Snap: c.snap, History: int64(c.history) << 20, Memory: kept, Requests: memory.NewBudget(requests, log.With("of", "requests"))}),
		memory: kept,
		sockets: &websocket.Server{
			Log:     log,
			Options: websocket.Options{MaxMessageSize: c.maxMessageSize, Memory: kept},
			Policy:  websocket.Policy{Hosts: c.names(), Origins: c.origins},
		},
	}
	if c.pages != "" {
		s.page = site.Live(os.DirFS(c.pages))
		return s, nil
	}
	page, err := site.Embedded()
	s.page = page
	return s, err
}

// handler: the page and the health check answer only to our own names, since a
// foreign page could have its name resolve to this machine. The handshake of a
// WebSocket checks that itself, so that a refusal is captured.
func (s *server) handler() http.Handler {
	captured := func(app http.Handler) http.Handler {
		return s.tap.Handler(uint64(s.config.maxMessageSize), optionalDeflate(app))
	}
	mux := http.NewServeMux()
	mux.Handle("/", s.ownHost(s.page))
	mux.Handle("/healthz", s.ownHost(http.HandlerFunc(health)))
	mux.Handle("/ws/echo", captured(&echo.Handler{Server: s.sockets, Log: s.log}))
	mux.Handle("/ws/chat", captured(chat.New(s.sockets, s.log)))
	mux.Handle("/ws/inspect", tap.Ignore(&watch.Handler{Tap: s.tap, Server: s.sockets, Log: s.log}))
	mux.Handle("/ws/", s.ownHost(http.HandlerFunc(noSuchSocket)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.running.RLock()
		defer s.running.RUnlock()
		mux.ServeHTTP(w, r)
	})
}

// optionalDeflate lets a URL with deflate=off decline permessage-deflate, which a
// browser always offers, so that its payloads can be read on the wire.
func optionalDeflate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("deflate") == "off" {
			r.Header.Del("Sec-Websocket-Extensions")
		}
		next.ServeHTTP(w, r)
	})
}

// ownHost refuses requests for a name that is not ours.
func (s *server) ownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.sockets.Policy.AllowHost(r) {
			next.ServeHTTP(w, r)
			return
		}
		http.Error(w, "403 forbidden: this server does not answer to the name in Host; open it by its address, or start it with --allow-host NAME", http.StatusForbidden)
	})
}

func health(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "405 this says whether the server is well: use GET or HEAD", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "ok\n")
}

func noSuchSocket(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "404 not found: there are WebSockets at /ws/echo and /ws/chat, and the page's own at /ws/inspect", http.StatusNotFound)
}

// cutTime is how long connections may take to end that are cut off.
const cutTime = 200 * time.Millisecond

// end closes the listener, every WebSocket with 1001, and then what is left. What takes
// longer the system ends with the process.
func (s *server) end(h *http.Server, within time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var ending sync.WaitGroup
		ending.Go(func() {
			if h.Shutdown(ctx) != nil {
				_ = h.Close()
			}
		})
		ending.Go(func() { s.sockets.Shutdown(ctx) })
		ending.Wait()
		s.running.Lock() // so that no request begins any more
	}()
	select {
	case <-ended:
	case <-time.After(within + cutTime):
	}
}

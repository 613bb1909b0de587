// The wiring: which handler serves which URL, and the order of a shutdown.

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
	"framescope/server/files"
	"framescope/server/hub"
	"framescope/server/memory"
	"framescope/server/push"
	"framescope/server/site"
	"framescope/server/tap"
	"framescope/server/watch"
	"framescope/server/websocket"
)

// server is one running server: the tap, the budget, the handlers.
type server struct {
	config   *config
	log      *slog.Logger
	tap      *tap.Tap
	memory   *memory.Budget
	requests *memory.Budget // of unfinished ones
	sockets  *websocket.Server
	hub      hub.Hub
	leaveHub func()
	chat     *chat.Handler
	page     http.Handler
	folder   *files.Handler // nil without --files
	push     *push.Handler
	engines  []interface{ Shutdown(context.Context) } // of Engine.IO and Socket.IO, made by handler
	running  sync.RWMutex                             // each request, WebSockets included, read-locks it until it ends
}

func newServer(c *config, log *slog.Logger) (*server, error) {
	// A quarter is for unfinished requests, which so cannot use up the memory of open
	// connections.
	quarter := int64(c.maxMemory) / 4
	requests := memory.NewBudget(quarter, log.With("of", "requests"))
	messages := memory.NewBudget(int64(c.maxMemory)-quarter, log.With("of", "messages"))
	s := &server{
		config:   c,
		log:      log,
		tap:      tap.New(tap.Options{Snap: c.snap, History: int64(c.history) << 20, Memory: messages, Requests: requests}),
		memory:   messages,
		requests: requests,
		sockets: &websocket.Server{
			Log:     log,
			Options: websocket.Options{MaxMessageSize: c.maxMessageSize, Memory: messages},
			Policy: websocket.Policy{
				Hosts: c.hostNames(), Origins: c.origins, CheckOrigin: isOwnWithoutTLS,
				HostHint:   "open the page by its address, or allow the name with --allow-host",
				OriginHint: "allow it with --allow-origin",
			},
		},
	}
	if err := s.openFolder(); err != nil {
		return nil, err
	}
	var err error
	if s.hub, s.leaveHub, err = c.cluster.join(log, messages); err != nil {
		return nil, err
	}
	s.chat = chat.New(s.sockets, log, c.chatOptions(s.hub))
	s.push = push.New(s.sockets, log, s.chat, s.hub)
	if c.pages != "" {
		s.page = site.Live(os.DirFS(c.pages))
		return s, nil
	}
	page, err := site.Embedded()
	s.page = page
	return s, err
}

// handler returns the handler of all URLs. The page and the health check answer only
// requests for one of our own names, since the owner of a foreign page could have its name
// resolve to this machine. The WebSocket handshake makes that check itself, so that the
// refusal is captured.
func (s *server) handler() http.Handler {
	captured := func(app http.Handler) http.Handler {
		return s.tap.Handler(uint64(s.config.maxMessageSize), app)
	}
	mux := http.NewServeMux()
	mux.Handle("/", s.ownHost(s.page))
	mux.Handle("/healthz", s.ownHost(http.HandlerFunc(health)))
	mux.Handle("/ws/echo", captured(&echo.Handler{Server: s.sockets, Log: s.log}))
	mux.Handle("/ws/chat", s.captureChat())
	s.handlePush(mux, captured)
	s.serveFolder(mux)
	mux.Handle("/ws/inspect", tap.Ignore(&watch.Handler{Tap: s.tap, Server: s.sockets, Log: s.log}))
	s.handleSocketIO(mux)
	mux.Handle("/ws/", s.ownHost(http.HandlerFunc(noSuchSocket)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.running.RLock()
		defer s.running.RUnlock()
		mux.ServeHTTP(w, r)
	})
}

// ownHost refuses requests whose Host field has a name that is not ours.
func (s *server) ownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.sockets.Policy.AllowHost(r) {
			next.ServeHTTP(w, r)
			return
		}
		http.Error(w, "403 forbidden: this server does not answer requests for the name in Host; open it by its address, or start it with --allow-host NAME", http.StatusForbidden)
	})
}

func health(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "405 method not allowed: this URL only reports whether the server is running; use GET or HEAD", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "ok\n")
}

func noSuchSocket(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "404 not found: the WebSocket URLs are /ws/echo, /ws/chat, /ws/push and, for the page, /ws/inspect", http.StatusNotFound)
}

// abortTimeout is how long connections that were closed without a close handshake may take
// to end.
const abortTimeout = 200 * time.Millisecond

// shutDown closes the listener and every WebSocket with 1001, and then the connections
// that have not ended. It returns when all have, or after timeout and abortTimeout; what
// remains then ends with the process.
func (s *server) shutDown(h *http.Server, timeout time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var shutdowns sync.WaitGroup
		shutdowns.Go(func() {
			if h.Shutdown(ctx) != nil {
				_ = h.Close()
			}
		})
		shutdowns.Go(func() { s.sockets.Shutdown(ctx) })
		for _, e := range s.engines {
			shutdowns.Go(func() { e.Shutdown(ctx) })
		}
		shutdowns.Wait()
		s.running.Lock() // waits for every request to end, and lets no other begin
	}()
	select {
	case <-ended:
	case <-time.After(timeout + abortTimeout):
	}
}

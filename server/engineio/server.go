// The server: its options, its sessions, and which request goes where.

// Package engineio serves Engine.IO, revision 4: messages in both directions over HTTP long
// polling or WebSocket, with a change from the first to the second while messages flow. It is
// what Socket.IO runs on.
//
// A [Server] is an http.Handler for one URL, /engine.io/ for instance. Each peer has a
// [Session], whatever carries it. The application's [Handler] receives its messages, one call at
// a time; [Session.Send] and the methods beside it send.
//
// The protocol: https://github.com/socketio/socket.io/tree/main/docs/engine.io-protocol
package engineio

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"framescope/server/memory"
	"framescope/server/websocket"
)

// Options say how a [Server] serves. Open is required; other fields that are zero have their
// default.
type Options struct {
	// Open is called for each new session, before its first message, and returns what
	// receives its messages. r is the request of the session's handshake: take from it what
	// is needed, and do not keep it.
	Open func(s *Session, r *http.Request) Handler
	// PingInterval is the time between two pings of the server: 25 s by default.
	PingInterval time.Duration
	// PingTimeout is how long a peer may take to answer a ping: 20 s by default.
	PingTimeout time.Duration
	// MaxPayload is the largest message of a peer, and the largest body of a POST request, in
	// bytes: 1,000,000 by default.
	MaxPayload int
	// MaxSessions is how many sessions may be open: 10,000 by default.
	MaxSessions int
	// Policy says which requests are served, of both transports.
	Policy websocket.Policy
	// Memory, if not nil, limits what is queued or incomplete.
	Memory *memory.Budget
	// Log records applications that panic; nil is slog's default.
	Log *slog.Logger
}

// Handler receives the messages of one session.
type Handler interface {
	// Message is called for each message, by one goroutine at a time. binary says that the
	// message is bytes; otherwise it is text, valid UTF-8. p is valid until Message returns.
	// While Message runs no other message of the session is received.
	Message(binary bool, p []byte)
	// Closed is called once, after the last Message, by a goroutine that holds no lock.
	Closed(reason Reason)
}

// Server serves Engine.IO. Make it with [New].
type Server struct {
	options Options
	sockets websocket.Server
	ping    *Message
	calls   sync.WaitGroup // of Handler.Closed, one for each session; added to while mu is held

	mu       sync.Mutex // guards the fields below
	closed   bool
	sessions map[string]*Session
}

// New returns a server without sessions.
func New(o Options) *Server {
	o.PingInterval = cmp.Or(o.PingInterval, 25*time.Second)
	o.PingTimeout = cmp.Or(o.PingTimeout, 20*time.Second)
	o.MaxPayload = cmp.Or(o.MaxPayload, 1_000_000)
	o.MaxSessions = cmp.Or(o.MaxSessions, 10_000)
	o.Log = cmp.Or(o.Log, slog.Default())
	return &Server{
		options: o,
		sockets: websocket.Server{
			Options: websocket.Options{MaxMessageSize: int64(o.MaxPayload), Memory: o.Memory},
			Policy:  o.Policy, Log: o.Log,
		},
		ping:     prepare(websocket.Text, []byte{packetPing}),
		sessions: map[string]*Session{},
	}
}

// ServeHTTP answers handshakes, polls, posts and requests for a WebSocket.
func (e *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !e.admit(w, r) {
		return
	}
	q := r.URL.Query()
	transport, sid := q.Get("transport"), q.Get("sid")
	switch {
	case transport != "polling" && transport != "websocket":
		refuse(w, errTransport)
	case q.Get("EIO") != "4":
		refuse(w, errVersion)
	case transport == "websocket" && !websocket.IsHandshake(r):
		refuse(w, errBadRequest.because("this transport needs a WebSocket handshake"))
	case sid == "" && transport == "websocket":
		e.openWebSocket(w, r)
	case sid == "":
		e.openPolling(w, r)
	default:
		e.serveSession(w, r, transport, sid)
	}
}

// serveSession answers a request of a session that exists.
func (e *Server) serveSession(w http.ResponseWriter, r *http.Request, transport, sid string) {
	s := e.find(sid)
	switch {
	case s == nil:
		refuse(w, errSession)
	case transport == "websocket":
		s.upgrade(w, r)
	case r.Method == http.MethodGet:
		s.poll(w, r)
	case r.Method == http.MethodPost:
		s.post(w, r)
	default:
		refuse(w, errBadRequest.because("a session is read with GET and written to with POST"))
	}
}

// open makes a session. Its handler knows of it when open returns.
func (e *Server) open(w http.ResponseWriter, r *http.Request, p *polling) *Session {
	s := newSession(e, p)
	e.mu.Lock()
	full := len(e.sessions) >= e.options.MaxSessions
	closed := e.closed
	if !full && !closed {
		e.calls.Add(1)
		e.sessions[s.id] = s
	}
	e.mu.Unlock()
	switch {
	case closed:
		refuse(w, errUnavailable.because("the server is shutting down"))
		return nil
	case full:
		refuse(w, errUnavailable.because("too many sessions: try again later"))
		return nil
	}
	defer func() {
		if s.handler == nil { // Open panicked
			e.remove(s)
			e.calls.Done()
		}
	}()
	s.handler = e.options.Open(s, r)
	s.begin()
	return s
}

func (e *Server) find(sid string) *Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sessions[sid]
}

func (e *Server) remove(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.sessions, s.id)
}

// Sessions returns how many sessions are open.
func (e *Server) Sessions() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.sessions)
}

// Shutdown ends every session and opens no more: WebSockets are closed with 1001, polls that wait
// are answered. It returns when every handler's Closed has returned, or ctx is done.
func (e *Server) Shutdown(ctx context.Context) {
	e.mu.Lock()
	e.closed = true
	sessions := make([]*Session, 0, len(e.sessions))
	for _, s := range e.sessions {
		sessions = append(sessions, s)
	}
	e.mu.Unlock()
	for _, s := range sessions {
		if s.conn.Load() == nil {
			s.end(ReasonShutdown, packetClose)
			e.remove(s)
		}
	}
	e.sockets.Shutdown(ctx)
	ended := make(chan struct{})
	go func() {
		e.calls.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

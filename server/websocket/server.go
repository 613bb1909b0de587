// The server: the connections that it has, and what runs on them.

package websocket

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"

	"framescope/protocol"
)

// Server accepts connections and knows all that are open. The zero value works.
type Server struct {
	Options Options
	Policy  Policy
	// Log is told of applications that panic; nil is slog's default.
	Log *slog.Logger

	defaults sync.Once
	options  Options // with defaults, shared by all connections

	gate   sync.RWMutex // held for reading while a connection is registered; never during a write
	closed bool         // guarded by gate

	apps sync.WaitGroup // of Handle; added to while gate is held

	mu      sync.Mutex // guards the fields below
	conns   map[*Conn]struct{}
	emptied chan struct{} // to be closed when there are none any more, or nil
}

// Handle answers an opening handshake as Accept does and runs app with the
// connection in a goroutine of its own. So the handler can return, and what
// net/http holds of the request is freed: several times what a connection takes.
// When app returns the connection is closed, without a handshake unless app has made
// one; what was written and queued leaves before. Shutdown waits for it.
//
// An app that panics, or ends its goroutine, is logged, a panic with its stack, and its
// connection closed with 1011; the server goes on.
func (s *Server) Handle(w http.ResponseWriter, r *http.Request, app func(*Conn), ours ...string) error {
	c, err := s.accept(w, r, ours, &s.apps)
	if err != nil {
		return err
	}
	go s.run(c, app)
	return nil
}

var errApplication = errors.New("websocket: the application failed")

func (s *Server) run(c *Conn, app func(*Conn)) {
	defer s.apps.Done()
	returned := false
	defer func() {
		if returned {
			return
		}
		s.logFailure(c, recover(), debug.Stack())
		reason := "the application failed"
		c.in.closeAndEnd(&CloseError{Code: protocol.CloseInternalError, Reason: reason, cause: errApplication}, reason)
	}()
	app(c)
	returned = true
	c.finish()
}

// logFailure logs an application that panicked or, if fault is nil, called runtime.Goexit.
// Like net/http it says nothing of http.ErrAbortHandler.
func (s *Server) logFailure(c *Conn, fault any, stack []byte) {
	log := s.Log
	if log == nil {
		log = slog.Default()
	}
	switch fault {
	case http.ErrAbortHandler:
	case nil:
		log.Error("the application of a WebSocket ended its goroutine", "remote", c.RemoteAddr())
	default:
		log.Error("the application of a WebSocket panicked", "remote", c.RemoteAddr(), "panic", fault, "stack", string(stack))
	}
}

// register takes the connection from net/http, so that Shutdown knows it before it is
// answered. The caller calls endHandshake: the answer must be the first to be written.
func (s *Server) register(w http.ResponseWriter, apps *sync.WaitGroup) (*Conn, error) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		refusal := &protocol.HandshakeError{
			Status: http.StatusServiceUnavailable, Reason: "the server is shutting down", Section: "RFC 6455 4.2.2",
		}
		refuse(w, refusal)
		return nil, fmt.Errorf("refuse handshake: %w", refusal)
	}
	nc, buffered, err := hijack(w)
	if err != nil {
		return nil, err
	}
	s.defaults.Do(func() { s.options = s.Options.withDefaults() })
	c := newConn(nc, protocol.Server, buffered, &s.options)
	c.server = s
	c.beginHandshake()
	s.add(c)
	if apps != nil {
		apps.Add(1)
	}
	return c, nil
}

func (s *Server) add(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		s.conns = map[*Conn]struct{}{}
	}
	s.conns[c] = struct{}{}
}

func (s *Server) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if len(s.conns) == 0 && s.emptied != nil {
		close(s.emptied)
		s.emptied = nil
	}
}

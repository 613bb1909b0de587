// The server: its connections, and the applications that run on them.

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

// Server accepts connections and keeps a list of those that are open. The zero value works.
// Its fields must not be changed once it has accepted one.
type Server struct {
	Options Options // of all connections
	Policy  Policy  // says which requests are served
	// Log records applications that panic; nil is slog's default.
	Log *slog.Logger

	defaults sync.Once
	options  Options // with defaults, shared by all connections

	gate   sync.RWMutex // read-locked while a connection is registered; never held during a write
	closed bool         // guarded by gate

	apps sync.WaitGroup // the applications that Handle runs; added to while gate is held

	mu      sync.Mutex // guards the fields below
	conns   map[*Conn]struct{}
	emptied chan struct{} // closed when the last one has ended; nil unless Shutdown waits
}

// Handle answers an opening handshake as Accept does and runs app with the connection in a
// goroutine of its own; o may be nil. So the handler can return, which frees what net/http
// holds of the request, several times the memory of a connection. That is not freed if app
// refers to the request. Over HTTP/2, where the stream ends with its handler, Handle returns when
// the connection has ended.
//
// When app returns, the connection ends, without a close handshake unless app has called
// Close; what was written and queued before is sent first. Shutdown waits for app.
//
// If app panics or ends its goroutine, that is logged, a panic with its stack, and the
// connection is closed with 1011; the server goes on.
func (s *Server) Handle(w http.ResponseWriter, r *http.Request, o *AcceptOptions, app func(*Conn)) error {
	c, err := s.accept(w, r, o, &s.apps)
	if err != nil {
		return err
	}
	go s.runner(c, app)()
	if st, ok := c.link.nc.(*stream); ok {
		st.serve()
	}
	return nil
}

var errApplication = errors.New("websocket: the application failed")

// runner returns what the connection's goroutine does. It has no arguments, since a function
// that passes them would stay on the stack.
func (s *Server) runner(c *Conn, app func(*Conn)) func() {
	return func() {
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
}

// logFailure logs an application that panicked or, if fault is nil, called runtime.Goexit.
// Like net/http it does not log http.ErrAbortHandler.
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

// register takes the connection over from net/http and adds it to those that Shutdown closes,
// before the handshake is answered. The caller calls endHandshake: the answer must be the first
// to be written.
func (s *Server) register(w http.ResponseWriter, r *http.Request, o *AcceptOptions, apps *sync.WaitGroup) (*Conn, error) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		refusal := &protocol.HandshakeError{
			Status: http.StatusServiceUnavailable, Reason: "the server is shutting down", Section: "RFC 6455 4.2.2",
		}
		refuse(w, r, refusal)
		return nil, fmt.Errorf("refuse handshake: %w", refusal)
	}
	nc, buffered, err := takeOver(w, r)
	if err != nil {
		return nil, err
	}
	c := newConn(nc, protocol.Server, buffered, s.optionsFor(o))
	c.server = s
	if st, ok := nc.(*stream); ok {
		c.link.keep(sizeOf(r))
		if c.link.options.Memory != nil {
			st.unread.countMore = c.link.keepMore
		}
	}
	c.beginHandshake()
	s.add(c)
	if apps != nil {
		apps.Add(1)
	}
	return c, nil
}

// optionsFor returns the options of a connection, shared by all unless its request has some of
// its own.
func (s *Server) optionsFor(o *AcceptOptions) *Options {
	if o.Options != nil {
		own := o.Options.withDefaults()
		return &own
	}
	s.defaults.Do(func() { s.options = s.Options.withDefaults() })
	return &s.options
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

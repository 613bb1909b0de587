// The server's side of the handshake, and the end of all its connections.

package websocket

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"

	"framescope/protocol"
)

// Server accepts connections and knows all that are open. The zero value works.
type Server struct {
	Options Options
	Policy  Policy

	defaults sync.Once
	options  Options // with defaults, shared by all connections

	gate   sync.RWMutex // held for reading while a connection is accepted
	closed bool         // guarded by gate

	apps sync.WaitGroup // of Handle; added to while gate is held

	mu    sync.Mutex
	conns map[*Conn]struct{} // guarded by mu
}

// Handle answers an opening handshake as Accept does and runs app with the
// connection in a goroutine of its own. So the handler can return, and what
// net/http holds of the request is freed: several times what a connection takes.
// When app returns the connection is closed, without a handshake unless app has made
// one; what was written and queued leaves before. Shutdown waits for it.
func (s *Server) Handle(w http.ResponseWriter, r *http.Request, app func(*Conn), ours ...string) error {
	_, err := s.accept(w, r, ours, func(c *Conn) {
		s.apps.Add(1)
		go s.run(c, app)
	})
	return err
}

func (s *Server) run(c *Conn, app func(*Conn)) {
	app(c)
	c.leave()
	s.apps.Done()
}

// Accept answers an opening handshake. Of the subprotocols that the client
// offers it takes the first that is in ours; none is no fault.
//
// A request that is refused is answered with 400, 403, 405, 426 or 503 and a
// line that says why; the error says the same. After an error the handler has
// nothing more to do.
func (s *Server) Accept(w http.ResponseWriter, r *http.Request, ours ...string) (*Conn, error) {
	return s.accept(w, r, ours, func(*Conn) {})
}

// accept calls begin with the connection before Shutdown can know it.
func (s *Server) accept(w http.ResponseWriter, r *http.Request, ours []string, begin func(*Conn)) (*Conn, error) {
	key, refusal := s.check(r)
	if refusal != nil {
		refuse(w, refusal)
		return nil, fmt.Errorf("refuse handshake: %w", refusal)
	}
	// Between the answer and its registration a connection must not escape Shutdown.
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
	subprotocol := choose(protocol.Tokens(r.Header.Values("Sec-Websocket-Protocol")), ours)
	deflate := protocol.AcceptDeflate(r.Header.Values("Sec-Websocket-Extensions"), s.Options.Compression.wishes(protocol.Server))
	if err := s.answer(nc, key, subprotocol, deflate); err != nil {
		nc.Close()
		return nil, err
	}
	s.defaults.Do(func() { s.options = s.Options.withDefaults() })
	c := newConn(nc, protocol.Server, buffered, &s.options)
	c.agree(subprotocol, deflate)
	c.server = s
	// From here, where the stack is large already: the connection's own goroutine can
	// then do with the smallest there is.
	c.armRead(false)
	s.add(c)
	begin(c)
	return c, nil
}

// check judges the request: the handshake by the RFC, Host and Origin by policy.
func (s *Server) check(r *http.Request) (key string, refusal *protocol.HandshakeError) {
	request := protocol.Request{
		Method: r.Method, Host: r.Host, Major: r.ProtoMajor, Minor: r.ProtoMinor, Fields: r.Header,
	}
	key, refusal = protocol.CheckRequest(request)
	switch {
	case refusal != nil:
	case !s.Policy.AllowHost(r):
		refusal = &protocol.HandshakeError{
			Status: http.StatusForbidden, Section: "RFC 6455 10.2",
			Reason: "Host " + r.Host + " is not served here: open the page by its address, or allow the name with --allow-host",
		}
	case !s.Policy.AllowOrigin(r):
		// RFC 6455 4.2.2: an origin that is not welcome gets 403.
		refusal = &protocol.HandshakeError{
			Status: http.StatusForbidden, Section: "RFC 6455 4.2.2",
			Reason: "a page of origin " + r.Header.Get("Origin") + " may not connect: allow it with --allow-origin",
		}
	}
	return key, refusal
}

// refuse answers a handshake with the status it deserves and one line.
func refuse(w http.ResponseWriter, e *protocol.HandshakeError) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Connection", "close")
	switch e.Status {
	case http.StatusUpgradeRequired:
		// RFC 6455 4.4: name the version that is understood.
		h.Set("Upgrade", "websocket")
		h.Set("Connection", "Upgrade, close")
		h.Set("Sec-WebSocket-Version", protocol.Version)
	case http.StatusMethodNotAllowed:
		h.Set("Allow", http.MethodGet)
	}
	w.WriteHeader(e.Status)
	fmt.Fprintf(w, "%s (%s)\n", e.Reason, e.Section)
}

// hijack takes the connection from net/http, with what it has read already.
func hijack(w http.ResponseWriter) (nc net.Conn, buffered []byte, err error) {
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "this connection cannot become a WebSocket", http.StatusInternalServerError)
		return nil, nil, fmt.Errorf("take over connection: %w", err)
	}
	if n := rw.Reader.Buffered(); n > 0 {
		peeked, _ := rw.Reader.Peek(n)
		buffered = append(buffered, peeked...)
	}
	// net/http's own deadlines end with those that are set next.
	return nc, buffered, nil
}

// answer writes the server's head (RFC 6455 4.2.2).
func (s *Server) answer(nc net.Conn, key, subprotocol string, deflate protocol.Deflate) error {
	head := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + protocol.AcceptKey(key) + "\r\n"
	if subprotocol != "" {
		head += "Sec-WebSocket-Protocol: " + subprotocol + "\r\n"
	}
	if deflate.On {
		head += "Sec-WebSocket-Extensions: " + deflate.String() + "\r\n"
	}
	// The socket of a connection this young takes it without a wait.
	if _, err := nc.Write([]byte(head + "\r\n")); err != nil {
		return fmt.Errorf("answer handshake: %w", err)
	}
	return nil
}

// choose is the first offered subprotocol that is ours, or "".
func choose(offered, ours []string) string {
	for _, o := range offered {
		for _, p := range ours {
			if o == p {
				return p
			}
		}
	}
	return ""
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
	delete(s.conns, c)
	s.mu.Unlock()
}

// Shutdown closes every connection with 1001 and accepts no more. It returns
// when all have ended, and what Handle runs; those that have not when ctx does are
// cut off.
func (s *Server) Shutdown(ctx context.Context) {
	s.gate.Lock()
	s.closed = true
	s.gate.Unlock()
	s.mu.Lock()
	open := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		open = append(open, c)
	}
	s.mu.Unlock()
	var closing sync.WaitGroup
	for _, c := range open {
		closing.Go(func() { c.Close(protocol.CloseGoingAway, "the server is shutting down") })
	}
	cut := context.AfterFunc(ctx, func() {
		for _, c := range open {
			c.CloseNow()
		}
	})
	closing.Wait()
	cut()
	ended := make(chan struct{})
	go func() {
		s.apps.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

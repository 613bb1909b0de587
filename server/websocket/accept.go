// The server's side of the handshake.

package websocket

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"framescope/protocol"
)

// Accept answers an opening handshake. Of the subprotocols that the client
// offers it takes the first that is in ours; none is no fault.
//
// A request that is refused is answered with 400, 403, 405, 426 or 503 and a
// line that says why, and its connection is closed; the error says the same. After an
// error the handler has nothing more to do.
func (s *Server) Accept(w http.ResponseWriter, r *http.Request, ours ...string) (*Conn, error) {
	return s.accept(w, r, ours, nil)
}

// accept answers the handshake. If apps is not nil it adds 1 to it for the connection that it
// returns; the caller calls Done.
func (s *Server) accept(w http.ResponseWriter, r *http.Request, ours []string, apps *sync.WaitGroup) (*Conn, error) {
	key, refusal := s.check(r)
	if refusal != nil {
		refuse(w, refusal)
		return nil, fmt.Errorf("refuse handshake: %w", refusal)
	}
	c, err := s.register(w, apps)
	if err != nil {
		return nil, err
	}
	subprotocol := choose(protocol.Tokens(r.Header.Values("Sec-Websocket-Protocol")), ours)
	deflate := protocol.AcceptDeflate(r.Header.Values("Sec-Websocket-Extensions"), s.Options.Compression.wishes(protocol.Server))
	c.agree(subprotocol, deflate)
	err = c.answer(key)
	if err == nil {
		// From here, where the stack is large already: the connection's own goroutine can
		// then do with the smallest there is.
		c.in.armRead(unfinished{})
	}
	c.endHandshake() // begun by register
	if err != nil {
		c.CloseNow()
		if apps != nil {
			apps.Done()
		}
		return nil, err
	}
	return c, nil
}

// check judges the request: the handshake by the RFC, Host and Origin by policy.
func (s *Server) check(r *http.Request) (key string, refusal *protocol.HandshakeError) {
	request := protocol.Request{
		Method: r.Method, Host: r.Host, Major: r.ProtoMajor, Minor: r.ProtoMinor, Fields: r.Header,
		Body: r.ContentLength != 0 || len(r.TransferEncoding) > 0,
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

// refuse answers a handshake with the status it deserves and one line, and has net/http
// close the connection: whatever stands behind the request's head is not read as another.
func refuse(w http.ResponseWriter, e *protocol.HandshakeError) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Connection", "close") // in a field of its own, or net/http does not close
	switch e.Status {
	case http.StatusUpgradeRequired:
		// RFC 6455 4.4: name the version that is understood.
		h.Set("Upgrade", "websocket")
		h.Add("Connection", "Upgrade")
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
	return nc, buffered, nil
}

// answer writes the server's head (RFC 6455 4.2.2).
func (c *Conn) answer(key string) error {
	head := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + protocol.AcceptKey(key) + "\r\n"
	if c.subprotocol != "" {
		head += "Sec-WebSocket-Protocol: " + c.subprotocol + "\r\n"
	}
	if c.out.deflate.On {
		head += "Sec-WebSocket-Extensions: " + c.out.deflate.String() + "\r\n"
	}
	// Usually the socket takes it without a wait; but answers to requests before this one
	// may have filled it, of a client that does not read.
	c.link.nc.SetWriteDeadline(now().add(c.link.options.WriteTimeout).time())
	if _, err := c.link.nc.Write([]byte(head + "\r\n")); err != nil {
		return fmt.Errorf("answer handshake: %w", err)
	}
	return c.link.nc.SetWriteDeadline(time.Time{})
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

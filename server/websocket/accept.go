// The server's side of the opening handshake.

package websocket

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"framescope/protocol"
)

// AcceptOptions say how one request is answered. With the zero value, or a nil pointer, the
// fields of the [Server] apply.
type AcceptOptions struct {
	// Subprotocols are those that the server speaks here. The first one of the client's list
	// that is among them is chosen; if there is none, the connection has no subprotocol.
	Subprotocols []string
	// Header has further fields of the response, such as Set-Cookie. Fields that the
	// handshake sets itself, or that no response may have, make Accept fail with
	// [ErrResponse]. Fields that were set on the ResponseWriter are not sent, unless this is
	// its Header().
	Header http.Header
	// RequireSubprotocol refuses a client with 400 that offers none of Subprotocols; the error is
	// [ErrSubprotocol]. Otherwise the client decides whether it goes on without one (RFC 6455 4.1);
	// browsers do not if they have offered any.
	RequireSubprotocol bool
	// NoCompression declines permessage-deflate.
	NoCompression bool
	// Policy, if not nil, is used instead of the server's.
	Policy *Policy
	// Options, if not nil, are used instead of the server's. The connection keeps a copy.
	Options *Options
}

// ErrSubprotocol reports that [AcceptOptions] refused a request for its subprotocols.
var ErrSubprotocol = errors.New("websocket: no subprotocol is offered that is spoken here")

// Accept answers an opening handshake and returns the connection; o may be nil.
//
// A request that is refused is answered with 400, 403, 405, 426, 501 or 503 and a line that says
// why, and over HTTP/1.1 its connection is closed; the error says the same, and is a
// [protocol.HandshakeError]. Other errors are answered with 500 where that is still
// possible. After an error the handler has nothing more to do.
//
// Over HTTP/2 (RFC 8441) the connection is a stream, which ends when the handler returns: the
// handler must not return before the connection has ended. [Server.Handle] takes care of that.
func (s *Server) Accept(w http.ResponseWriter, r *http.Request, o *AcceptOptions) (*Conn, error) {
	return s.accept(w, r, o, nil)
}

// accept answers the handshake. If apps is not nil it adds 1 to it for the connection that it
// returns; the caller calls Done.
func (s *Server) accept(w http.ResponseWriter, r *http.Request, o *AcceptOptions, apps *sync.WaitGroup) (*Conn, error) {
	if o == nil {
		o = &AcceptOptions{}
	}
	key, err := s.check(r, o)
	if err != nil {
		refuse(w, r, err)
		return nil, fmt.Errorf("refuse handshake: %w", err)
	}
	c, err := s.register(w, r, o, apps)
	if err != nil {
		return nil, err
	}
	subprotocol := chooseFor(r, o)
	wishes := c.link.options.Compression.wishes(protocol.Server)
	wishes.On = wishes.On && !o.NoCompression
	deflate := protocol.AcceptDeflate(r.Header.Values("Sec-Websocket-Extensions"), wishes)
	c.agree(subprotocol, deflate)
	if st, ok := c.link.nc.(*stream); ok {
		if apps == nil {
			st.serveAside()
		}
		err = st.out.(*serverStream).answer(subprotocol, deflate, o.Header, c.link.options.WriteTimeout)
	} else {
		err = c.answer(responseHead(key, subprotocol, deflate, o.Header))
	}
	if err == nil {
		// The read deadline is set here, where the stack has grown already: the connection's
		// own goroutine then needs only the smallest one.
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

// check judges the request, the handshake by the RFC, Host and Origin by policy, and the
// fields that the response is to have.
func (s *Server) check(r *http.Request, o *AcceptOptions) (key string, err error) {
	key, err = protocol.CheckRequest(protocol.Request{
		Method: r.Method, Host: r.Host, Major: r.ProtoMajor, Minor: r.ProtoMinor, Fields: r.Header,
		Body: hasBody(r),
	})
	if err != nil {
		return "", err
	}
	policy := o.Policy
	if policy == nil {
		policy = &s.Policy
	}
	if err := policy.check(r); err != nil {
		return "", err
	}
	if o.RequireSubprotocol && chooseFor(r, o) == "" {
		return "", refusal(ErrSubprotocol, protocol.HandshakeError{
			Status: http.StatusBadRequest, Section: "RFC 6455 4.2.2",
			Reason: "no subprotocol is offered that this URL speaks: offer " + strings.Join(o.Subprotocols, " or "),
		})
	}
	return key, checkResponseFields(o.Header)
}

// hasBody reports whether a request announces a body.
func hasBody(r *http.Request) bool {
	if r.ProtoMajor == 2 { // what follows are the frames, of unknown length: -1
		return r.ContentLength != -1
	}
	return r.ContentLength != 0 || len(r.TransferEncoding) > 0
}

// refuse answers a handshake with the status that err deserves and one line. Over HTTP/1.1 it has
// net/http close the connection: bytes behind the request's head must not be read as another
// request.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	var e *protocol.HandshakeError
	if !errors.As(err, &e) {
		// A fault of the application, of which the client learns no more.
		e = &protocol.HandshakeError{
			Status: http.StatusInternalServerError, Section: "RFC 6455 4.2.2",
			Reason: "the server cannot answer this handshake",
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	if r.ProtoMajor < 2 { // RFC 9113 8.2.2: HTTP/2 has neither Connection nor Upgrade
		h.Set("Connection", "close") // without Upgrade, which is added below: then net/http closes
	}
	switch e.Status {
	case http.StatusUpgradeRequired:
		// RFC 6455 4.4: name the version that is understood.
		h.Set("Sec-WebSocket-Version", protocol.Version)
		if r.ProtoMajor < 2 {
			h.Set("Upgrade", "websocket")
			h.Add("Connection", "Upgrade")
		}
	case http.StatusMethodNotAllowed:
		h.Set("Allow", http.MethodGet)
		if r.ProtoMajor == 2 {
			h.Set("Allow", http.MethodConnect)
		}
	}
	w.WriteHeader(e.Status)
	fmt.Fprintf(w, "%s (%s)\n", e.Reason, e.Section)
}

// takeOver takes the connection, or over HTTP/2 the stream, over from net/http, with the bytes that
// it has read already.
func takeOver(w http.ResponseWriter, r *http.Request) (nc net.Conn, buffered []byte, err error) {
	if r.ProtoMajor == 2 {
		st, err := takeStream(w, r)
		if err != nil {
			return nil, nil, err
		}
		return st, nil, nil
	}
	return hijack(w)
}

// hijack takes the connection over from net/http, with the bytes that it has read already.
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

// responseHead is the server's head (RFC 6455 4.2.2) with further fields.
func responseHead(key, subprotocol string, deflate protocol.Deflate, fields http.Header) []byte {
	head := make([]byte, 0, 256)
	head = append(head, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	head = append(head, protocol.AcceptKey(key)...)
	if subprotocol != "" {
		head = append(append(head, "\r\nSec-WebSocket-Protocol: "...), subprotocol...)
	}
	if deflate.On {
		head = append(append(head, "\r\nSec-WebSocket-Extensions: "...), deflate.String()...)
	}
	head = append(head, "\r\n"...)
	return append(appendFields(head, fields), "\r\n"...)
}

// answer writes the server's head, between beginHandshake and endHandshake.
func (c *Conn) answer(head []byte) error {
	// Usually the socket takes the head at once. But if the client does not read, the
	// answers to its earlier requests may have filled the socket.
	c.link.nc.SetWriteDeadline(now().add(c.link.options.WriteTimeout).time())
	if _, err := c.link.nc.Write(head); err != nil {
		return fmt.Errorf("answer handshake: %w", err)
	}
	return c.link.nc.SetWriteDeadline(time.Time{})
}

// chooseFor returns the subprotocol for a request, or "".
func chooseFor(r *http.Request, o *AcceptOptions) string {
	return choose(protocol.Tokens(r.Header.Values("Sec-Websocket-Protocol")), o.Subprotocols)
}

// choose returns the first offered subprotocol that is among those spoken, or "".
func choose(offered, spoken []string) string {
	for _, name := range offered {
		if slices.Contains(spoken, name) {
			return name
		}
	}
	return ""
}

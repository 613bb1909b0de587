// Package tap records what crosses a net.Conn, whatever the codec above makes of it, so that
// illegal bytes are recorded as they arrived. It reads only the headers of frames, to find where
// they end, and judges nothing.
//
// The records of package feed are kept in a bounded history. A [Watcher] is a cursor in it: it
// returns parts of the history, not copies. The tap never waits for a watcher; one that falls
// behind loses whole frames and is sent their number.
package tap

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"net"
	"net/http"

	"framescope/protocol"
	"framescope/server/memory"
)

// Options bound what a tap keeps.
type Options struct {
	// Snap is how many payload bytes of a frame are kept; 0 keeps the header only.
	// In a flood, more than a history and 64 MiB a second, it is 128 at most.
	Snap int
	// History is how many bytes are kept for later watchers: records, and what they must know
	// of connections that are older. 0 keeps none: then nothing is recorded while there is no
	// watcher.
	History int64
	// Memory and Requests, if not nil, bound what is held of unfinished frames and of requests,
	// together with everything else in these budgets. When Memory is used up, less of each frame
	// is captured; when Requests is used up, connections are closed. With a budget for requests,
	// peers that have not finished one cannot harm those that have.
	Memory, Requests *memory.Budget
}

// Tap records any number of connections. Make it with [New].
type Tap struct {
	memory   *memory.Budget
	requests *memory.Budget
	history  history
}

// New makes a tap.
func New(o Options) *Tap {
	t := &Tap{memory: o.Memory, requests: o.Requests}
	t.history.init(o)
	return t
}

// Listener wraps l: its connections can be recorded by [Tap.Handler], in a server that
// [Attach] has prepared.
func (t *Tap) Listener(l net.Listener) net.Listener { return &listener{l, t} }

type listener struct {
	net.Listener
	tap *Tap
}

func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := newConn(l.tap, nc, protocol.Client)
	c.http = newExchange(c)
	return c, nil
}

// Wrap records a connection whose handshake is complete, or that has none; peer is the
// side at its other end.
func (t *Tap) Wrap(nc net.Conn, peer protocol.Side) *Conn {
	c := newConn(t, nc, peer)
	c.id = t.open(0, nc.RemoteAddr().String())
	c.phase.Store(phaseFrames)
	return c
}

// open begins the capture of a connection and returns its id.
func (t *Tap) open(maxMessageSize uint64, remote string) uint32 {
	data := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(remote)), maxMessageSize)
	return t.history.open(append(data, remote...))
}

// Held returns the size of the history in bytes.
func (t *Tap) Held() int64 {
	h := &t.history
	h.mu.Lock()
	defer h.unlock()
	return h.bytes + h.connBytes + int64(cap(h.stage.data))
}

type connKey struct{}

// connOf returns the connection of a request, if it is tapped.
func connOf(r *http.Request) (c *Conn, ok bool) {
	c, ok = r.Context().Value(connKey{}).(*Conn)
	return c, ok
}

// Attach prepares a server, whose Handler is set, to serve the connections of
// [Tap.Listener]: from then on they know which of the received bytes are the request
// that is being handled. Call it before the server serves.
func Attach(s *http.Server) {
	connContext := s.ConnContext
	s.ConnContext = func(ctx context.Context, nc net.Conn) context.Context {
		if connContext != nil {
			ctx = connContext(ctx, nc)
		}
		if c, ok := nc.(*Conn); ok {
			ctx = context.WithValue(ctx, connKey{}, c)
		}
		return ctx
	}
	handler := s.Handler
	if handler == nil {
		handler = http.DefaultServeMux
	}
	// By default net/http answers OPTIONS * by itself, and no handler would see that
	// request.
	ours := !s.DisableGeneralOptionsHandler
	s.DisableGeneralOptionsHandler = true
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := connOf(r); ok {
			if asksForWebSocket(r) {
				growStack()
			}
			if secure, ok := c.Conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
				state := secure.ConnectionState()
				r.TLS = &state // net/http sets it only for a *tls.Conn of its own
			}
			c.nextRequest(r)
			defer c.requestDone()
		}
		if ours && r.Method == http.MethodOptions && r.RequestURI == "*" {
			w.Header().Set("Content-Length", "0")
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// growStack makes the stack grow to the 8 KiB that an upgrade needs, by a call with a large
// frame. It would grow later anyway, in deeper calls, when more of it has to be copied.
//
//go:noinline
func growStack() {
	var frame [3 << 10]byte
	touch(&frame)
}

//go:noinline
func touch(*[3 << 10]byte) {}

// Handler records the connection of every request that asks for a WebSocket,
// from the request's first byte on, and then calls next. maxMessageSize is the
// largest message that next accepts, for the reader of the capture. A request whose
// beginning or end in the stream is not certain is refused with 400, so that no
// WebSocket is left unrecorded. Over HTTP/2 the stream of such a request is recorded, until next
// returns.
func (t *Tap) Handler(maxMessageSize uint64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isConnect(r) {
			t.serveStream(maxMessageSize, w, r, next)
			return
		}
		if c, ok := connOf(r); ok && asksForWebSocket(r) {
			if err := c.begin(maxMessageSize); err != nil {
				refuse(w, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// Ignore wraps a handler whose connections are never recorded: that of the feed.
func Ignore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := connOf(r); ok && asksForWebSocket(r) {
			c.ignore()
		}
		next.ServeHTTP(w, r)
	})
}

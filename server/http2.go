// HTTP/2: the limits of its connections, on which pages open their WebSockets, too.

package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/spf13/pflag"

	"framescope/server/connect"
	_ "framescope/server/extendedconnect" // WebSockets over HTTP/2
	"framescope/server/memory"
	"framescope/server/websocket"
)

// addHTTP2Flag adds the flag of connect.
func addHTTP2Flag(f *pflag.FlagSet, o *connect.Options) {
	f.BoolVar(&o.HTTP2, "http2", false, "connect over HTTP/2 (RFC 8441), for wss:// URLs only; fails if the server cannot")
}

// limitHTTP2 sets the limits of HTTP/2 connections.
func (s *server) limitHTTP2(h *http.Server) {
	h.HTTP2 = &http.HTTP2Config{
		// A page has all its WebSockets on one connection. One more waits until another ends.
		MaxConcurrentStreams: 256,
		// What handlers have not read yet is bounded for each connection, and for each stream by
		// a part of that, so that one stream that is not read leaves something to the others.
		MaxReceiveBufferPerConnection: 256 << 10,
		MaxReceiveBufferPerStream:     128 << 10,
		// A peer that has vanished, or takes nothing, keeps a connection no longer than this.
		SendPingTimeout:  30 * time.Second,
		PingTimeout:      15 * time.Second,
		WriteByteTimeout: 10 * time.Second,
	}
	connContext := h.ConnContext
	h.ConnContext = func(ctx context.Context, nc net.Conn) context.Context {
		if connContext != nil {
			ctx = connContext(ctx, nc)
		}
		return context.WithValue(websocket.ConnContext(ctx, nc), streamsKey{}, nc)
	}
	next := h.Handler
	h.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 {
			s.serveStream(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// serveStream counts a request while its handler runs, unless it is a WebSocket, which counts as a
// connection. Once the handler has returned, net/http keeps the request until a short response is
// sent, too, which the peer may delay: a request with long fields counts until then.
func (s *server) serveStream(w http.ResponseWriter, r *http.Request, next http.Handler) {
	held := &heldRequest{}
	held.nc, _ = r.Context().Value(streamsKey{}).(net.Conn)
	size, connect := held.size(r), r.Method == http.MethodConnect
	defer s.requests.Close(&held.account)
	defer func() {
		if size <= longRequest {
			return
		}
		if connect {
			s.requests.Add(&held.account, held, size)
		}
		_ = http.NewResponseController(w).Flush() // fails if the stream has ended
	}()
	if !connect {
		s.requests.Add(&held.account, held, size)
	}
	next.ServeHTTP(w, r)
}

// streamsKey is the key of a request's connection in its context.
type streamsKey struct{}

// heldRequest is a request over HTTP/2 whose handler runs: a connection may have hundreds, each
// with long fields, and read the responses slowly.
type heldRequest struct {
	account memory.Account
	nc      net.Conn
}

// requestSize is about what a request takes beside its fields, in bytes, and longRequest what one
// with more fields than usual does.
const (
	requestSize = 16 << 10
	longRequest = requestSize + 4<<10
)

func (*heldRequest) size(r *http.Request) int64 {
	size := requestSize + len(r.RequestURI)
	for name, values := range r.Header {
		for _, value := range values {
			size += 64 + len(name) + len(value)
		}
	}
	return int64(size)
}

// Evict implements [memory.Holder]: the connection ends with all its streams.
func (q *heldRequest) Evict(bool) {
	if q.nc != nil {
		go q.nc.Close()
	}
}

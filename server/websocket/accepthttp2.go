// The server's side of the opening handshake over HTTP/2 (RFC 8441): a WebSocket on a stream.

package websocket

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"framescope/protocol"
)

// IsHandshake reports whether a request asks for a WebSocket, over HTTP/1.1 or HTTP/2, for a URL
// that answers other requests too. Accept says whether it does so rightly.
func IsHandshake(r *http.Request) bool {
	return protocol.HasToken(r.Header.Values("Upgrade"), "websocket") || isConnect(r)
}

// isConnect reports whether a request is an extended CONNECT for a WebSocket (RFC 8441 4).
func isConnect(r *http.Request) bool {
	return r.ProtoMajor == 2 && r.Method == http.MethodConnect && protocol.HasToken(r.Header.Values(protocol.ProtocolField), "websocket")
}

// ConnContext is for [http.Server.ConnContext] of a server that accepts WebSockets over HTTP/2.
// With it, a connection whose peer does not even take the reset of a stream can be closed; without
// it, that is left to the limits of the server.
func ConnContext(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, &servedConn{Conn: nc})
}

type connKey struct{}

// streamSize is about what an idle stream takes in net/http and here, in bytes: its request, a buffer
// of 4 KiB to write to, and two goroutines. BenchmarkIdleStreams measures it.
const streamSize = 20 << 10

// sizeOf returns what the stream of a request takes: net/http keeps its fields until the stream ends.
func sizeOf(r *http.Request) int64 {
	size := streamSize + len(r.RequestURI)
	for name, values := range r.Header {
		size += 64 + len(name)
		for _, value := range values {
			size += 16 + len(value)
		}
	}
	return int64(size)
}

// serverStream is the sending half of a stream, by means of net/http, which must not be used once
// the handler has returned.
type serverStream struct {
	w          http.ResponseWriter
	controller *http.ResponseController
	nc         net.Conn // or nil
}

// Write implements streamOutput.
func (s *serverStream) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err == nil {
		err = s.controller.Flush()
	}
	return n, err
}

func (s *serverStream) abort() { _ = s.controller.SetWriteDeadline(epoch) }

// end does nothing: net/http ends the stream when the handler returns.
func (s *serverStream) end() {}

func (s *serverStream) kill() {
	if s.nc != nil {
		s.nc.Close()
	}
}

// takeStream makes a net.Conn of a request's stream. The time limits of the http.Server do not
// hold for it.
func takeStream(w http.ResponseWriter, r *http.Request) (*stream, error) {
	out := &serverStream{w: w, controller: http.NewResponseController(w)}
	conn, _ := r.Context().Value(connKey{}).(*servedConn)
	if conn != nil {
		out.nc = conn.Conn
	}
	if err := out.controller.SetReadDeadline(time.Time{}); err != nil {
		http.Error(w, "this stream cannot become a WebSocket", http.StatusInternalServerError)
		return nil, fmt.Errorf("take over stream: %w", err)
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil {
		local = &net.TCPAddr{}
	}
	s := newStream(r.Body, out, local, remoteAddr(r))
	s.unread.limit(r, conn)
	return s, nil
}

// remoteAddr returns the address of a request's peer.
func remoteAddr(r *http.Request) net.Addr {
	if addr, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return net.TCPAddrFromAddrPort(addr)
	}
	return &net.UnixAddr{Name: r.RemoteAddr, Net: "unix"}
}

// answer sends the server's head: a status of success, and no accept key (RFC 8441 5.1).
func (s *serverStream) answer(subprotocol string, deflate protocol.Deflate, fields http.Header, within time.Duration) error {
	h := s.w.Header()
	fields = fields.Clone() // it may be h
	clear(h)
	for name, values := range fields {
		h[http.CanonicalHeaderKey(name)] = values
	}
	if subprotocol != "" {
		h.Set("Sec-Websocket-Protocol", subprotocol)
	}
	if deflate.On {
		h.Set("Sec-Websocket-Extensions", deflate.String())
	}
	if err := s.controller.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return fmt.Errorf("answer handshake: %w", err)
	}
	s.w.WriteHeader(http.StatusOK)
	if err := s.controller.Flush(); err != nil {
		return fmt.Errorf("answer handshake: %w", err)
	}
	return s.controller.SetWriteDeadline(time.Time{})
}

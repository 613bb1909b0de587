// Dialling over HTTP/2 (RFC 8441): TCP connections that WebSockets share.

package websocket

//lint:file-ignore SA1019 that of net/http, which is recommended instead, refuses the field :protocol

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// HTTP2 opens WebSockets over HTTP/2 (RFC 8441). Those of all Dials with the same HTTP2 to one host
// share a TCP connection, or several if the server allows no more streams on one. The first
// Dial opens it with its TLS, Proxy and DialContext; it is closed when its last WebSocket has
// ended. The zero value works, and must not be copied.
type HTTP2 struct {
	mu    sync.Mutex
	hosts map[string]*http2Host // by host and port of the URL
}

// ErrHTTP2 reports that a server does not speak HTTP/2, or accepts no WebSockets over it. Dial
// again without DialOptions.HTTP2.
var ErrHTTP2 = errors.New("the server accepts no WebSockets over HTTP/2")

// http2Host has the connections to a host; guarded by the mu of its HTTP2.
type http2Host struct {
	conns   []*http2Conn
	opening chan struct{} // closed when the Dial that opens a connection is done; nil if there is none
}

// http2Conn is a TCP connection.
type http2Conn struct {
	*http2.ClientConn
	nc   net.Conn
	used int // by how many Dials and WebSockets; guarded by the mu of its HTTP2
}

// The bounds of a TCP connection.
const (
	http2WriteTimeout = 10 * time.Second // in which the peer takes nothing
	http2EndTimeout   = time.Second      // to say goodbye
)

// dial opens a WebSocket.
func (h *HTTP2) dial(ctx context.Context, request *http.Request, o *DialOptions) (*Conn, *http.Response, error) {
	if request.URL.Scheme != "https" {
		return nil, nil, fmt.Errorf("dial: %w: HTTP/2 needs wss://", ErrRequest)
	}
	conn, err := h.conn(ctx, request, o)
	if err != nil {
		return nil, nil, err
	}
	c, response, err := h.openStream(ctx, conn, request, o)
	if err != nil {
		go h.release(address(request.URL), conn)
		return nil, response, fmt.Errorf("handshake with %s: %w", request.URL.Host, err)
	}
	return c, response, nil
}

// conn returns a connection with room for one more stream, which is reserved.
func (h *HTTP2) conn(ctx context.Context, request *http.Request, o *DialOptions) (*http2Conn, error) {
	key := address(request.URL)
	for {
		c, opening := h.reserve(key)
		switch {
		case c != nil:
			return c, nil
		case opening == nil:
			return h.open(ctx, key, request, o)
		}
		select {
		case <-opening:
		case <-ctx.Done():
			return nil, fmt.Errorf("dial %s: %w", key, context.Cause(ctx))
		}
	}
}

// reserve returns a connection as conn does or, if there is none, what is closed when the Dial
// that opens one is done. If that is nil the caller opens one.
func (h *HTTP2) reserve(key string) (c *http2Conn, opening <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hosts == nil {
		h.hosts = map[string]*http2Host{}
	}
	host := h.hosts[key]
	if host == nil {
		host = &http2Host{}
		h.hosts[key] = host
	}
	for _, c := range host.conns {
		if c.ReserveNewRequest() {
			c.used++
			return c, nil
		}
	}
	if host.opening != nil {
		return nil, host.opening
	}
	host.opening = make(chan struct{})
	return nil, nil
}

// open opens a connection; reserve has said that the caller should.
func (h *HTTP2) open(ctx context.Context, key string, request *http.Request, o *DialOptions) (*http2Conn, error) {
	c, err := openHTTP2(ctx, request, o)
	h.mu.Lock()
	defer h.mu.Unlock()
	host := h.hosts[key]
	close(host.opening)
	host.opening = nil
	if err != nil {
		h.forget(key)
		return nil, err
	}
	c.ReserveNewRequest()
	c.used = 1
	host.conns = append(host.conns, c)
	return c, nil
}

// forget removes a host without connections; mu is held.
func (h *HTTP2) forget(key string) {
	if host := h.hosts[key]; len(host.conns) == 0 && host.opening == nil {
		delete(h.hosts, key)
	}
}

// release gives back what conn has returned; the connection is closed if nothing else uses it.
func (h *HTTP2) release(key string, c *http2Conn) {
	h.mu.Lock()
	c.used--
	last := c.used == 0
	if host := h.hosts[key]; last {
		for i := range host.conns {
			if host.conns[i] == c {
				host.conns = append(host.conns[:i:i], host.conns[i+1:]...)
				break
			}
		}
		h.forget(key)
	}
	h.mu.Unlock()
	if last {
		ctx, cancel := context.WithTimeout(context.Background(), http2EndTimeout)
		defer cancel()
		_ = c.Shutdown(ctx)
		c.Close()
	}
}

// openHTTP2 opens a TCP connection on which HTTP/2 was agreed.
func openHTTP2(ctx context.Context, request *http.Request, o *DialOptions) (*http2Conn, error) {
	over := *o
	if over.TLS = o.TLS.Clone(); over.TLS == nil {
		over.TLS = &tls.Config{}
	}
	over.TLS.NextProtos = []string{http2.NextProtoTLS}
	nc, err := connect(ctx, request, &over)
	if err != nil {
		// RFC 7301 3.2: the alert of a server that speaks none of the protocols; the library exports no type for it.
		if strings.Contains(err.Error(), "tls: no application protocol") {
			err = fmt.Errorf("%w: %w", err, ErrHTTP2)
		}
		return nil, err
	}
	if nc.(*tls.Conn).ConnectionState().NegotiatedProtocol != http2.NextProtoTLS {
		nc.Close()
		return nil, fmt.Errorf("dial %s: %w: it does not speak HTTP/2", address(request.URL), ErrHTTP2)
	}
	transport := &http2.Transport{WriteByteTimeout: http2WriteTimeout}
	c, err := transport.NewClientConn(nc)
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("dial %s: %w", address(request.URL), err)
	}
	return &http2Conn{ClientConn: c, nc: nc}, nil
}

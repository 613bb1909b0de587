// The client's side over HTTP/2 (RFC 8441): WebSockets that share a TCP connection.

package websocket

//lint:file-ignore SA1019 that of net/http, which is recommended instead, refuses the field :protocol

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"framescope/protocol"
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

// openStream sends the extended CONNECT and checks its response.
func (h *HTTP2) openStream(ctx context.Context, conn *http2Conn, request *http.Request, o *DialOptions) (*Conn, *http.Response, error) {
	streamContext, cancel := context.WithCancel(context.Background())
	frames, out := io.Pipe()
	r := connectRequest(request).WithContext(streamContext)
	r.Body = frames
	stop := context.AfterFunc(ctx, cancel)
	response, err := conn.RoundTrip(r)
	if !stop() && err == nil {
		err = context.Cause(ctx)
		response.Body.Close()
	}
	if err == nil {
		if err = protocol.CheckResponse(response.StatusCode, response.Header, r.Header); err != nil {
			late := time.AfterFunc(reasonTime, cancel)
			err = refused(response, err)
			late.Stop()
			response.Body.Close()
		}
	} else {
		response, err = nil, streamRefused(ctx, err)
	}
	if err != nil {
		cancel()
		return nil, response, err
	}
	body := &clientBody{response.Body, func() { cancel(); h.release(address(request.URL), conn) }}
	st := newStream(body, &clientStream{out, cancel, conn.nc}, conn.nc.LocalAddr(), conn.nc.RemoteAddr())
	go st.wait()
	var nc net.Conn = st
	if o.Wrap != nil {
		nc = o.Wrap(nc)
	}
	c := NewConn(nc, protocol.Client, nil, o.Options)
	deflate, _ := protocol.AgreedDeflate(r.Header, response.Header)
	c.agree(response.Header.Get("Sec-Websocket-Protocol"), deflate.WithClientLimits(o.Compression.wishes(protocol.Client)))
	response.Body, response.Request = http.NoBody, r
	return c, response, nil
}

// streamRefused says why there is no response.
func streamRefused(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case strings.Contains(err.Error(), "extended connect not supported"): // the library exports no such error
		return fmt.Errorf("%w: it does not send SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 3)", ErrHTTP2)
	}
	return fmt.Errorf("read answer: %w", err)
}

// connectRequest is the extended CONNECT (RFC 8441 5) with the fields of a request for HTTP/1.1.
func connectRequest(request *http.Request) *http.Request {
	r := *request
	r.Method, r.Proto, r.ProtoMajor, r.ProtoMinor = http.MethodConnect, "HTTP/2.0", 2, 0
	r.Header.Set(protocol.ProtocolField, "websocket")
	for _, name := range []string{"Upgrade", "Connection", "Sec-Websocket-Key"} {
		r.Header.Del(name)
	}
	return &r
}

// clientStream is the sending half of a client's stream.
type clientStream struct {
	out    *io.PipeWriter // the body of the request
	cancel func()         // resets the stream
	nc     net.Conn
}

// Write implements streamOutput.
func (s *clientStream) Write(p []byte) (int, error) { return s.out.Write(p) }

func (s *clientStream) abort() {
	s.out.CloseWithError(os.ErrDeadlineExceeded)
	s.cancel()
}

func (s *clientStream) end() { s.out.Close() }

func (s *clientStream) kill() { s.nc.Close() }

// clientBody is what the server sends on a stream.
type clientBody struct {
	io.ReadCloser
	release func()
}

// Close ends the stream and does not wait for it: the server may take nothing.
func (b *clientBody) Close() error {
	go func() {
		b.ReadCloser.Close()
		b.release()
	}()
	return nil
}

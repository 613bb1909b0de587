// The same cases over streams of HTTP/2 (RFC 8441).

package conformance

//lint:file-ignore SA1019 that of net/http, which is recommended instead, refuses the field :protocol

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"framescope/protocol"
	_ "framescope/server/extendedconnect"
	"framescope/server/websocket"
)

// streams is a server over HTTP/2 for all cases, each with a path of its own, and a TCP connection
// to it.
type streams struct {
	server *httptest.Server
	client *http2.ClientConn // for cases of a server
	shared websocket.HTTP2   // for those of a client

	mu       sync.Mutex
	handlers map[string]http.Handler // by path
}

func newStreams(t *testing.T) *streams {
	t.Helper()
	s := &streams{handlers: map[string]http.Handler{}}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		h := s.handlers[r.URL.Path]
		s.mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	s.server.EnableHTTP2 = true
	s.server.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 1000}
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	nc, err := tls.Dial("tcp", s.server.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	if s.client, err = new(http2.Transport).NewClientConn(nc); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.client.Close() })
	return s
}

// handle returns a new path that h serves.
func (s *streams) handle(h http.Handler) (path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path = fmt.Sprintf("/%d", len(s.handlers))
	s.handlers[path] = h
	return path
}

// connectServer opens a stream to a server that runs the app.
func (s *streams) connectServer(t *testing.T, of setup) *peer {
	t.Helper()
	ended := make(endings, 1)
	body, out := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodConnect, s.server.URL+s.handle(of.handler(ended)), body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{":protocol": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Extensions": of.extensions}
	response, err := s.client.RoundTrip(r)
	if err != nil || response.StatusCode != http.StatusOK {
		cancel()
		t.Fatalf("the handshake was answered with %v, %v", response, err)
	}
	nc := &streamEnd{r: response.Body, write: out.Write, end: func() { out.Close() }, abort: func() { cancel(); response.Body.Close() }}
	p := newPeer(t, nc, protocol.Client, ended)
	p.extensions = response.Header.Values("Sec-Websocket-Extensions")
	p.write([][]byte{of.behind})
	return p
}

// connectClient lets our client, which runs the app, open a stream to the test.
func (s *streams) connectClient(t *testing.T, of setup) *peer {
	t.Helper()
	ended := make(chan error, 1)
	peers := make(chan *peer)
	path := s.handle(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		over := make(chan struct{})
		end := sync.OnceFunc(func() { close(over) })
		c := http.NewResponseController(w)
		for _, e := range of.extensions {
			w.Header().Add("Sec-Websocket-Extensions", e)
		}
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(of.behind)
		_ = c.Flush()
		var using sync.Mutex // the handler must not return while something is written
		write := func(b []byte) (n int, err error) {
			using.Lock()
			defer using.Unlock()
			select {
			case <-over:
				return 0, net.ErrClosed
			default:
			}
			if n, err = w.Write(b); err == nil {
				err = c.Flush()
			}
			return n, err
		}
		p := newPeer(t, &streamEnd{r: r.Body, write: write, end: end, abort: end}, protocol.Server, ended)
		p.extensions = r.Header.Values("Sec-Websocket-Extensions")
		peers <- p
		select {
		case <-over:
		case <-r.Context().Done():
		}
		using.Lock() // for ever: nothing is written any more
	}))
	go func() {
		c, _, err := websocket.Dial(t.Context(), "wss"+strings.TrimPrefix(s.server.URL, "https")+path, &websocket.DialOptions{
			Options: of.options, HTTP2: &s.shared, TLS: &tls.Config{InsecureSkipVerify: true},
		})
		if err == nil && of.app == nil {
			err = echoes(c)
		} else if err == nil {
			err = of.app(c)
		}
		ended <- err
	}()
	return <-peers
}

// streamEnd is the test's end of a stream, as far as a peer needs a connection.
type streamEnd struct {
	net.Conn // nil
	r        io.Reader
	write    func([]byte) (int, error)
	end      func() // ends what the test sends
	abort    func()

	mu    sync.Mutex
	ended bool
	late  *time.Timer
}

// Read after the test's own end returns io.EOF: net/http lets a server read no more then.
func (s *streamEnd) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && s.ended {
		err = io.EOF
	}
	return n, err
}

func (s *streamEnd) Write(b []byte) (int, error) { return s.write(b) }

func (s *streamEnd) CloseWrite() error {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.end()
	return nil
}

func (s *streamEnd) Close() error {
	_ = s.SetDeadline(time.Time{})
	s.end()
	s.abort()
	return nil
}

func (s *streamEnd) SetDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.late != nil {
		s.late.Stop()
	}
	if s.late = nil; !t.IsZero() {
		s.late = time.AfterFunc(time.Until(t), s.abort)
	}
	return nil
}

// TestCasesOverHTTP2 plays some cases of each group, in full mode all, on streams of one connection.
func TestCasesOverHTTP2(t *testing.T) {
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			s := newStreams(t)
			for _, side := range []protocol.Side{protocol.Server, protocol.Client} {
				t.Run(side.String(), func(t *testing.T) {
					cases := g.cases(side)
					if !full {
						cases = oneIn(3*g.one+1, oneVersion(cases), int(side))
					}
					for _, c := range cases {
						t.Run(c.name, func(t *testing.T) { c.playOver(t, side, s) })
					}
				})
			}
		})
	}
}

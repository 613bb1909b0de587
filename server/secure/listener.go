// Package secure serves TLS: it loads certificates and notices new ones, makes one for this
// machine, and completes handshakes. Its connections yield plaintext, so that what reads and
// records them does not know of TLS.
package secure

import (
	"crypto/tls"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"time"

	"framescope/server/memory"
)

// Options say how handshakes are made.
type Options struct {
	// Certificate returns the certificate; it is called for each handshake.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// HTTP2 offers HTTP/2 to clients. Then something has to accept from Listener.HTTP2.
	HTTP2 bool
	// Timeout is how long a peer may take until its handshake is complete.
	Timeout time.Duration
	// Memory, if not nil, bounds unfinished handshakes together with all else in this budget:
	// beyond it the oldest are closed.
	Memory *memory.Budget
	// Log, if not nil, receives a line for debugging about each handshake that fails.
	Log *slog.Logger
}

// Listener accepts connections, completes their handshakes, and passes each one to the listener
// of its protocol. Closing any of the three closes them all.
type Listener struct {
	// HTTP1 yields connections of type *Conn, whose handshake is complete.
	HTTP1 net.Listener
	// HTTP2 yields connections of type *tls.Conn on which HTTP/2 was agreed. net/http serves
	// these with HTTP/2.
	HTTP2 net.Listener
	// Plain yields connections whose first byte does not begin a TLS handshake. They count as
	// unfinished until they are closed.
	Plain net.Listener

	accepting net.Listener
	options   Options
	config    *tls.Config
	// computing has a place for each handshake that may compute at a time: half of the
	// processors remain to everything else, however many handshakes begin.
	computing chan struct{}

	closing    sync.Mutex
	closed     chan struct{}
	err        error // why it was closed
	unfinished map[*wire]struct{}
	running    sync.WaitGroup // accept, and each handshake
}

// Listen begins to accept connections from l.
func Listen(l net.Listener, o Options) *Listener {
	s := &Listener{
		accepting:  l,
		options:    o,
		config:     &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: o.Certificate, NextProtos: []string{"http/1.1"}},
		computing:  make(chan struct{}, max(runtime.GOMAXPROCS(0)/2, 1)),
		closed:     make(chan struct{}),
		unfinished: map[*wire]struct{}{},
	}
	if o.HTTP2 {
		s.config.NextProtos = []string{"h2", "http/1.1"}
	}
	http1, http2, plain := newProtocolListener(s), newProtocolListener(s), newProtocolListener(s)
	s.HTTP1, s.HTTP2, s.Plain = http1, http2, plain
	s.running.Go(func() { s.accept(http1, http2, plain) })
	return s
}

// Close stops accepting, closes the connections whose handshake is unfinished, and waits for
// their goroutines. Connections that were yielded stay open.
func (s *Listener) Close() error {
	err := s.close(net.ErrClosed)
	s.running.Wait()
	return err
}

// close is Close without waiting; the first reason counts.
func (s *Listener) close(why error) error {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.err != nil {
		return nil
	}
	s.err = why
	close(s.closed)
	for w := range s.unfinished {
		w.raw.Close()
	}
	return s.accepting.Close()
}

func (s *Listener) accept(http1, http2, plain *protocolListener) {
	for {
		nc, err := s.accepting.Accept()
		if err != nil {
			_ = s.close(err)
			return
		}
		w := &wire{raw: nc, listener: s, until: time.Now().Add(s.options.Timeout)}
		if !s.begin(w) {
			nc.Close()
			return
		}
		s.running.Go(func() {
			s.pass(w, http1, http2, plain)
			s.done(w)
		})
	}
}

// begin notes a handshake, so that Close can end it.
func (s *Listener) begin(w *wire) bool {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.err != nil {
		return false
	}
	s.unfinished[w] = struct{}{}
	return true
}

func (s *Listener) done(w *wire) {
	s.closing.Lock()
	defer s.closing.Unlock()
	delete(s.unfinished, w)
}

// pass completes a handshake and passes the connection on.
func (s *Listener) pass(w *wire, http1, http2, plain *protocolListener) {
	s.options.Memory.Add(&w.account, w, silentSize)
	_ = w.raw.SetDeadline(w.until)
	first, err := w.peek()
	if err != nil {
		w.Close()
		return
	}
	if first != recordHandshake {
		plain.pass(w)
		return
	}
	s.options.Memory.Add(&w.account, w, handshakeSize)
	c := tls.Server(w, s.config)
	if err := w.handshake(c); err != nil {
		w.Close()
		if s.options.Log != nil {
			s.options.Log.Debug("TLS handshake failed", "remote", w.RemoteAddr().String(), "err", err)
		}
		return
	}
	if c.ConnectionState().NegotiatedProtocol == "h2" {
		http2.pass(c)
	} else {
		http1.pass(&Conn{c, w})
	}
}

// protocolListener yields the connections of one protocol.
type protocolListener struct {
	*Listener
	ready chan net.Conn
}

func newProtocolListener(s *Listener) *protocolListener {
	return &protocolListener{s, make(chan net.Conn)}
}

func (l *protocolListener) pass(c net.Conn) {
	_ = c.SetDeadline(time.Time{})
	select {
	case l.ready <- c:
	case <-l.closed:
		c.Close()
	}
}

func (l *protocolListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.closed:
		return nil, l.err
	}
}

func (l *protocolListener) Addr() net.Addr { return l.accepting.Addr() }

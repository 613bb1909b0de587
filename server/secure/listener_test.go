// Tests of the listener: what it yields, what it closes, and that all its goroutines end.

package secure_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"framescope/server/memory"
	"framescope/server/secure"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait in these tests. Nothing is expected to take so long.
const patience = 20 * time.Second

// served is a listener with a self-signed certificate, and a configuration of clients that trust it.
func served(t *testing.T, o secure.Options) (*secure.Listener, *tls.Config) {
	t.Helper()
	return servedBy(t, o, func(l net.Listener) net.Listener { return l })
}

// servedBy is served on connections of another listener.
func servedBy(t *testing.T, o secure.Options, by func(net.Listener) net.Listener) (*secure.Listener, *tls.Config) {
	t.Helper()
	made, err := secure.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	observe := o.Certificate
	o.Certificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if observe != nil {
			_, _ = observe(hello)
		}
		return made, nil
	}
	if o.Timeout == 0 {
		o.Timeout = patience
	}
	s := secure.Listen(by(l), o)
	t.Cleanup(func() { _ = s.Close() })
	roots := x509.NewCertPool()
	roots.AddCert(made.Leaf)
	return s, &tls.Config{RootCAs: roots}
}

func dial(t *testing.T, s *secure.Listener) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", s.HTTP1.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn)
}

// connect completes a handshake and returns both ends.
func connect(t *testing.T, s *secure.Listener, from net.Listener, config *tls.Config) (client *tls.Conn, server net.Conn) {
	t.Helper()
	raw := dial(t, s)
	config = config.Clone()
	config.ServerName = "127.0.0.1"
	client = tls.Client(raw, config)
	failed := make(chan error, 1)
	go func() { failed <- client.Handshake() }()
	server, err := from.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	return client, server
}

func TestProtocols(t *testing.T) {
	s, config := served(t, secure.Options{HTTP2: true})
	for _, test := range []struct {
		offered []string
		from    net.Listener
	}{
		{nil, s.HTTP1}, {[]string{"http/1.1"}, s.HTTP1}, {[]string{"h2", "http/1.1"}, s.HTTP2},
	} {
		config.NextProtos = test.offered
		client, server := connect(t, s, test.from, config)
		if _, ok := server.(*tls.Conn); ok != (test.from == s.HTTP2) {
			t.Errorf("%q: the connection is a %T", test.offered, server)
		}
		go func() { _, _ = io.WriteString(client, "to you\n") }()
		if line, err := bufio.NewReader(server).ReadString('\n'); err != nil || line != "to you\n" {
			t.Errorf("%q: received %q, %v", test.offered, line, err)
		}
		go func() { _, _ = io.WriteString(server, "and back\n") }()
		if line, err := bufio.NewReader(client).ReadString('\n'); err != nil || line != "and back\n" {
			t.Errorf("%q: received %q, %v", test.offered, line, err)
		}
	}
}

func TestPlain(t *testing.T) {
	s, _ := served(t, secure.Options{})
	client := dial(t, s)
	_, _ = io.WriteString(client, "GET / HTTP/1.1\r\n")
	server, err := s.Plain.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if line, err := bufio.NewReader(server).ReadString('\n'); err != nil || line != "GET / HTTP/1.1\r\n" {
		t.Errorf("received %q, %v", line, err)
	}
}

// TestNoDescriptor: what uses the descriptor of a connection would send and read TLS records.
func TestNoDescriptor(t *testing.T) {
	s, config := served(t, secure.Options{})
	_, server := connect(t, s, s.HTTP1, config)
	if _, ok := server.(syscall.Conn); ok {
		t.Error("a TLS connection offers its descriptor")
	}
}

// TestUnfinishedHandshakes: a peer that does not go on is closed, whatever it has sent.
func TestUnfinishedHandshakes(t *testing.T) {
	s, _ := served(t, secure.Options{Timeout: 50 * time.Millisecond})
	hello := clientHello(t)
	for _, sent := range [][]byte{nil, hello[:1], hello[:100], hello} {
		c := dial(t, s)
		_, _ = c.Write(sent)
		if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%d bytes: %v", len(sent), err)
		}
	}
}

// clientHello is the first thing that a client sends.
func clientHello(t *testing.T) []byte {
	t.Helper()
	near, far := net.Pipe()
	go func() { _ = tls.Client(near, &tls.Config{ServerName: "localhost"}).Handshake() }()
	b := make([]byte, 16<<10)
	n, err := far.Read(b)
	near.Close()
	far.Close()
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// TestEndlessHandshake: what a client may send before its handshake is complete is bounded.
func TestEndlessHandshake(t *testing.T) {
	s, _ := served(t, secure.Options{})
	c := dial(t, s)
	// A ClientHello of 60,000 bytes, in records of 100.
	record := append([]byte{22, 3, 1, 0, 100}, make([]byte, 100)...)
	first := append([]byte{22, 3, 1, 0, 100, 1, 0, 0xea, 0x60}, make([]byte, 96)...)
	go func() {
		_, err := c.Write(first)
		for err == nil {
			_, err = c.Write(record)
		}
	}()
	if n, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("after %d bytes: %v", n, err)
	}
}

// TestHandshakesAreBounded: beyond the memory limit the oldest unfinished handshakes are closed, and
// a peer that goes on is served.
func TestHandshakesAreBounded(t *testing.T) {
	budget := memory.NewBudget(1<<20, slog.New(slog.DiscardHandler))
	s, config := served(t, secure.Options{Memory: budget})
	ended := make(chan struct{}, 100)
	for range 100 { // of 32 KiB each
		c := dial(t, s)
		_, _ = c.Write([]byte{22, 3, 1})
		go func() {
			_, _ = io.Copy(io.Discard, c)
			ended <- struct{}{}
		}()
	}
	for range 100 - 32 {
		<-ended
	}
	client, server := connect(t, s, s.HTTP1, config)
	go func() { _, _ = client.Write([]byte("x")) }()
	if _, err := server.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
	_ = s.Close()
	if used := budget.Used(); used != 0 {
		t.Errorf("%d bytes are counted after the end", used)
	}
}

// TestFewHandshakesCompute: half of the processors are left to others, and waiting for a peer takes none.
func TestFewHandshakesCompute(t *testing.T) {
	var computing, most atomic.Int32
	stalled := make(chan struct{}, 100)
	s, config := served(t, secure.Options{Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		n := computing.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		for range 100 {
			runtime.Gosched()
		}
		computing.Add(-1)
		stalled <- struct{}{}
		return nil, nil
	}})
	hello := clientHello(t)
	for range 50 { // which never go on
		_, _ = dial(t, s).Write(hello)
	}
	for range 50 {
		<-stalled
	}
	if limit := max(runtime.GOMAXPROCS(0)/2, 1); int(most.Load()) > limit {
		t.Errorf("%d handshakes computed at a time, at most %d may", most.Load(), limit)
	}
	connect(t, s, s.HTTP1, config)
}

func TestCloseEndsHandshakes(t *testing.T) {
	s, _ := served(t, secure.Options{})
	c := dial(t, s)
	_, _ = c.Write([]byte{22})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the unfinished connection: %v", err)
	}
	for _, l := range []net.Listener{s.HTTP1, s.HTTP2, s.Plain} {
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("the second Close: %v", err)
		}
	}
}

// Connections over one listener: to find a free port for each takes most of the time when there are
// thousands.

package conformance

import (
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

var (
	listener = sync.OnceValues(func() (*net.TCPListener, error) {
		return net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	})
	accepting sync.Mutex // held from a dial to its accept, so that two connections are not exchanged
)

// accept calls dial with the address of the listener and returns the connection that it makes.
func accept(t *testing.T, dial func(address string)) net.Conn {
	t.Helper()
	accepting.Lock()
	defer accepting.Unlock()
	l, err := listener()
	if err != nil {
		t.Fatal(err)
	}
	l.SetDeadline(time.Now().Add(patience))
	dial(l.Addr().String())
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return nc
}

// serve runs an HTTP server on one connection until the test ends.
func serve(t *testing.T, nc net.Conn, handler http.Handler) {
	l := &oneConn{addr: nc.LocalAddr(), conns: make(chan net.Conn, 1), closed: make(chan struct{})}
	l.conns <- nc
	server := &http.Server{Handler: handler}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		server.Close()
		<-ended
	})
}

// oneConn is a listener that accepts one connection.
type oneConn struct {
	addr   net.Addr
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *oneConn) Addr() net.Addr { return l.addr }

// Tests of the end of a connection: the peer is told, and nobody waits for it.

package secure_test

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"framescope/server/secure"
)

func TestPeerIsToldTheEnd(t *testing.T) {
	for name, end := range map[string]func(*secure.Conn) error{"Close": (*secure.Conn).Close, "CloseWrite": (*secure.Conn).CloseWrite} {
		t.Run(name, func(t *testing.T) {
			s, config := served(t, secure.Options{})
			client, server := connect(t, s, s.HTTP1, config)
			go func() {
				_, _ = io.WriteString(server, "the last words")
				_ = end(server.(*secure.Conn))
			}()
			// Without the alert that ends TLS, ReadAll would return io.ErrUnexpectedEOF.
			if got, err := io.ReadAll(client); err != nil || string(got) != "the last words" {
				t.Errorf("received %q, %v", got, err)
			}
		})
	}
}

// TestReadAfterCloseWrite: after our end, what the peer still sends is received.
func TestReadAfterCloseWrite(t *testing.T) {
	s, config := served(t, secure.Options{})
	client, server := connect(t, s, s.HTTP1, config)
	if err := server.(*secure.Conn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = io.WriteString(client, "late")
		_ = client.Close()
	}()
	if got, err := io.ReadAll(server); err != nil || string(got) != "late" {
		t.Errorf("received %q, %v", got, err)
	}
}

// TestCloseDoesNotWait: the peer does not read, and the socket takes no more.
func TestCloseDoesNotWait(t *testing.T) {
	s, config := served(t, secure.Options{})
	_, server := connect(t, s, s.HTTP1, config)
	written := make(chan error)
	go func() {
		for {
			if _, err := server.Write(make([]byte, 64<<10)); err != nil {
				written <- err
				return
			}
		}
	}()
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-written; err == nil {
		t.Error("a write after Close succeeds")
	}
	if _, err := server.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading after Close: %v", err)
	}
	if err := server.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
}

// countedListener yields connections whose calls of Write are counted. Such a call may wait.
type countedListener struct {
	net.Listener
	writes    atomic.Int32
	deadlines chan time.Time
}

type countedConn struct {
	*net.TCPConn
	writes    *atomic.Int32
	deadlines chan time.Time // for writes; nil if they are not wanted
}

func (l *countedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countedConn{c.(*net.TCPConn), &l.writes, l.deadlines}, nil
}

func (c countedConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.TCPConn.Write(b)
}

func (c countedConn) SetWriteDeadline(t time.Time) error {
	if c.deadlines != nil {
		c.deadlines <- t
	}
	return c.TCPConn.SetWriteDeadline(t)
}

// TestEveryWriteIsBounded: TLS writes by itself when the peer asks for new keys, without a deadline; the
// peer may not read.
func TestEveryWriteIsBounded(t *testing.T) {
	l := &countedListener{deadlines: make(chan time.Time, 100)}
	s, config := servedBy(t, secure.Options{}, func(inner net.Listener) net.Listener { l.Listener = inner; return l })
	_, server := connect(t, s, s.HTTP1, config)
	taken := func() (all []time.Time) {
		for len(l.deadlines) > 0 {
			all = append(all, <-l.deadlines)
		}
		return all
	}
	taken()
	before := time.Now()
	if _, err := server.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if set := taken(); len(set) != 2 || set[0].Before(before.Add(29*time.Second)) || set[0].After(time.Now().Add(30*time.Second)) || !set[1].IsZero() {
		t.Errorf("without a deadline: %v", set)
	}
	at := before.Add(patience)
	_ = server.SetWriteDeadline(at)
	if _, err := server.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if set := taken(); len(set) != 1 || !set[0].Equal(at) {
		t.Errorf("with a deadline: %v", set)
	}
	_ = server.SetDeadline(time.Time{})
	if _, err := server.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if set := taken(); len(set) != 3 || !set[0].IsZero() || set[1].IsZero() || !set[2].IsZero() {
		t.Errorf("without one again: %v", set)
	}
}

// TestEndIsOnlyOffered: the alert that ends TLS is written in a way that cannot wait.
func TestEndIsOnlyOffered(t *testing.T) {
	l := &countedListener{}
	s, config := servedBy(t, secure.Options{}, func(inner net.Listener) net.Listener { l.Listener = inner; return l })
	for name, end := range map[string]func(*secure.Conn) error{"Close": (*secure.Conn).Close, "CloseWrite": (*secure.Conn).CloseWrite} {
		client, server := connect(t, s, s.HTTP1, config)
		before := l.writes.Load()
		if err := end(server.(*secure.Conn)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := l.writes.Load() - before; n != 0 {
			t.Errorf("%s writes %d times in a way that may wait", name, n)
		}
		if _, err := client.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("%s: the client sees %v", name, err)
		}
	}
}

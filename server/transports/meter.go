// Counting: the client's bytes at its sockets, and packets where the system counts them.

package transports

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// The bytes of headers, as IPv4 has them.
const (
	ipHeader        = 20
	udpHeader       = 8
	tcpHeader       = 20
	timestampOption = 12
	synOptions      = 8 // more than other packets have, on Linux
)

// meter counts what crosses the client's sockets of one exchange.
type meter struct {
	links []*link // the client's

	mu       sync.Mutex
	accepted []net.Conn // the server's ends
}

// link is a socket of the client.
type link struct {
	net.Conn
	udp           bool
	read, written atomic.Int64 // bytes
	reads, writes atomic.Int64 // datagrams, if it is UDP
}

func (l *link) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	l.read.Add(int64(n))
	if err == nil {
		l.reads.Add(1)
	}
	return n, err
}

func (l *link) Write(p []byte) (int, error) {
	n, err := l.Conn.Write(p)
	l.written.Add(int64(n))
	if err == nil {
		l.writes.Add(1)
	}
	return n, err
}

// cost returns what has crossed since the link was made.
func (l *link) cost() Cost {
	c := Cost{Up: Count{Bytes: l.written.Load()}, Down: Count{Bytes: l.read.Load()}}
	if l.udp {
		c.Up.Packets, c.Down.Packets = l.writes.Load(), l.reads.Load()
		c.Up.Wire = c.Up.Bytes + c.Up.Packets*(ipHeader+udpHeader)
		c.Down.Wire = c.Down.Bytes + c.Down.Packets*(ipHeader+udpHeader)
		return c
	}
	info, ok := tcpInfo(l.Conn)
	if !ok {
		return c
	}
	header := int64(ipHeader + tcpHeader)
	if info.timestamps {
		header += timestampOption
	}
	c.Up.Packets, c.Down.Packets = info.sent, info.received
	c.Up.Wire = c.Up.Bytes + c.Up.Packets*header + synOptions
	c.Down.Wire = c.Down.Bytes + c.Down.Packets*header + synOptions
	return c
}

// dial opens a socket of the client.
func (m *meter) dial(ctx context.Context, network, address string) (*link, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		err = c.SetDeadline(deadline)
	}
	l := &link{Conn: c, udp: network == "udp"}
	m.links = append(m.links, l)
	return l, err
}

// total returns what has crossed all sockets, once everything has been acknowledged.
func (m *meter) total(ctx context.Context) (c Cost) {
	m.settle(ctx)
	for _, l := range m.links {
		c = c.plus(l.cost())
	}
	return c
}

// Acknowledgements may be delayed by 40 ms.
const (
	settleTime = 200 * time.Millisecond
	settleStep = time.Millisecond
)

// settle waits until both ends of all TCP connections have acknowledged everything, so that the
// packets of one message are not counted with the next.
func (m *meter) settle(ctx context.Context) {
	late := time.NewTimer(settleTime)
	defer late.Stop()
	step := time.NewTicker(settleStep)
	defer step.Stop()
	for !m.settled() {
		select {
		case <-step.C:
		case <-late.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (m *meter) settled() bool {
	m.mu.Lock()
	ends := append([]net.Conn(nil), m.accepted...)
	m.mu.Unlock()
	for _, l := range m.links {
		ends = append(ends, l.Conn)
	}
	for _, c := range ends {
		if info, ok := tcpInfo(c); ok && info.unacknowledged > 0 {
			return false
		}
	}
	return true
}

// recordingListener tells a meter of the server's connections.
type recordingListener struct {
	net.Listener
	meter *meter
}

func (l recordingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.meter.mu.Lock()
		l.meter.accepted = append(l.meter.accepted, c)
		l.meter.mu.Unlock()
	}
	return c, err
}

// listen opens a listener of the server.
func (m *meter) listen(ctx context.Context) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	return recordingListener{l, m}, err
}

// packets is what the system says of a TCP connection.
type packets struct {
	sent, received int64 // since the connection began
	unacknowledged int64 // sent, but not acknowledged yet
	timestamps     bool  // each packet has them
}

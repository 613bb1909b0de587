// The exchanges without HTTP: a UDP datagram, and a line over TCP.

package transports

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
)

// udpExchange sends each message as a datagram.
type udpExchange struct {
	server net.PacketConn
	client *link
	from   net.Addr // of the client
}

func (e *udpExchange) open(ctx context.Context, m *meter) (err error) {
	var config net.ListenConfig
	if e.server, err = config.ListenPacket(ctx, "udp", "127.0.0.1:0"); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := e.server.SetDeadline(deadline); err != nil {
			return err
		}
	}
	e.client, err = m.dial(ctx, "udp", e.server.LocalAddr().String())
	return err
}

func (e *udpExchange) send(_ context.Context, text string) error {
	if _, err := e.client.Write([]byte(text)); err != nil {
		return err
	}
	p := make([]byte, maxText+1)
	n, from, err := e.server.ReadFrom(p)
	if err != nil {
		return err
	}
	e.from = from
	return arrived(string(p[:n]), text)
}

func (e *udpExchange) receive(_ context.Context, text string) error {
	if _, err := e.server.WriteTo([]byte(text), e.from); err != nil {
		return err
	}
	p := make([]byte, maxText+1)
	n, err := e.client.Read(p)
	if err != nil {
		return err
	}
	return arrived(string(p[:n]), text)
}

func (e *udpExchange) close() {
	if e.server != nil {
		_ = e.server.Close()
	}
}

// tcpExchange sends each message as a line.
type tcpExchange struct {
	client, server net.Conn
}

func (e *tcpExchange) open(ctx context.Context, m *meter) error {
	l, err := m.listen(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	client, err := m.dial(ctx, "tcp", l.Addr().String())
	if err != nil {
		return err
	}
	// The connection is in the listener's queue. One of another process may be before it, and
	// is not ours.
	for e.server == nil {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		if c.RemoteAddr().String() != client.LocalAddr().String() {
			_ = c.Close()
			continue
		}
		e.server = c
	}
	e.client = client
	if deadline, ok := ctx.Deadline(); ok {
		return e.server.SetDeadline(deadline)
	}
	return nil
}

func (e *tcpExchange) send(_ context.Context, text string) error {
	return sendLine(e.client, e.server, text)
}

func (e *tcpExchange) receive(_ context.Context, text string) error {
	return sendLine(e.server, e.client, text)
}

func sendLine(to io.Writer, from io.Reader, text string) error {
	if _, err := io.WriteString(to, text+"\n"); err != nil {
		return err
	}
	line, err := bufio.NewReader(from).ReadString('\n')
	if err != nil {
		return err
	}
	return arrived(strings.TrimSuffix(line, "\n"), text)
}

func (e *tcpExchange) close() {
	if e.server != nil {
		_ = e.server.Close()
	}
}

//go:build linux

// Clients of /ws/echo: messages of every kind, each compared with what comes back.

package soak

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	gorilla "github.com/gorilla/websocket"

	"framescope/protocol"
	"framescope/server/websocket"
)

// clientConn is a WebSocket connection of a client, ours or gorilla's.
type clientConn interface {
	// write sends a message, in parts of so many bytes, or whole if 0.
	write(op protocol.Opcode, p []byte, part int) error
	// read returns a message, and the payloads of the pongs that came before it.
	read() (op protocol.Opcode, p []byte, pongs []string, err error)
	ping(payload string) error
	// close makes the close handshake with 1000; an error says how it went wrong.
	close() error
	// abort ends the connection at once, if it has not ended.
	abort()
}

// dialer connects to a path of the server.
type dialer func(path string) (clientConn, error)

func dialOurs(c *clients, compressed bool) dialer {
	return func(path string) (clientConn, error) {
		o := &ourClient{}
		options := websocket.DialOptions{Proxy: websocket.NoProxy, Subprotocols: subprotocols(path)}
		options.Compression.Off = !compressed
		options.CloseTimeout = patience
		options.OnPong = func(p []byte) { o.pongs = append(o.pongs, string(p)) }
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		conn, _, err := websocket.Dial(ctx, c.server.url("ws", path), &options)
		if err != nil {
			return nil, refusedWhileEnding{err}
		}
		o.conn = conn
		return o, nil
	}
}

type ourClient struct {
	conn  *websocket.Conn
	pongs []string
}

func (o *ourClient) write(op protocol.Opcode, p []byte, part int) error {
	o.conn.SetWriteDeadline(time.Now().Add(patience))
	if part == 0 {
		return o.conn.WriteMessage(op, p)
	}
	w, err := o.conn.NextWriter(op)
	if err != nil {
		return err
	}
	return writeParts(w, p, part)
}

func writeParts(w io.WriteCloser, p []byte, part int) error {
	for len(p) > 0 {
		n := min(part, len(p))
		if _, err := w.Write(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return w.Close()
}

func (o *ourClient) read() (protocol.Opcode, []byte, []string, error) {
	o.conn.SetReadDeadline(time.Now().Add(patience))
	op, p, err := o.conn.ReadMessage()
	pongs := o.pongs
	o.pongs = nil
	return op, p, pongs, err
}

func (o *ourClient) ping(payload string) error { return o.conn.SendPing([]byte(payload)) }
func (o *ourClient) close() error              { return o.conn.Close(protocol.CloseNormal, "") }
func (o *ourClient) abort()                    { o.conn.CloseNow() }

func dialGorilla(c *clients, compressed bool) dialer {
	return func(path string) (clientConn, error) {
		d := gorilla.Dialer{HandshakeTimeout: patience, EnableCompression: compressed, WriteBufferSize: 8 << 10, Proxy: nil, Subprotocols: subprotocols(path)}
		conn, response, err := d.Dial(c.server.url("ws", path), nil)
		if err != nil {
			return nil, refusedWhileEnding{fmt.Errorf("%w %v", err, response)}
		}
		g := &gorillaClient{Conn: conn}
		conn.SetPongHandler(func(p string) error { g.pongs = append(g.pongs, p); return nil })
		return g, nil
	}
}

type gorillaClient struct {
	*gorilla.Conn
	pongs []string
}

func (g *gorillaClient) write(op protocol.Opcode, p []byte, part int) error {
	g.SetWriteDeadline(time.Now().Add(patience))
	if part == 0 {
		return g.WriteMessage(int(op), p)
	}
	w, err := g.NextWriter(int(op))
	if err != nil {
		return err
	}
	return writeParts(w, p, part)
}

func (g *gorillaClient) read() (protocol.Opcode, []byte, []string, error) {
	g.SetReadDeadline(time.Now().Add(patience))
	kind, p, err := g.ReadMessage()
	pongs := g.pongs
	g.pongs = nil
	return protocol.Opcode(kind), p, pongs, err
}

func (g *gorillaClient) ping(payload string) error {
	return g.WriteControl(gorilla.PingMessage, []byte(payload), time.Now().Add(patience))
}

func (g *gorillaClient) abort() { g.Close() }

func (g *gorillaClient) close() error {
	defer g.Close()
	err := g.WriteControl(gorilla.CloseMessage, gorilla.FormatCloseMessage(gorilla.CloseNormalClosure, ""), time.Now().Add(patience))
	if err != nil {
		return err
	}
	g.SetReadDeadline(time.Now().Add(patience))
	for {
		_, _, err := g.ReadMessage()
		if gorilla.IsCloseError(err, gorilla.CloseNormalClosure) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the answer to our close is %w", err)
		}
	}
}

// sample is a message that is sent to the echo.
type sample struct {
	op      protocol.Opcode
	payload []byte
	part    int
}

// samples returns messages that take different ways through the server: short, long,
// empty, compressible or not, in fragments.
func samples() []sample {
	noise := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	text := func(s string) []byte { return []byte(s) }
	return []sample{
		{protocol.OpText, text(strings.Repeat("Hello ", 20)), 0},
		{protocol.OpBinary, noise[:4<<10], 0},
		{protocol.OpText, text("[" + strings.Repeat(`{"key":"value","n":12345},`, 600) + "{}]"), 0},
		{protocol.OpText, nil, 0},
		{protocol.OpText, text(strings.Repeat("κόσμε 漢字 👋🏽 ", 40)), 0},
		{protocol.OpBinary, noise[:100_000], 7000},
		{protocol.OpText, text(strings.Repeat("in parts ", 500)), 100},
		{protocol.OpBinary, noise[:16<<10], 0},
		{protocol.OpBinary, noise, 0}, // sent rarely
	}
}

// rarely says how often the last sample is sent: in one of so many rounds.
const rarely = 20

// echo sends samples, a ping before each, until the clients end.
func (c *clients) echo(dial dialer, ready func()) error {
	k, err := dial("/ws/echo")
	if err != nil {
		return err
	}
	defer func() { k.abort() }()
	all := samples()
	for i := 0; !c.done(); i++ {
		s := all[i%len(all)]
		if i%len(all) == len(all)-1 && i/len(all)%rarely != 0 {
			continue
		}
		begun := time.Now()
		err := exchange(k, s, fmt.Sprint("ping ", i))
		if err != nil && c.triesAgain(err) {
			k.abort()
			if k, err = dial("/ws/echo"); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
		c.times.add(time.Since(begun))
		ready()
		pause(c.ctx, c.pause)
	}
	return k.close()
}

// exchange sends a ping and a message and checks that the pong and the echo come back.
func exchange(k clientConn, s sample, ping string) error {
	if err := k.ping(ping); err != nil {
		return closeError(k, err)
	}
	if err := k.write(s.op, s.payload, s.part); err != nil {
		return closeError(k, err)
	}
	op, p, pongs, err := k.read()
	switch {
	case err != nil:
		return err
	case op != s.op || !bytes.Equal(p, s.payload):
		return fmt.Errorf("the echo of a %v message of %d bytes is a %v message of %d bytes, which differ", s.op, len(s.payload), op, len(p))
	case len(pongs) != 1 || pongs[0] != ping:
		return fmt.Errorf("pongs %q before the echo, want %q", pongs, ping)
	}
	return nil
}

// closeError reads on after a failed write, until the close frame or the end of the
// connection says why it failed.
func closeError(k clientConn, err error) error {
	for {
		if _, _, _, ended := k.read(); ended != nil {
			return fmt.Errorf("%w (a write failed: %w)", ended, err)
		}
	}
}

// reconnect connects, exchanges a message and closes, again and again.
func (c *clients) reconnect(ready func()) error {
	dialers := []dialer{dialOurs(c, true), dialGorilla(c, true)}
	all := samples()
	for i := 0; !c.done(); i++ {
		begun := time.Now()
		k, err := dialers[i%2]("/ws/echo")
		if err != nil {
			return err
		}
		err = exchange(k, all[i%4], "ping")
		if err == nil {
			c.times.add(time.Since(begun))
			err = k.close()
		}
		k.abort()
		if err != nil {
			return err
		}
		ready()
		pause(c.ctx, 5*c.pause)
	}
	return nil
}

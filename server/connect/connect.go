// Package connect is a terminal client, `framescope connect`: it sends each line of its input as a
// message and prints each message that it receives as a line.
package connect

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// Options are how to connect and what to send.
type Options struct {
	URL            string
	Header         http.Header
	Subprotocols   []string
	Binary         bool          // send lines as binary messages
	Hex            bool          // lines are hex, and binary messages are printed as hex
	Ping           time.Duration // between pings; 0 for none
	Compress       bool
	Raw            bool // show every frame
	Insecure       bool // accept any certificate
	HTTP2          bool // connect over HTTP/2
	Timeout        time.Duration
	Wait           time.Duration // how long to wait for messages after the end of the input
	MaxMessageSize int64
	Interactive    bool // the input is a person who types
	Terminal       bool // messages go to a terminal, so they are escaped
}

// Refused is the error of a handshake that the server has refused.
type Refused struct {
	Status int
	cause  error
}

func (r *Refused) Error() string { return r.cause.Error() }
func (r *Refused) Unwrap() error { return r.cause }

// terminal is one run of the client.
type terminal struct {
	options  Options
	conn     *websocket.Conn
	out      *lines        // messages
	notes    *lines        // everything else
	received chan struct{} // of capacity 1: a message has been received
	pings    pings
}

// Run connects, sends and prints messages until the input or the connection ends, and closes the
// connection. It returns nil if the connection was closed normally or by us, else a [Refused] or a
// [websocket.CloseError].
func Run(ctx context.Context, o Options, in io.Reader, out, notes io.Writer) error {
	t := &terminal{options: o, out: &lines{w: out}, notes: &lines{w: notes}, received: make(chan struct{}, 1)}
	if err := t.dial(ctx); err != nil {
		return err
	}
	var ending sync.WaitGroup
	typed := make(chan error, 1)
	go func() { typed <- t.send(in) }() // it may wait for input that never comes
	ending.Go(t.receive)
	ending.Go(t.ping)
	closed := t.waitForEnd(ctx, typed)
	ending.Wait()
	if closed {
		return nil // however the server has answered
	}
	return endError(t.conn.Err())
}

func (t *terminal) dial(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, t.options.Timeout, fmt.Errorf("no answer within %v: give more time with --timeout", t.options.Timeout))
	defer cancel()
	o := &websocket.DialOptions{Subprotocols: t.options.Subprotocols, Header: t.options.Header}
	o.MaxMessageSize = t.options.MaxMessageSize
	o.Compression = websocket.Compression{Off: !t.options.Compress, ContextTakeover: true}
	o.OnPong = t.pong
	if t.options.Insecure {
		o.TLS = &tls.Config{InsecureSkipVerify: true}
	}
	if t.options.HTTP2 {
		o.HTTP2 = new(websocket.HTTP2)
	}
	var log *frameLogger
	if t.options.Raw {
		o.Wrap = func(nc net.Conn) net.Conn {
			log = t.logFrames(nc)
			return log
		}
	}
	c, response, err := websocket.Dial(ctx, t.options.URL, o)
	if t.options.HTTP2 && t.options.Raw && response != nil {
		t.showHTTP2(log, response)
	}
	if err != nil {
		if response != nil {
			return &Refused{response.StatusCode, err}
		}
		if errors.Is(err, context.Canceled) {
			return errors.New("interrupted before there was a connection")
		}
		return err
	}
	t.conn = c
	note := "connected to " + t.options.URL
	if t.options.HTTP2 {
		note += " over HTTP/2"
	}
	if c.Subprotocol() != "" {
		note += ", subprotocol " + c.Subprotocol()
	}
	if d := c.Deflate(); d.On {
		note += ", " + d.String()
	}
	t.notes.linef("%s", note)
	return nil
}

// waitForEnd waits until the connection has ended, the user wants to end it, or no message has been
// received for a time after the end of the input. In the last two cases it closes the connection and
// returns true.
func (t *terminal) waitForEnd(ctx context.Context, typed <-chan error) (closed bool) {
	silence := make(<-chan time.Time)
	for {
		select {
		case <-t.conn.Done():
			return false
		case <-ctx.Done():
			t.close()
			return true
		case err := <-typed:
			if err != nil {
				t.notes.linef("%v", err)
			}
			if err != nil || t.options.Interactive {
				t.close()
				return err == nil
			}
			typed = nil
			silence = time.After(t.options.Wait)
		case <-t.received:
			if typed == nil {
				silence = time.After(t.options.Wait)
			}
		case <-silence:
			t.close()
			return true
		}
	}
}

func (t *terminal) close() { _ = t.conn.Close(protocol.CloseNormal, "") } // Err returns how it ended

// receive prints messages until the connection ends.
func (t *terminal) receive() {
	for {
		op, p, err := t.conn.NextMessage()
		if err != nil {
			return
		}
		switch {
		case op == protocol.OpBinary && t.options.Hex:
			p = hex.AppendEncode(nil, p)
		case t.options.Terminal:
			p = forTerminal(p)
		}
		t.out.write(p, []byte("\n"))
		select {
		case t.received <- struct{}{}:
		default:
		}
	}
}

// pings is the state of the last ping. Answers to pings before it are ignored.
type pings struct {
	mu   sync.Mutex
	last int       // its number, which is its payload; 0 for none
	sent time.Time // zero when it has been answered
}

// next returns the payload of a ping that is about to be sent: its number.
func (p *pings) next() (payload []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	p.sent = time.Now()
	return strconv.AppendInt(nil, int64(p.last), 10)
}

// answered returns how long the answer took. ok is false if it is not the answer to our last ping.
func (p *pings) answered(payload []byte) (took time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sent.IsZero() || string(payload) != strconv.Itoa(p.last) {
		return 0, false
	}
	took = time.Since(p.sent)
	p.sent = time.Time{}
	return took, true
}

// ping sends pings until the connection ends.
func (t *terminal) ping() {
	if t.options.Ping <= 0 {
		return
	}
	tick := time.NewTicker(t.options.Ping)
	defer tick.Stop()
	for {
		if t.conn.SendPing(t.pings.next()) != nil {
			return
		}
		select {
		case <-t.conn.Done():
			return
		case <-tick.C:
		}
	}
}

func (t *terminal) pong(payload []byte) {
	if took, ok := t.pings.answered(payload); ok {
		t.notes.linef("pong %s after %v", payload, took.Round(time.Microsecond))
	}
}

// endError returns nil for an end that is not the peer's fault.
func endError(err error) error {
	var closed *websocket.CloseError
	if errors.As(err, &closed) && (closed.Code == protocol.CloseNormal || closed.Code == protocol.CloseGoingAway || closed.Code == protocol.CloseNoStatus) {
		return nil
	}
	return err
}

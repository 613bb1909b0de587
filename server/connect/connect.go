// Package connect is a terminal client, `framescope connect`: each line that is
// typed, or comes from a pipe, is a message; each message that comes is a line.
package connect

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// Options say how to connect and what to send.
type Options struct {
	URL            string
	Header         http.Header
	Subprotocols   []string
	Binary         bool          // send lines as binary messages
	Hex            bool          // lines are hex, and so are binary messages that come
	Ping           time.Duration // between pings; 0 for none
	Compress       bool
	Raw            bool // show every frame
	Insecure       bool // take any certificate
	Timeout        time.Duration
	Wait           time.Duration // of silence after the input's end
	MaxMessageSize int64
	Interactive    bool // a person types
	Terminal       bool // messages go to a terminal, so they are escaped
}

// Refused is what the handshake came to when the server would not have us.
type Refused struct {
	Status int
	cause  error
}

func (r *Refused) Error() string { return r.cause.Error() }
func (r *Refused) Unwrap() error { return r.cause }

// terminal is one run.
type terminal struct {
	options Options
	conn    *websocket.Conn
	out     *lines // messages
	notes   *lines // all else
	heard   chan struct{}
	pings   pings
}

// Run connects, passes on lines until the input ends or the connection does, and
// closes. It returns nil when the connection was closed normally or by us, a
// [Refused], or a [websocket.CloseError].
func Run(ctx context.Context, o Options, in io.Reader, out, notes io.Writer) error {
	t := &terminal{options: o, out: &lines{w: out}, notes: &lines{w: notes}, heard: make(chan struct{}, 1)}
	if err := t.dial(ctx); err != nil {
		return err
	}
	var ending sync.WaitGroup
	typed := make(chan error, 1)
	go func() { typed <- t.send(in) }() // it may wait for input that never comes
	ending.Go(t.receive)
	ending.Go(t.ping)
	wished := t.until(ctx, typed)
	ending.Wait()
	if wished {
		return nil // whatever the server has made of it
	}
	return verdict(t.conn.Err())
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
	if t.options.Raw {
		o.Wrap = t.watch
	}
	c, response, err := websocket.Dial(ctx, t.options.URL, o)
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
	said := "connected to " + t.options.URL
	if c.Subprotocol() != "" {
		said += ", subprotocol " + c.Subprotocol()
	}
	if d := c.Deflate(); d.On {
		said += ", " + d.String()
	}
	t.notes.linef("%s", said)
	return nil
}

// until waits for one of the three ends: the connection's, the user's wish, or
// silence after the input's end. The last two close, and are wished.
func (t *terminal) until(ctx context.Context, typed <-chan error) (wished bool) {
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
		case <-t.heard:
			if typed == nil {
				silence = time.After(t.options.Wait)
			}
		case <-silence:
			t.close()
			return true
		}
	}
}

func (t *terminal) close() { _ = t.conn.Close(protocol.CloseNormal, "") } // Err tells how it ended

// receive prints what comes until the connection ends.
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
		case t.heard <- struct{}{}:
		default:
		}
	}
}

// pings is what is known of the last one: of those before, an answer is of no interest.
type pings struct {
	mu   sync.Mutex
	last int       // its number, which is its payload; 0 for none
	sent time.Time // zero once it was answered
}

// next numbers a ping that is about to be sent.
func (p *pings) next() (payload []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	p.sent = time.Now()
	return strconv.AppendInt(nil, int64(p.last), 10)
}

// answered is how long the answer took. ok is false when it answers no ping of ours, or
// another than the last.
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

// verdict is nil for an end that is none of the peer's faults.
func verdict(err error) error {
	var closed *websocket.CloseError
	if errors.As(err, &closed) && (closed.Code == protocol.CloseNormal || closed.Code == protocol.CloseGoingAway || closed.Code == protocol.CloseNoStatus) {
		return nil
	}
	return err
}

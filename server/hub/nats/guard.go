// A connection to a broker that does not let the broker declare too much.

package nats

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"
)

// Limits on what a broker sends.
const (
	maxBrokerLine    = 64 << 10 // bytes of a line, of which the greeting is the longest
	maxBrokerPayload = 2 << 20  // bytes of a message
	dialTimeout      = 2 * time.Second
)

var errBroker = errors.New("the broker does not keep to the NATS protocol")

// guard reads what a broker sends before the client library does, and ends the connection at a
// line that is too long, unknown or not well-formed, or that declares a message that is too
// large. The library allocates what the broker declares.
type guard struct {
	net.Conn
	line []byte // the beginning of an incomplete line
	skip int    // bytes of a message, and the two after it, that are still to come
	err  error
}

func (g *guard) Read(p []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	n, err := g.Conn.Read(p)
	if g.err = g.check(p[:n]); g.err != nil {
		_ = g.Conn.Close() // the broker is not to be believed
		return 0, g.err
	}
	return n, err
}

func (g *guard) check(b []byte) error {
	for len(b) > 0 {
		if g.skip > 0 {
			var err error
			if b, err = g.checkPayload(b); err != nil {
				return err
			}
			continue
		}
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			end = len(b) - 1
		}
		if len(g.line)+end >= maxBrokerLine {
			return fmt.Errorf("%w: a line has more than %d bytes", errBroker, maxBrokerLine)
		}
		g.line = append(g.line, b[:end+1]...)
		b = b[end+1:]
		if g.line[len(g.line)-1] != '\n' {
			return nil
		}
		if err := g.checkLine(g.line); err != nil {
			return err
		}
		g.line = g.line[:0]
	}
	return nil
}

// checkPayload passes over bytes of a message, or one of the two after it, which end a line.
func (g *guard) checkPayload(b []byte) ([]byte, error) {
	if g.skip > 2 {
		n := min(len(b), g.skip-2)
		g.skip -= n
		return b[n:], nil
	}
	if b[0] != "\n\r"[g.skip-1] {
		return nil, fmt.Errorf("%w: a message is longer than declared", errBroker)
	}
	g.skip--
	return b[1:], nil
}

func (g *guard) checkLine(line []byte) error {
	text, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok || bytes.IndexByte(text, '\r') >= 0 {
		return fmt.Errorf("%w: a line does not end as it should", errBroker)
	}
	op, _, _ := bytes.Cut(text, []byte(" "))
	switch string(op) {
	case "PING", "PONG", "+OK", "-ERR", "INFO":
		return nil
	case "MSG", "HMSG":
		fields := bytes.Fields(text)
		size, ok := parseSize(fields[len(fields)-1])
		if !ok || len(fields) < len(op)+1 || len(fields) > len(op)+2 { // the reply's subject may be missing
			return fmt.Errorf("%w: it declares a message of more than %d bytes, or of none", errBroker, maxBrokerPayload)
		}
		g.skip = size + len("\r\n")
		return nil
	}
	return fmt.Errorf("%w: a line begins with %.16q", errBroker, op)
}

func parseSize(digits []byte) (n int, ok bool) {
	if len(digits) == 0 || len(digits) > 7 {
		return 0, false
	}
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = n*10 + int(d-'0')
	}
	return n, n <= maxBrokerPayload
}

// dialer connects to brokers, with TLS where the URL or the broker asks for it.
type dialer struct {
	secure bool
	tls    *tls.Config
	failed func(error) // is told why; the library keeps it to itself
}

// SkipTLSHandshake tells the client library that Dial makes it.
func (dialer) SkipTLSHandshake() bool { return true }

// Dial connects. A broker greets in plain text, and then both change to TLS. What the library
// reads is checked after decryption.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	nc, err := d.dial(network, address)
	if err != nil {
		d.failed(err)
	}
	return nc, err
}

func (d dialer) dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	var plain net.Dialer
	nc, err := plain.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	secured, err := d.greet(ctx, nc, address)
	if err != nil {
		_ = nc.Close() // the error says why
		return nil, err
	}
	return secured, nil
}

// greet reads the broker's greeting and changes to TLS if necessary. The greeting can be read
// again.
func (d dialer) greet(ctx context.Context, nc net.Conn, address string) (net.Conn, error) {
	if err := nc.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return nil, err
	}
	var greeting []byte
	for b := make([]byte, 1); len(greeting) == 0 || greeting[len(greeting)-1] != '\n'; {
		if _, err := nc.Read(b); err != nil {
			return nil, fmt.Errorf("no greeting: %w", err)
		}
		if greeting = append(greeting, b...); len(greeting) > maxBrokerLine {
			return nil, fmt.Errorf("%w: its greeting has no end", errBroker)
		}
	}
	text, ok := bytes.CutPrefix(greeting, []byte("INFO "))
	var info struct {
		TLS       bool `json:"tls_required"`
		Available bool `json:"tls_available"`
	}
	if !ok || json.Unmarshal(text, &info) != nil {
		return nil, fmt.Errorf("%w: it does not greet as a NATS server", errBroker)
	}
	if d.secure && !info.TLS && !info.Available {
		return nil, errors.New("the broker does not offer TLS: give its URL as nats://")
	}
	if d.secure || info.TLS {
		config := d.tls.Clone()
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(address)
		}
		secured := tls.Client(nc, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("TLS: %w", err)
		}
		nc = secured
	}
	if err := nc.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return &guard{Conn: &replay{Conn: nc, first: greeting}}, nil
}

// replay is a connection of which the first bytes are read again.
type replay struct {
	net.Conn
	first []byte
}

func (r *replay) Read(p []byte) (int, error) {
	if len(r.first) == 0 {
		return r.Conn.Read(p)
	}
	n := copy(p, r.first)
	r.first = r.first[n:]
	return n, nil
}

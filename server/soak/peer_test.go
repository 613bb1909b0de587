//go:build linux

// A peer of an attack: bare TCP, on which it can send anything.

package soak

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"framescope/protocol"
)

// patience bounds every wait for something that must come soon.
const patience = 30 * time.Second

// Outcomes for a peer, beside close codes and HTTP statuses.
const (
	stillOpen = "open"    // the connection did not end in time
	closedTCP = "closed"  // the server closed TCP
	resetTCP  = "reset"   // the server reset TCP
	dropped   = "dropped" // one of the two, for a peer that does not read
	cutOff    = "stopped" // the attack was stopped first
)

// peer is a connection of an attack.
type peer struct {
	*net.TCPConn
	r *bufio.Reader // nil until something is read
}

var lastSource atomic.Uint32

// source returns one of many loopback addresses to connect from: a single one has about
// 28,000 ports, and those of closed connections stay in use for a minute.
func source() *net.TCPAddr {
	n := lastSource.Add(1)
	return &net.TCPAddr{IP: net.IPv4(127, 9, byte(n>>4), byte(1+n&0xF))}
}

// dialing bounds how many peers connect at once, so that the kernel's queue of the
// listener does not overflow.
var dialing = make(chan struct{}, 128)

// connect opens a TCP connection with a receive buffer of a given size, or the usual one
// if that is 0.
func connect(ctx context.Context, addr string, receive int) (*peer, error) {
	dialing <- struct{}{}
	defer func() { <-dialing }()
	d := net.Dialer{LocalAddr: source(), Timeout: patience}
	if receive > 0 {
		d.Control = func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) {
				_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, receive)
			})
		}
	}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &peer{TCPConn: c.(*net.TCPConn)}, nil
}

// reader returns the buffered reader of the connection.
func (p *peer) reader() *bufio.Reader {
	if p.r == nil {
		p.r = bufio.NewReader(p.TCPConn)
	}
	return p.r
}

// handshake is a request for a WebSocket with further fields, each of which ends with
// CR LF.
func handshake(path, fields string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + fields + "\r\n"
}

const offerDeflate = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r\n"

// status reads a response with its body and returns the status code, or how the
// connection ended instead.
func (p *peer) status(within time.Duration) string {
	p.SetReadDeadline(time.Now().Add(within))
	response, err := http.ReadResponse(p.reader(), nil)
	if err != nil {
		return outcome(err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return outcome(err)
		}
	}
	return strconv.Itoa(response.StatusCode)
}

// outcome names the end of a connection by the error of a read or write.
func outcome(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return stillOpen
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return closedTCP
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return resetTCP
	case errors.Is(err, net.ErrClosed):
		return cutOff
	}
	return err.Error()
}

// The bits of a frame's first byte.
const (
	fin  = 0x80
	rsv1 = 0x40
)

// frame makes a masked frame with a given first byte.
func frame(first byte, payload []byte) []byte {
	h := protocol.Header{
		Fin: first&fin != 0, RSV: first >> 4 & 7, Opcode: protocol.Opcode(first & 0xF),
		Masked: true, MaskingKey: rand.Uint32(), PayloadLength: uint64(len(payload)),
	}
	b := append(protocol.AppendHeader(make([]byte, 0, h.Size()+len(payload)), h), payload...)
	protocol.Mask(h.MaskingKey, 0, b[h.Size():])
	return b
}

// header makes the header of a masked frame, with masking key 0.
func header(first byte, length uint64) []byte {
	return protocol.AppendHeader(nil, protocol.Header{
		Fin: first&fin != 0, RSV: first >> 4 & 7, Opcode: protocol.Opcode(first & 0xF), Masked: true, PayloadLength: length,
	})
}

// First bytes of whole frames.
const (
	text = fin | byte(protocol.OpText)
	blob = fin | byte(protocol.OpBinary)
	ping = fin | byte(protocol.OpPing)
	pong = fin | byte(protocol.OpPong)
)

// readFrame reads a frame. A payload over 64 KiB is skipped.
func (p *peer) readFrame() (h protocol.Header, payload []byte, err error) {
	r, n := p.reader(), 0
	for need := 2; n == 0; need++ {
		b, err := r.Peek(need)
		if err != nil {
			return h, nil, err
		}
		h, n = protocol.ParseHeader(b)
	}
	if _, err := r.Discard(n); err != nil {
		return h, nil, err
	}
	if h.PayloadLength > 64<<10 {
		_, err := io.CopyN(io.Discard, r, int64(h.PayloadLength))
		return h, nil, err
	}
	payload = make([]byte, h.PayloadLength)
	_, err = io.ReadFull(r, payload)
	return h, payload, err
}

// awaitClose reads until the server closes, answers its close frame and returns the code,
// or how the connection ended without one. It answers pings on the way.
func (p *peer) awaitClose(within time.Duration) string {
	p.SetReadDeadline(time.Now().Add(within))
	for {
		h, payload, err := p.readFrame()
		if err != nil {
			return outcome(err)
		}
		switch h.Opcode {
		case protocol.OpPing:
			_, _ = p.Write(frame(pong, payload))
		case protocol.OpClose:
			_, _ = p.Write(frame(fin|byte(protocol.OpClose), payload))
			code, _, _ := protocol.ParseClosePayload(payload)
			return strconv.Itoa(int(code))
		}
	}
}

// awaitEOF skips what comes until the server closes TCP.
func (p *peer) awaitEOF(within time.Duration) string {
	p.SetReadDeadline(time.Now().Add(within))
	if _, err := io.Copy(io.Discard, p.TCPConn); err != nil {
		return outcome(err)
	}
	return closedTCP
}

// States of TCP, as Linux numbers them.
const (
	tcpEstablished = 1
	tcpClosed      = 7
)

// state asks the kernel for the state of the connection, without reading from it.
func (p *peer) state() (state int) {
	raw, err := p.SyscallConn()
	if err != nil {
		return tcpClosed
	}
	// The state is the first byte of the kernel's struct tcp_info.
	if raw.Control(func(fd uintptr) {
		state, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO)
	}) != nil || err != nil {
		return tcpClosed
	}
	return state & 0xFF
}

// awaitDrop waits for the server to end the connection, without reading from it. A server
// that closes without a reset ends it after the bytes that are in its send buffer, so
// these are read when the time is over.
func (p *peer) awaitDrop(ctx context.Context, within time.Duration) string {
	for begun := time.Now(); p.state() == tcpEstablished && time.Since(begun) < within; {
		if !pause(ctx, 50*time.Millisecond) {
			return cutOff
		}
	}
	if end := p.awaitEOF(5 * time.Second); end != closedTCP && end != resetTCP {
		return end
	}
	return dropped
}

// reset closes the connection with a TCP reset.
func (p *peer) reset() {
	p.SetLinger(0)
	p.Close()
}

// mostUnread is far more than buffers hold of what a peer sends that reads nothing.
const mostUnread = 256 * mib

// writeUntilBlocked writes a block again and again until nothing is taken for a while, and
// returns how many bytes were. It stops at mostUnread.
func (p *peer) writeUntilBlocked(block []byte, while time.Duration) (took int, err error) {
	for rest := block; took < mostUnread; {
		p.SetWriteDeadline(time.Now().Add(while))
		n, err := p.Write(rest)
		took += n
		if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
			return took, nil
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return took, err
		}
		if rest = rest[n:]; len(rest) == 0 {
			rest = block
		}
	}
	return took, nil
}

// pause waits for a time, and reports false if ctx is done first.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

//go:build linux

// A peer's own end: bare TCP, on which anything can be sent.

package soak

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"framescope/protocol"
)

// patience bounds every wait for what must come; nothing is expected to take so long.
const patience = 30 * time.Second

// What a peer can see of the end of its connection, beside the close codes.
const (
	stillOpen = "open"            // it goes on
	closedTCP = "closed"          // TCP ended in order
	resetTCP  = "reset"           // TCP ended by a reset
	dropped   = "dropped"         // one of the two, seen without reading
	noAnswer  = "no answer"       // nothing came in time
	cutOff    = "stopped by test" // the attack was over first
)

// wire is a connection of a peer.
type wire struct {
	*net.TCPConn
	r *bufio.Reader // nil until something is read
}

// Each connection takes its port from one of many addresses of this machine, since
// one has no more than 28,000.
var lastSource atomic.Uint32

func source() *net.TCPAddr {
	n := lastSource.Add(1)
	return &net.TCPAddr{IP: net.IPv4(127, 9, byte(n>>4), byte(1+n&0xF))}
}

// dialing bounds how many connect at once, so that the queue of those that wait for
// the server is not what is tried.
var dialing = make(chan struct{}, 128)

// connect opens TCP to a server. A buffer of receive bytes is asked for, unless it is 0.
func connect(ctx context.Context, addr string, receive int) (*wire, error) {
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
	return &wire{TCPConn: c.(*net.TCPConn)}, nil
}

func (w *wire) reader() *bufio.Reader {
	if w.r == nil {
		w.r = bufio.NewReader(w.TCPConn)
	}
	return w.r
}

// handshake is the head of a request for a WebSocket; each field ends with CR LF.
func handshake(path, fields string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + fields + "\r\n"
}

const offerDeflate = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r\n"

// status reads a response, its body too, and returns its status in digits; or what
// came of the connection instead.
func (w *wire) status(within time.Duration) string {
	w.SetReadDeadline(time.Now().Add(within))
	response, err := http.ReadResponse(w.reader(), nil)
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

// outcome says what an error of reading means for the connection.
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

// frame is a masked frame; first is its first byte.
func frame(first byte, payload []byte) []byte {
	h := protocol.Header{
		Fin: first&fin != 0, RSV: first >> 4 & 7, Opcode: protocol.Opcode(first & 0xF),
		Masked: true, MaskingKey: rand.Uint32(), PayloadLength: uint64(len(payload)),
	}
	b := append(protocol.AppendHeader(make([]byte, 0, h.Size()+len(payload)), h), payload...)
	protocol.Mask(h.MaskingKey, 0, b[h.Size():])
	return b
}

// header is that of a masked frame whose payload is not there; its key is 0.
func header(first byte, length uint64) []byte {
	return protocol.AppendHeader(nil, protocol.Header{
		Fin: first&fin != 0, RSV: first >> 4 & 7, Opcode: protocol.Opcode(first & 0xF), Masked: true, PayloadLength: length,
	})
}

const (
	text = fin | byte(protocol.OpText)
	blob = fin | byte(protocol.OpBinary)
	ping = fin | byte(protocol.OpPing)
	pong = fin | byte(protocol.OpPong)
)

// next reads a frame. Of a payload over 64 KiB only the length is returned.
func (w *wire) next() (h protocol.Header, payload []byte, err error) {
	r, n := w.reader(), 0
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

// end reads until the server ends the connection, and says how: with a close code,
// which is answered, or without. Pings are answered meanwhile.
func (w *wire) end(within time.Duration) string {
	w.SetReadDeadline(time.Now().Add(within))
	for {
		h, payload, err := w.next()
		if err != nil {
			return outcome(err)
		}
		switch h.Opcode {
		case protocol.OpPing:
			_, _ = w.Write(frame(pong, payload))
		case protocol.OpClose:
			_, _ = w.Write(frame(fin|byte(protocol.OpClose), payload))
			code, _, _ := protocol.ParseClosePayload(payload)
			return strconv.Itoa(int(code))
		}
	}
}

// hangUp reads whatever comes until TCP ends.
func (w *wire) hangUp(within time.Duration) string {
	w.SetReadDeadline(time.Now().Add(within))
	if _, err := io.Copy(io.Discard, w.TCPConn); err != nil {
		return outcome(err)
	}
	return closedTCP
}

// established reports whether TCP is open in both directions, without reading.
func (w *wire) established() bool { return w.state() == tcpEstablished }

// tcpClosed and tcpEstablished are states of TCP as Linux numbers them.
const (
	tcpEstablished = 1
	tcpClosed      = 7
)

// state is that of TCP; closed too if it cannot be told.
func (w *wire) state() (state int) {
	raw, err := w.SyscallConn()
	if err != nil {
		return tcpClosed
	}
	// The state is the first byte of what the kernel tells.
	if raw.Control(func(fd uintptr) {
		state, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO)
	}) != nil || err != nil {
		return tcpClosed
	}
	return state & 0xFF
}

// dropped waits, without reading, for the server to end the connection. The end of one
// that has read all stands behind what was sent before; so it is looked for there when
// the time is over.
func (w *wire) dropped(ctx context.Context, within time.Duration) string {
	for begun := time.Now(); w.established() && time.Since(begun) < within; {
		if !pause(ctx, 50*time.Millisecond) {
			return cutOff
		}
	}
	if end := w.hangUp(5 * time.Second); end != closedTCP && end != resetTCP {
		return end
	}
	return dropped
}

// reset closes the connection so that the other end sees a reset.
func (w *wire) reset() {
	w.SetLinger(0)
	w.Close()
}

// stall writes until the server has taken nothing for a while, or size bytes were
// written, and returns how many it took.
func (w *wire) stall(block []byte, size int) (took int, err error) {
	for took < size {
		w.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		n, err := w.Write(block)
		took += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return took, nil
		}
		if err != nil {
			return took, err
		}
	}
	return took, nil
}

// pause waits, and reports false when ctx was done first.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// expect is the error of a peer that saw something else than it must.
func expect(what string, got, want any) error {
	return fmt.Errorf("%s: %v, want %v", what, strings.TrimSpace(fmt.Sprint(got)), want)
}

// The input: bytes that have come from the socket and are not decoded yet.

package websocket

import (
	"net"
	"syscall"

	"framescope/protocol"
	"framescope/server/memory"
)

// input reads the socket. It holds a buffer only while there are bytes: an idle
// connection waits without one.
type input struct {
	buf  *buffer
	r, w int32 // buf[r:w] is not decoded yet
	// rest is what is not decoded yet while there is no buffer: the start of a frame or, while
	// memory is scarce, a few KiB.
	rest   []byte
	memory *memory.Budget
	// afterLong is set when the last frame was read past the buffer. The next is
	// likely as long: of that only the beginning is wanted here.
	afterLong bool

	socket socket
}

// longBegin is how much is read of what is likely a long frame to know that it is
// one, in bytes.
const longBegin = 4 << 10

// longestRest is the most that can be undecodable: a control frame without its
// last byte.
const longestRest = 2 + 4 + protocol.MaxControlPayload

func (in *input) init(nc net.Conn, buffered []byte, b *memory.Budget) {
	in.socket.init(nc)
	in.memory = b
	if len(buffered) > 0 {
		in.rest = append(in.rest, buffered...)
	}
}

// bytes is what is not decoded yet.
func (in *input) bytes() []byte {
	if in.buf == nil {
		return in.rest
	}
	return in.buf[in.r:in.w]
}

// take says that n bytes are decoded. They stay where they are until more is read.
func (in *input) take(n int) {
	if in.buf == nil {
		in.rest = in.rest[n:]
		return
	}
	in.r += int32(n)
}

func (in *input) empty() bool { return in.r == in.w && len(in.rest) == 0 }

// release gives the buffer back; the start of a frame in it is kept aside.
func (in *input) release() {
	if in.buf == nil {
		if in.rest = in.rest[:len(in.rest):len(in.rest)]; len(in.rest) == 0 {
			in.rest = nil
		}
		return
	}
	if in.rest = nil; in.r < in.w {
		in.rest = append(make([]byte, 0, longestRest), in.buf[in.r:in.w]...)
	}
	giveBuffer(in.buf)
	in.buf, in.r, in.w = nil, 0, 0
}

// abandon leaves the buffer to who still looks at what was decoded in it.
func (in *input) abandon() {
	if in.buf == nil {
		return
	}
	in.rest = append([]byte(nil), in.buf[in.r:in.w]...)
	in.buf, in.r, in.w = nil, 0, 0
}

// discard forgets what is not decoded: nothing after the end is (RFC 6455 7.1.7).
func (in *input) discard() {
	in.rest, in.r = nil, in.w
}

// space is where the next bytes go: behind those that are there, which move to the
// front of the buffer. While memory is scarce there is no buffer: it would be kept while a
// message waits for memory.
func (in *input) space() []byte {
	switch {
	case in.buf == nil && in.memory.Scarce():
		in.rest = append(make([]byte, 0, len(in.rest)+longBegin), in.rest...)
		return in.rest[len(in.rest):cap(in.rest)]
	case in.buf == nil:
		in.buf = takeBuffer()
		in.w = int32(copy(in.buf[:], in.rest))
		in.rest = nil
	case in.r > 0:
		in.w = int32(copy(in.buf[:], in.buf[in.r:in.w]))
		in.r = 0
	}
	b := in.buf[in.w:]
	if in.afterLong && len(b) > longBegin {
		return b[:longBegin]
	}
	return b
}

// fillConn reads what comes next where nothing is known of a descriptor.
func (in *input) fillConn(nc net.Conn, to []byte) (n int, err error) {
	if to != nil {
		return nc.Read(to)
	}
	n, err = nc.Read(in.space())
	in.came(n)
	return n, err
}

// came says that n bytes were read into space.
func (in *input) came(n int) {
	if in.buf == nil {
		in.rest = in.rest[:len(in.rest)+n]
	} else {
		in.w += int32(n)
	}
	in.afterLong = false
}

// recorder is a connection whose descriptor may be used by who shows it what came
// and what is about to be sent: a tapped one.
type recorder interface {
	syscall.Conn
	Received(b []byte, err error)
	Sending(b []byte)
}

// descriptor is what may be read beside nc; other wrappers would be passed over.
func descriptor(nc net.Conn) (raw syscall.RawConn, record recorder) {
	var conn syscall.Conn
	switch c := nc.(type) {
	case *net.TCPConn:
		conn = c
	case *net.UnixConn:
		conn = c
	case recorder:
		conn, record = c, c
	default:
		return nil, nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, nil
	}
	return raw, record
}

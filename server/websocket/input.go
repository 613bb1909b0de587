// The input: bytes that were received from the socket and are not decoded yet.

package websocket

import "framescope/protocol"

// input reads the socket. It has a buffer only while there are bytes: an idle
// connection waits without one or, where its descriptor is not used, with a small one.
type input struct {
	link *link
	buf  *buffer
	r, w int32 // buf[r:w] is not decoded yet
	// undecoded is what is not decoded yet while there is no buffer: the start of a frame or,
	// while memory is scarce, a few KiB.
	undecoded []byte
	// afterLong is set when the last frame was longer than the buffer. The next one probably is
	// too: then only the beginning of it should go to the buffer.
	afterLong bool

	raw rawReader
}

// smallSize is how much is read at once through a net.Conn by a connection that waits for a frame.
// Longer frames take a second read.
const smallSize = 1 << 10

// longBegin is how much of a frame that is probably long is read into the buffer, in bytes.
const longBegin = 4 << 10

// longestUndecoded is the most that can wait for more bytes before it can be decoded: a
// control frame without its last byte.
const longestUndecoded = 2 + 4 + protocol.MaxControlPayload

func (in *input) init(l *link, buffered []byte) {
	in.link = l
	if len(buffered) > 0 {
		in.undecoded = append(in.undecoded, buffered...)
	}
}

// bytes returns what is not decoded yet.
func (in *input) bytes() []byte {
	if in.buf == nil {
		return in.undecoded
	}
	return in.buf[in.r:in.w]
}

// consumed says that n bytes are decoded. They are not overwritten until more is read.
func (in *input) consumed(n int) {
	if in.buf == nil {
		in.undecoded = in.undecoded[n:]
		return
	}
	in.r += int32(n)
}

func (in *input) empty() bool { return in.r == in.w && len(in.undecoded) == 0 }

// release puts the buffer back; the start of a frame in it is copied.
func (in *input) release() {
	if in.buf == nil {
		if in.undecoded = in.undecoded[:len(in.undecoded):len(in.undecoded)]; len(in.undecoded) == 0 {
			in.undecoded = nil
		}
		return
	}
	if in.undecoded = nil; in.r < in.w {
		in.undecoded = append(make([]byte, 0, longestUndecoded), in.buf[in.r:in.w]...)
	}
	putBuffer(in.buf)
	in.buf, in.r, in.w = nil, 0, 0
}

// leaveBuffer removes the buffer without putting it back: the application still uses the
// message in it.
func (in *input) leaveBuffer() {
	if in.buf == nil {
		in.raw.to = nil
		return
	}
	in.undecoded = append([]byte(nil), in.buf[in.r:in.w]...)
	in.buf, in.r, in.w = nil, 0, 0
}

// discard drops what is not decoded: nothing after the end is read (RFC 6455 7.1.7).
func (in *input) discard() {
	in.undecoded, in.r = nil, in.w
}

// space returns where the next bytes go: after those that are there, which it moves to the
// front of the buffer. While memory is scarce there is no buffer, since a message that waits
// for memory would keep it.
func (in *input) space() []byte {
	switch {
	case in.buf == nil && in.link.options.Memory.Scarce():
		in.undecoded = append(make([]byte, 0, len(in.undecoded)+longBegin), in.undecoded...)
		return in.undecoded[len(in.undecoded):cap(in.undecoded)]
	case in.buf == nil:
		in.buf = getBuffer()
		in.w = int32(copy(in.buf[:], in.undecoded))
		in.undecoded = nil
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

// fillConn is fill through the net.Conn. TLS and HTTP/2 have a buffer of their own below that: what
// does not fit into the small one waits there.
func (in *input) fillConn(to []byte) (n int, err error) {
	if to != nil {
		return in.link.nc.Read(to)
	}
	if in.empty() {
		in.release()
		if in.raw.to == nil {
			in.raw.to = make([]byte, smallSize)
		}
		n, err = in.link.nc.Read(in.raw.to)
		in.undecoded, in.afterLong = in.raw.to[:n], false
		return n, err
	}
	n, err = in.link.nc.Read(in.space())
	in.received(n)
	return n, err
}

// received says that n bytes were read into space.
func (in *input) received(n int) {
	if in.buf == nil {
		in.undecoded = in.undecoded[:len(in.undecoded)+n]
	} else {
		in.w += int32(n)
	}
	in.afterLong = false
}

//go:build unix

// Waiting for a socket without a buffer, where descriptors can be read.

package websocket

import (
	"io"
	"net"
	"syscall"
)

// waiter waits until a descriptor can be read, and takes a buffer only then.
type waiter struct {
	raw    syscall.RawConn // nil: this connection has none
	record recorder
	ready  func(fd uintptr) bool
	n      int
	err    error
}

func (w *waiter) init(nc net.Conn) { w.raw, w.record = descriptor(nc) }

// read reads into in.space once there is something to read.
func (w *waiter) read(in *input) (int, error) {
	if w.ready == nil {
		w.ready = in.try
	}
	w.n, w.err = 0, nil
	err := w.raw.Read(w.ready)
	if err == nil {
		err = w.err
	}
	if w.record != nil {
		w.record.Received(in.received(), err)
	}
	return w.n, err
}

func (in *input) received() []byte {
	if in.wait.n == 0 {
		return nil
	}
	return in.buf[in.w : in.w+in.wait.n]
}

// try reads once; false means that there is nothing yet.
func (in *input) try(fd uintptr) bool {
	for {
		n, err := syscall.Read(int(fd), in.space())
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			in.release()
			return false
		case err != nil:
			in.wait.err = &net.OpError{Op: "read", Net: in.nc.LocalAddr().Network(), Addr: in.nc.RemoteAddr(), Err: err}
		case n == 0:
			in.wait.err = io.EOF
		default:
			in.wait.n = n
		}
		return true
	}
}

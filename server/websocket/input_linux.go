// Reading from the descriptor: the goroutine waits for bytes without a buffer.

package websocket

import (
	"io"
	"syscall"
	"unsafe"
)

// rawReader reads a socket's descriptor. When there is nothing to read, the goroutine waits in
// [syscall.RawConn] as those of package net do, deadlines included.
type rawReader struct {
	read func(fd uintptr) bool // see tryRead; nil before the first read
	// to is where bytes go, or nil for the input's buffer; then what came. Without the descriptor it
	// is the small buffer, see fillConn.
	to     []byte
	failed syscall.Errno
}

// fill reads into to or, if that is nil, into the input's buffer, which it gets once there is
// something to read.
func (in *input) fill(to []byte) (int, error) {
	s, r := &in.link.socket, &in.raw
	if s.raw == nil {
		return in.fillConn(to)
	}
	if r.read == nil {
		r.read = in.tryRead()
	}
	r.to, r.failed = to, 0
	err := s.raw.Read(r.read)
	came := r.to
	r.to = nil
	switch {
	case err != nil:
	case r.failed != 0:
		err = r.failed
	case len(came) == 0:
		err = io.EOF
	}
	if err != nil {
		came = nil
	}
	if s.record != nil {
		s.record.Received(came, err)
	}
	if to == nil {
		in.received(len(came))
	}
	return len(came), err
}

// tryRead returns a function that reads once; false asks to be called again when there is
// something to read.
func (in *input) tryRead() func(fd uintptr) bool {
	return func(fd uintptr) bool {
		r := &in.raw
		for {
			b := r.to
			if b == nil {
				b = in.space()
			}
			n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
			switch {
			case errno == syscall.EINTR:
				continue
			case errno == syscall.EAGAIN:
				in.release()
				return false
			case errno != 0:
				r.failed = errno
			default:
				r.to = b[:n]
			}
			return true
		}
	}
}

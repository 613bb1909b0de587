// Writing to the descriptor: raw system calls on a socket that never blocks, without the
// detours of a net.Conn, which would make every idle goroutine's stack twice as large.

package websocket

import (
	"net"
	"syscall"
	"unsafe"
)

func newSocket(nc net.Conn) socket {
	raw, record := descriptor(nc)
	return socket{nc, raw, record}
}

// rawWriter writes to a socket's descriptor. When the socket takes no more, the goroutine
// waits in [syscall.RawConn] as those of package net do, deadlines included.
type rawWriter struct {
	write     func(fd uintptr) bool // tryWrite, or nil before the first write
	remaining []byte                // to be written
	failed    int32                 // errno of the write that failed
	mayWait   bool
}

// offer writes as many bytes of b as the socket takes now, and returns how many those are. push writes
// the remaining ones.
func (w *rawWriter) offer(s *socket, b []byte) (n int, err error) {
	if s.record != nil {
		s.record.Sending(b)
	}
	w.remaining = b
	err = w.run(s)
	n = len(b) - len(w.remaining)
	if err != nil {
		w.remaining = nil
	}
	return n, err
}

// push writes the remaining bytes, and returns how many of them the socket took.
func (w *rawWriter) push(s *socket) (n int, err error) {
	n = len(w.remaining)
	w.mayWait = true
	err = w.run(s)
	w.mayWait = false
	n -= len(w.remaining)
	w.remaining = nil
	return n, err
}

func (w *rawWriter) run(s *socket) error {
	if w.write == nil {
		w.write = w.tryWrite
	}
	w.failed = 0
	err := s.raw.Write(w.write)
	if err == nil && w.failed != 0 {
		err = syscall.Errno(w.failed)
	}
	if len(w.remaining) == 0 {
		w.remaining = nil
	}
	return err
}

// tryWrite writes what it can; false asks to be called again when the socket takes more.
func (w *rawWriter) tryWrite(fd uintptr) bool {
	for len(w.remaining) > 0 {
		b := w.remaining
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch {
		case errno == syscall.EINTR:
		case errno == syscall.EAGAIN:
			return !w.mayWait
		case errno != 0:
			w.failed = int32(errno)
			return true
		default:
			w.remaining = b[n:]
		}
	}
	return true
}

// The socket by its descriptor: bytes are waited for without a buffer, and read and
// written without the detours of a net.Conn, which would make every idle goroutine's
// stack twice as large.

package websocket

import (
	"io"
	"net"
	"syscall"
	"unsafe"
)

// socket is a connection's descriptor. Its calls never block: they are raw system
// calls, and when there is nothing to do the goroutine waits as net's own do,
// deadlines included.
type socket struct {
	raw    syscall.RawConn // nil: this connection has none that may be used
	record recorder        // that is shown what passes, or nil

	reading func(fd uintptr) bool
	read    []byte // where to, or nil; then what came
	readErr error

	writing  func(fd uintptr) bool
	rest     []byte // to be written
	writeErr error
	blocked  func(bool) // called when a write begins to wait, and when it is done
	waits    bool
	hurried  bool // a write must not wait
}

func (s *socket) init(nc net.Conn) { s.raw, s.record = descriptor(nc) }

// direct reports whether there is a descriptor to write to.
func (s *socket) direct() bool { return s.raw != nil }

// fill reads from nc into to or, if that is nil, into the input's buffer, which it takes once
// there is something to read.
func (in *input) fill(nc net.Conn, to []byte) (int, error) {
	s := &in.socket
	if s.raw == nil {
		return in.fillConn(nc, to)
	}
	if s.reading == nil {
		s.reading = in.tryRead
	}
	s.read, s.readErr = to, nil
	err := s.raw.Read(s.reading)
	if err == nil {
		err = s.readErr
	}
	came := s.read
	if s.read = nil; err != nil {
		came = nil
	}
	if s.record != nil {
		s.record.Received(came, err)
	}
	if to == nil {
		in.came(len(came))
	}
	return len(came), err
}

// tryRead reads once; false means that there is nothing yet.
func (in *input) tryRead(fd uintptr) bool {
	s := &in.socket
	for {
		b := s.read
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
			s.readErr = errno
		case n == 0:
			s.readErr = io.EOF
		default:
			s.read = b[:n]
		}
		return true
	}
}

// write writes all of b. Most writes never wait: only one that does is given a
// deadline, by blocked.
func (s *socket) write(b []byte) error {
	s.begin(b)
	return s.push()
}

// offer writes of b what goes without a wait. If that is not all, push writes the rest.
func (s *socket) offer(b []byte) (done bool, err error) {
	s.begin(b)
	s.hurried = true
	err = s.push()
	s.hurried = false
	return s.rest == nil, err
}

func (s *socket) begin(b []byte) {
	if s.record != nil {
		s.record.Sending(b)
	}
	s.rest = b
}

// push writes what is left.
func (s *socket) push() error {
	if s.writing == nil {
		s.writing = s.tryWrite
	}
	s.writeErr = nil
	err := s.raw.Write(s.writing)
	if err == nil {
		err = s.writeErr
	}
	if err != nil || len(s.rest) == 0 {
		s.rest = nil
	}
	if s.waits {
		s.waits = false
		s.blocked(false)
	}
	return err
}

// tryWrite writes what it can; false means that the socket takes no more now.
func (s *socket) tryWrite(fd uintptr) bool {
	for len(s.rest) > 0 {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(s.rest))), uintptr(len(s.rest)))
		switch {
		case errno == syscall.EINTR:
		case errno == syscall.EAGAIN && s.hurried:
			return true
		case errno == syscall.EAGAIN:
			if !s.waits {
				s.waits = true
				s.blocked(true)
			}
			return false
		case errno != 0:
			s.writeErr = errno
			return true
		default:
			s.rest = s.rest[n:]
		}
	}
	return true
}

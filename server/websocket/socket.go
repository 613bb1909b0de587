// The socket: a net.Conn and, where it may be used directly, its descriptor.

package websocket

import (
	"net"
	"syscall"
)

// socket is a connection's net.Conn, and its descriptor if that may be used beside it.
type socket struct {
	nc     net.Conn
	raw    syscall.RawConn // nil: everything goes through nc
	record recorder        // is called with what is read and written, or nil
}

// direct reports whether the descriptor is used.
func (s *socket) direct() bool { return s.raw != nil }

// recorder is a tapped connection: its descriptor may be used if the methods below are called
// with what was read and what is about to be written.
type recorder interface {
	syscall.Conn
	Received(b []byte, err error)
	Sending(b []byte)
}

// descriptor is what may be used beside nc. Other wrappers of connections would be bypassed.
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

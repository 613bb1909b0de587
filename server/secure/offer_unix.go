//go:build unix

// Writing without waiting, where the system has file descriptors.

package secure

import (
	"net"
	"syscall"
)

// offer writes what the system takes of b at once.
func offer(nc net.Conn, b []byte) (n int, err error) {
	conn, ok := nc.(syscall.Conn)
	if !ok {
		return nc.Write(b)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = raw.Write(func(fd uintptr) bool {
		if n, failed = syscall.Write(int(fd), b); failed != nil {
			n = 0
		}
		return true
	})
	if err == nil {
		err = failed
	}
	return n, err
}

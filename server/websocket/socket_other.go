//go:build !linux

// The socket where its descriptor is not used.

package websocket

import (
	"errors"
	"net"
)

func newSocket(nc net.Conn) socket { return socket{nc: nc} }

type rawReader struct {
	to []byte // the small buffer, see fillConn
}

func (in *input) fill(to []byte) (int, error) { return in.fillConn(to) }

type rawWriter struct{}

func (w *rawWriter) offer(*socket, []byte) (n int, err error) {
	return 0, errors.ErrUnsupported
}

func (w *rawWriter) push(*socket) (n int, err error) { return 0, errors.ErrUnsupported }

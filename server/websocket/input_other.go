//go:build !unix

// Waiting for a socket where descriptors cannot be read: with a buffer.

package websocket

import (
	"net"
	"syscall"
)

type waiter struct{ raw syscall.RawConn }

func (w *waiter) init(net.Conn) {}

func (w *waiter) read(in *input) (int, error) { return in.nc.Read(in.space()) }

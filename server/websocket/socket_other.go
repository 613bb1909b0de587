//go:build !linux

// The socket where its descriptor is left alone.

package websocket

import "net"

type socket struct{}

func (s *socket) init(net.Conn) {}

func (s *socket) direct() bool { return false }

func (in *input) fill(nc net.Conn, to []byte) (int, error) { return in.fillConn(nc, to) }

func (s *socket) write([]byte, func(bool)) (ok bool, err error) { return false, nil }

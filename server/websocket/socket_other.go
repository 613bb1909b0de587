//go:build !linux

// The socket where its descriptor is left alone.

package websocket

import "net"

type socket struct{}

func (s *socket) init(net.Conn) {}

func (in *input) fill() (int, error) { return in.fillConn() }

func (s *socket) write(nc net.Conn, b []byte) error {
	_, err := nc.Write(b)
	return err
}

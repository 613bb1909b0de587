//go:build !linux

// The socket where its descriptor is left alone.

package websocket

import (
	"errors"
	"net"
)

type socket struct{ blocked func(bool) }

func (s *socket) init(net.Conn) {}

func (s *socket) direct() bool { return false }

func (in *input) fill(nc net.Conn, to []byte) (int, error) { return in.fillConn(nc, to) }

func (s *socket) write([]byte) error { return errors.ErrUnsupported }

func (s *socket) offer([]byte) (done bool, err error) { return false, errors.ErrUnsupported }

func (s *socket) push() error { return errors.ErrUnsupported }

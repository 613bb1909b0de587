// The connection above TLS: plaintext, and an end that waits for nobody.

package secure

import (
	"crypto/tls"
	"errors"
	"net"
)

// Conn is a TLS connection whose handshake is complete. Unlike those of a *tls.Conn, its Close and
// CloseWrite never wait: the peer is told the end if the system takes that at once. So code that
// closes a connection whose peer does not read is not held up.
//
// It has no SyscallConn, because what is written to its descriptor would not be encrypted.
type Conn struct {
	*tls.Conn
	wire *wire
}

// Close closes the connection. A write that waits for the peer fails.
func (c *Conn) Close() error {
	c.wire.endWrites()
	_ = c.Conn.Close() // fails, too, if the peer could not be told
	if err := c.wire.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// CloseWrite says that nothing more will be sent. Call it after the last write has returned.
func (c *Conn) CloseWrite() error {
	c.wire.closing.Store(true)
	told := c.Conn.CloseWrite()
	half, ok := c.wire.raw.(interface{ CloseWrite() error })
	if !ok {
		return told
	}
	return half.CloseWrite()
}

// SetLinger is that of a *net.TCPConn.
func (c *Conn) SetLinger(seconds int) error {
	tcp, ok := c.wire.raw.(interface{ SetLinger(int) error })
	if !ok {
		return errors.ErrUnsupported
	}
	return tcp.SetLinger(seconds)
}

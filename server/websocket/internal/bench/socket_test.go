// Connecting: a blocking socket and the opening handshake.

package bench

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/sys/unix"
)

const request = "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n"

// sources are how many addresses of loopback connections come from: each has ports
// of its own, and those of connections just closed are not free at once.
const sources = 8

// connect comes from the first source that has a port left.
func connect(to *unix.SockaddrInet4) (fd int, err error) {
	for source := range sources {
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return 0, err
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10})
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(1 + source)}}); err == nil {
			err = unix.Connect(fd, to)
		}
		if err == nil {
			return fd, nil
		}
		unix.Close(fd)
		if !errors.Is(err, unix.EADDRNOTAVAIL) {
			break
		}
	}
	return 0, err
}

// openHandshake connects and does the opening handshake. What comes behind the answer's
// head is left in the socket.
func openHandshake(addr, path, fields string) (fd int, answer string, err error) {
	to, err := net.ResolveTCPAddr("tcp4", addr)
	if err != nil {
		return 0, "", err
	}
	if fd, err = connect(&unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}); err != nil {
		return 0, "", err
	}
	if _, err = unix.Write(fd, fmt.Appendf(nil, request, path, addr, fields)); err == nil {
		answer, err = readHead(fd)
	}
	if err == nil && !strings.HasPrefix(answer, "HTTP/1.1 101 ") {
		err = fmt.Errorf("the handshake was answered with %q", answer)
	}
	if err != nil {
		reset(fd)
	}
	return fd, answer, err
}

// readHead peeks first, since a feed begins right behind the head.
func readHead(fd int) (string, error) {
	var b [4096]byte
	head := ""
	for !strings.HasSuffix(head, "\r\n\r\n") {
		n, _, err := unix.Recvfrom(fd, b[:], unix.MSG_PEEK)
		if errors.Is(err, unix.EINTR) { // of a read with a timeout none is resumed
			continue
		}
		if err != nil {
			return head, err
		}
		if n == 0 {
			return head, errors.New("closed in the handshake")
		}
		text := head + string(b[:n])
		if end := strings.Index(text, "\r\n\r\n"); end >= 0 {
			n = end + 4 - len(head)
		}
		if n, err = unix.Read(fd, b[:n]); err != nil {
			return head, err
		}
		head += string(b[:n])
	}
	return head, nil
}

// reset closes without leaving the port in use.
func reset(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	unix.Close(fd)
}

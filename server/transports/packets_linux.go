// Packets of a TCP connection, as Linux counts them.

package transports

import (
	"net"

	"golang.org/x/sys/unix"
)

const countsPackets = true

func tcpInfo(c net.Conn) (p packets, ok bool) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return packets{}, false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return packets{}, false
	}
	var info *unix.TCPInfo
	if raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) }) != nil || err != nil {
		return packets{}, false
	}
	const timestamps = 1 // TCPI_OPT_TIMESTAMPS
	return packets{
		sent: int64(info.Segs_out), received: int64(info.Segs_in),
		unacknowledged: int64(info.Unacked), timestamps: info.Options&timestamps != 0,
	}, true
}

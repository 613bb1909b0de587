// Bounding what the system keeps for peers that do not read, where it lets a program do that.

package main

import "syscall"

// maxUnsent is how many bytes the system may keep for a connection beyond what is on its way to the
// peer: that is limited by what the peer takes, so this slows nobody down who reads. By itself the
// system keeps up to several MiB, which no budget of ours counts.
const maxUnsent = 128 << 10

const tcpNotSentLowat = 25 // TCP_NOTSENT_LOWAT

// limitUnsent sets maxUnsent for a listener, whose connections inherit it. A system that cannot
// do it keeps what it likes.
func limitUnsent(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpNotSentLowat, maxUnsent)
	})
}

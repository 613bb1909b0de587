// Test of what the system keeps for peers that do not read.

package main

import (
	"net"
	"syscall"
	"testing"
)

func TestUnsentIsLimited(t *testing.T) {
	l, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	const most = 1 << 20 // with what the peer's system keeps for it
	taken, block := 0, make([]byte, 16<<10)
	err = raw.Write(func(fd uintptr) bool {
		for taken <= most {
			n, err := syscall.Write(int(fd), block)
			if err != nil {
				return true
			}
			taken += n
		}
		return true
	})
	if err != nil || taken == 0 || taken > most {
		t.Errorf("the system took %d bytes that nobody reads, want some, and at most %d: %v", taken, most, err)
	}
}

//go:build linux

// SIGTERM while the answer to a handshake waits for a socket that is full.

package soak

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// Two requests whose answers differ in length.
const (
	healthRequest  = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
	nothingRequest = "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"
)

// endPipelined ends the server while peers that read nothing have sent so many requests
// that the answers fill the socket, and then a handshake, whose answer is longer than the
// room that is left. The peers come one after another: only then all sockets are filled
// to the same byte.
func endPipelined(a *attackRun) {
	short, long, full := a.answered(healthRequest), a.answered(nothingRequest), a.answered(strings.Repeat(nothingRequest, 5000))
	if short == 0 || long == 0 || full <= 3*long {
		a.fail("answers of %d and %d bytes fill a socket with %d", short, long, full)
		return
	}
	longs := full/long - 2
	shorts := (full - longs*long) / short
	n := a.n(5, 15)
	for i := range n {
		p, err := a.connectWith(smallBuffer)
		if err != nil {
			a.fail("connect: %v", err)
			return
		}
		requests := strings.Repeat(nothingRequest, longs) + strings.Repeat(healthRequest, shorts+i-n/2)
		p.SetWriteDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(p, requests+handshake("/ws/echo", offerDeflate)); err != nil {
			a.fail("ask: %v", err)
		}
		a.server.waitIdle(patience)
	}
	a.note("%d answers before the handshake", longs+shorts)
	a.end()
}

// answered returns how many bytes the server has written to a peer that reads nothing.
func (a *attackRun) answered(requests string) int {
	p, err := a.connectWith(smallBuffer)
	if err != nil {
		a.fail("connect: %v", err)
		return 0
	}
	defer a.release(p)
	ours, theirs := p.LocalAddr().(*net.TCPAddr).Port, p.RemoteAddr().(*net.TCPAddr).Port
	p.SetWriteDeadline(time.Now().Add(time.Second)) // the server may not read them all
	io.WriteString(p, requests)
	a.server.waitIdle(patience)
	unsent, _ := queues(theirs, ours)
	_, unread := queues(ours, theirs)
	return unsent + unread
}

// queues returns how many bytes wait in the socket that connects one loopback port to
// another: to be acknowledged, and to be read.
func queues(from, to int) (unsent, unread int) {
	sockets, _ := os.ReadFile("/proc/net/tcp")
	for line := range strings.Lines(string(sockets)) {
		fields := strings.Fields(line)
		if strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", from)) && strings.HasSuffix(fields[2], fmt.Sprintf(":%04X", to)) {
			fmt.Sscanf(fields[4], "%x:%x", &unsent, &unread)
		}
	}
	return unsent, unread
}

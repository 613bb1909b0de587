//go:build linux

// A handshake behind so many answers that its own does not fit into the socket.

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

// endPipelined: peers ask for as much as a socket holds to the last byte, and then for a
// WebSocket; they read nothing, and the server is told to end. What is left in the
// socket is less than the answer to the handshake takes. One peer comes after the other,
// since only then sockets are filled alike.
func endPipelined(a *assault) {
	short, long, full := a.answered(healthRequest), a.answered(nothingRequest), a.answered(strings.Repeat(nothingRequest, 5000))
	if short == 0 || long == 0 || full <= 2*long {
		a.fail("answers of %d and %d bytes fill a socket with %d", short, long, full)
		return
	}
	longs := full/long - 1
	shorts := (full - longs*long) / short
	n := a.n(5, 15)
	for i := range n {
		w, err := a.connectWith(smallBuffer)
		if err != nil {
			a.fail("connect: %v", err)
			return
		}
		requests := strings.Repeat(nothingRequest, longs) + strings.Repeat(healthRequest, shorts+i-n/2)
		w.SetWriteDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(w, requests+handshake("/ws/echo", offerDeflate)); err != nil {
			a.fail("ask: %v", err)
		}
		a.server.calm(patience)
	}
	a.note("%d answers before it", longs+shorts)
	a.end()
}

// answered is how many bytes the server answers to a peer that reads nothing.
func (a *assault) answered(requests string) int {
	w, err := a.connectWith(smallBuffer)
	if err != nil {
		a.fail("connect: %v", err)
		return 0
	}
	defer a.leave(w)
	ours, theirs := w.LocalAddr().(*net.TCPAddr).Port, w.RemoteAddr().(*net.TCPAddr).Port
	w.SetWriteDeadline(time.Now().Add(time.Second)) // it may not take them all
	io.WriteString(w, requests)
	a.server.calm(patience)
	unsent, _ := queues(theirs, ours)
	_, unread := queues(ours, theirs)
	return unsent + unread
}

// queues are how many bytes wait in the socket from one port of this machine to
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

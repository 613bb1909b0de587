//go:build linux

// Attacks on the reading of requests: heads and bodies that are slow, long or endless.

package soak

import (
	"io"
	"strings"
	"time"
)

const (
	headTime  = 10 * time.Second // for a request's head
	bodyTime  = 30 * time.Second // for a request
	writeTime = time.Minute      // for an answer that is plain HTTP
)

func headAttacks() []attack {
	const headLimit = "head: 64 KiB, 10 s"
	return []attack{
		{name: "heads that never end", limit: headLimit, run: slowHeads, wait: headTime},
		{name: "heads of 63 KiB at once, without an end", limit: headLimit + "; `--max-memory 256MiB`", run: longHeads, wait: headTime,
			launch: launch{flags: []string{"--max-memory", "256MiB"}}, rss: budget(256 * mib)},
		{name: "heads of 1 MiB", limit: headLimit, run: hugeHeads, flood: true},
		{name: "bodies that come a byte at a time", limit: "request: 30 s", run: slowBodies, wait: bodyTime},
		{name: "pages asked for and never read", limit: "answer: 60 s", run: unreadPages, wait: writeTime, onlyBig: true},
	}
}

// slowHeads: some say nothing, some half a head, some a byte now and then.
func slowHeads(a *assault) {
	head := handshake("/ws/echo", "")
	a.each(a.n(30, 1000), func(i int) string {
		w, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		if i%3 > 0 {
			io.WriteString(w, head[:20])
		}
		stop := make(chan struct{})
		defer close(stop)
		if i%3 == 2 {
			go drip(w, head[20:], stop)
		}
		return w.hangUp(a.within(headTime))
	})
	a.want(closedTCP, resetTCP)
}

// drip writes a byte every half second.
func drip(w io.Writer, s string, stop <-chan struct{}) {
	for i := range len(s) {
		select {
		case <-stop:
			return
		case <-time.After(500 * time.Millisecond):
		}
		if _, err := io.WriteString(w, s[i:i+1]); err != nil {
			return
		}
	}
}

func longHeads(a *assault) {
	head := "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 63<<10)
	a.each(a.n(40, 6000), func(int) string {
		w, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		io.WriteString(w, head)
		return w.hangUp(a.within(headTime))
	})
	a.want(closedTCP, resetTCP)
}

func hugeHeads(a *assault) {
	head := "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 1<<20)
	a.again(a.n(4, 16), func(int) string {
		w, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		go io.WriteString(w, head) // the server does not read all of it
		return w.status(a.within(5 * time.Second))
	})
	a.want("431", resetTCP)
}

func slowBodies(a *assault) {
	head := "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
	a.each(a.n(20, 500), func(int) string {
		w, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		io.WriteString(w, head)
		stop := make(chan struct{})
		defer close(stop)
		go drip(w, strings.Repeat("x", 1000), stop)
		return w.hangUp(a.within(bodyTime))
	})
	a.want(closedTCP, resetTCP)
}

func unreadPages(a *assault) {
	requests := []byte(strings.Repeat("GET / HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\n\r\n", 1000))
	a.each(a.n(10, 100), func(int) string {
		w, err := a.connectWith(smallBuffer)
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		if _, err := w.stall(requests, 64*mib); err != nil {
			return outcome(err)
		}
		return w.dropped(a.ctx, a.within(writeTime))
	})
	a.want(dropped, resetTCP)
}

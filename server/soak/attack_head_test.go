//go:build linux

// Attacks on the reading of requests: heads and bodies that are slow, long or unfinished.

package soak

import (
	"io"
	"strings"
	"time"
)

// Time limits of plain HTTP.
const (
	headTime   = 10 * time.Second // for a request's head
	bodyTime   = 30 * time.Second // for a request
	answerTime = time.Minute      // for an answer
)

func headAttacks() []attack {
	const headLimit = "head: 64 KiB, 10 s"
	return []attack{
		{name: "unfinished heads", limit: headLimit, run: slowHeads, wait: headTime},
		{name: "unfinished heads of 63 KiB, all at once", limit: headLimit + "; `--max-memory 256MiB`", run: longHeads, wait: headTime,
			launch: launch{flags: []string{"--max-memory", "256MiB"}}, rss: budget(256 * mib)},
		{name: "heads of 1 MiB", limit: headLimit, run: hugeHeads, flood: true},
		{name: "bodies a byte at a time", limit: "request: 30 s", run: slowBodies, wait: bodyTime},
		{name: "pages that are requested and never read", limit: "answer: 60 s", run: unreadPages, wait: answerTime, fullOnly: true},
	}
}

// slowHeads sends nothing, or half a head, or a byte now and then.
func slowHeads(a *attackRun) {
	head := handshake("/ws/echo", "")
	a.each(a.n(30, 1000), func(i int) string {
		p, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		if i%3 > 0 {
			io.WriteString(p, head[:20])
		}
		stop := make(chan struct{})
		defer close(stop)
		if i%3 == 2 {
			go writeSlowly(p, head[20:], stop)
		}
		return p.awaitEOF(a.within(headTime))
	})
	a.want(closedTCP, resetTCP)
}

// writeSlowly writes a byte every half second until stop is closed.
func writeSlowly(w io.Writer, s string, stop <-chan struct{}) {
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

// longHeads sends most of the largest head on very many connections at once.
func longHeads(a *attackRun) {
	head := "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 63<<10)
	a.each(a.n(40, 6000), func(int) string {
		p, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		io.WriteString(p, head)
		return p.awaitEOF(a.within(headTime))
	})
	a.want(closedTCP, resetTCP)
}

// hugeHeads sends heads beyond the limit.
func hugeHeads(a *attackRun) {
	head := "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 1<<20)
	a.repeat(a.n(4, 16), func(int) string {
		p, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		go io.WriteString(p, head) // the server does not read all of it
		return p.status(a.within(5 * time.Second))
	})
	a.want("431", resetTCP)
}

// slowBodies sends the body of a request a byte at a time.
func slowBodies(a *attackRun) {
	head := "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
	a.each(a.n(20, 500), func(int) string {
		p, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		io.WriteString(p, head)
		stop := make(chan struct{})
		defer close(stop)
		go writeSlowly(p, strings.Repeat("x", 1000), stop)
		return p.awaitEOF(a.within(bodyTime))
	})
	a.want(closedTCP, resetTCP)
}

// unreadPages sends many requests and reads no answer.
func unreadPages(a *attackRun) {
	requests := []byte(strings.Repeat("GET / HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\n\r\n", 1000))
	a.each(a.n(10, 100), func(int) string {
		p, err := a.connectWith(smallBuffer)
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		if _, err := p.writeUntilBlocked(requests, blockedTime); err != nil {
			return outcome(err)
		}
		return p.awaitDrop(a.ctx, a.within(answerTime))
	})
	a.want(dropped, resetTCP)
}

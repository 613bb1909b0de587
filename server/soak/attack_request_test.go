//go:build linux

// Attacks with misleading requests: bodies that look like handshakes, handshakes with
// bodies, requests after a refusal.

package soak

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"framescope/protocol"
	"framescope/protocol/feed"
)

func requestAttacks() []attack {
	return []attack{
		{name: "bodies full of request lines", limit: "100 ms of CPU a request", run: lineBodies, wait: 2 * time.Second},
		{name: "a handshake forged in a body", limit: "not in the capture", run: forgedHandshakes, wait: 2 * time.Second},
		{name: "handshakes with a body", limit: "400, connection closed", run: bodyHandshakes, flood: true},
		{name: "requests after a refused handshake", limit: "connection closed", run: requestsAfterRefusal, flood: true},
		{name: "bad handshakes", limit: "400, 403, 405, 426", run: badHandshakes, flood: true},
	}
}

// withBody is a request for the health check with a body.
func withBody(body string) string {
	return fmt.Sprintf("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// lineCPU is how much CPU time a request of 64 KiB may take.
const lineCPU = 100 * time.Millisecond

// lineBodies sends a body in which each line is the request line of the handshake that
// follows: a search for the handshake's head finds thousands of places to try.
func lineBodies(a *attackRun) {
	body := strings.Repeat("GET /ws/echo HTTP/1.1\r\n", 64<<10/23) + "\r\n"
	request := withBody(body) + handshake("/ws/echo", "")
	n := a.n(6, 30)
	begun := a.server.cpu()
	for range n {
		before := time.Now()
		p, err := a.connect()
		if err != nil {
			a.fail("connect: %v", err)
			return
		}
		if _, err := io.WriteString(p, request); err != nil {
			a.fail("write: %v", err)
		}
		first, second := p.status(patience), p.status(patience)
		a.record(first+" and "+second, time.Since(before))
		a.release(p)
		a.throttle()
	}
	spent := (a.server.cpu() - begun) / time.Duration(n)
	a.note("%v of CPU a request", round(spent))
	if !a.together && spent > lineCPU {
		a.fail("a request takes %v of CPU, at most %v allowed", round(spent), lineCPU)
	}
}

// forged is an Origin that only bodies contain.
const forged = "http://forged.example"

// forgedHandshakes sends a body that contains a handshake with a false Origin and a frame,
// and then a handshake with the same request line and key. The capture must show the
// second only.
func forgedHandshakes(a *attackRun) {
	v, err := a.view()
	if err != nil {
		a.fail("watch: %v", err)
		return
	}
	const forgedText = "a forged message"
	realText := fmt.Sprintf("a real message at %d", time.Now().UnixNano())
	body := handshake("/ws/echo", "Origin: "+forged+"\r\n") + string(frame(text, []byte(forgedText)))
	n, found := a.n(3, 30), atomic.Int64{}
	v.seen = func(r feed.Record) {
		switch r.Kind {
		case feed.Head:
			if r.Side == protocol.Client && bytes.Contains(r.Data, []byte(forged)) {
				a.fail("the capture shows a handshake of %s, which was in a body", forged)
			}
		case feed.Frame:
			h, n := protocol.ParseHeader(r.Data)
			payload := bytes.Clone(r.Data[n:])
			if h.Masked {
				protocol.Mask(h.MaskingKey, 0, payload)
			}
			if string(payload) == forgedText {
				a.fail("the capture shows a frame that was in a body")
			}
			if string(payload) == realText && r.Side == protocol.Client {
				found.Add(1)
			}
		}
	}
	a.each(n, func(int) string {
		p, err := a.connect()
		if err != nil {
			return err.Error()
		}
		io.WriteString(p, withBody(body)+handshake("/ws/echo", ""))
		if first := p.status(patience); first != "200" && first != "405" {
			return first
		}
		second := p.status(patience)
		if second == "101" {
			p.Write(frame(text, []byte(realText)))
		}
		return second
	})
	a.want("101", "400", "405", closedTCP)
	begun := time.Now()
	for want := int64(a.count("101")); found.Load() < want; {
		err := v.next()
		if err != nil || time.Since(begun) > a.within(5*time.Second) {
			a.fail("the capture shows %d of %d real frames (%v)", found.Load(), want, err)
			return
		}
	}
}

// bodyHandshakes sends handshakes with a body, which would become frames.
func bodyHandshakes(a *attackRun) {
	body := string(frame(text, []byte("smuggled")))
	requests := []string{
		handshake("/ws/echo", fmt.Sprintf("Content-Length: %d\r\n", len(body))) + body,
		handshake("/ws/echo", "Transfer-Encoding: chunked\r\n") + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body),
	}
	a.repeat(a.n(2, 8), func(i int) string {
		p, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		io.WriteString(p, requests[i%2])
		if got := p.status(patience); got != "400" {
			return got
		}
		return "400, then " + p.status(a.within(5*time.Second))
	})
	a.want("400, then "+closedTCP, "400, then "+resetTCP)
}

// requestsAfterRefusal sends another request right behind a bad handshake. The refusal
// closes the connection, so it must have no answer.
func requestsAfterRefusal(a *attackRun) {
	refused := []struct{ request, status string }{
		{"GET /ws/echo HTTP/1.1\r\nHost: localhost\r\n\r\n", "426"},
		{strings.Replace(handshake("/ws/echo", ""), "localhost", "evil.example", 1), "403"},
		{strings.Replace(handshake("/ws/echo", ""), "Version: 13", "Version: 8", 1), "426"},
	}
	a.repeat(a.n(2, 8), func(i int) string {
		p, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		r := refused[i/2%len(refused)]
		io.WriteString(p, r.request+withBody(""))
		if got := p.status(patience); got != r.status {
			return got
		}
		return "refused, then " + p.status(a.within(5*time.Second))
	})
	a.want("refused, then "+closedTCP, "refused, then "+resetTCP)
}

// badHandshakes sends handshakes that must be refused, each with its status.
func badHandshakes(a *attackRun) {
	good := handshake("/ws/echo", "")
	refused := []struct{ request, status string }{
		{strings.Replace(good, "localhost", "evil.example", 1), "403"},
		{handshake("/ws/echo", "Origin: http://evil.example\r\n"), "403"},
		{handshake("/ws/inspect", "Origin: http://evil.example\r\nSec-WebSocket-Protocol: framescope.v1\r\n"), "403"},
		{strings.Replace(good, "Version: 13", "Version: 8", 1), "426"},
		{strings.Replace(good, "Upgrade: websocket\r\n", "", 1), "426"},
		{strings.Replace(good, "dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", 1), "400"},
		{strings.Replace(good, "GET", "POST", 1), "405"},
		{handshake("/ws/inspect", ""), "400"},
	}
	a.repeat(a.n(4, 16), func(i int) string {
		p, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		r := refused[i%len(refused)]
		io.WriteString(p, r.request)
		if got := p.status(patience); got != r.status {
			return fmt.Sprintf("%s, not %s", got, r.status)
		}
		return r.status
	})
	a.want("400", "403", "405", "426")
}

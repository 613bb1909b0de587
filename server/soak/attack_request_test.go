//go:build linux

// Attacks with requests that are not what they seem: bodies that look like handshakes,
// handshakes with bodies, requests behind a refusal.

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
		{name: "bodies full of request lines", limit: "work before the handshake", run: lineBodies, wait: 2 * time.Second},
		{name: "a handshake forged in a body", limit: "what is recorded", run: forgedHandshakes, wait: 2 * time.Second},
		{name: "handshakes with a body", limit: "refused with 400", run: bodyHandshakes, flood: true},
		{name: "requests behind a refused handshake", limit: "connection closed", run: refusedAndOn, flood: true},
		{name: "handshakes that are refused", limit: "400, 403, 405, 426", run: refusedHandshakes, flood: true},
	}
}

// withBody is a request for the health check that carries a body.
func withBody(body string) string {
	return fmt.Sprintf("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// lineCPU is how much processor time a request of 64 KiB may take, whatever it holds.
const lineCPU = 100 * time.Millisecond

// lineBodies: where the handshake is searched for, each line of the body looks like its
// first, and has all the others for fields.
func lineBodies(a *assault) {
	body := strings.Repeat("GET /ws/echo HTTP/1.1\r\n", 64<<10/23) + "\r\n"
	request := withBody(body) + handshake("/ws/echo", "")
	n := a.n(6, 30)
	begun := a.server.cpu()
	for range n {
		before := time.Now()
		w, err := a.connect()
		if err != nil {
			a.fail("connect: %v", err)
			return
		}
		if _, err := io.WriteString(w, request); err != nil {
			a.fail("write: %v", err)
		}
		first, second := w.status(patience), w.status(patience)
		a.happened(first+" and "+second, time.Since(before))
		a.leave(w)
		a.breathe()
	}
	spent := (a.server.cpu() - begun) / time.Duration(n)
	a.note("%v of CPU a request", round(spent))
	if !a.together && spent > lineCPU {
		a.fail("a request takes %v of CPU, %v are allowed", round(spent), lineCPU)
	}
}

// forged is the origin that no page of ours has.
const forged = "http://forged.example"

// forgedHandshakes: the body holds a whole handshake of another origin and a frame;
// the real handshake behind it has the same line and the same key.
func forgedHandshakes(a *assault) {
	v, err := a.view()
	if err != nil {
		a.fail("watch: %v", err)
		return
	}
	word := fmt.Sprintf("truth %d", time.Now().UnixNano())
	lie := handshake("/ws/echo", "Origin: "+forged+"\r\n") + string(frame(text, []byte("a lie")))
	n, found := a.n(3, 30), atomic.Int64{}
	v.seen = func(r feed.Record) error {
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
			if string(payload) == "a lie" {
				a.fail("the capture shows a frame that was in a body")
			}
			if string(payload) == word && r.Side == protocol.Client {
				found.Add(1)
			}
		}
		return nil
	}
	a.each(n, func(int) string {
		w, err := a.connect()
		if err != nil {
			return err.Error()
		}
		io.WriteString(w, withBody(lie)+handshake("/ws/echo", ""))
		if first := w.status(patience); first != "200" && first != "405" {
			return first
		}
		second := w.status(patience)
		if second == "101" {
			w.Write(frame(text, []byte(word)))
		}
		return second
	})
	a.want("101", "400", "405", closedTCP)
	begun := time.Now()
	for want := int64(a.count("101")); found.Load() < want; {
		err := v.next(true)
		if err != nil || time.Since(begun) > a.within(5*time.Second) {
			a.fail("%d of %d real frames are in the capture (%v)", found.Load(), want, err)
			return
		}
	}
}

func bodyHandshakes(a *assault) {
	body := string(frame(text, []byte("smuggled")))
	requests := []string{
		handshake("/ws/echo", fmt.Sprintf("Content-Length: %d\r\n", len(body))) + body,
		handshake("/ws/echo", "Transfer-Encoding: chunked\r\n") + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body),
	}
	a.again(a.n(2, 8), func(i int) string {
		w, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		io.WriteString(w, requests[i%2])
		if got := w.status(patience); got != "400" {
			return got
		}
		return "400, then " + w.status(a.within(5*time.Second))
	})
	a.want("400, then "+closedTCP, "400, then "+resetTCP)
}

// refusedAndOn: a refusal says that the connection closes, and then it must.
func refusedAndOn(a *assault) {
	refused := []struct{ request, status string }{
		{"GET /ws/echo HTTP/1.1\r\nHost: localhost\r\n\r\n", "426"},
		{strings.Replace(handshake("/ws/echo", ""), "localhost", "evil.example", 1), "403"},
		{strings.Replace(handshake("/ws/echo", ""), "Version: 13", "Version: 8", 1), "426"},
	}
	a.again(a.n(2, 8), func(i int) string {
		w, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		r := refused[i/2%len(refused)]
		io.WriteString(w, r.request+withBody(""))
		if got := w.status(patience); got != r.status {
			return got
		}
		return "refused, then " + w.status(a.within(5*time.Second))
	})
	a.want("refused, then "+closedTCP, "refused, then "+resetTCP)
}

func refusedHandshakes(a *assault) {
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
	a.again(a.n(4, 16), func(i int) string {
		w, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		r := refused[i%len(refused)]
		io.WriteString(w, r.request)
		if got := w.status(patience); got != r.status {
			return fmt.Sprintf("%s, not %s", got, r.status)
		}
		return r.status
	})
	a.want("400", "403", "405", "426")
}

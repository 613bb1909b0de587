//go:build linux

// Attacks on Engine.IO: sessions that nobody polls, requests twice at once, answers that nobody
// fetches, bodies that never end.

package soak

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

func engineIOAttacks() []attack {
	return []attack{
		{name: "Engine.IO handshakes without a poll", limit: "10 s; 10,000 sessions, then 503", run: unpolledSessions, flood: true},
		{name: "Engine.IO polls and POSTs twice at once, and of unknown sessions", limit: "400, the session ends", run: doubledRequests, flood: true},
		{name: "Engine.IO answers that nobody fetches", limit: "`--max-memory`", run: unfetchedAnswers, flood: true, large: true},
		{name: "Engine.IO bodies that never end", limit: "30 s, `--max-memory`", run: endlessBodies, wait: 30 * time.Second, large: true, fullOnly: true},
	}
}

// polling sends a request of Engine.IO's long polling, of the session sid if that is not empty, and
// does not wait for the answer.
func (p *peer) polling(method, sid string, length int, body string) {
	if sid != "" {
		sid = "&sid=" + sid
	}
	fmt.Fprintf(p, "%s /engine.io/?EIO=4&transport=polling%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", method, sid, length, body)
}

// openSession connects and opens a session. Without one, outcome is the status of the answer.
func (a *attackRun) openSession() (p *peer, sid, outcome string) {
	p, err := a.connect()
	if err != nil {
		return nil, "", err.Error()
	}
	p.polling("GET", "", 0, "")
	p.SetReadDeadline(time.Now().Add(patience))
	answer, err := http.ReadResponse(p.reader(), nil)
	if err != nil {
		a.release(p)
		return nil, "", closedTCP
	}
	open, _ := io.ReadAll(answer.Body)
	if fields := strings.Split(string(open), `"`); answer.StatusCode == http.StatusOK && len(fields) > 3 {
		return p, fields[3], ""
	}
	a.release(p)
	return nil, "", fmt.Sprint(answer.StatusCode)
}

func unpolledSessions(a *attackRun) {
	a.repeat(a.n(2, 16), func(int) string {
		p, _, outcome := a.openSession()
		if p == nil {
			return outcome
		}
		a.release(p)
		return "200"
	})
	a.want("200", "503")
}

func doubledRequests(a *attackRun) {
	a.repeat(a.n(2, 16), func(i int) string {
		p, sid, outcome := a.openSession()
		if p == nil {
			return outcome
		}
		defer a.release(p)
		second, err := a.connect()
		if err != nil {
			return err.Error()
		}
		defer a.release(second)
		switch i % 3 {
		case 0: // whichever comes second is refused
			p.polling("GET", sid, 0, "")
			second.polling("GET", sid, 0, "")
		case 1:
			p.polling("POST", sid, 100, "4half")
			second.polling("POST", sid, 100, "4half")
		default:
			p.polling("GET", strings.Repeat("A", len(sid)), 0, "")
			second.polling("POST", sid+"A", 2, "4a")
		}
		refused := 0
		for _, p := range []*peer{p, second} {
			if p.status(patience) == "400" {
				refused++
			}
		}
		if refused == 0 {
			return "neither was refused"
		}
		return "400"
	})
	a.want("400", "503")
}

// unfetchedAnswers has the echo make answers that are never polled for.
func unfetchedAnswers(a *attackRun) {
	packet := "4" + strings.Repeat("x", 900_000)
	a.repeat(a.n(2, 16), func(int) string {
		p, sid, outcome := a.openSession()
		if p == nil {
			return outcome
		}
		defer a.release(p)
		p.polling("POST", sid, len(packet), packet)
		return p.status(patience)
	})
	a.want("200", "400", "503")
}

// endlessBodies stops before the end of each body.
func endlessBodies(a *attackRun) {
	part := "4" + strings.Repeat("x", 900_000)
	a.each(a.n(20, 1000), func(int) string {
		p, sid, outcome := a.openSession()
		if p == nil {
			return outcome
		}
		defer a.release(p)
		p.SetWriteDeadline(time.Now().Add(patience))
		p.polling("POST", sid, len(part)+1, part)
		return p.status(a.within(30 * time.Second))
	})
	a.want("400", "503", closedTCP, resetTCP)
}

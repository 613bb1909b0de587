// Tests of the change from polling to a WebSocket.

package engineio_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	gorilla "github.com/gorilla/websocket"

	"framescope/server/engineio"
)

func TestUpgradeReleasesThePoll(t *testing.T) {
	p := start(t, engineio.Options{})
	sid := p.handshake()
	poll := p.later("GET", "polling&sid="+sid, "")
	c := p.dial("websocket&sid=" + sid)
	p.send(c, "2probe")
	p.receive(c, "3probe")
	if got := <-poll; got != `200 "6"` {
		t.Errorf("the poll that waited: %s", got)
	}
	p.want("GET", "polling&sid="+sid, "", 200, "6") // one that comes meanwhile
	p.want("POST", "polling&sid="+sid, "4a", 200, "ok")
	p.send(c, "5")
	p.receive(c, "4a")
	p.want("POST", "polling&sid="+sid, "4b", 400, `"code":3`)
	p.send(c, "4c")
	p.receive(c, "4c")
}

func TestPollThatOvertakesTheUpgrade(t *testing.T) {
	p := start(t, engineio.Options{})
	sid := p.handshake()
	c := p.dial("websocket&sid=" + sid)
	p.send(c, "2probe")
	p.receive(c, "3probe")
	poll := p.later("GET", "polling&sid="+sid, "")
	p.send(c, "5")
	if got := <-poll; !strings.HasPrefix(got, "400") && got != `200 "6"` {
		t.Errorf("poll: %s", got)
	}
	p.send(c, "4a")
	p.receive(c, "4a")
}

// TestPollGivenUpAfterTheUpgrade: the WebSocket carries the session already.
func TestPollGivenUpAfterTheUpgrade(t *testing.T) {
	sessions := make(chan *engineio.Session, 1)
	p := start(t, engineio.Options{Open: func(s *engineio.Session, r *http.Request) engineio.Handler {
		sessions <- s
		return engineio.Echo(s, r)
	}})
	for range 100 {
		sid := p.handshake()
		s := <-sessions
		c := p.dial("websocket&sid=" + sid)
		p.send(c, "2probe")
		p.receive(c, "3probe")
		cancel := p.pollAndCancel("polling&sid=" + sid)
		p.send(c, "5")
		for s.Polling() {
			runtime.Gosched()
		}
		cancel()
		p.send(c, "4a")
		p.receive(c, "4a")
		c.Close()
	}
}

func TestSecondWebSocket(t *testing.T) {
	p := start(t, engineio.Options{})
	sid := p.handshake()
	first := p.dial("websocket&sid=" + sid)
	refused := func() {
		t.Helper()
		if _, _, err := p.dial("websocket&sid=" + sid).ReadMessage(); !gorilla.IsCloseError(err, gorilla.ClosePolicyViolation) {
			t.Errorf("second WebSocket: %v", err)
		}
	}
	refused()
	p.send(first, "2probe")
	p.receive(first, "3probe")
	refused()
	p.send(first, "5")
	p.send(first, "4a")
	p.receive(first, "4a")
	refused()
	p.send(first, "4b")
	p.receive(first, "4b")
}

func TestFailedUpgrades(t *testing.T) {
	p := start(t, engineio.Options{})
	sid := p.handshake()
	for _, packets := range [][]string{{"4a"}, {"2"}, {"5"}, {"2probe", "4a"}, {"2probe", "2probe"}} {
		c := p.dial("websocket&sid=" + sid)
		for i, packet := range packets {
			p.send(c, packet)
			if i == 0 && len(packets) > 1 {
				p.receive(c, "3probe")
			}
		}
		if _, _, err := c.ReadMessage(); !gorilla.IsCloseError(err, gorilla.ClosePolicyViolation) {
			t.Errorf("%q: %v", packets, err)
		}
	}
	// The session goes on.
	p.want("POST", "polling&sid="+sid, "4a", 200, "ok")
	p.want("GET", "polling&sid="+sid, "", 200, "4a")
	c := p.dial("websocket&sid=" + sid)
	p.send(c, "2probe")
	p.receive(c, "3probe")
	p.send(c, "5")
	p.send(c, "4b")
	p.receive(c, "4b")
}

func TestSessionThatEndsDuringTheUpgrade(t *testing.T) {
	p := start(t, engineio.Options{})
	sid := p.handshake()
	c := p.dial("websocket&sid=" + sid)
	p.send(c, "2probe")
	p.receive(c, "3probe")
	p.want("POST", "polling&sid="+sid, "1", 200, "ok")
	if _, _, err := c.ReadMessage(); !gorilla.IsCloseError(err, 1000) {
		t.Errorf("WebSocket: %v", err)
	}
}

// TestOrderAcrossUpgrades: what a session is sent arrives once and in order, while it changes.
func TestOrderAcrossUpgrades(t *testing.T) {
	const messages = 2000
	sessions := make(chan *engineio.Session, 1)
	p := start(t, engineio.Options{Open: func(s *engineio.Session, r *http.Request) engineio.Handler {
		sessions <- s
		return engineio.Echo(s, r)
	}})
	for range 5 {
		sid := p.handshake()
		s := <-sessions
		var sending sync.WaitGroup
		sending.Go(func() {
			for i := range messages {
				text := fmt.Appendf(nil, "%d", i)
				var err error
				switch i % 3 {
				case 0:
					err = s.Send(false, text)
				case 1:
					err = s.Queue(engineio.Prepare(false, text))
				default:
					err = s.SendPacket(append([]byte{engineio.TextPrefix}, text...))
				}
				if err != nil {
					t.Errorf("send %d: %v", i, err)
				}
			}
		})
		got := 0
		check := func(packet string) {
			if packet == "6" {
				return
			}
			if packet != fmt.Sprintf("4%d", got) {
				t.Fatalf("received %q, want message %d", packet, got)
			}
			got++
		}
		_, body := p.request("GET", "polling&sid="+sid, "")
		c := p.dial("websocket&sid=" + sid)
		for _, packet := range strings.Split(body, "\x1e") {
			check(packet)
		}
		p.send(c, "2probe")
		p.receive(c, "3probe")
		p.send(c, "5")
		for got < messages {
			_, b, err := c.ReadMessage()
			if err != nil {
				t.Fatal(err)
			}
			check(string(b))
		}
		sending.Wait()
		c.Close()
	}
}

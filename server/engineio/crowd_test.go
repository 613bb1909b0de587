// Tests of many sessions at once: they vanish, they are shut down, and they use up the memory.

package engineio_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"framescope/server/engineio"
	"framescope/server/memory"
)

// counting counts the sessions that were opened and have not been closed, and why they were.
type counting struct {
	open    sync.WaitGroup
	reasons [16]atomic.Int64
}

func (c *counting) Open(s *engineio.Session, r *http.Request) engineio.Handler {
	c.open.Add(1)
	return counted{engineio.Echo(s, r), c, new(atomic.Bool)}
}

type counted struct {
	engineio.Handler
	all    *counting
	closed *atomic.Bool
}

func (c counted) Closed(reason engineio.Reason) {
	if c.closed.Swap(true) {
		panic("closed twice")
	}
	c.all.reasons[reason].Add(1)
	c.all.open.Done()
}

// TestVanishedSessions: a thousand sessions whose peers are gone leave nothing behind.
func TestVanishedSessions(t *testing.T) {
	var c counting
	p := start(t, engineio.Options{Open: c.Open, PingInterval: 100 * time.Millisecond, PingTimeout: 100 * time.Millisecond})
	before := runtime.NumGoroutine()
	for i := range 500 {
		sid := p.handshake()
		if i%5 == 0 {
			p.dial("websocket&sid=" + sid).NetConn().(*net.TCPConn).SetLinger(0)
		}
		ws := p.dial("websocket")
		if i%2 == 0 {
			ws.NetConn().(*net.TCPConn).SetLinger(0)
			ws.NetConn().Close()
		}
	}
	c.open.Wait()
	if n := p.engine.Sessions(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	t.Logf("%d goroutines before, %d after; the test's end checks that none is left", before, runtime.NumGoroutine())
}

// TestShutdown: every session ends, polls that wait are answered, and handlers are told.
func TestShutdown(t *testing.T) {
	var c counting
	p := start(t, engineio.Options{Open: c.Open})
	var polls []<-chan string
	var sockets []*gorilla.Conn
	for range 20 {
		polls = append(polls, p.later("GET", "polling&sid="+p.handshake(), ""))
		p.handshake() // never polls
		ws := p.dial("websocket")
		ws.ReadMessage()
		sockets = append(sockets, ws)
		sid := p.handshake()
		probing := p.dial("websocket&sid=" + sid)
		p.send(probing, "2probe")
		p.receive(probing, "3probe")
		sockets = append(sockets, probing)
	}
	read := sync.WaitGroup{}
	for _, ws := range sockets {
		read.Go(func() {
			if _, _, err := ws.ReadMessage(); !gorilla.IsCloseError(err, 1001) {
				t.Errorf("WebSocket: %v", err)
			}
			ws.Close()
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	p.engine.Shutdown(ctx)
	if ctx.Err() != nil {
		t.Error("Shutdown took too long")
	}
	for _, poll := range polls {
		if got := <-poll; got != `200 "1"` {
			t.Errorf("poll: %s", got)
		}
	}
	read.Wait()
	c.open.Wait()
	if n := c.reasons[engineio.ReasonShutdown].Load(); n != 80 {
		t.Errorf("%d sessions were closed for the shutdown, want 80", n)
	}
	p.want("GET", "polling", "", 503, "shutting down")
	if n := p.engine.Sessions(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

// TestMemory: what waits for polls is counted, and sessions end when it is too much.
func TestMemory(t *testing.T) {
	var c counting
	budget := memory.NewBudget(4<<20, slog.New(slog.DiscardHandler))
	p := start(t, engineio.Options{Open: c.Open, Memory: budget})
	packet := "4" + strings.Repeat("x", 900_000)
	var sids []string
	for range 20 {
		sid := p.handshake()
		sids = append(sids, sid)
		p.request("POST", "polling&sid="+sid, packet)
		if used := budget.Used(); used > 4<<20+4<<20 {
			t.Fatalf("%d bytes are used", used)
		}
	}
	received := 0
	for _, sid := range sids {
		if status, body := p.request("GET", "polling&sid="+sid, ""); status == 200 && body == packet {
			received++
		}
	}
	if received == 0 || received == len(sids) {
		t.Errorf("%d sessions of %d were given their message", received, len(sids))
	}
	for _, sid := range sids {
		p.request("POST", "polling&sid="+sid, "1")
		p.request("GET", "polling&sid="+sid, "")
	}
	c.open.Wait()
	if n := c.reasons[engineio.ReasonMemory].Load(); n == 0 {
		t.Error("no session ended for want of memory")
	}
	if used := budget.Used(); used != 0 {
		t.Errorf("%d bytes are still counted", used)
	}
}

// TestPanics: a handler that panics ends its session only.
func TestPanics(t *testing.T) {
	var c counting
	p := start(t, engineio.Options{Open: func(s *engineio.Session, r *http.Request) engineio.Handler {
		if r.URL.Query().Has("panic") {
			panic(http.ErrAbortHandler)
		}
		return panicking{c.Open(s, r)}
	}})
	if _, err := p.client.Get(p.url + "polling&panic"); err == nil {
		t.Error("an answer, though Open panicked")
	}
	sid := p.handshake()
	if _, err := p.client.Post(p.url+"polling&sid="+sid, "text/plain", strings.NewReader("4panic")); err == nil {
		t.Error("an answer, though Message panicked")
	}
	p.want("GET", "polling&sid="+sid, "", 400, `"code":1`)
	ws := p.dial("websocket")
	ws.ReadMessage()
	p.send(ws, "4panic")
	if _, _, err := ws.ReadMessage(); !gorilla.IsCloseError(err, 1011, 1008) {
		t.Errorf("WebSocket: %v", err)
	}
	ws.Close()
	c.open.Wait()
	if n := p.engine.Sessions(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	p.handshake()
}

type panicking struct{ engineio.Handler }

func (panicking) Message(_ bool, p []byte) { panic(http.ErrAbortHandler) }

func TestReasons(t *testing.T) {
	for r := engineio.ReasonTransportClose; r <= engineio.ReasonMemory; r++ {
		if strings.HasPrefix(r.String(), "reason") {
			t.Errorf("%d has no text", r)
		}
	}
	if got := fmt.Sprint(engineio.Reason(200)); got != "reason 200" {
		t.Error(got)
	}
}

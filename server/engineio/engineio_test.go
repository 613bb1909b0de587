// Tests of sessions over real sockets: handshake, polls and posts, WebSocket, upgrade.

package engineio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"framescope/server/engineio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is a server under test, and the requests to it.
type peer struct {
	t      *testing.T
	engine *engineio.Server
	url    string // with the query of a poll
	client *http.Client
	next   atomic.Pointer[chan struct{}] // of handled
}

// start starts a server; by default it echoes.
func start(t *testing.T, o engineio.Options) *peer {
	t.Helper()
	if o.Open == nil {
		o.Open = engineio.Echo
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	engine := engineio.New(o)
	p := &peer{t: t, engine: engine, client: &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c := p.next.Swap(nil); c != nil {
			waits := sync.OnceFunc(func() { close(*c) })
			r = r.WithContext(watchedContext{r.Context(), waits})
			r.Body = watchedBody{r.Body, waits}
		}
		engine.ServeHTTP(w, r)
	}))
	p.url = server.URL + "/engine.io/?EIO=4&transport="
	t.Cleanup(func() {
		engine.Shutdown(t.Context())
		p.client.CloseIdleConnections()
		server.Close()
	})
	return p
}

// watchedContext and watchedBody report when a poll waits for packets, or a post for its body.
type watchedContext struct {
	context.Context
	waits func()
}

func (c watchedContext) Done() <-chan struct{} {
	c.waits()
	return c.Context.Done()
}

type watchedBody struct {
	io.ReadCloser
	waits func()
}

func (b watchedBody) Read(p []byte) (int, error) {
	b.waits()
	return b.ReadCloser.Read(p)
}

// request sends a request and returns the answer's status and body.
func (p *peer) request(method, query, body string) (int, string) {
	p.t.Helper()
	r, err := http.NewRequest(method, p.url+query, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	status, _, answer := p.do(r)
	return status, answer
}

func (p *peer) do(r *http.Request) (int, http.Header, string) {
	p.t.Helper()
	answer, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(b)
}

// later sends a request whose answer comes later, and returns once the server handles it.
func (p *peer) later(method, query, body string) <-chan string {
	p.t.Helper()
	answer := make(chan string, 1)
	handled := p.handled()
	go func() {
		r, _ := http.NewRequest(method, p.url+query, strings.NewReader(body))
		a, err := p.client.Do(r)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer a.Body.Close()
		b, _ := io.ReadAll(a.Body)
		answer <- fmt.Sprintf("%d %q", a.StatusCode, b)
	}()
	<-handled
	return answer
}

// handled returns what is closed when the server waits for something in its next poll or post.
func (p *peer) handled() <-chan struct{} {
	c := make(chan struct{})
	p.next.Store(&c)
	return c
}

// slowPost begins a POST request, of which body is the remainder.
func (p *peer) slowPost(query, begin string) (body io.Closer, answer <-chan string) {
	p.t.Helper()
	from, to := io.Pipe()
	answers := make(chan string, 1)
	handled := p.handled()
	go func() {
		r, _ := http.NewRequest("POST", p.url+query, from)
		a, err := p.client.Do(r)
		if err != nil {
			answers <- err.Error()
			return
		}
		defer a.Body.Close()
		b, _ := io.ReadAll(a.Body)
		answers <- fmt.Sprintf("%d %q", a.StatusCode, b)
	}()
	io.WriteString(to, begin)
	<-handled
	return to, answers
}

// pollAndCancel polls, and returns once the server waits; cancel gives up.
func (p *peer) pollAndCancel(query string) (cancel func()) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	handled := p.handled()
	go func() {
		r, _ := http.NewRequestWithContext(ctx, "GET", p.url+query, nil)
		if a, err := p.client.Do(r); err == nil {
			a.Body.Close()
		}
	}()
	<-handled
	return cancel
}

// handshake opens a session by polling and returns its id.
func (p *peer) handshake() string {
	p.t.Helper()
	status, body := p.request("GET", "polling", "")
	if status != 200 {
		p.t.Fatalf("handshake: %d %s", status, body)
	}
	return p.sid(body)
}

func (p *peer) sid(open string) string {
	p.t.Helper()
	var fields struct{ Sid string }
	if open == "" || open[0] != '0' || json.Unmarshal([]byte(open[1:]), &fields) != nil || len(fields.Sid) != 26 {
		p.t.Fatalf("open packet %q", open)
	}
	return fields.Sid
}

func (p *peer) want(method, query, body string, status int, text string) {
	p.t.Helper()
	if got, b := p.request(method, query, body); got != status || !strings.Contains(b, text) || status == 200 && b != text {
		p.t.Errorf("%s %s %q: %d %q, want %d %q", method, query, body, got, b, status, text)
	}
}

// dial opens a WebSocket.
func (p *peer) dial(query string) *gorilla.Conn {
	p.t.Helper()
	c, _, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(p.url, "http")+query, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return c
}

func (p *peer) send(c *gorilla.Conn, text string) {
	p.t.Helper()
	if err := c.WriteMessage(gorilla.TextMessage, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) receive(c *gorilla.Conn, text string) {
	p.t.Helper()
	if _, b, err := c.ReadMessage(); err != nil || string(b) != text {
		p.t.Errorf("received %q, %v; want %q", b, err, text)
	}
}

func TestPolling(t *testing.T) {
	p := start(t, engineio.Options{})
	session := "polling&sid=" + p.handshake()
	p.want("POST", session, "4hello", 200, "ok")
	p.want("GET", session, "", 200, "4hello")
	p.want("POST", session, "4a\x1e4b\x1ebAQIDBA==\x1e4€", 200, "ok")
	p.want("GET", session, "", 200, "4a\x1e4b\x1ebAQIDBA==\x1e4€")
	p.want("POST", session, "1", 200, "ok")
	p.want("GET", session, "", 200, "6")
	p.want("GET", session, "", 400, `"code":1`)
}

func TestWebSocket(t *testing.T) {
	p := start(t, engineio.Options{})
	c := p.dial("websocket")
	_, b, err := c.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	p.sid(string(b))
	p.send(c, "4hello")
	p.receive(c, "4hello")
	c.WriteMessage(gorilla.BinaryMessage, []byte{1, 2, 3})
	p.receive(c, "\x01\x02\x03")
	p.send(c, "1")
	if _, _, err := c.ReadMessage(); !gorilla.IsCloseError(err, 1000) {
		t.Errorf("after the close packet: %v", err)
	}
}

func TestUpgrade(t *testing.T) {
	p := start(t, engineio.Options{})
	sid := p.handshake()
	p.want("POST", "polling&sid="+sid, "4before\x1ebAQID", 200, "ok")
	c := p.dial("websocket&sid=" + sid)
	p.send(c, "2probe")
	p.receive(c, "3probe")
	p.send(c, "5")
	p.receive(c, "4before")
	p.receive(c, "\x01\x02\x03")
	p.send(c, "4after")
	p.receive(c, "4after")
	p.want("GET", "polling&sid="+sid, "", 400, `"code":3`)
}

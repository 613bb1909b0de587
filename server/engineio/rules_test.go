// Tests of each rule of the protocol with raw requests: what is refused, and what that ends.

package engineio_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"framescope/server/engineio"
	"framescope/server/websocket"
)

func TestRefusals(t *testing.T) {
	p := start(t, engineio.Options{})
	for _, refused := range []struct {
		method, query string // the query after "?"
		status, code  int
		message       string
	}{
		{"GET", "EIO=4", 400, 0, "Transport unknown"},
		{"GET", "EIO=4&transport=tobi", 400, 0, "Transport unknown"},
		{"GET", "EIO=4&transport=constructor", 400, 0, "Transport unknown"},
		{"GET", "EIO=4&transport=polling&sid=test", 400, 1, "Session ID unknown"},
		{"POST", "EIO=4&transport=polling&sid=test", 400, 1, "Session ID unknown"},
		{"POST", "EIO=4&transport=polling", 400, 2, "Bad handshake method"},
		{"PUT", "EIO=4&transport=polling", 400, 2, "Bad handshake method"},
		{"GET", "EIO=4&transport=websocket", 400, 3, "Bad request"},
		{"GET", "transport=polling", 400, 5, "Unsupported protocol version"},
		{"GET", "EIO=3&transport=polling", 400, 5, "Unsupported protocol version"},
		{"GET", "EIO=abc&transport=polling", 400, 5, "Unsupported protocol version"},
		{"PUT", "EIO=4&transport=polling&sid=" + p.handshake(), 400, 3, "Bad request"},
	} {
		base, _, _ := strings.Cut(p.url, "?")
		r, _ := http.NewRequest(refused.method, base+"?"+refused.query, nil)
		status, header, body := p.do(r)
		want := fmt.Sprintf(`{"code":%d,"message":%q`, refused.code, refused.message)
		if status != refused.status || !strings.HasPrefix(body, want) || header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d %s %q, want %d %s", refused.method, refused.query, status, header.Get("Content-Type"), body, refused.status, want)
		}
	}
}

func TestWebSocketRefusals(t *testing.T) {
	p := start(t, engineio.Options{})
	for _, query := range []string{"websocket&sid=unknown", "polling", "abc"} {
		_, answer, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(p.url, "http")+query, nil)
		if query == "polling" { // the transport that the query names counts
			if err == nil || answer.StatusCode != 200 {
				t.Errorf("%s: %v, %v", query, answer, err)
			}
			continue
		}
		if err == nil || answer.StatusCode != 400 {
			t.Errorf("%s: %v, %v", query, answer, err)
		}
	}
	if n := p.engine.Sessions(); n != 1 {
		t.Errorf("%d sessions, want the one of the poll", n)
	}
}

func TestOrigins(t *testing.T) {
	p := start(t, engineio.Options{Policy: websocket.Policy{Origins: []string{"https://app.example"}}})
	for _, c := range []struct {
		method, host, origin, site string
		status                     int
		allowed                    string
	}{
		{"GET", "", "", "", 200, ""},
		{"GET", "", "", "same-origin", 200, ""},
		{"GET", "", "", "cross-site", 403, ""},
		{"GET", "", "https://evil.example", "", 403, ""},
		{"GET", "evil.example", "", "", 403, ""},
		{"GET", "", "https://app.example", "cross-site", 200, "https://app.example"},
		{"OPTIONS", "", "https://app.example", "", 204, "https://app.example"},
		{"OPTIONS", "", "https://evil.example", "", 403, ""},
	} {
		r, _ := http.NewRequest(c.method, p.url+"polling", nil)
		r.Host = c.host
		for name, value := range map[string]string{"Origin": c.origin, "Sec-Fetch-Site": c.site, "Access-Control-Request-Headers": "x-token"} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		status, header, body := p.do(r)
		if status != c.status || header.Get("Access-Control-Allow-Origin") != c.allowed || header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%+v: %d %v %s", c, status, header, body)
		}
		if status == 403 && !strings.HasPrefix(body, `{"code":4,"message":"Forbidden"`) {
			t.Errorf("%+v: %s", c, body)
		}
		if c.method == "OPTIONS" && status == 204 && header.Get("Access-Control-Allow-Headers") != "x-token" {
			t.Errorf("%+v: %v", c, header)
		}
	}
}

func TestOriginsOfWebSockets(t *testing.T) {
	listed := start(t, engineio.Options{Policy: websocket.Policy{Origins: []string{"https://app.example"}}})
	all := start(t, engineio.Options{Policy: websocket.Policy{CheckOrigin: func(*http.Request) bool { return true }}})
	for _, c := range []struct {
		p      *peer
		origin string
		status int
	}{
		{listed, "https://app.example", 101}, {listed, "https://evil.example", 403}, {all, "https://evil.example", 101},
	} {
		ws, answer, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(c.p.url, "http")+"websocket", http.Header{"Origin": {c.origin}})
		if answer == nil || answer.StatusCode != c.status {
			t.Errorf("%s: %v, %v", c.origin, answer, err)
		}
		if err == nil {
			ws.Close()
		}
	}
}

func TestAnswersAreNotStoredAndNotPages(t *testing.T) {
	p := start(t, engineio.Options{})
	sid := p.handshake()
	for _, request := range [][2]string{{"POST", "4<script>"}, {"GET", ""}, {"PUT", ""}} {
		r, _ := http.NewRequest(request[0], p.url+"polling&sid="+sid, strings.NewReader(request[1]))
		_, header, _ := p.do(r)
		if header.Get("Cache-Control") != "no-store" || header.Get("X-Content-Type-Options") != "nosniff" || strings.Contains(header.Get("Content-Type"), "html") {
			t.Errorf("%v: %v", request, header)
		}
	}
}

func TestTooManySessions(t *testing.T) {
	p := start(t, engineio.Options{MaxSessions: 2})
	session := "polling&sid=" + p.handshake()
	p.handshake()
	p.want("GET", "polling", "", 503, "too many sessions")
	p.want("POST", session, "1", 200, "ok")
	p.want("GET", session, "", 200, "6")
	p.handshake()
}

// TestLongBacklog: a poll brings 16 packets at most, in order, also the last ones of a session.
func TestLongBacklog(t *testing.T) {
	closed := make(chan engineio.Reason, 1)
	p := start(t, engineio.Options{Open: func(s *engineio.Session, _ *http.Request) engineio.Handler { return closing{s, closed} }})
	session := "polling&sid=" + p.handshake()
	var packets []string
	for n := range 57 {
		packets = append(packets, fmt.Sprintf("4%d", n))
	}
	packets = append(packets, "4close")
	p.want("POST", session, strings.Join(packets, "\x1e"), 200, "ok")
	packets = append(packets, "1")
	for len(packets) > 0 {
		n := min(len(packets), 16)
		p.want("GET", session, "", 200, strings.Join(packets[:n], "\x1e"))
		packets = packets[n:]
	}
	p.want("GET", session, "", 400, `"code":1`)
}

func TestBadPackets(t *testing.T) {
	for _, bad := range []string{"", "abc", "2", "2probe", "0{}", "9", "4\xff", "b!!!!", "bAQI", "4a\x1e", "\x1e4a", "4a\x1ex"} {
		p := start(t, engineio.Options{})
		session := "polling&sid=" + p.handshake()
		p.want("POST", session, bad, 400, `"code":3`)
		p.want("GET", session, "", 400, `"code":1`)
		p.want("POST", session, "4a", 400, `"code":1`)
		if bad[:min(1, len(bad))] == "b" || bad == "4\xff" || strings.Contains(bad, "\x1e") {
			continue // legal over a WebSocket, or refused by it
		}
		c := p.dial("websocket")
		c.ReadMessage()
		p.send(c, bad)
		if _, _, err := c.ReadMessage(); !gorilla.IsCloseError(err, gorilla.ClosePolicyViolation) {
			t.Errorf("WebSocket, %q: %v", bad, err)
		}
	}
}

func TestPacketsThatMeanNothing(t *testing.T) {
	p := start(t, engineio.Options{})
	session := "polling&sid=" + p.handshake()
	p.want("POST", session, "6\x1e5\x1e3\x1e4still here", 200, "ok")
	p.want("GET", session, "", 200, "4still here")
}

func TestMaxPayload(t *testing.T) {
	p := start(t, engineio.Options{MaxPayload: 1000})
	session := "polling&sid=" + p.handshake()
	full := "4" + strings.Repeat("x", 999)
	p.want("POST", session, full, 200, "ok")
	p.want("GET", session, "", 200, full)
	p.want("POST", session, full+"x", 413, "maxPayload")
	p.want("GET", session, "", 400, `"code":1`)

	session = "polling&sid=" + p.handshake()
	r, _ := http.NewRequest("POST", p.url+session, struct{ *strings.Reader }{strings.NewReader(full + "x")}) // in chunks
	if status, _, body := p.do(r); status != 413 {
		t.Errorf("in chunks: %d %s", status, body)
	}
	c := p.dial("websocket")
	c.ReadMessage()
	p.send(c, full)
	p.receive(c, full)
	p.send(c, full+"x")
	if _, _, err := c.ReadMessage(); !gorilla.IsCloseError(err, gorilla.CloseMessageTooBig) {
		t.Errorf("WebSocket: %v", err)
	}
}

func TestTwoPolls(t *testing.T) {
	p := start(t, engineio.Options{})
	session := "polling&sid=" + p.handshake()
	first := p.later("GET", session, "")
	for {
		if status, body := p.request("GET", session, ""); status == 400 && strings.Contains(body, "another request waits") {
			break // and not the first one, whose answer has no code
		} else {
			t.Fatalf("second poll: %d %q", status, body)
		}
	}
	if got := <-first; got != `200 "1"` {
		t.Errorf("first poll: %s", got)
	}
	p.want("GET", session, "", 400, `"code":1`)
}

func TestTwoPosts(t *testing.T) {
	p := start(t, engineio.Options{})
	session := "polling&sid=" + p.handshake()
	body, first := p.slowPost(session, "4half ")
	p.want("POST", session, "4a", 400, "another request brings packets")
	body.Close()
	if got := <-first; !strings.HasPrefix(got, "400") {
		t.Errorf("first post: %s", got)
	}
	p.want("GET", session, "", 400, `"code":1`)
}

// TestCloseDuringAPost: a body that is still being read does not keep a session that has ended.
func TestCloseDuringAPost(t *testing.T) {
	sessions, closed := make(chan *engineio.Session, 1), make(chan engineio.Reason, 1)
	p := start(t, engineio.Options{Open: func(s *engineio.Session, _ *http.Request) engineio.Handler {
		sessions <- s
		return closing{s, closed}
	}})
	body, post := p.slowPost("polling&sid="+p.handshake(), "4half ")
	defer body.Close()
	(<-sessions).Close()
	if got := <-post; !strings.HasPrefix(got, "400") {
		t.Errorf("post: %s", got)
	}
	if reason := <-closed; reason != engineio.ReasonForcedClose {
		t.Errorf("closed for %v", reason)
	}
}

func TestPollOfAClientThatIsGone(t *testing.T) {
	closed := make(chan engineio.Reason, 1)
	p := start(t, engineio.Options{Open: func(s *engineio.Session, _ *http.Request) engineio.Handler { return closing{s, closed} }})
	session := "polling&sid=" + p.handshake()
	cancel := p.pollAndCancel(session)
	cancel()
	if reason := <-closed; reason != engineio.ReasonTransportClose {
		t.Errorf("closed for %v", reason)
	}
	p.want("GET", session, "", 400, `"code":1`)
}

// closing is an echo that reports how its session ended. The message "close" closes it.
type closing struct {
	session *engineio.Session
	closed  chan<- engineio.Reason
}

func (h closing) Message(binary bool, p []byte) {
	_ = h.session.Send(binary, p)
	if string(p) == "close" {
		h.session.Close()
	}
}

func (h closing) Closed(reason engineio.Reason) { h.closed <- reason }

func TestServerCloses(t *testing.T) {
	closed := make(chan engineio.Reason, 1)
	p := start(t, engineio.Options{Open: func(s *engineio.Session, _ *http.Request) engineio.Handler { return closing{s, closed} }})
	session := "polling&sid=" + p.handshake()
	p.want("POST", session, "4close\x1e4not received", 200, "ok")
	if reason := <-closed; reason != engineio.ReasonForcedClose {
		t.Errorf("closed for %v", reason)
	}
	p.want("POST", session, "4a", 400, `"code":1`)
	p.want("GET", session, "", 200, "4close\x1e1")
	p.want("GET", session, "", 400, `"code":1`)

	c := p.dial("websocket")
	c.ReadMessage()
	p.send(c, "4close")
	p.receive(c, "4close")
	if _, _, err := c.ReadMessage(); !gorilla.IsCloseError(err, 1000) {
		t.Errorf("WebSocket: %v", err)
	}
	if reason := <-closed; reason != engineio.ReasonForcedClose {
		t.Errorf("closed for %v", reason)
	}
	if n := p.engine.Sessions(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

func TestPingOverWebSocket(t *testing.T) {
	closed := make(chan engineio.Reason, 1)
	p := start(t, engineio.Options{
		PingInterval: 20 * time.Millisecond, PingTimeout: 40 * time.Millisecond,
		Open: func(s *engineio.Session, _ *http.Request) engineio.Handler { return closing{s, closed} },
	})
	c := p.dial("websocket")
	c.ReadMessage()
	p.receive(c, "2")
	if _, _, err := c.ReadMessage(); !gorilla.IsCloseError(err, gorilla.ClosePolicyViolation) {
		t.Errorf("after an unanswered ping: %v", err)
	}
	if reason := <-closed; reason != engineio.ReasonPingTimeout {
		t.Errorf("closed for %v", reason)
	}
}

// Tests of times, on a clock of their own: the heartbeat, and what vanished peers leave.

package engineio_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"framescope/server/engineio"
)

// served is a server without a network: requests are calls.
type served struct {
	t      *testing.T
	engine *engineio.Server
	closed chan engineio.Reason
}

func serveIn(t *testing.T, o engineio.Options) *served {
	s := &served{t: t, closed: make(chan engineio.Reason, 10)}
	o.Log = slog.New(slog.DiscardHandler)
	o.Open = func(session *engineio.Session, _ *http.Request) engineio.Handler { return closing{session, s.closed} }
	s.engine = engineio.New(o)
	return s
}

func (s *served) request(method, sid, body string) string {
	query := "?EIO=4&transport=polling"
	if sid != "" {
		query += "&sid=" + sid
	}
	r := httptest.NewRequestWithContext(s.t.Context(), method, "http://localhost/engine.io/"+query, strings.NewReader(body))
	r.Host = "localhost"
	w := httptest.NewRecorder()
	s.engine.ServeHTTP(w, r)
	return w.Body.String()
}

func (s *served) handshake() string {
	var fields struct{ Sid string }
	if err := json.Unmarshal([]byte(s.request("GET", "", "")[1:]), &fields); err != nil {
		s.t.Fatal(err)
	}
	return fields.Sid
}

func (s *served) wantClosed(after time.Duration, begun time.Time, reason engineio.Reason) {
	s.t.Helper()
	if got := <-s.closed; got != reason {
		s.t.Errorf("closed for %v, want %v", got, reason)
	}
	if took := time.Since(begun); took != after {
		s.t.Errorf("closed after %v, want %v", took, after)
	}
	synctest.Wait()
	if n := s.engine.Sessions(); n != 0 {
		s.t.Errorf("%d sessions are left", n)
	}
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveIn(t, engineio.Options{})
		begun := time.Now()
		sid := s.handshake()
		for n := range 3 {
			if got := s.request("GET", sid, ""); got != "2" {
				t.Errorf("poll: %q, want a ping", got)
			}
			if took := time.Since(begun); took != time.Duration(n+1)*26*time.Second-time.Second {
				t.Errorf("ping after %v", took)
			}
			time.Sleep(time.Second)
			s.request("POST", sid, "3")
		}
		// The next ping is not answered.
		s.wantClosed(3*26*time.Second+45*time.Second, begun, engineio.ReasonPingTimeout)
	})
}

func TestMessagesAreAnswersToPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveIn(t, engineio.Options{})
		begun := time.Now()
		sid := s.handshake()
		s.request("GET", sid, "") // the ping, after 25 s
		time.Sleep(time.Second)
		s.request("POST", sid, "4a")
		if got := s.request("GET", sid, ""); got != "4a" {
			t.Errorf("poll: %q", got)
		}
		if got := s.request("GET", sid, ""); got != "2" {
			t.Errorf("poll: %q, want the next ping", got)
		}
		if took := time.Since(begun); took != 70*time.Second {
			t.Errorf("the next ping came after %v, want 70 s: 45, and the interval", took)
		}
		s.wantClosed(90*time.Second, begun, engineio.ReasonPingTimeout)
	})
}

func TestSessionThatNobodyPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveIn(t, engineio.Options{})
		begun := time.Now()
		s.handshake()
		s.wantClosed(10*time.Second, begun, engineio.ReasonPingTimeout)
	})
}

func TestLastPacketWaitsForAPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveIn(t, engineio.Options{})
		sid := s.handshake()
		begun := time.Now()
		s.request("POST", sid, "4close")
		if n := s.engine.Sessions(); n != 1 {
			t.Errorf("%d sessions, want the one that was closed", n)
		}
		time.Sleep(3 * time.Second)
		s.wantClosed(3*time.Second, begun, engineio.ReasonForcedClose)
	})
}

func TestClientThatDoesNotFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveIn(t, engineio.Options{MaxPayload: 1 << 20})
		sid := s.handshake()
		begun := time.Now()
		large := "4" + strings.Repeat("x", 1<<20-1)
		for range 2 {
			if got := s.request("POST", sid, large); got != "ok" {
				t.Fatalf("post: %.200s", got)
			}
		}
		// The third one waits for a poll until the session is given up.
		if got := s.request("POST", sid, large); !strings.Contains(got, "too much waits") {
			t.Errorf("post: %.200s", got)
		}
		s.wantClosed(10*time.Second, begun, engineio.ReasonSlowReader)
	})
}

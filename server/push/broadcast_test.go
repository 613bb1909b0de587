// Tests of POST /api/broadcast: who may use it, and what it accepts.

package push_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"framescope/server/push"
	"framescope/server/websocket"
)

// broadcast sends a request, which change may change, and returns the answer.
func (s *site) broadcast(t *testing.T, body string, change func(*http.Request)) (status int, text string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.URL+"/api/broadcast", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if change != nil {
		change(r)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	p, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(p)
}

func TestBroadcast(t *testing.T) {
	s := serve(t, websocket.Options{})
	c := s.dial(t)
	own := func(r *http.Request) {
		r.Header.Set("Origin", s.URL)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	if status, text := s.broadcast(t, `{"text":"a"}`, nil); status != 200 || text != "{\"receivers\":3}\n" {
		t.Errorf("%d %q", status, text)
	}
	if status, text := s.broadcast(t, ` {"room":"lobby","text":"\u003cb\u003e"} `, own); status != 200 || text != "{\"receivers\":2}\n" {
		t.Errorf("%d %q", status, text)
	}
	s.broadcast(t, `{"text":"tab\there","room":""}`, nil)
	expect(t, c, "a")
	expect(t, c, "tab\there")
	if want := ": a\nlobby: <b>\n: tab\there"; s.rooms.String() != want {
		t.Errorf("the chat was told %q, want %q", s.rooms, want)
	}
}

func TestBroadcastRefused(t *testing.T) {
	s := serve(t, websocket.Options{})
	field := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[name] = values }
	}
	good := `{"text":"x"}`
	for _, test := range []struct {
		name, body string
		change     func(*http.Request)
		status     int
		says       string
	}{
		{"GET", "", func(r *http.Request) { r.Method = "GET" }, 405, "POST"},
		{"OPTIONS", "", func(r *http.Request) { r.Method = "OPTIONS" }, 405, "POST"},
		{"foreign page", good, field("Origin", "https://evil.example"), 403, "Origin"},
		{"opaque page", good, field("Origin", "null"), 403, "Origin"},
		{"two origins", good, field("Origin", s.URL, s.URL), 403, "Origin"},
		{"cross-site", good, field("Sec-Fetch-Site", "cross-site"), 403, "Sec-Fetch-Site"},
		{"same-site", good, field("Sec-Fetch-Site", "same-site"), 403, "Sec-Fetch-Site"},
		{"forwarded", good, field("X-Forwarded-For", "192.0.2.1"), 403, "proxy"},
		{"form", good, field("Content-Type", "text/plain"), 415, "application/json"},
		{"no type", good, field("Content-Type"), 415, "application/json"},
		{"bad type", good, field("Content-Type", "application/json; ="), 415, "application/json"},
		{"no body", "", nil, 400, "not an object"},
		{"no object", `["x"]`, nil, 400, "not an object"},
		{"null", `null`, nil, 400, "no text"},
		{"cut short", `{"text":"x"`, nil, 400, "not an object"},
		{"more after it", good + "{}", nil, 400, "not an object"},
		{"no text", `{"room":"lobby"}`, nil, 400, "no text"},
		{"empty", `{"text":""}`, nil, 400, "no text"},
		{"number", `{"text":7}`, nil, 400, "number is not allowed"},
		{"null text", `{"text":null}`, nil, 400, "no text"},
		{"unknown field", `{"text":"x","Text":"y"}`, nil, 400, `"/Text"`},
		{"text twice", `{"text":"x","text":"y"}`, nil, 400, "duplicate"},
		{"not UTF-8", "{\"text\":\"\xff\"}", nil, 400, "UTF-8"},
		{"half a pair", `{"text":"\ud800"}`, nil, 400, "surrogate"},
		{"lines", `{"text":"a\nb"}`, nil, 400, "U+000A"},
		{"escape", `{"text":"\u001b[2J"}`, nil, 400, "U+001B"},
		{"C1", `{"text":"\u009b2J"}`, nil, 400, "U+009B"},
		{"long text", `{"text":"` + strings.Repeat("x", 4097) + `"}`, nil, 413, "4097 bytes"},
		{"long body", `{"text":"` + strings.Repeat(" ", 64<<10) + `"}`, nil, 413, "65536"},
		{"deep", strings.Repeat("[", 60000), nil, 400, "not an object"},
	} {
		status, text := s.broadcast(t, test.body, test.change)
		if status != test.status || !strings.Contains(text, test.says) || strings.Count(text, "\n") != 1 {
			t.Errorf("%s: %d %q, want %d and a line with %q", test.name, status, text, test.status, test.says)
		}
	}
	if s.rooms.String() != "" {
		t.Errorf("the chat was told %q", s.rooms)
	}
}

// TestBroadcastFromElsewhere: only programs on the same machine may broadcast.
func TestBroadcastFromElsewhere(t *testing.T) {
	s := serve(t, websocket.Options{})
	for peer, want := range map[string]int{
		"127.0.0.1:1": 200, "127.9.9.9:1": 200, "[::1]:1": 200, "[::ffff:127.0.0.1]:1": 200,
		"192.0.2.1:1": 403, "[2001:db8::1]:1": 403, "[::ffff:192.0.2.1]:1": 403, "": 403, "pipe": 403,
	} {
		r := httptest.NewRequest(http.MethodPost, "/api/broadcast", bytes.NewReader([]byte(`{"text":"x"}`)))
		r.RemoteAddr = peer
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.push.Broadcast().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("from %q: %d %q, want %d", peer, w.Code, w.Body, want)
		}
	}
}

// TestBroadcastFlood: beyond a hundred at once, broadcasts are told to wait.
func TestBroadcastFlood(t *testing.T) {
	s := serve(t, websocket.Options{})
	for range 10000 {
		status, text := s.broadcast(t, `{"text":"x"}`, nil)
		if status == http.StatusTooManyRequests && strings.Contains(text, "wait") {
			return
		}
	}
	t.Error("no broadcast of 10,000 was refused")
}

// FuzzBroadcast: what is pushed is one line of text, whatever is asked for.
func FuzzBroadcast(f *testing.F) {
	for _, seed := range []string{`{"text":"x"}`, `{"text":"a\nb","room":"r"}`, `{"text":"\ud83d\ude00"}`, `{"text":"\ud83d"}`, "{", "null", `{"text":""}`} {
		f.Add([]byte(seed))
	}
	said := new(rooms)
	h := push.New(&websocket.Server{}, slog.New(slog.DiscardHandler), said, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		said.said = nil
		r := httptest.NewRequest(http.MethodPost, "/api/broadcast", bytes.NewReader(body))
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.Broadcast().ServeHTTP(w, r)
		if (w.Code == http.StatusOK) != (len(said.said) == 1) || strings.Count(w.Body.String(), "\n") != 1 {
			t.Fatalf("%d %q, and the chat was told %q", w.Code, w.Body, said.said)
		}
		for _, text := range said.said {
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\x1b\r\n\u009b") || len(text) > 4096+len(body) {
				t.Errorf("the chat was told %q", text)
			}
		}
	})
}

// What a server chooses for one request: subprotocols, fields of the response, compression,
// policy, limits.

package websocket_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/server/websocket"
)

// serve serves WebSockets and returns where to dial.
func serve(t *testing.T, s *websocket.Server, app func(*websocket.Conn)) (address string) {
	t.Helper()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = s.Handle(w, r, nil, app) }))
	t.Cleanup(h.Close)
	t.Cleanup(func() { s.Shutdown(context.Background()) })
	return "ws" + strings.TrimPrefix(h.URL, "http")
}

// accepting serves WebSockets whose requests are answered with o, and returns what Accept
// returned. The connections echo.
func accepting(t *testing.T, s *websocket.Server, o *websocket.AcceptOptions) (address string, accepted <-chan error) {
	t.Helper()
	results := make(chan error, 16)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		results <- s.Handle(w, r, o, echo)
	}))
	t.Cleanup(h.Close)
	t.Cleanup(func() { s.Shutdown(context.Background()) })
	return "ws" + strings.TrimPrefix(h.URL, "http"), results
}

func TestResponseFields(t *testing.T) {
	address, _ := accepting(t, &websocket.Server{}, &websocket.AcceptOptions{Header: http.Header{
		"Set-Cookie": {"a=1; Path=/", " b=2\t"}, "X-Text": {"Grüße\tan alle"}, "set-cookie": {"c=3"}, "X-Empty": {""}, "X-None": nil,
	}})
	c, response, err := websocket.Dial(t.Context(), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if got := response.Header["Set-Cookie"]; !slices.Equal(got, []string{"a=1; Path=/", "b=2", "c=3"}) {
		t.Errorf("cookies %q", got)
	}
	if got := response.Header.Get("X-Text"); got != "Grüße\tan alle" {
		t.Errorf("text %q", got)
	}
	if got, ok := response.Header["X-Empty"]; !ok || got[0] != "" || response.Header["X-None"] != nil {
		t.Errorf("the head is %q", response.Header)
	}
	if err := c.WriteMessage(protocol.OpText, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	reads(t, c, "hi") // so nothing of the head was taken for a frame
}

func TestResponseFieldsThatCannotBeSent(t *testing.T) {
	for says, header := range map[string]http.Header{
		"sets the field Upgrade itself":                {"upgrade": {"h2c"}},
		"sets the field Connection itself":             {"Connection": {"close"}},
		"sets the field Sec-Websocket-Protocol itself": {"Sec-WebSocket-Protocol": {"chat"}},
		"sets the field Sec-Websocket-Accept itself":   {"Sec-Websocket-Accept": {"x"}},
		"sets the field Content-Length itself":         {"Content-Length": {"0"}},
		"sets the field Transfer-Encoding itself":      {"Transfer-Encoding": {"chunked"}},
		`"Set Cookie" is not a field name`:             {"Set Cookie": {"a=1"}},
		`"" is not a field name`:                       {"": {"a=1"}},
		`has a character that is not allowed: "a\r`:    {"X": {"a\r\nSet-Cookie: b=1"}},
		`that is not allowed: "\n"`:                    {"X": {"\n"}},
		`that is not allowed: "\x7f"`:                  {"X": {"fine", "\x7f"}},
	} {
		address, accepted := accepting(t, &websocket.Server{}, &websocket.AcceptOptions{Header: header})
		_, response, err := websocket.Dial(t.Context(), address, nil)
		if err == nil || response == nil || response.StatusCode != http.StatusInternalServerError || !response.Close {
			t.Errorf("%s: answered with %v, %v", says, response, err)
		}
		if err != nil && strings.Contains(err.Error(), "field") {
			t.Errorf("the client is told of a fault that is not its own: %v", err)
		}
		if err := <-accepted; !errors.Is(err, websocket.ErrResponse) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}

func TestCompressionDeclinedForOneRequest(t *testing.T) {
	for _, off := range []bool{false, true} {
		address, _ := accepting(t, &websocket.Server{}, &websocket.AcceptOptions{NoCompression: off})
		c, response, err := websocket.Dial(t.Context(), address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.Deflate().On == off || (response.Header.Get("Sec-Websocket-Extensions") == "") != off {
			t.Errorf("declined: %v, agreed: %v, answer %q", off, c.Deflate(), response.Header)
		}
		c.CloseNow()
	}
}

func TestOptionsOfOneRequest(t *testing.T) {
	address, _ := accepting(t, &websocket.Server{}, &websocket.AcceptOptions{Options: &websocket.Options{MaxMessageSize: 4}})
	c, _, err := websocket.Dial(t.Context(), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	for _, text := range []string{"four", "fives"} {
		if err := c.WriteMessage(protocol.OpText, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	reads(t, c, "four")
	var closed *websocket.CloseError
	if _, _, err := c.ReadMessage(); !errors.As(err, &closed) || closed.Code != protocol.CloseMessageTooBig {
		t.Errorf("after a message that is too big: %v", err)
	}
}

// Options take memory only of the connections that have some of their own.
func TestConnectionsShareTheirOptions(t *testing.T) {
	s := &websocket.Server{}
	accepted := make(chan *websocket.Options)
	app := func(c *websocket.Conn) { accepted <- websocket.OptionsOf(c) }
	own := &websocket.AcceptOptions{Options: &websocket.Options{MaxMessageSize: 4}}
	seen := map[*websocket.Options]int{}
	for _, o := range []*websocket.AcceptOptions{nil, {}, {NoCompression: true, Subprotocols: []string{"a"}, Policy: &websocket.Policy{}}, own, own} {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = s.Handle(w, r, o, app) }))
		c, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(h.URL, "http"), nil)
		if err != nil {
			t.Fatal(err)
		}
		seen[<-accepted]++
		c.CloseNow()
		h.Close()
	}
	if len(seen) != 3 {
		t.Errorf("five connections, two with options of their own, have %d", len(seen))
	}
	s.Shutdown(t.Context())
}

func TestPolicyOfOneRequest(t *testing.T) {
	s := &websocket.Server{Policy: websocket.Policy{Origins: []string{"https://app.example"}, OriginHint: "ask us"}}
	own := &websocket.Policy{Origins: []string{"https://other.example"}}
	for _, test := range []struct {
		policy  *websocket.Policy
		origin  string
		refusal string
	}{
		{nil, "https://app.example", ""},
		{nil, "https://other.example", "a page of origin https://other.example may not connect: ask us (RFC 6455 4.2.2)"},
		{own, "https://other.example", ""},
		{own, "https://app.example", "a page of origin https://app.example may not connect (RFC 6455 4.2.2)"},
	} {
		address, accepted := accepting(t, s, &websocket.AcceptOptions{Policy: test.policy})
		c, response, err := websocket.Dial(t.Context(), address, &websocket.DialOptions{Header: http.Header{"Origin": {test.origin}}})
		why := <-accepted
		if test.refusal == "" {
			if err != nil || why != nil {
				t.Fatalf("%s: %v, %v", test.origin, err, why)
			}
			c.CloseNow()
			continue
		}
		if response == nil || response.StatusCode != http.StatusForbidden || !strings.Contains(err.Error(), test.refusal) {
			t.Errorf("the client learns %v, want %q", err, test.refusal)
		}
		var refused *protocol.HandshakeError
		if !errors.Is(why, websocket.ErrOrigin) || errors.Is(why, websocket.ErrHost) || !errors.As(why, &refused) || refused.Status != http.StatusForbidden {
			t.Errorf("the server learns %v", why)
		}
	}
}

// A refusal of the Host says so, and no error names a flag of a program.
func TestRefusalsSayWhatTheLibraryKnows(t *testing.T) {
	for hint, says := range map[string]string{
		"":           "Host evil.example is not served here (RFC 6455 10.2)",
		"go by name": "Host evil.example is not served here: go by name (RFC 6455 10.2)",
	} {
		s := &websocket.Server{Policy: websocket.Policy{HostHint: hint}}
		address, accepted := accepting(t, s, nil)
		_, _, err := websocket.Dial(t.Context(), address, &websocket.DialOptions{Host: "evil.example"})
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "--") {
			t.Errorf("the client learns %v, want %q", err, says)
		}
		if err := <-accepted; !errors.Is(err, websocket.ErrHost) {
			t.Errorf("the server learns %v", err)
		}
	}
}

func TestRequiredSubprotocol(t *testing.T) {
	for _, test := range []struct {
		spoken  []string
		offered string
		refused bool
	}{
		{[]string{"a", "b"}, "c, b", false},
		{[]string{"a", "b"}, "c", true},
		{[]string{"a", "b"}, "", true},
		{nil, "a", true},
	} {
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
			r.Header.Set(name, value)
		}
		if test.offered != "" {
			r.Header.Set("Sec-WebSocket-Protocol", test.offered)
		}
		w := httptest.NewRecorder()
		_, err := (&websocket.Server{}).Accept(w, r, &websocket.AcceptOptions{Subprotocols: test.spoken, RequireSubprotocol: true})
		// A recorder cannot be taken over: what is not refused fails later.
		if errors.Is(err, websocket.ErrSubprotocol) != test.refused || (w.Code == http.StatusBadRequest) != test.refused {
			t.Errorf("%q of %q: %d %q, %v", test.offered, test.spoken, w.Code, w.Body, err)
		}
	}
}

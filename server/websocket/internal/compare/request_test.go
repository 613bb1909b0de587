// Opening handshakes in every variant, sent to both servers.

package compare_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"framescope/server/websocket"
)

const goodRequest = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: " + sampleKey + "\r\nSec-WebSocket-Version: 13\r\n\r\n"

// subprotocols are those of both servers, and those that both clients offer.
var subprotocols = []string{"chat.v1", "chat.v2"}

// accepted and refused are what the RFC says of a handshake; where it gives an
// example of a status for the case, that status stands instead of refused.
const (
	refusal  = 0
	accepted = 101
)

// handshakeCase is a variant of a handshake: in the good one, old is replaced by new.
type handshakeCase struct {
	name     string
	old, new string
	status   int
	section  string // RFC 6455 unless it says otherwise
	gorilla  string // how gorilla differs; empty where it does not
}

// of is the variant of a good handshake.
func (s handshakeCase) of(t *testing.T, good string) string {
	t.Helper()
	if !strings.Contains(good, s.old) {
		t.Fatalf("%s: %q is not in the handshake", s.name, s.old)
	}
	return strings.Replace(good, s.old, s.new, 1)
}

// agrees reports whether a library did as the RFC says; status is 101 when it accepted.
func (s handshakeCase) agrees(status int) bool {
	return status == s.status || s.status == refusal && status >= 400 && status < 500
}

// record counts the case: ours must agree, gorilla wherever it is not said to differ.
func (s handshakeCase) record(t *testing.T, group string, r role, ours, gorilla int) {
	t.Helper()
	section := s.section
	if !strings.HasPrefix(section, "RFC") {
		section = "RFC 6455 " + section
	}
	if !s.agrees(ours) {
		t.Errorf("%s: ours %s, the RFC %s (%s)", s.name, outcome(ours), outcome(s.status), section)
	}
	results.agreed(group, r.String())
	if s.agrees(gorilla) != (s.gorilla == "") {
		t.Errorf("%s: gorilla %s, the RFC %s (%s), and the table says: %q", s.name, outcome(gorilla), outcome(s.status), section, s.gorilla)
	}
	if s.gorilla != "" {
		results.count(group, r.String(), section, s.gorilla, example{s.name, outcome(s.status), outcome(gorilla)})
	}
}

func outcome(status int) string {
	switch status {
	case accepted:
		return "accepted"
	case refusal:
		return "refused"
	}
	return fmt.Sprint("refused with ", status)
}

// acceptors are the two servers behind net/http, which end each connection after
// the handshake.
func acceptors(t *testing.T) (ours, theirs string) {
	s := new(websocket.Server)
	u := gorilla.Upgrader{Subprotocols: subprotocols}
	serve := func(h http.HandlerFunc) string {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server.Listener.Addr().String()
	}
	return serve(func(w http.ResponseWriter, r *http.Request) {
			if c, err := s.Accept(w, r, &websocket.AcceptOptions{Subprotocols: subprotocols}); err == nil {
				c.CloseNow()
			}
		}), serve(func(w http.ResponseWriter, r *http.Request) {
			if c, err := u.Upgrade(w, r, nil); err == nil {
				c.Close()
			}
		})
}

func TestEveryRequest(t *testing.T) {
	ours, theirs := acceptors(t)
	for _, c := range requests {
		request := c.of(t, goodRequest)
		c.record(t, "opening handshakes", server, ask(t, ours, request), ask(t, theirs, request))
	}
}

// send sends a request and reads the head of the answer.
func send(t *testing.T, addr, request string) *http.Response {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	io.WriteString(nc, request)
	response, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	return response
}

// ask sends a request and returns the status of the answer. An answer that
// accepts must be as RFC 6455 4.2.2 wants it.
func ask(t *testing.T, addr, request string) (status int) {
	t.Helper()
	response := send(t, addr, request)
	h := response.Header
	switch response.StatusCode {
	case accepted:
		for name, want := range map[string][]string{
			"Upgrade": {"websocket"}, "Connection": {"Upgrade"},
			"Sec-Websocket-Accept": {acceptKey(keyOf(request))}, "Sec-Websocket-Version": nil,
		} {
			if got := h.Values(name); !slices.Equal(got, want) {
				t.Errorf("%q was answered with %s: %q, want %q", request, name, got, want)
			}
		}
		if p := h.Values("Sec-Websocket-Protocol"); len(p) > 1 || len(p) == 1 && !strings.Contains(request, p[0]) {
			t.Errorf("%q was answered with subprotocols %q", request, p)
		}
	case http.StatusUpgradeRequired:
		// RFC 6455 4.2.2: a field with the versions that are understood.
		if v := h.Get("Sec-Websocket-Version"); v != "13" {
			t.Errorf("%q was answered with 426 and version %q", request, v)
		}
	}
	return response.StatusCode
}

// keyOf is the key that a request brings.
func keyOf(request string) string {
	at := strings.Index(strings.ToLower(request), "sec-websocket-key:")
	value, _, _ := strings.Cut(request[at+len("sec-websocket-key:"):], "\r\n")
	return strings.TrimSpace(value)
}

func TestSubprotocols(t *testing.T) {
	ours, theirs := acceptors(t)
	for _, c := range []struct {
		fields string
		any    []string // of which one must be chosen
	}{
		{"", []string{""}},
		{"Sec-WebSocket-Protocol: chat.v1\r\n", []string{"chat.v1"}},
		{"Sec-WebSocket-Protocol: other, chat.v2\r\n", []string{"chat.v2"}},
		{"Sec-WebSocket-Protocol: chat.v2 ,\tother\r\n", []string{"chat.v2"}},
		{"Sec-WebSocket-Protocol: chat.v2, chat.v1\r\n", subprotocols},
		{"Sec-WebSocket-Protocol: other\r\n", []string{""}},
		{"Sec-WebSocket-Protocol: chat\r\n", []string{""}},
		{"Sec-WebSocket-Protocol: Chat.v1\r\n", []string{""}},
		// RFC 6455 11.3.4: several fields are one list.
		{"Sec-WebSocket-Protocol: other\r\nSec-WebSocket-Protocol: chat.v2\r\n", []string{"chat.v2"}},
	} {
		request := strings.Replace(goodRequest, "Upgrade: ", c.fields+"Upgrade: ", 1)
		s := handshakeCase{name: "`" + strings.ReplaceAll(strings.TrimSpace(c.fields), "\r\n", "` and `") + "`", status: accepted, section: "11.3.4"}
		chosen := func(addr string) int {
			if slices.Contains(c.any, choice(t, addr, request)) {
				return accepted
			}
			return refusal
		}
		if strings.Count(c.fields, "\r\n") > 1 {
			s.gorilla = "reads only the first of several fields with subprotocols"
		}
		s.record(t, "subprotocols", server, chosen(ours), chosen(theirs))
	}
}

// choice is the subprotocol that a server answers with.
func choice(t *testing.T, addr, request string) string {
	t.Helper()
	response := send(t, addr, request)
	if response.StatusCode != accepted {
		t.Fatalf("%q was answered with %d", request, response.StatusCode)
	}
	return response.Header.Get("Sec-Websocket-Protocol")
}

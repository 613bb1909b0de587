// Tests of rooms with gorilla's client: who is sent what, and how members leave.

package chat_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"framescope/server/chat"
	"framescope/server/websocket"
)

func TestMain(m *testing.M) {
	runCrowdIfAsked()
	goleak.VerifyTestMain(m)
}

func serve(t *testing.T, o websocket.Options) string {
	t.Helper()
	return serveLogged(t, o, io.Discard)
}

func serveLogged(t *testing.T, o websocket.Options, log io.Writer) string {
	t.Helper()
	server := httptest.NewServer(chat.New(&websocket.Server{Options: o}, slog.New(slog.NewTextHandler(log, nil)), chat.Options{}))
	t.Cleanup(server.Close)
	return server.URL
}

// person is a member of a room.
type person struct {
	*gorilla.Conn
	t *testing.T
}

// event has the fields that the README documents.
type event struct {
	Type, Room, Name, Text, Time, Reason string
	Members                              any
}

func (e event) String() string {
	return strings.Join(strings.Fields(fmt.Sprintln(e.Type, e.Room, e.Name, e.Text, e.Reason, e.Members)), " ")
}

func joinRoom(t *testing.T, server, room, name string) *person {
	t.Helper()
	q := url.Values{"room": {room}, "name": {name}}
	dialer := gorilla.Dialer{Subprotocols: []string{chat.Subprotocol}}
	c, _, err := dialer.Dial("ws"+strings.TrimPrefix(server, "http")+"/?"+q.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return &person{c, t}
}

func (p *person) expect(want string) {
	p.t.Helper()
	kind, text, err := p.ReadMessage()
	if err != nil || kind != gorilla.TextMessage {
		p.t.Fatalf("wanted %q, got kind %d, %v", want, kind, err)
	}
	var e event
	if err := json.Unmarshal(text, &e); err != nil || e.String() != want {
		p.t.Fatalf("got %s, %v; want %q", text, err, want)
	}
	if e.Type == "message" {
		if _, err := time.Parse(time.RFC3339, e.Time); err != nil {
			p.t.Error(err)
		}
	}
}

func (p *person) say(text string) {
	p.t.Helper()
	p.send(map[string]any{"type": "message", "text": text})
}

// send sends a JSON object.
func (p *person) send(o map[string]any) {
	p.t.Helper()
	if err := p.WriteJSON(o); err != nil {
		p.t.Fatal(err)
	}
}

func TestRoom(t *testing.T) {
	server := serve(t, websocket.Options{})
	ann := joinRoom(t, server, "r", "ann")
	ann.expect("welcome r ann [ann]")
	bob := joinRoom(t, server, "r", "bob")
	bob.expect("welcome r bob [ann bob]")
	ann.expect("join bob 2")
	other := joinRoom(t, server, "", "")
	other.expect("welcome lobby guest-1 [guest-1]")
	second := joinRoom(t, server, "r", "ann")
	second.expect("welcome r ann-2 [ann ann-2 bob]")
	ann.expect("join ann-2 3")
	bob.expect("join ann-2 3")
	bob.say(`hi "all" <b>`)
	for _, p := range []*person{ann, bob, second} {
		p.expect(`message bob hi "all" <b> <nil>`)
	}
	ann.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(1000, "bye"))
	bob.expect("leave ann 1000 normal closure 2")
	// A member whose connection breaks is announced, too.
	second.NetConn().Close()
	bob.expect("leave ann-2 1006 abnormal closure 1")
	other.say("alone")
	other.expect("message guest-1 alone <nil>")
}

func TestInvalidLinesAreRefused(t *testing.T) {
	server := serve(t, websocket.Options{})
	p := joinRoom(t, server, "r", "p")
	p.expect("welcome r p [p]")
	p.WriteMessage(gorilla.BinaryMessage, []byte("x"))
	if _, _, err := p.ReadMessage(); !gorilla.IsCloseError(err, gorilla.CloseUnsupportedData) {
		t.Error(err)
	}
	p = joinRoom(t, server, "r2", "p")
	p.expect("welcome r2 p [p]")
	p.say(strings.Repeat("x", 4<<10))
	p.ReadMessage()
	p.say(strings.Repeat("x", chat.MaxMessageSize))
	if _, _, err := p.ReadMessage(); !gorilla.IsCloseError(err, gorilla.CloseMessageTooBig) {
		t.Error(err)
	}
}

// ask makes a plain HTTP request and returns the status and the body of the response.
func ask(t *testing.T, server, query string) (int, string) {
	t.Helper()
	r, err := http.Get(server + "/?" + query)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

// TestInvalidNamesAreRefused tries names that are too long or invisible, and queries that
// would be read as another name.
func TestInvalidNamesAreRefused(t *testing.T) {
	server := serve(t, websocket.Options{})
	for query, says := range map[string]string{
		"name=" + strings.Repeat("x", 65):    "the name has 65 bytes",
		"room=%00":                           "the room holds U+0000",
		"name=%ff":                           "the name is not UTF-8",
		"name=a%0Ab":                         "the name holds U+000A",
		"name=%20":                           "the name is blank",
		"room=%20%20%20":                     "the room is blank",
		"name=%CC%81":                        "the name is blank", // an accent on nothing
		"name=*+x":                           "the name begins with *",
		"name=a:+b":                          "a colon and a space",
		"name=Operator":                      "the server's own",
		"name=" + strings.Repeat("x", 10000): "the name has 10000 bytes",
		"name=a;b":                           "%3B for ;",
		"name=a;room=b":                      "%3B for ;",
		"room=r&name=50%":                    "%25 for %",
	} {
		if status, text := ask(t, server, query); status != 400 || !strings.Contains(text, says) {
			t.Errorf("%s: %d %q, want %q", query, status, text, says)
		}
	}
	for _, c := range "\u3164\u2800\u115f\u1160\uffa0\u200b\u200d\u2060\ufeff\u00ad\u00a0\u3000\u034f\u17b4\ufe0f\U000e0100" +
		"\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" {
		for _, name := range []string{string(c), "ann" + string(c), "a" + string(c) + "n"} {
			status, text := ask(t, server, url.Values{"name": {name}}.Encode())
			if want := fmt.Sprintf("the name holds %U, which cannot be seen", c); status != 400 || !strings.Contains(text, want) {
				t.Errorf("%q: %d %q, want %q", name, status, text, want)
			}
		}
	}
}

// TestNamesInTheWelcome checks that the welcome has the name in the query.
func TestNamesInTheWelcome(t *testing.T) {
	server := serve(t, websocket.Options{})
	for asked, want := range map[string]string{
		"Zoë": "Zoë", "山田": "山田", "a b": "a b", " ann ": "ann", "a;b": "a;b", "<b>&\"": "<b>&\"", "❤\ufe0f": "❤\ufe0f", "": "guest-1",
		strings.Repeat("é", 32): strings.Repeat("é", 32),
	} {
		room := fmt.Sprintf("r%.10x", asked)
		joinRoom(t, server, room, asked).expect(fmt.Sprintf("welcome %s %s [%s]", room, want, want))
	}
}

// TestNumberedNamesStayWithinTheLimit checks that the limit of a name includes its number.
func TestNumberedNamesStayWithinTheLimit(t *testing.T) {
	server := serve(t, websocket.Options{})
	long := strings.Repeat("é", 32)
	joinRoom(t, server, "r", long).expect("welcome r " + long + " [" + long + "]")
	second := strings.Repeat("é", 31) + "-2"
	joinRoom(t, server, "r", long).expect("welcome r " + second + " [" + second + " " + long + "]")
}

// TestSlowMemberIsDropped checks that a member is dropped when it is too far behind, or when
// a write to it takes too long.
func TestSlowMemberIsDropped(t *testing.T) {
	for name, o := range map[string]websocket.Options{
		"too far behind": {SendQueue: 64 << 10},
		"one write":      {WriteTimeout: 10 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			var log logBuffer
			server := serveLogged(t, o, &log)
			slow := joinRoom(t, server, "r", "slow")
			slow.expect("welcome r slow [slow]")
			quick := joinRoom(t, server, "r", "quick")
			quick.expect("welcome r quick [quick slow]")
			line := strings.Repeat("x", 4<<10)
			// The slow member reads nothing: it is dropped when the buffers of the sockets
			// and then its backlog are full.
			for {
				quick.say(line)
				_, text, err := quick.ReadMessage()
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(string(text), `{"type":"leave"`) {
					if want := `{"type":"leave","name":"slow","reason":"too slow","members":1}`; string(text) != want {
						t.Errorf("%s, want %s", text, want)
					}
					break
				}
			}
			if got := log.String(); !strings.Contains(got, `level=WARN msg="chat member dropped" remote=127.0.0.1:`) ||
				!strings.Contains(got, `room=r name=slow why="too slow"`) {
				t.Errorf("logged %s", got)
			}
		})
	}
}

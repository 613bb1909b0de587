// Tests of the JSON events: each request, each refusal, and what a newcomer is sent.

package chat_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"framescope/server/chat"
	"framescope/server/websocket"
)

// serveWith serves a chat with options and returns its handler and URL.
func serveWith(t *testing.T, o chat.Options) (*chat.Handler, string) {
	t.Helper()
	h := chat.New(&websocket.Server{}, silent, o)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return h, server.URL
}

var times = regexp.MustCompile(`,"time":"20[^"]*Z"`)

// gets checks the next message, of which times are left out.
func (p *person) gets(want string) {
	p.t.Helper()
	kind, text, err := p.ReadMessage()
	if got := times.ReplaceAllString(string(text), ""); err != nil || kind != gorilla.TextMessage || got != want {
		p.t.Fatalf("got %s, %v, want %s", got, err, want)
	}
}

// sends sends a text message.
func (p *person) sends(text string) {
	p.t.Helper()
	if err := p.WriteMessage(gorilla.TextMessage, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

func TestRequests(t *testing.T) {
	h, server := serveWith(t, chat.Options{})
	ann := joinRoom(t, server, "r", "ann")
	ann.expect("welcome r ann [ann]")
	bob := joinRoom(t, server, "r", "bob")
	bob.expect("welcome r bob [ann bob]")
	cid := joinRoom(t, server, "r", "cid")
	cid.expect("welcome r cid [ann bob cid]")
	ann.gets(`{"type":"join","name":"bob","members":2}`)
	ann.gets(`{"type":"join","name":"cid","members":3}`)
	bob.gets(`{"type":"join","name":"cid","members":3}`)

	ann.sends(`{"type":"message","text":"psst <b>","to":"bob"}`)
	ann.gets(`{"type":"private","from":"ann","to":"bob","text":"psst <b>"}`)
	bob.gets(`{"type":"private","from":"ann","to":"bob","text":"psst <b>"}`)
	ann.sends(`{"type":"message","text":"note to self","to":"ann"}`)
	ann.gets(`{"type":"private","from":"ann","to":"ann","text":"note to self"}`)
	ann.sends(`{"type":"message","text":"x","to":"nobody","id":"7"}`)
	ann.gets(`{"type":"error","code":"no-such-member","text":"nobody named \"nobody\" is here","refers":"message","id":"7"}`)

	ann.sends(`{"type":"typing"}`)
	bob.gets(`{"type":"typing","name":"ann","on":true}`)
	ann.sends(`{"type":"typing","on":false}`)
	bob.gets(`{"type":"typing","name":"ann","on":false}`)

	ann.sends(`{"type":"ping","id":"p"}`) // ann was not sent its own typing
	ann.gets(`{"type":"pong","id":"p"}`)
	ann.sends(`{"type":"who"}`)
	ann.gets(`{"type":"who","members":["ann","bob","cid"],"count":3}`)
	if n := h.Operator("r", "soon"); n != 3 {
		t.Errorf("the operator reached %d", n)
	}
	if n := h.Operator("", "noon") + h.Operator("elsewhere", "x") + h.Operator("", "\x1b[2J"); n != 3 {
		t.Errorf("the operator reached %d", n)
	}
	ann.gets(`{"type":"operator","text":"soon"}`)
	ann.gets(`{"type":"operator","text":"noon"}`)

	ann.sends(`{"type":"quit"}`)
	if _, _, err := ann.ReadMessage(); !gorilla.IsCloseError(err, gorilla.CloseNormalClosure) {
		t.Error(err)
	}
	for _, want := range []string{`{"type":"typing","name":"ann","on":true}`, `{"type":"typing","name":"ann","on":false}`,
		`{"type":"operator","text":"soon"}`, `{"type":"operator","text":"noon"}`, `{"type":"leave","name":"ann","reason":"quit","members":2}`} {
		cid.gets(want)
	}
}

// TestRefusals sends what is refused: the sender is told why, and nobody else notices.
func TestRefusals(t *testing.T) {
	_, server := serveWith(t, chat.Options{})
	ann := joinRoom(t, server, "r", "ann")
	ann.expect("welcome r ann [ann]")
	bob := joinRoom(t, server, "r", "bob")
	bob.expect("welcome r bob [ann bob]")
	ann.expect("join bob 2")
	for _, test := range []struct{ sent, code, refers, says string }{
		{`hello`, "not-json", "", "byte 1: invalid character 'h'"},
		{``, "not-json", "", "not a JSON object"},
		{`null`, "not-json", "", "not a JSON object"},
		{`[{"type":"message"}]`, "not-json", "", "not a JSON object"},
		{`{"type":"message","text":"x"} ` + `{}`, "not-json", "", "after top-level value"},
		{strings.Repeat(`[`, 20000), "not-json", "", "exceeded max depth"},
		{`{"type":"message","text":"` + strings.Repeat(`x`, 4097) + `"}`, "too-long", "message", "4097 bytes"},
		{`{"text":"x"}`, "unknown-type", "", `no "type"`},
		{`{"type":"welcome"}`, "unknown-type", "", `"welcome"`},
		{`{"type":"` + strings.Repeat("é", 500) + `"}`, "unknown-type", "", "…"},
		{`{"type":7}`, "bad-field", "", `"type" is not a string`},
		{`{"type":"message","text":["x"]}`, "bad-field", "message", `"text" is not a string`},
		{`{"type":"message","text":"x","to":null}`, "bad-field", "message", `"to" is not a string`},
		{`{"type":"message","text":"x","to":""}`, "no-such-member", "message", `nobody named ""`},
		{`{"type":"typing","on":"yes"}`, "bad-field", "typing", `"on" is neither`},
		{`{"type":"ping","id":7}`, "bad-field", "", `"id" is not a string`},
		{`{"type":"ping","id":"` + strings.Repeat("x", 65) + `"}`, "bad-field", "", "more than 64 bytes"},
		{`{"type":"message","text":"\ud800"}`, "bad-text", "message", "surrogate"},
		{`{"type":"message","text":"\udc00\ud800"}`, "bad-text", "message", "surrogate"},
		{`{"type":"message","text":"x","to":"\ud83d"}`, "bad-text", "message", "surrogate"},
		{`{"type":"message","text":"\u0007"}`, "control-character", "message", "U+0007"},
		{`{"type":"message","text":"\u009b2J"}`, "control-character", "message", "U+009B"},
		{`{"type":"message","text":"a\rb"}`, "control-character", "message", "U+000D"},
		{`{"type":"message","text":"` + strings.Repeat(`\n`, 64) + `x"}`, "too-long", "message", "65 lines"},
		{`{"type":"message","text":" \n "}`, "empty", "message", "empty"},
		{`{"type":"message"}`, "empty", "message", "empty"},
	} {
		ann.sends(test.sent)
		_, text, err := ann.ReadMessage()
		var e struct{ Type, Code, Text, Refers string }
		if err == nil {
			err = json.Unmarshal(text, &e)
		}
		if err != nil || e.Type != "error" || e.Code != test.code || e.Refers != test.refers || !strings.Contains(e.Text, test.says) || strings.Contains(e.Text, "\n") {
			t.Errorf("%.60s: %v %.300s, want %s of %q with %q", test.sent, err, text, test.code, test.refers, test.says)
		}
	}
	// What looks odd but is right.
	for sent, want := range map[string]string{
		`{"type":"message","text":"\ud83d\ude00 \\ud800"}`:                     `"text":"😀 \\ud800"`,
		`{"Type":"x","TEXT":"y","type":"message","text":"a\r\nb\tc","z":[[]]}`: `"text":"a\nb\tc"`,
	} {
		ann.sends(sent)
		bob.gets(`{"type":"message","name":"ann",` + want + `}`)
		ann.ReadMessage()
	}
}

// TestTypingFlood: who types too often is told so, and the others see only some of it.
func TestTypingFlood(t *testing.T) {
	_, server := serveWith(t, chat.Options{})
	ann := joinRoom(t, server, "r", "ann")
	ann.ReadMessage()
	for range 20 {
		ann.sends(`{"type":"typing"}`)
	}
	ann.gets(`{"type":"error","code":"too-fast","text":"typing is sent too often: once in two seconds is enough","refers":"typing"}`)
}

// TestFastSenderIsReadSlowly: all of a flood arrives, in order, but no faster than allowed.
func TestFastSenderIsReadSlowly(t *testing.T) {
	_, server := serveWith(t, chat.Options{MessageRate: 50})
	ann := joinRoom(t, server, "r", "ann")
	ann.ReadMessage()
	const burst, more = 100, 10
	begun := time.Now()
	for i := range burst + more {
		ann.say(fmt.Sprint(i))
	}
	for i := range burst + more {
		ann.gets(fmt.Sprintf(`{"type":"message","name":"ann","text":"%d"}`, i))
	}
	if took, least := time.Since(begun), more*time.Second/50; took < least {
		t.Errorf("it took %v, at least %v expected", took, least)
	}
}

// TestHistory: a newcomer gets the last 50 messages, with the welcome or in pieces, also of a
// room that has been empty meanwhile.
func TestHistory(t *testing.T) {
	for name, size := range map[string]int{"short": 10, "long": 4 << 10} {
		t.Run(name, func(t *testing.T) {
			h, server := serveWith(t, chat.Options{})
			ann := joinRoom(t, server, "r", "ann")
			ann.ReadMessage()
			for i := range 60 {
				ann.say(fmt.Sprintf("%02d%s", i, strings.Repeat("\"", size-2)))
				ann.ReadMessage()
			}
			ann.sends(`{"type":"quit"}`)
			ann.ReadMessage()
			for h.Open() > 0 {
				runtime.Gosched()
			}
			bob := joinRoom(t, server, "r", "bob")
			var texts []string
			for more := true; more; {
				var e struct {
					Type    string
					Members []string
					History []struct{ Type, Name, Text, Time string }
					More    bool
				}
				_, p, err := bob.ReadMessage()
				if err == nil {
					err = json.Unmarshal(p, &e)
				}
				if err != nil || len(p) > 20<<10 {
					t.Fatalf("%v, %d bytes", err, len(p))
				}
				for _, said := range e.History {
					if said.Type != "message" || said.Name != "ann" {
						t.Errorf("%+.50v", said)
					}
					texts = append(texts, said.Text[:2])
				}
				more = e.More
			}
			if len(texts) != 50 || texts[0] != "10" || texts[49] != "59" {
				t.Errorf("%q", texts)
			}
			lines := joinLines(t, server, "room=r&name=cid")
			lines.ReadMessage()
			for i := 10; i < 60; i++ {
				if _, p, err := lines.ReadMessage(); err != nil || !strings.HasPrefix(string(p), fmt.Sprintf("ann: %02d\"", i)) {
					t.Fatalf("%.20s %v, want %d", p, err, i)
				}
			}
		})
	}
}

// TestToken: without the right token there is no way in, and the refusal says what to give.
func TestToken(t *testing.T) {
	_, server := serveWith(t, chat.Options{Authorize: chat.Token("s3cret&")})
	for query, field := range map[string]string{"": "", "token=": "", "token=wrong": "", "token=s3cret": "", "name=a": "Bearer", "name=b": "Basic s3cret&"} {
		header := http.Header{}
		if field != "" {
			header.Set("Authorization", field)
		}
		_, r, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(server, "http")+"/?"+query, header)
		if err == nil || r.StatusCode != 401 || r.Header.Get("WWW-Authenticate") == "" {
			t.Fatalf("%q %q: %v %v", query, field, err, r)
		}
		if status, text := ask(t, server, query); field == "" && (status != 401 || text != "401 unauthorized: this chat asks for a token: add token=… with the right one to the query\n") {
			t.Errorf("%d %q", status, text)
		}
	}
	joinLines(t, server, "token=s3cret%26&name=ann").gets("* welcome to lobby, ann: 1 here: ann; /help lists the commands")
	c, _, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(server, "http")+"/?room=r", http.Header{"Authorization": {"Bearer s3cret&"}})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// TestSilentPeerTimesOut: a peer that answers no ping is dropped and announced.
func TestSilentPeerTimesOut(t *testing.T) {
	_, server := serveWith(t, chat.Options{IdleTimeout: 100 * time.Millisecond, PongTimeout: 50 * time.Millisecond})
	ann := joinRoom(t, server, "r", "ann")
	ann.ReadMessage()
	joinRoom(t, server, "r", "silent") // reads nothing, so it answers no ping
	ann.gets(`{"type":"join","name":"silent","members":2}`)
	ann.gets(`{"type":"leave","name":"silent","reason":"timed out","members":1}`)
}

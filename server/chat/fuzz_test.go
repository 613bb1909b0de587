// Fuzz targets: what clients and other instances may send.

package chat

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"framescope/server/hub"
	"framescope/server/websocket"
)

// checkSayable fails if a text could not be shown to others.
func checkSayable(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) || len(text) > maxText || strings.TrimSpace(text) == "" || strings.Count(text, "\n") >= maxLines ||
		strings.ContainsFunc(text, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' }) {
		t.Errorf("%q is said", text)
	}
}

func checkRefusal(t *testing.T, r *refusal) {
	t.Helper()
	msg := errorMessage(r)
	var e event
	if err := json.Unmarshal(msg.text, &e); err != nil || e.Code == "" || e.Text == "" {
		t.Errorf("%s %v", msg.text, err)
	}
	if len(msg.line) > 1000 || strings.ContainsFunc(msg.line, unicode.IsControl) || !utf8.ValidString(msg.line) {
		t.Errorf("%q", msg.line)
	}
}

func FuzzRequests(f *testing.F) {
	for _, seed := range []string{
		`{"type":"message","text":"hi"}`, `{"type":"message","text":"hi","to":"bob","id":"1"}`, `{"type":"typing","on":false}`,
		`{"type":"ping"}`, `{"type":"who"}`, `{"type":"quit"}`, `{"type":"\u0041"}`, `{"type":"message","text":"\ud83d\ude00"}`,
		`{"type":"message","text":"\ud83d"}`, `{"type":"message","text":"\\ud83d"}`, `{"id":null}`, `{"type":"\ud800"}`, `null`, `[]`, `{`, ``,
		`{ "type" : "message" , "text" : "x\r\ny" }`, `{"type":"message","type":"ping","text":1}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		q, refused := parseRequest([]byte(p))
		if refused != nil {
			checkRefusal(t, refused)
			return
		}
		var any map[string]any
		if err := json.Unmarshal([]byte(p), &any); err != nil {
			t.Fatal(err)
		}
		if kind, _ := any["type"].(string); !known(kind) || q.kind != kind && q.kind != "private" || len(q.id) > maxID {
			t.Errorf("%+v from %q", q, p)
		}
		if q.kind == "message" || q.kind == "private" {
			checkSayable(t, q.text)
		}
	})
}

// FuzzSurrogates compares with the standard library, which replaces what is unpaired.
func FuzzSurrogates(f *testing.F) {
	for _, seed := range []string{`"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`, `"\\ud83d"`, `"\ud83dx\ude00"`, `"�"`, `"\ufffd"`, `"\ud83d\ud83d\ude00"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		var s string
		if !strings.HasPrefix(p, `"`) || !strings.HasSuffix(p, `"`) || !utf8.ValidString(p) || json.Unmarshal([]byte(p), &s) != nil {
			return
		}
		given := strings.Count(p, "\uFFFD") + strings.Count(strings.ToLower(strings.ReplaceAll(p, `\\`, `..`)), `\ufffd`)
		if got := unpairedSurrogate([]byte(p)); got != (strings.Count(s, "\uFFFD") > given) {
			t.Errorf("%v for %s", got, p)
		}
	})
}

func FuzzLines(f *testing.F) {
	for _, seed := range []string{"hi", "/who", "/msg a b c", "//x", "/quit\r", "\x1b[2J", "/", "/msg", " ", "/\xff", "/é" + strings.Repeat("x", 100)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		line, _, _ = strings.Cut(line, "\n")
		q, ok, refused := parseLine(line)
		switch {
		case !ok:
			if strings.TrimSpace(strings.TrimRight(line, "\r")) != "" {
				t.Errorf("%q is ignored", line)
			}
		case refused != nil:
			checkRefusal(t, refused)
		case q.kind == "message":
			checkSayable(t, q.text)
		case q.kind == "private":
			name, text := splitPrivate(q.text, func(name string) bool { return len(name)%3 == 0 })
			if len(name)+len(text) > len(q.text) || text != "" && !strings.HasSuffix(q.text, text) {
				t.Errorf("%q, %q of %q", name, text, q.text)
			}
		}
	})
}

// FuzzPeers has another instance send anything, line by line: what the members get is what
// members could have said, and counts stay right.
func FuzzPeers(f *testing.F) {
	for _, seed := range []string{
		`{"type":"begin"}` + "\n" + `{"type":"members","names":["bob","ann"]}` + "\n" + `{"type":"end"}`,
		`{"type":"join","name":"bob"}` + "\n" + `{"type":"message","name":"bob","text":"hi","time":"2026-01-02T15:04:05Z"}` + "\n" + `{"type":"leave","name":"bob","reason":"x"}`,
		`{"type":"join","names":["b","c"]}` + "\n" + `{"type":"private","from":"b","to":"ann","text":"hi","time":"2026-01-02T15:04:05Z"}` + "\n" + `{"type":"typing","name":"c","on":true}`,
		`{"type":"join","name":"bob"}` + "\n" + `{"type":"leave","name":"bob","reason":"a\n* operator: b"}` + "\n" + `{"type":"error","to":"ann","code":"a\nb","text":"a\nb"}`,
		`{"type":"history","history":[{"name":"z","text":"old","time":"2026-01-02T15:04:05Z"}]}` + "\n" + `{"type":"error","to":"ann","code":"busy","text":"x"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		var local hub.Local
		h := New(&websocket.Server{}, slog.New(slog.DiscardHandler), Options{Hub: local.Instance()})
		ann := newMember(1000)
		heard := &heardLines{t: t}
		ann.out = &transport{Transport: heard}
		heard.member = ann
		r, err := h.rooms.find("r")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.add(ann, "ann"); err != nil {
			t.Fatal(err)
		}
		r.mu.Lock()
		r.announcement.stop()
		r.sharing.settling = false
		r.announce(ann.room.announcement.due)
		r.mu.Unlock()
		from := hub.Peer("aaa") // keeps names that are in use
		if len(sent)%2 == 0 {
			from = "zzz"
		}
		for p := range strings.SplitSeq(sent, "\n") {
			r.Received(from, []byte(p))
			ann.onDrain()
		}
		r.mu.Lock()
		if r.locals != 1 || r.sharing.remotes != len(r.members)-1+len(r.sharing.claims) || len(r.announced)+len(r.announcement.arrivals) < len(r.members) {
			t.Errorf("%d local, %d remote, %d members, %d announced", r.locals, r.sharing.remotes, len(r.members), len(r.announced))
		}
		r.mu.Unlock()
		r.Lost(from, uint64(len(sent)))
		r.PeerLeft(from, nil)
		if len(r.members) != 1 || r.sharing.remotes != 0 {
			t.Errorf("%d members remain", len(r.members))
		}
		r.leave(ann, quit)
		if h.rooms.queued.Load() != 0 || h.rooms.remotes.Load() != 0 {
			t.Errorf("%d bytes are queued", h.rooms.queued.Load())
		}
	})
}

// heardLines checks what a member reads.
type heardLines struct {
	t      *testing.T
	member *member
}

func (h *heardLines) Send(lines string) error {
	if strings.HasPrefix(lines, "* ") && strings.Contains(lines, "\n") && !strings.Contains(lines, " (private): ") {
		h.t.Errorf("%q is sent as a line of the server", lines)
	}
	for line := range strings.SplitSeq(lines, "\n") {
		if !utf8.ValidString(line) || strings.ContainsFunc(strings.ReplaceAll(line, "\t", ""), unicode.IsControl) || strings.HasPrefix(line, h.member.name+": ") {
			h.t.Errorf("%q is sent", line)
		}
	}
	return nil
}

func (h *heardLines) Drop(string) {}

func BenchmarkParseRequest(b *testing.B) {
	for name, p := range map[string]string{
		"message": `{"type":"message","text":"` + strings.Repeat("x", 125) + `"}`,
		"fields":  "{" + strings.TrimSuffix(strings.Repeat(`"aaaa":1,`, usualSize/9), ",") + "}",
		"nested":  `{"type":` + strings.Repeat("[", usualSize),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				parseRequest([]byte(p))
			}
		})
	}
}

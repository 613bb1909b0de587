// Tests of rooms that several instances share, in one process.

package chat_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"

	"framescope/server/chat"
	"framescope/server/hub"
	"framescope/server/websocket"
)

// instances serves n instances of one chat, ordered by their ids, and returns their URLs.
func instances(t *testing.T, n int) (hubs []hub.Hub, handlers []*chat.Handler, urls []string) {
	t.Helper()
	var local hub.Local
	for range n {
		hubs = append(hubs, local.Instance())
	}
	slices.SortFunc(hubs, func(a, b hub.Hub) int { return strings.Compare(string(a.Self()), string(b.Self())) })
	for _, h := range hubs {
		handler := chat.New(&websocket.Server{}, silent, chat.Options{Hub: h})
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		handlers, urls = append(handlers, handler), append(urls, server.URL)
	}
	return hubs, handlers, urls
}

func TestSharedRoom(t *testing.T) {
	_, handlers, urls := instances(t, 3)
	ann := joinRoom(t, urls[0], "r", "ann")
	ann.expect("welcome r ann [ann]")
	ann.say("first")
	ann.expect("message ann first <nil>")
	bob := joinRoom(t, urls[1], "r", "bob")
	bob.gets(`{"type":"welcome","room":"r","name":"bob","members":["ann","bob"],"history":[{"type":"message","name":"ann","text":"first"}]}`)
	ann.expect("join bob 2")
	// The third instance knows of the others when dan does.
	dan := joinRoom(t, urls[2], "r", "dan")
	for known := ""; !strings.Contains(known, `"ann"`) || !strings.Contains(known, `"bob"`); {
		_, text, err := dan.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		known += string(text)
	}
	ann.expect("join dan 3")
	bob.expect("join dan 3")
	cid := joinLines(t, urls[2], "room=r&name=cid")
	cid.gets("* welcome to r, cid: 4 here: ann, bob, cid, dan; /help lists the commands")
	cid.gets("ann: first")
	dan.expect("join cid 4")
	dan.sends(`{"type":"quit"}`)
	cid.gets("* dan left: quit (3 here)")
	for _, p := range []*person{ann, bob} {
		p.expect("join cid 4")
		p.expect("leave dan quit 3")
	}
	// A name that is in use on another instance gets a number.
	ann2 := joinRoom(t, urls[2], "r", "ann")
	ann2.gets(`{"type":"welcome","room":"r","name":"ann-2","members":["ann","ann-2","bob","cid"],"history":[{"type":"message","name":"ann","text":"first"}]}`)
	cid.gets("* ann-2 joined (4 here)")
	for _, p := range []*person{ann, bob} {
		p.expect("join ann-2 4")
	}

	bob.say("to all")
	cid.gets("bob: to all")
	for _, p := range []*person{ann, bob, ann2} {
		p.expect("message bob to all <nil>")
	}
	cid.sends("/msg ann psst")
	cid.gets("* to ann (private): psst")
	ann.gets(`{"type":"private","from":"cid","to":"ann","text":"psst"}`)
	bob.sends(`{"type":"typing"}`)
	ann.gets(`{"type":"typing","name":"bob","on":true}`)
	ann2.gets(`{"type":"typing","name":"bob","on":true}`)
	cid.sends("/who")
	cid.gets("* 4 here: ann, ann-2, bob, cid")

	bob.sends(`{"type":"quit"}`)
	cid.gets("* bob left: quit (3 here)")
	ann.expect("leave bob quit 3")
	ann2.expect("leave bob quit 3")
	ann2.NetConn().Close()
	cid.gets("* ann-2 left: 1006 abnormal closure (2 here)")
	ann.expect("leave ann-2 1006 abnormal closure 2")
	cid.sends("/quit")
	ann.expect("leave cid quit 1")
	for handlers[1].Open()+handlers[2].Open() > 0 {
		runtime.Gosched()
	}
	if n := handlers[0].Open(); n != 1 {
		t.Errorf("%d rooms", n)
	}
}

// TestOneNameOnTwoInstances: a name that is taken on two instances at the same moment stays
// with the one whose id is smaller.
func TestOneNameOnTwoInstances(t *testing.T) {
	for range 20 {
		_, _, urls := instances(t, 2)
		var people [2]*person
		for i := range people {
			people[i] = joinRoom(t, urls[i], "r", "ann")
		}
		known := [2]map[string]bool{}
		own := [2]string{}
		for i, p := range people {
			for len(known[i]) != 2 || !known[i]["ann"] || !known[i]["ann-2"] {
				var e struct {
					Type, Name string
					Members    any
				}
				_, text, err := p.ReadMessage()
				if err == nil {
					err = json.Unmarshal(text, &e)
				}
				if err != nil {
					t.Fatal(err, known[i])
				}
				switch e.Type {
				case "welcome":
					known[i], own[i] = map[string]bool{}, e.Name
					for _, name := range e.Members.([]any) {
						known[i][name.(string)] = true
					}
				case "join":
					if known[i][e.Name] {
						t.Fatalf("%s joins twice", e.Name)
					}
					known[i][e.Name] = true
				case "leave":
					if !known[i][e.Name] {
						t.Fatalf("%s leaves, but was not there", e.Name)
					}
					delete(known[i], e.Name)
				}
			}
		}
		if own[0] == own[1] {
			t.Fatalf("both are %s", own[0])
		}
		for i, p := range people { // and they hear each other by those names
			p.say("hi")
			for _, hears := range people {
				hears.gets(fmt.Sprintf(`{"type":"message","name":%q,"text":"hi"}`, own[i]))
			}
		}
	}
}

// TestInstanceDies: its members leave.
func TestInstanceDies(t *testing.T) {
	var local hub.Local
	living := chat.New(&websocket.Server{}, silent, chat.Options{Hub: local.Instance()})
	server := httptest.NewServer(living)
	t.Cleanup(server.Close)
	other := local.Instance()
	peer := make(silentPeer, 100)
	topic := other.Join("chat/r", peer)
	ann := joinRoom(t, server.URL, "r", "ann")
	<-peer
	topic.Publish([]byte(`{"type":"begin"}`))
	topic.Publish([]byte(`{"type":"members","names":["bob","cid"]}`))
	topic.Publish([]byte(`{"type":"end"}`))
	topic.Publish([]byte(`{"type":"message","name":"bob","text":"hi","time":"2026-01-02T15:04:05Z"}`))
	seen := ""
	for !strings.Contains(seen, `"message"`) {
		_, text, err := ann.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		seen += string(text)
	}
	// What no client could send, or another instance may not say, is ignored.
	for _, lie := range []string{
		``, `null`, `[]`, `{"type":"join","names":["ann","x\ny","*","operator","",7]}`, `{"type":"join","names":["ann","x\ny","*","operator",""]}`,
		`{"type":"message","name":"ann","text":"I am ann","time":"2026-01-02T15:04:05Z"}`,
		`{"type":"message","name":"bob","text":"\u001b[2J","time":"2026-01-02T15:04:05Z"}`,
		`{"type":"message","name":"bob","text":"hi","time":"now"}`,
		`{"type":"leave","name":"ann","reason":"thrown out"}`,
		`{"type":"private","from":"ann","to":"ann","text":"hi","time":"2026-01-02T15:04:05Z"}`,
		`{"type":"typing","name":"ann","on":true}`, `{"type":"typing","name":"bob"}`,
		`{"type":"history","history":[{"name":"operator","text":"x","time":"2026-01-02T15:04:05Z"}]}`,
		`{"type":"error","to":"bob","code":"x","text":"y"}`, `{"type":"end"}`,
	} {
		topic.Publish([]byte(lie))
	}
	topic.Publish([]byte(`{"type":"private","from":"bob","to":"ann","text":"psst","time":"2026-01-02T15:04:05Z"}`))
	for want := `{"type":"private","from":"bob","to":"ann","text":"psst"}`; ; {
		_, text, err := ann.ReadMessage()
		got := times.ReplaceAllString(string(text), "")
		if err == nil && got == want {
			break
		}
		if err != nil || got != `{"type":"join","name":"ann-2","members":4}` {
			t.Fatal(got, err)
		}
	}
	topic.Leave()
	_, text, err := ann.ReadMessage()
	if err != nil || !strings.Contains(string(text), `"leave","names":["bob","cid"]`) && !strings.Contains(string(text), `"leave","names":["cid","bob"]`) {
		t.Errorf("%s %v", text, err)
	}
}

// silentPeer is an instance that says when another has joined.
type silentPeer chan struct{}

func (p silentPeer) PeerJoined(hub.Peer, func([]byte)) { p <- struct{}{} }
func (p silentPeer) Received(hub.Peer, []byte)         {}
func (p silentPeer) PeerLeft(hub.Peer, error)          {}
func (p silentPeer) Lost(hub.Peer, uint64)             {}

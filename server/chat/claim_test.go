// Tests that instances agree on who is in a room, whatever their members are called.

package chat_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"framescope/server/chat"
	"framescope/server/hub"
	"framescope/server/websocket"
)

// prompt is a Transport that has written at once what it is sent. It remembers the last list of
// members.
type prompt struct {
	mu     sync.Mutex
	member *chat.Member
	list   string
}

func (p *prompt) Send(lines string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for line := range strings.SplitSeq(lines, "\n") {
		if _, list, ok := strings.Cut(line, " here: "); ok && !strings.Contains(line, "welcome") {
			p.list = list
		}
	}
	if p.member != nil {
		go p.member.Drained()
	}
	return nil
}

func (p *prompt) Drop(string) {}

func joinPromptly(t *testing.T, h *chat.Handler, name string) *prompt {
	t.Helper()
	p := new(prompt)
	m, err := h.Join(p, "r", name)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.member = m
	p.mu.Unlock()
	m.Drained()
	return p
}

// who asks for the list of members until it is as wanted, or for ten seconds.
func (p *prompt) who(wanted func() string) (list, want string) {
	for start := time.Now(); time.Since(start) < 10*time.Second; {
		want = wanted()
		p.member.Say("/who")
		p.mu.Lock()
		list = p.list
		p.mu.Unlock()
		if list == want {
			break
		}
	}
	return list, want
}

// TestInstancesAgree has members of three instances join and leave at random, who all want one of
// two names.
func TestInstancesAgree(t *testing.T) {
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 0))
		var local hub.Local
		var handlers []*chat.Handler
		var stay, all []*prompt
		for i := range 3 {
			h := chat.New(&websocket.Server{}, silent, chat.Options{Hub: local.Instance(), MessageRate: 1e6})
			handlers, stay = append(handlers, h), append(stay, joinPromptly(t, h, fmt.Sprint("stays-", i)))
		}
		for range 100 {
			if len(all) < 3 || len(all) < 15 && random.IntN(2) == 0 {
				all = append(all, joinPromptly(t, handlers[random.IntN(3)], []string{"ann", "bob"}[random.IntN(2)]))
				continue
			}
			at := random.IntN(len(all))
			all[at].member.Leave("")
			all = slices.Delete(all, at, at+1)
		}
		all = append(all, stay...)
		names := func() string { // which change until all know of each other
			var names []string
			for _, p := range all {
				names = append(names, p.member.Name())
			}
			slices.Sort(names)
			return strings.Join(names, ", ")
		}
		for i, p := range stay {
			if got, want := p.who(names); got != want {
				t.Errorf("seed %d: instance %d lists %s; there are %s", seed, i, got, want)
			}
		}
		for _, p := range all {
			p.member.Leave("")
		}
	}
}

// TestClaims: a name that two other instances have stays with one of them, as long as that has it.
func TestClaims(t *testing.T) {
	var local hub.Local
	own := local.Instance()
	h := chat.New(&websocket.Server{}, silent, chat.Options{Hub: own, MessageRate: 1e6})
	zoe := joinPromptly(t, h, "zoe")
	defer zoe.member.Leave("")
	var others [2]hub.Topic
	for i := range others {
		others[i] = local.Instance().Join("chat/r", make(silentPeer, 10))
	}
	for i, step := range []struct {
		from        int
		event, list string
	}{
		{0, `{"type":"join","name":"ann"}`, "ann"},
		{1, `{"type":"join","names":["ann","bob"]}`, "ann, bob"},
		{0, `{"type":"leave","name":"ann"}`, "ann, bob"}, // the other's
		{0, `{"type":"leave","name":"ann"}`, "ann, bob"},
		{1, `{"type":"leave","name":"ann"}`, "bob"},
		{1, `{"type":"join","name":"ann"}`, "ann, bob"},
		{0, `{"type":"join","names":["ann","cid"]}`, "ann, bob, cid"}, // has the smaller id
		{1, `{"type":"leave","names":["ann","bob"]}`, "ann, cid"},
		{1, `{"type":"join","names":["ann","zoe"]}`, "ann, cid"},
		{1, `{"type":"begin"}`, "ann, cid"},
		{1, `{"type":"members","names":["zoe"]}`, "ann, cid"},
		{1, `{"type":"end"}`, "ann, cid"},
		{0, `{"type":"leave","names":["ann"]}`, "cid"}, // the other's state did not name it
	} {
		// The members called z tell that the step before them was taken.
		others[step.from].Send(own.Self(), []byte(step.event))
		others[step.from].Send(own.Self(), fmt.Appendf(nil, `{"type":"join","name":"z%d"}`, i))
		if got, want := zoe.who(func() string { return fmt.Sprintf("%s, z%d, zoe", step.list, i) }); got != want {
			t.Fatalf("step %d: %s, want %s", i, got, want)
		}
		others[step.from].Send(own.Self(), fmt.Appendf(nil, `{"type":"leave","name":"z%d"}`, i))
	}
	// One that ends leaves its name to the other.
	others[0].Send(own.Self(), []byte(`{"type":"join","names":["ann"]}`))
	zoe.who(func() string { return "ann, cid, zoe" })
	others[1].Send(own.Self(), []byte(`{"type":"join","names":["ann","cid"]}`))
	others[0].Leave()
	if got, want := zoe.who(func() string { return "ann, cid, zoe" }); got != want {
		t.Error(got)
	}
	others[1].Leave()
	if got, want := zoe.who(func() string { return "zoe" }); got != want {
		t.Error(got)
	}
}

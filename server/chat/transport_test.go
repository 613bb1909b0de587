// Tests of members that are no WebSockets.

package chat_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"framescope/server/chat"
)

// queue is a Transport that keeps what it is sent until the test takes it.
type queue struct {
	mu      sync.Mutex
	lines   []string
	sent    chan struct{} // tells of a line
	broken  bool
	dropped chan string
}

func newQueue() *queue {
	return &queue{sent: make(chan struct{}, 10000), dropped: make(chan string, 1)}
}

func (q *queue) Send(lines string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken {
		return errors.New("broken")
	}
	q.lines = append(q.lines, lines)
	q.sent <- struct{}{}
	return nil
}

func (q *queue) Drop(reason string) { q.dropped <- reason }

// take waits for a line, and takes all.
func (q *queue) take() []string {
	<-q.sent
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.lines
	q.lines = nil
	for len(q.sent) > 0 {
		<-q.sent
	}
	return taken
}

func TestTransport(t *testing.T) {
	h, server := serveWith(t, chat.Options{})
	q := newQueue()
	tom, err := h.Join(q, "", "tom")
	if err != nil || tom.Name() != "tom" || tom.Room() != "lobby" {
		t.Fatal(tom, err)
	}
	if got := q.take(); len(got) != 1 || got[0] != "* welcome to lobby, tom: 1 here: tom; /help lists the commands" {
		t.Errorf("%q", got)
	}
	tom.Drained()
	ann := joinRoom(t, server, "lobby", "ann")
	ann.expect("welcome lobby ann [ann tom]")
	if got := q.take(); got[0] != "* ann joined (2 here)" {
		t.Errorf("%q", got)
	}
	if tom.Say("hello\nthere") {
		t.Error("tom quits")
	}
	ann.expect("message tom hello <nil>")
	ann.expect("message tom there <nil>")
	// Until Drained is called at most a batch is sent; then comes the next.
	for i := range 200 {
		ann.say(fmt.Sprint(i))
		ann.ReadMessage()
	}
	var all []string
	for len(all) < 202 {
		got := q.take()
		tom.Drained()
		if len(got) > 64 {
			t.Errorf("%d lines at once", len(got))
		}
		all = append(all, got...)
	}
	if all[0] != "tom: hello" || all[1] != "tom: there" || all[201] != "ann: 199" {
		t.Errorf("%q", all)
	}
	tom.Drained()
	if !tom.Say("/quit") {
		t.Error("tom does not quit")
	}
	tom.Leave("quit")
	ann.expect("leave tom quit 1")
	for _, name := range []string{"*", "operator", strings.Repeat("x", 65), "\xff", "a\nb"} {
		if _, err := h.Join(newQueue(), "", name); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q joins: %v", name, err)
		}
	}
}

// TestStalledTransport: one that never drains is dropped as too slow, one that fails is left
// alone until it leaves.
func TestStalledTransport(t *testing.T) {
	h, server := serveWith(t, chat.Options{MessageRate: 100_000})
	ann := joinRoom(t, server, "lobby", "ann")
	ann.ReadMessage()
	stalled, broken := newQueue(), newQueue()
	tom, err := h.Join(stalled, "", "tom")
	if err != nil {
		t.Fatal(err)
	}
	broken.broken = true
	tim, err := h.Join(broken, "", "tim")
	if err != nil {
		t.Fatal(err)
	}
	ann.ReadMessage()
	ann.ReadMessage()
	line := strings.Repeat("x", 4<<10)
	for reason := ""; reason == ""; {
		ann.say(line)
		ann.ReadMessage()
		select {
		case reason = <-stalled.dropped:
			if reason != "too slow" {
				t.Error(reason)
			}
		default:
		}
	}
	if len(stalled.lines) > 18 {
		t.Errorf("%d lines of 4 KiB are queued", len(stalled.lines))
	}
	tom.Leave("whatever")
	tim.Leave("gone")
	ann.expect("leave tom too slow 2")
	ann.expect("leave tim gone 1")
}

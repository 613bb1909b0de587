//go:build linux

// Tests of the measures themselves: what does not hold must be noticed.

package soak

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"framescope/protocol"
	"framescope/protocol/feed"
)

func TestTrend(t *testing.T) {
	line := func(from, to int64) (samples []int64) {
		for i := range int64(1000) {
			samples = append(samples, from+(to-from)*i/1000)
		}
		return samples
	}
	for name, test := range map[string]struct {
		samples []int64
		grows   bool
	}{
		"level":                  {line(300*mib, 300*mib), false},
		"a rise at the start":    {slices.Concat(line(30*mib, 400*mib)[:200], line(400*mib, 410*mib)), false},
		"a fall":                 {line(500*mib, 100*mib), false},
		"a rise without an end":  {line(200*mib, 600*mib), true},
		"too short":              {[]int64{1, 2, 3}, false},
		"a little, as of caches": {line(300*mib, 340*mib), false},
	} {
		if early, late, grows := trend(test.samples); grows != test.grows {
			t.Errorf("%s: grows %v, from %d to %d", name, grows, early, late)
		}
	}
}

func TestPercentile(t *testing.T) {
	var times []time.Duration
	for i := range 1000 {
		times = append(times, time.Duration(i+1))
	}
	for p, want := range map[int]time.Duration{50: 500, 99: 990, 100: 1000} {
		if got := percentile(times, p); got != want {
			t.Errorf("p%d is %d, want %d", p, got, want)
		}
	}
	if percentile(nil, 99) != 0 {
		t.Error("no times have a percentile")
	}
}

// TestOwnStacks: of a dump, those that the program has started are counted.
func TestOwnStacks(t *testing.T) {
	dump := func() (n int) { // of the goroutines that this one starts: others may end meanwhile
		all := make([]byte, 1<<20)
		stacks := string(all[:runtime.Stack(all, true)])
		own, _, _ := strings.Cut(stacks, " [") // the caller's stack is the first: "goroutine 7 [running]:"
		for _, stack := range ownStacks(stacks) {
			if strings.Contains(stack, " in "+own+"\n") {
				n++
			}
		}
		return n
	}
	before, stop := dump(), make(chan struct{})
	for range 7 {
		go func() { <-stop }()
	}
	after := dump()
	close(stop)
	if after != before+7 {
		t.Errorf("%d goroutines, and 7 more are %d", before, after)
	}
}

func TestVerdicts(t *testing.T) {
	a := newAttackRun(context.Background(), attack{large: true}, nil, scale{})
	a.want("1009")
	if len(a.failures) != 1 {
		t.Errorf("nothing happened, and that is fine: %q", a.failures)
	}
	a.record("1009", time.Second)
	a.want("1009")
	if len(a.failures) != 1 {
		t.Errorf("what should happen happened: %q", a.failures)
	}
	a.record("1013", time.Second)
	a.want("1009")
	if len(a.failures) != 2 || !strings.Contains(a.failures[1], "1013") {
		t.Errorf("1013 is taken for 1009: %q", a.failures)
	}
	a.together = true
	a.want("1009")
	if len(a.failures) != 2 {
		t.Errorf("a peer that shares the memory may be closed: %q", a.failures)
	}
	r := &row{peak: 2, bound: 1, times: []time.Duration{time.Minute}}
	if r.judge(scale{p99: time.Second}); len(r.failures) != 2 {
		t.Errorf("too much memory and too long a wait: %q", r.failures)
	}
}

// TestViewer: a feed that cannot be true is refused.
func TestViewer(t *testing.T) {
	begin, open := feed.Record{Kind: feed.Begin}, feed.Record{Kind: feed.Open, Conn: 1}
	for name, test := range map[string]struct {
		records []feed.Record
		sound   bool
	}{
		"a connection":         {[]feed.Record{begin, open, {Kind: feed.Frame, Conn: 1}, {Kind: feed.Closed, Conn: 1}}, true},
		"no beginning":         {[]feed.Record{open}, false},
		"two beginnings":       {[]feed.Record{begin, begin}, false},
		"of nobody":            {[]feed.Record{begin, {Kind: feed.Frame, Conn: 2}}, false},
		"after the end":        {[]feed.Record{begin, open, {Kind: feed.Closed, Conn: 1}, {Kind: feed.Frame, Conn: 1}}, false},
		"after an unseen end":  {[]feed.Record{begin, open, {Kind: feed.Known, Data: []byte{1, 0, 0, 0, 9, 0, 0, 0}}, {Kind: feed.Head, Conn: 1}}, false},
		"known to be open yet": {[]feed.Record{begin, open, {Kind: feed.Known, Data: []byte{1, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0}}, {Kind: feed.Head, Conn: 1}}, true},
	} {
		v, err := &viewer{open: map[uint32]bool{}}, error(nil)
		for _, r := range test.records {
			if err == nil {
				err = v.take(r)
			}
		}
		if (err == nil) != test.sound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRoom: a line that is missing, doubled or out of order is noticed.
func TestRoom(t *testing.T) {
	for lines, sound := range map[string]bool{"1 2 3": true, "2": false, "1 1": false, "1 3": false, "1 2 1": false} {
		m := &member{name: "ann", heard: map[string]int{}}
		r := &room{times: &latencies{}}
		r.add(m)
		var err error
		for line := range strings.FieldsSeq(lines) {
			if err == nil {
				err = r.hear(m, chatEvent{Type: "message", Name: "ann", Text: line + " 0"})
			}
		}
		if (err == nil) != sound {
			t.Errorf("lines %s: %v", lines, err)
		}
	}
}

// TestLeave: a member that is announced as gone, alone or among others, is noticed.
func TestLeave(t *testing.T) {
	m := &member{name: "ann", heard: map[string]int{}}
	gone := ""
	r := &room{times: &latencies{}, left: func(reason string) { gone += reason + ";" }}
	r.add(m)
	for _, e := range []chatEvent{
		{Type: "leave", Name: "bob", Reason: "too slow"},
		{Type: "leave", Names: []string{"cyd", "dan"}, Reasons: []string{"1000", "1001"}},
	} {
		if err := r.hear(m, e); err != nil {
			t.Error(err)
		}
	}
	if gone != "too slow;1000;1001;" {
		t.Errorf("members left with %q", gone)
	}
	for _, e := range []chatEvent{{Type: "leave", Name: "ann"}, {Type: "leave", Names: []string{"bob", "ann"}, Reasons: []string{"x", "y"}}} {
		if r.hear(m, e) == nil {
			t.Errorf("ann has left, and nobody notices: %+v", e)
		}
	}
}

// TestEchoesAreCompared: a client that gets something else back says so.
func TestEchoesAreCompared(t *testing.T) {
	for name, test := range map[string]struct {
		client forger
		sound  bool
	}{
		"the echo":         {forger{}, true},
		"another payload":  {forger{payload: "other"}, false},
		"another opcode":   {forger{op: protocol.OpBinary}, false},
		"no pong":          {forger{pongs: []string{}}, false},
		"the pong doubled": {forger{pongs: []string{"p", "p"}}, false},
	} {
		if err := exchange(&test.client, sample{op: protocol.OpText, payload: []byte("hello")}, "p"); (err == nil) != test.sound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// forger is a client that is answered as it says, or else as it should be.
type forger struct {
	op      protocol.Opcode
	payload string
	pongs   []string
}

func (f *forger) write(op protocol.Opcode, p []byte, _ int) error {
	if f.op == 0 {
		f.op = op
	}
	if f.payload == "" {
		f.payload = string(p)
	}
	return nil
}

func (f *forger) ping(payload string) error {
	if f.pongs == nil {
		f.pongs = []string{payload}
	}
	return nil
}

func (f *forger) read() (protocol.Opcode, []byte, []string, error) {
	return f.op, []byte(f.payload), f.pongs, nil
}

func (f *forger) close() error { return nil }
func (f *forger) abort()       {}

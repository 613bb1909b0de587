//go:build linux

// An attack: what a row of the table says, and what its peers may call.

package soak

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// attack is one way to harm a server, bounded in time and in number of peers.
type attack struct {
	name  string
	limit string // that holds the peers, and its flag
	launch
	run func(a *assault)

	wait    time.Duration // how long it takes until the limit acts
	flood   bool          // it goes on for as long as the run gives floods, beside wait
	rss     int64         // bound of the server's memory in bytes; 0 for the usual one
	p99     time.Duration // bound for the well-behaved in a full run; 0 for the usual one
	alone   bool          // cannot be one of many: it needs its flags, or ends the server
	ends    bool          // ends the server, so that nobody well-behaved is there
	shut    bool          // nobody can connect meanwhile
	onlyBig bool          // takes so many peers that a short run is without it
}

// assault is one run of an attack.
type assault struct {
	ctx      context.Context // done when the peers must stop
	server   *server
	scale    scale
	together bool // other attacks are under way on the same server

	mu       sync.Mutex
	held     map[io.Closer]struct{}
	outcomes map[string]*tally
	notes    []string
	failures []string
}

// tally is how often something happened, and what was the longest that it took.
type tally struct {
	count int
	worst time.Duration
}

func newAssault(ctx context.Context, s *server, of scale) *assault {
	return &assault{ctx: ctx, server: s, scale: of, held: map[io.Closer]struct{}{}, outcomes: map[string]*tally{}}
}

// n is how many peers there are: few in a short run.
func (a *assault) n(small, full int) int {
	if a.scale.full && !a.together {
		return full
	}
	return small
}

// within is the bound for something that must happen within d, on a machine that has
// other things to do.
func (a *assault) within(d time.Duration) time.Duration {
	if a.together {
		return 3*d + 5*time.Second
	}
	return d + a.scale.slack
}

// note adds to what happened.
func (a *assault) note(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.notes = append(a.notes, fmt.Sprintf(format, args...))
}

// maxFailures is how many failures of one kind are told.
const maxFailures = 5

// fail says that something did not hold. What fails since the attack was stopped is
// no failure.
func (a *assault) fail(format string, args ...any) {
	if a.ctx.Err() != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.failures) < maxFailures {
		a.failures = append(a.failures, fmt.Sprintf(format, args...))
	}
}

// happened counts an outcome.
func (a *assault) happened(what string, took time.Duration) {
	if a.ctx.Err() != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.outcomes[what]
	if t == nil {
		t = &tally{}
		a.outcomes[what] = t
	}
	t.count++
	t.worst = max(t.worst, took)
}

// each lets n peers act side by side, counts what became of each, and waits for all.
func (a *assault) each(n int, peer func(i int) string) {
	var acting sync.WaitGroup
	for i := range n {
		acting.Go(func() {
			begun := time.Now()
			a.happened(peer(i), time.Since(begun))
		})
	}
	acting.Wait()
}

// again lets workers act again and again for as long as a flood lasts.
func (a *assault) again(workers int, peer func(i int) string) {
	over := time.Now().Add(a.scale.flood)
	var acting sync.WaitGroup
	for worker := range workers {
		acting.Go(func() {
			for i := worker; a.ctx.Err() == nil && time.Now().Before(over); i += workers {
				begun := time.Now()
				a.happened(peer(i), time.Since(begun))
				a.breathe()
			}
		})
	}
	acting.Wait()
}

// breathe lets others have the processor where many attacks share it.
func (a *assault) breathe() {
	if a.together || a.scale.lanes > 1 {
		pause(a.ctx, 30*time.Millisecond)
	}
}

// want fails unless all that happened is among these. Where many attacks share what
// memory the server allows, any peer may be sent away with 1013.
func (a *assault) want(outcomes ...string) {
	a.mu.Lock()
	seen := slices.Sorted(maps.Keys(a.outcomes))
	a.mu.Unlock()
	for _, what := range seen {
		if !slices.Contains(outcomes, what) && !(a.together && what == "1013") {
			a.fail("%d of the peers saw %q, want %s", a.outcomes[what].count, what, strings.Join(outcomes, " or "))
		}
	}
	if len(seen) == 0 {
		a.fail("nothing happened")
	}
}

// count is how often something happened.
func (a *assault) count(what string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t := a.outcomes[what]; t != nil {
		return t.count
	}
	return 0
}

// total is how often anything happened.
func (a *assault) total() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range a.outcomes {
		n += t.count
	}
	return n
}

// story says what happened in one line.
func (a *assault) story() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(a.outcomes)) {
		t := a.outcomes[what]
		parts = append(parts, fmt.Sprintf("%d × %s (≤ %v)", t.count, what, round(t.worst)))
	}
	return strings.Join(append(parts, a.notes...), ", ")
}

func round(d time.Duration) time.Duration {
	for unit := time.Microsecond; ; unit *= 10 {
		if d < 100*unit {
			return d.Round(unit)
		}
	}
}

//go:build linux

// An attack, and what its peers call while it runs.

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

// attack is one way to harm a server. Its peers are bounded in number, and it ends by
// itself.
type attack struct {
	name   string
	limit  string // the limit under test, with its flag
	launch        // of the server, if the attack has it to itself
	run    func(a *attackRun)

	wait     time.Duration // how long it takes until the limit acts
	flood    bool          // it also lasts for the time of a flood
	rss      int64         // bound of the server's memory in bytes; 0 for usualRSS
	p99      time.Duration // bound of the latency in a full run of one lane; 0 for that of the scale
	alone    bool          // never beside other attacks: it needs its launch, or ends the server
	ends     bool          // it ends the server, so there are no well-behaved clients
	noDial   bool          // well-behaved clients cannot connect meanwhile
	fullOnly bool          // it is left out of short runs
	large    bool          // its peers hold so much that a server short of memory may close them
}

// attackRun is one run of an attack.
type attackRun struct {
	ctx      context.Context // done when the peers must stop
	server   *server
	scale    scale
	together bool // other attacks run on the same server
	large    bool // as of the attack

	mu       sync.Mutex // guards the fields below
	tracked  map[io.Closer]struct{}
	outcomes map[string]*tally
	notes    []string
	failures []string
}

// tally counts how often an outcome was seen, and the longest time until it was.
type tally struct {
	count int
	worst time.Duration
}

func newAttackRun(ctx context.Context, k attack, s *server, of scale) *attackRun {
	return &attackRun{ctx: ctx, server: s, scale: of, large: k.large, tracked: map[io.Closer]struct{}{}, outcomes: map[string]*tally{}}
}

// n is a number of peers: small unless the run is full and the attack is alone.
func (a *attackRun) n(small, full int) int {
	if a.scale.full && !a.together {
		return full
	}
	return small
}

// within adds to a limit of the server the time by which it may be late.
func (a *attackRun) within(d time.Duration) time.Duration {
	if a.together {
		return 3*d + 5*time.Second
	}
	return d + a.scale.slack
}

// note adds to the summary.
func (a *attackRun) note(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.notes = append(a.notes, fmt.Sprintf(format, args...))
}

// maxFailures bounds how many failures are reported of an attack, and of the clients.
const maxFailures = 5

// fail records a failure, unless the attack has been stopped.
func (a *attackRun) fail(format string, args ...any) {
	if a.ctx.Err() != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.failures) < maxFailures {
		a.failures = append(a.failures, fmt.Sprintf(format, args...))
	}
}

// record counts what a peer saw, unless the attack has been stopped.
func (a *attackRun) record(what string, took time.Duration) {
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

// each runs n peers side by side, records what each saw, and waits for all.
func (a *attackRun) each(n int, peer func(i int) string) {
	var acting sync.WaitGroup
	for i := range n {
		acting.Go(func() {
			begun := time.Now()
			a.record(peer(i), time.Since(begun))
		})
	}
	acting.Wait()
}

// repeat runs peers for the time of a flood, one after another in each of the workers.
func (a *attackRun) repeat(workers int, peer func(i int) string) {
	over := time.Now().Add(a.scale.flood)
	var acting sync.WaitGroup
	for worker := range workers {
		acting.Go(func() {
			for i := worker; a.ctx.Err() == nil && time.Now().Before(over); i += workers {
				begun := time.Now()
				a.record(peer(i), time.Since(begun))
				a.throttle()
			}
		})
	}
	acting.Wait()
}

// throttle waits a moment where several attacks share the CPU.
func (a *attackRun) throttle() {
	if a.together || !a.scale.full {
		pause(a.ctx, 30*time.Millisecond)
	}
}

// want fails unless every peer saw one of these outcomes. Beside other attacks, which
// share the server's memory, peers that hold much may also be closed.
func (a *attackRun) want(outcomes ...string) {
	if a.together && a.large {
		outcomes = append(outcomes, "1013", closedTCP, resetTCP)
	}
	a.mu.Lock()
	seen := slices.Sorted(maps.Keys(a.outcomes))
	a.mu.Unlock()
	for _, what := range seen {
		if !slices.Contains(outcomes, what) {
			a.fail("%d of the peers saw %q, want %s", a.outcomes[what].count, what, strings.Join(outcomes, " or "))
		}
	}
	if len(seen) == 0 {
		a.fail("no peer saw anything")
	}
}

// count is how many peers saw an outcome.
func (a *attackRun) count(what string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t := a.outcomes[what]; t != nil {
		return t.count
	}
	return 0
}

// total is how many outcomes were recorded.
func (a *attackRun) total() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range a.outcomes {
		n += t.count
	}
	return n
}

// summary lists the outcomes and the notes.
func (a *attackRun) summary() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(a.outcomes)) {
		t := a.outcomes[what]
		parts = append(parts, fmt.Sprintf("%d × %s (≤ %v)", t.count, what, round(t.worst)))
	}
	return strings.Join(append(parts, a.notes...), ", ")
}

// round rounds to two digits.
func round(d time.Duration) time.Duration {
	for unit := time.Microsecond; ; unit *= 10 {
		if d < 100*unit {
			return d.Round(unit)
		}
	}
}

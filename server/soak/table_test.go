//go:build linux

// The table that a run prints: what was tried, which limit held, and what came of it.

package soak

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// row is what came of an attack.
type row struct {
	attack
	story      string          // what the peers saw
	times      []time.Duration // of the well-behaved, sorted
	peak       int64           // RSS in bytes
	bound      int64           // and what it may be
	cpu        time.Duration   // of the server
	goroutines int             // when all had gone
	counted    bool
	failures   []string
}

func (r *row) fail(failures ...string) {
	for _, f := range failures {
		if len(r.failures) < 4*maxFailures {
			r.failures = append(r.failures, f)
		}
	}
}

// judge holds the measures against their bounds.
func (r *row) judge(of scale) {
	if r.peak > r.bound {
		r.fail(fmt.Sprintf("RSS was %s, %s are allowed", inMiB(r.peak), inMiB(r.bound)))
	}
	bound := of.p99
	if of.full && of.lanes == 1 && r.attack.p99 > 0 {
		bound = r.attack.p99
	}
	if p99 := percentile(r.times, 99); p99 > bound {
		r.fail(fmt.Sprintf("the well-behaved wait %v (p99), want %v", round(p99), bound))
	}
}

// table is all rows.
type table struct {
	mu   sync.Mutex
	rows map[string]string // by name
}

var results table

// add records a row and fails the test where something did not hold.
func (t *table) add(test *testing.T, r *row) {
	test.Helper()
	verdict := "holds"
	if len(r.failures) > 0 {
		verdict = "**fails**"
	}
	goroutines := "–"
	if r.counted {
		goroutines = fmt.Sprint(r.goroutines)
	}
	p99 := "–"
	if len(r.times) > 0 {
		p99 = fmt.Sprintf("%v (%d)", round(percentile(r.times, 99)), len(r.times))
	}
	line := fmt.Sprintf("| %s | %s | %s | %s | %s of %s | %v | %s | %s |",
		r.name, r.limit, r.story, p99, inMiB(r.peak), inMiB(r.bound), round(r.cpu), goroutines, verdict)
	test.Log(line)
	t.put(r.name, line)
	for _, f := range r.failures {
		test.Error(f)
	}
}

// missed records an attack that the run is too short for.
func (t *table) missed(k attack) {
	t.put(k.name, fmt.Sprintf("| %s | %s | not in a run as short as this one | – | – | – | – | – |", k.name, k.limit))
}

func (t *table) put(name, line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows == nil {
		t.rows = map[string]string{}
	}
	t.rows[name] = line
}

// The rows of many attacks.
const (
	allAtOnce = "all at once"
	endOfAll  = "SIGTERM while all attack at once"
)

func (t *table) markdown() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	const head = "| attack | limit | what happened | p99 of the well-behaved (answers) | RSS peak | CPU | goroutines after | |\n" +
		"|---|---|---|---|---|---|---|---|\n"
	names := []string{allAtOnce, endOfAll}
	for i, k := range attacks() {
		names = slices.Insert(names, i, k.name)
	}
	lines := head
	for _, name := range names {
		if line, ok := t.rows[name]; ok {
			lines += line + "\n"
		}
	}
	return lines
}

func inMiB(n int64) string { return fmt.Sprintf("%d MiB", n/mib) }

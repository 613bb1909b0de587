//go:build linux

// The table that a run prints: a row for each attack.

package soak

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// row is the result of an attack.
type row struct {
	attack
	summary    string          // of what the peers saw
	times      []time.Duration // latencies of the well-behaved clients, sorted
	peak       int64           // of RSS, in bytes
	bound      int64           // of RSS, in bytes
	cpu        time.Duration   // that the server used
	goroutines int             // of the server after the last connection
	counted    bool            // goroutines were counted
	failures   []string
}

// fail adds to what failed.
func (r *row) fail(failures ...string) {
	for _, f := range failures {
		if len(r.failures) < 4*maxFailures {
			r.failures = append(r.failures, f)
		}
	}
}

// judge compares memory and latency with their bounds.
func (r *row) judge(of scale) {
	if r.peak > r.bound {
		r.fail(fmt.Sprintf("RSS was %s, %s are allowed", inMiB(r.peak), inMiB(r.bound)))
	}
	bound := of.p99
	if of.full && of.lanes == 1 && r.attack.p99 > 0 {
		bound = r.attack.p99
	}
	if p99 := percentile(r.times, 99); p99 > bound {
		r.fail(fmt.Sprintf("the p99 of the well-behaved clients is %v, want at most %v", round(p99), bound))
	}
}

// table collects the rows.
type table struct {
	mu   sync.Mutex
	rows map[string]string // by name
}

var results table

// add records a row, and fails the test if anything failed.
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
		r.name, r.limit, r.summary, p99, inMiB(r.peak), inMiB(r.bound), round(r.cpu), goroutines, verdict)
	test.Log(line)
	t.put(r.name, line)
	for _, f := range r.failures {
		test.Error(f)
	}
}

// notRun records an attack that takes longer than the run.
func (t *table) notRun(k attack) {
	t.put(k.name, fmt.Sprintf("| %s | %s | not in a run this short | – | – | – | – | – |", k.name, k.limit))
}

func (t *table) put(name, line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows == nil {
		t.rows = map[string]string{}
	}
	t.rows[name] = line
}

// Names of the rows of all attacks together.
const (
	allAtOnce = "all at once"
	endOfAll  = "SIGTERM while all attack at once"
)

// markdown is the table in the order of the attacks.
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

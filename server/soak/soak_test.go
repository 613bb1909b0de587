//go:build linux

// The run: each attack on a server of its own, then all at once on one.

package soak

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

var (
	soakTime   = flag.Duration("soak.time", 50*time.Second, "how long all attacks take together; from 10m on with as many peers as the limits allow")
	soakTable  = flag.String("soak.table", "", "write the table of attacks to this `file`")
	soakBinary = flag.String("soak.binary", "", "the server's binary, a `file`; without it one is built")
)

// workDir holds the binary.
var workDir string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	workDir = dir
	code := m.Run()
	if *soakTable != "" {
		if err := os.WriteFile(*soakTable, []byte(results.markdown()), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// scale is how large a run is.
type scale struct {
	full  bool          // as many peers as the limits allow
	lanes int           // attacks that run side by side, each on its own server
	flood time.Duration // how long a flood lasts
	slack time.Duration // by what a time limit may be exceeded
	rest  time.Duration // how long one of the well-behaved waits from one exchange to the next
	p99   time.Duration // bound for the well-behaved
	alone time.Duration // how long the attacks one by one may take
	after time.Duration // and all at once
	idle  int           // goroutines of a server that nobody uses
}

// fullTime is from what time on a run is full.
const fullTime = 10 * time.Minute

// scaleFor shares out the time of a run: half of it to the attacks one by one, in as
// many lanes as it takes. A short run has only one wave of them.
func scaleFor(total time.Duration, all []attack) scale {
	s := scale{flood: time.Second, slack: 10 * time.Second, rest: 50 * time.Millisecond, p99: 4 * time.Second, alone: total * 4 / 5, after: total / 5}
	if total >= fullTime {
		s = scale{full: true, flood: 8 * time.Second, slack: 3 * time.Second, rest: 10 * time.Millisecond, p99: 500 * time.Millisecond, alone: total * 7 / 10, after: total * 3 / 10}
	}
	var sum time.Duration
	for _, k := range all {
		if s.fits(k) {
			sum += k.takes(s)
		}
	}
	s.lanes = max(1, int((sum+s.alone-1)/s.alone))
	return s
}

// takes is about how long an attack takes.
func (k attack) takes(s scale) time.Duration {
	d := k.wait + 2*time.Second
	if k.flood {
		d += s.flood
	}
	return d
}

// fits reports whether an attack can be part of a run.
func (s scale) fits(k attack) bool { return k.takes(s) <= s.alone && (s.full || !k.onlyBig) }

// TestAttacks runs each attack on a server of its own.
func TestAttacks(t *testing.T) {
	all := attacks()
	s := scaleFor(*soakTime, all)
	s.idle = idleGoroutines(t, s)
	// The longest first, so that no lane has one left at the end.
	slices.SortStableFunc(all, func(a, b attack) int { return cmp.Compare(b.takes(s), a.takes(s)) })
	queue := make(chan attack)
	var lanes sync.WaitGroup
	for range s.lanes {
		lanes.Go(func() {
			for k := range queue {
				t.Run(k.name, func(t *testing.T) { k.play(t, s) })
			}
		})
	}
	for _, k := range all {
		if s.fits(k) {
			queue <- k
		} else {
			results.missed(k)
		}
	}
	close(queue)
	lanes.Wait()
}

// TestTogether runs all attacks at once on one server, again and again.
func TestTogether(t *testing.T) {
	all := slices.DeleteFunc(attacks(), func(k attack) bool { return k.alone })
	s := scaleFor(*soakTime, all)
	s.idle = idleGoroutines(t, s)
	t.Run("for long", func(t *testing.T) { playTogether(t, all, s) })
	t.Run("until SIGTERM", func(t *testing.T) { endTogether(t, all, s) })
}

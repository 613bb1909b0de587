//go:build linux

// The run: each attack on its own server, then all of them at once on one server.

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
	soakTime   = flag.Duration("soak.time", 50*time.Second, "about how long the whole run takes; from 10m on with as many peers as the limits allow")
	soakTable  = flag.String("soak.table", "", "write the table of attacks to this `file`")
	soakBinary = flag.String("soak.binary", "", "the server's binary, a `file`; without it one is built")
)

// workDir is where the server is built.
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

// scale says how large a run is.
type scale struct {
	full         bool          // as many peers as the limits allow
	lanes        int           // how many attacks run side by side, each on its own server
	flood        time.Duration // how long a flood lasts
	slack        time.Duration // how much later than at its limit the server may act
	pause        time.Duration // between two exchanges of a well-behaved client
	p99          time.Duration // bound of the well-behaved clients' latency
	eachTime     time.Duration // for the attacks one by one
	togetherTime time.Duration // for all attacks at once
	idle         int           // goroutines of a server without connections
}

// fullTime is the shortest time of a full run.
const fullTime = 10 * time.Minute

// scaleFor divides the time of a run. The attacks one by one run in as many lanes as it
// takes to finish in their share.
func scaleFor(total time.Duration, all []attack) scale {
	s := scale{flood: time.Second, slack: 10 * time.Second, pause: 50 * time.Millisecond, p99: 4 * time.Second, eachTime: total * 4 / 5, togetherTime: total / 5}
	if total >= fullTime {
		s = scale{full: true, flood: 8 * time.Second, slack: 3 * time.Second, pause: 10 * time.Millisecond, p99: time.Second, eachTime: total * 7 / 10, togetherTime: total * 3 / 10}
	}
	var sum time.Duration
	for _, k := range all {
		if s.fits(k) {
			sum += k.takes(s)
		}
	}
	s.lanes = max(1, int((sum+s.eachTime-1)/s.eachTime))
	return s
}

// takes estimates how long an attack takes.
func (k attack) takes(s scale) time.Duration {
	d := k.wait + time.Second
	if k.flood {
		d += s.flood
	}
	return d
}

// fits reports whether an attack is part of a run.
func (s scale) fits(k attack) bool { return k.takes(s) <= s.eachTime && (s.full || !k.fullOnly) }

// TestAttacks runs each attack on its own server.
func TestAttacks(t *testing.T) {
	all := attacks()
	s := scaleFor(*soakTime, all)
	s.idle = idleGoroutines(t, s)
	// The longest come first, so that all lanes end at about the same time.
	slices.SortStableFunc(all, func(a, b attack) int { return cmp.Compare(b.takes(s), a.takes(s)) })
	queue := make(chan attack)
	var lanes sync.WaitGroup
	for range s.lanes {
		lanes.Go(func() {
			for k := range queue {
				t.Run(k.name, func(t *testing.T) { k.runAlone(t, s) })
			}
		})
	}
	for _, k := range all {
		if s.fits(k) {
			queue <- k
		} else {
			results.notRun(k)
		}
	}
	close(queue)
	lanes.Wait()
}

// TestAllAttacksTogether runs all attacks at once on one server.
func TestAllAttacksTogether(t *testing.T) {
	all := slices.DeleteFunc(attacks(), func(k attack) bool { return k.alone })
	s := scaleFor(*soakTime, all)
	s.idle = idleGoroutines(t, s)
	t.Run("for long", func(t *testing.T) { runTogether(t, all, s) })
	t.Run("until SIGTERM", func(t *testing.T) { endTogether(t, all, s) })
}

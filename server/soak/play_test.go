//go:build linux

// Running attacks and judging the server: one attack on its own server, or all on one.

package soak

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Bounds of a server's memory. slackSize is for the program itself, its well-behaved
// clients, and garbage.
const (
	usualRSS    = 384 * mib // of attacks that make no peer's memory grow
	historySize = 64 * mib  // --history as shipped
	slackSize   = 128 * mib
)

// budget is the bound under a given --max-memory.
func budget(maxMemory int64) int64 { return maxMemory + historySize + slackSize }

// runAlone runs an attack on a new server, beside well-behaved clients unless the attack
// ends the server, and judges both.
func (k attack) runAlone(t *testing.T, of scale) {
	s := start(t, k.launch)
	r := &row{attack: k, bound: cmp.Or(k.rss, usualRSS)}
	ctx, cancel := context.WithTimeout(context.Background(), k.takes(of)+2*time.Minute)
	defer cancel()
	a := newAttackRun(ctx, k, s, of)
	defer context.AfterFunc(ctx, a.closeAll)()
	// An attack that passes the bound by far is stopped, to spare the machine.
	g := watchMemory(s, r.bound, cancel)
	var c *clients
	if !k.ends {
		c = startClients(t, s, of, !k.noDial)
	}
	begun := s.cpu()
	k.run(a)
	r.cpu = s.cpu() - begun
	a.closeAll()
	r.summary = a.summary()
	r.fail(a.failures...)
	_, r.peak = g.stop()
	switch {
	case r.peak > 2*r.bound:
		r.summary += ", stopped at " + inMiB(2*r.bound)
	case ctx.Err() != nil:
		r.fail("the attack did not come to its end in time")
	}
	if c != nil {
		r.times = c.times.take()
		r.fail(c.stop()...)
		if again := c.again.Load(); again > 0 {
			r.summary += fmt.Sprintf(", %d echoes were told to try again later", again)
			if !k.large {
				r.fail("a well-behaved client was told to try again later")
			}
		}
		r.judgeLeftovers(s, of)
	}
	r.judge(of)
	results.add(t, r)
}

// leftoverTime is how long after the last connection the server may have its file open,
// and then how long it may take to become idle.
const leftoverTime = 15 * time.Second

// judgeLeftovers checks that files and goroutines are gone with the connections. It ends
// the server.
func (r *row) judgeLeftovers(s *server, of scale) {
	if !s.running() {
		r.fail(fmt.Sprintf("the server ended with exit code %d: %s", s.code, s.stderr.crash()))
		return
	}
	if err := s.waitFiles(leftoverTime); err != nil {
		r.fail(err.Error())
	}
	if !s.waitIdle(leftoverTime) {
		r.fail(fmt.Sprintf("the server is still at work %v after the last peer has gone", leftoverTime))
	}
	stacks, err := s.goroutines()
	if err != nil {
		r.fail(err.Error())
		return
	}
	r.goroutines, r.counted = len(stacks), true
	if r.goroutines > of.idle {
		r.fail(fmt.Sprintf("%d goroutines are left, an idle server has %d; the last: %s", r.goroutines, of.idle, brief(stacks[len(stacks)-1])))
	}
}

// idleGoroutines counts the goroutines of a server whose clients have gone.
func idleGoroutines(t *testing.T, of scale) int {
	t.Helper()
	s := start(t, launch{})
	for _, failure := range startClients(t, s, of, true).stop() {
		t.Error(failure)
	}
	if err := s.waitFiles(leftoverTime); err != nil {
		t.Fatal(err)
	}
	s.waitIdle(leftoverTime)
	stacks, err := s.goroutines()
	if err != nil {
		t.Fatal(err)
	}
	return len(stacks)
}

// The budget of a server that all attack at once, and how much longer than beside one
// attack its well-behaved clients may wait.
const (
	togetherLatency = 3
	togetherFlag    = "512MiB"
	togetherMemory  = 512 * mib
	togetherConns   = 8000 * connSize // about as many are open at once
)

// runTogether runs all attacks side by side on one server until their time is over.
func runTogether(t *testing.T, all []attack, of scale) {
	of.p99 *= togetherLatency
	s := start(t, launch{flags: []string{"--max-memory", togetherFlag}})
	r := &row{attack: attack{name: allAtOnce, limit: "`--max-memory " + togetherFlag + "`"}, bound: budget(togetherMemory) + togetherConns}
	base, _ := s.memory()
	c := startClients(t, s, of, true)
	// Not a deadline: a dial would fail at it a moment before ctx is done.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer time.AfterFunc(of.togetherTime, cancel).Stop()
	g := watchMemory(s, r.bound, cancel)
	begun := s.cpu()
	rounds := attackTogether(ctx, s, all, of, r.fail)
	r.cpu = s.cpu() - begun
	samples, peak := g.stop()
	r.peak = peak
	r.times = c.times.take()
	early, late, grows := trend(samples)
	r.summary = fmt.Sprintf("%d runs of %d attacks, RSS %s in the second quarter and %s in the last", rounds, len(all), inMiB(early), inMiB(late))
	r.fail(c.stop()...)
	if of.full {
		if grows {
			r.fail(fmt.Sprintf("RSS grows from %s in the second quarter to %s in the last", inMiB(early), inMiB(late)))
		}
		if err := waitMemory(s, base+historySize+slackSize); err != nil {
			r.fail(err.Error())
		}
	}
	r.judgeLeftovers(s, of)
	r.judge(of)
	results.add(t, r)
}

// endTogether runs all attacks side by side and sends the server SIGTERM meanwhile.
func endTogether(t *testing.T, all []attack, of scale) {
	of.p99 *= togetherLatency
	s := start(t, launch{flags: []string{"--max-memory", togetherFlag}})
	r := &row{attack: attack{name: endOfAll, limit: endLimit}, bound: budget(togetherMemory) + togetherConns}
	c := startClients(t, s, of, true)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	g := watchMemory(s, r.bound, cancel)
	var attacking sync.WaitGroup
	attacking.Go(func() { attackTogether(ctx, s, all, of, func(...string) {}) })
	pause(ctx, 2*of.flood)
	r.times = c.times.take()
	r.cpu = s.cpu()
	_, r.peak = g.stop()
	c.ending.Store(true)
	took, err := s.stop(syscall.SIGTERM)
	r.summary = fmt.Sprintf("exit %d after %v", s.code, round(took))
	r.fail(ended(s, took, err, of)...)
	c.running.Wait()
	r.fail(c.failures...)
	cancel()
	attacking.Wait()
	r.judge(of)
	results.add(t, r)
}

// endTime is how long a server may take to end after SIGTERM.
const (
	endTime  = 2 * time.Second
	endLimit = "SIGTERM ends all: 2 s"
)

// ended judges how a server ended after SIGTERM.
func ended(s *server, took time.Duration, err error, of scale) (failures []string) {
	bound := endTime
	if of.lanes > 1 {
		bound += time.Second
	}
	switch {
	case err != nil:
		failures = append(failures, err.Error())
	case s.code != 0:
		failures = append(failures, fmt.Sprintf("exit %d: %s", s.code, s.stderr.last(10)))
	case took > bound:
		failures = append(failures, fmt.Sprintf("it took %v to end, want %v", round(took), bound))
	}
	return failures
}

// attackTogether runs each attack again and again until ctx is done, and returns the
// number of runs. What failed goes to fail.
func attackTogether(ctx context.Context, s *server, all []attack, of scale, fail func(...string)) (rounds int) {
	var mu sync.Mutex
	var attacking sync.WaitGroup
	for _, k := range all {
		attacking.Go(func() {
			for ctx.Err() == nil {
				a := newAttackRun(ctx, k, s, of)
				a.together = true
				stop := context.AfterFunc(ctx, a.closeAll)
				k.run(a)
				stop()
				a.closeAll()
				mu.Lock()
				rounds++
				for _, f := range a.failures {
					fail(k.name + ": " + f)
				}
				mu.Unlock()
				pause(ctx, time.Second)
			}
		})
	}
	attacking.Wait()
	return rounds
}

// memoryTime is how long freed memory may take to go back to the system.
const memoryTime = time.Minute

// waitMemory waits until the server takes no more than a bound.
func waitMemory(s *server, bound int64) error {
	for begun := time.Now(); ; time.Sleep(sampleTime) {
		rss, _ := s.memory()
		if rss <= bound {
			return nil
		}
		if time.Since(begun) > memoryTime {
			return fmt.Errorf("RSS is %s %v after the last peer has gone, want %s", inMiB(rss), memoryTime, inMiB(bound))
		}
	}
}

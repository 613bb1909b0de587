//go:build linux

// How attacks are played and judged: one on its own server, or many on one.

package soak

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// What a server may take: as shipped, where no peer can make it hold more; and with
// --max-memory, where the history and 128 MiB come to what that allows, for the program
// itself, the well-behaved, and what Go has not yet given back.
const (
	usualRSS    = 320 * mib
	historySize = 64 * mib
	slackSize   = 128 * mib
)

func budget(maxMemory int64) int64 { return maxMemory + historySize + slackSize }

// play runs an attack on a new server and judges what came of it.
func (k attack) play(t *testing.T, of scale) {
	s := start(t, k.launch)
	r := &row{attack: k, bound: cmp.Or(k.rss, usualRSS)}
	ctx, cancel := context.WithTimeout(context.Background(), k.takes(of)+2*time.Minute)
	defer cancel()
	a := newAssault(ctx, s, of)
	defer context.AfterFunc(ctx, a.over)()
	// Much more than the bound is stopped, for the sake of the machine.
	g := watchMemory(s, 2*r.bound, cancel)
	var c *company
	if !k.ends {
		c = invite(t, s, of, !k.shut)
	}
	begun := s.cpu()
	k.run(a)
	r.cpu = s.cpu() - begun
	a.over()
	r.story = a.story()
	r.fail(a.failures...)
	r.peak = slices.Max(g.stop())
	switch {
	case r.peak > 2*r.bound:
		r.story += ", stopped for the sake of the machine"
	case ctx.Err() != nil:
		r.fail("the attack did not come to its end in time")
	}
	if c != nil {
		r.times = c.times.take()
		r.fail(c.bye()...)
		r.aftermath(s, of)
	}
	r.judge(of)
	results.add(t, r)
}

// settleTime is how long the files of peers that are gone may stay open, and how long
// the server may then still be at work.
const settleTime = 15 * time.Second

// aftermath looks at what is left when everybody is gone, and ends the server.
func (r *row) aftermath(s *server, of scale) {
	if !s.running() {
		r.fail(fmt.Sprintf("the server has ended with %d: %s", s.code, s.stderr.last(keptLines)))
		return
	}
	if err := s.settle(settleTime); err != nil {
		r.fail(err.Error())
	}
	if !s.calm(settleTime) {
		r.fail(fmt.Sprintf("the server is still at work %v after the last peer has gone", settleTime))
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

// idleGoroutines is how many a server has that has served everybody well-behaved.
func idleGoroutines(t *testing.T, of scale) int {
	t.Helper()
	s := start(t, launch{})
	for _, loss := range invite(t, s, of, true).bye() {
		t.Error(loss)
	}
	if err := s.settle(settleTime); err != nil {
		t.Fatal(err)
	}
	s.calm(settleTime)
	stacks, err := s.goroutines()
	if err != nil {
		t.Fatal(err)
	}
	return len(stacks)
}

// What a server may take that all attack at once.
const (
	togetherFlag   = "512MiB"
	togetherMemory = 512 * mib
)

// playTogether runs attacks side by side on one server until their time is over.
func playTogether(t *testing.T, all []attack, of scale) {
	s := start(t, launch{flags: []string{"--max-memory", togetherFlag}})
	r := &row{attack: attack{name: allAtOnce, limit: "`--max-memory " + togetherFlag + "`"}, bound: budget(togetherMemory)}
	base := s.memory("VmRSS")
	c := invite(t, s, of, true)
	// No deadline, which connections would meet before ctx says that it is over.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer time.AfterFunc(of.after, cancel).Stop()
	g := watchMemory(s, 2*r.bound, cancel)
	begun := s.cpu()
	rounds := raid(ctx, s, all, of, r.fail)
	r.cpu = s.cpu() - begun
	samples := g.stop()
	r.peak = slices.Max(samples)
	r.times = c.times.take()
	early, late, grows := trend(samples)
	r.story = fmt.Sprintf("%d runs of %d attacks, RSS %s in the second quarter and %s in the last", rounds, len(all), inMiB(early), inMiB(late))
	r.fail(c.bye()...)
	if of.full {
		if grows {
			r.fail(fmt.Sprintf("RSS grows from %s in the second quarter to %s in the last", inMiB(early), inMiB(late)))
		}
		if err := calmsDown(s, base+historySize+slackSize); err != nil {
			r.fail(err.Error())
		}
	}
	r.aftermath(s, of)
	r.judge(of)
	results.add(t, r)
}

// endTogether lets all attack at once, and then tells the server to end.
func endTogether(t *testing.T, all []attack, of scale) {
	s := start(t, launch{flags: []string{"--max-memory", togetherFlag}})
	r := &row{attack: attack{name: endOfAll, limit: endLimit}, bound: budget(togetherMemory)}
	c := invite(t, s, of, true)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	g := watchMemory(s, 2*r.bound, cancel)
	var raging sync.WaitGroup
	raging.Go(func() { raid(ctx, s, all, of, func(...string) {}) })
	pause(ctx, 2*of.flood)
	r.times = c.times.take()
	r.cpu = s.cpu()
	r.peak = slices.Max(g.stop())
	c.ending.Store(true)
	took, err := s.stop(syscall.SIGTERM)
	r.story = fmt.Sprintf("exit %d after %v", s.code, round(took))
	r.fail(ended(s, took, err, of)...)
	c.guests.Wait()
	r.fail(c.losses...)
	cancel()
	raging.Wait()
	r.judge(of)
	results.add(t, r)
}

// endTime is how long a server may take to end.
const (
	endTime  = 2 * time.Second
	endLimit = "SIGTERM ends all: 2 s"
)

// ended judges how a server has ended.
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

// raid runs each of the attacks again and again until ctx is done, and returns how
// often in all.
func raid(ctx context.Context, s *server, all []attack, of scale, fail func(...string)) (rounds int) {
	var mu sync.Mutex
	var raging sync.WaitGroup
	for _, k := range all {
		raging.Go(func() {
			for ctx.Err() == nil {
				a := newAssault(ctx, s, of)
				a.together = true
				stop := context.AfterFunc(ctx, a.over)
				k.run(a)
				stop()
				a.over()
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
	raging.Wait()
	return rounds
}

// calmTime is how long memory may take to go back to the system.
const calmTime = time.Minute

// calmsDown waits until the server takes no more than a bound.
func calmsDown(s *server, bound int64) error {
	for begun := time.Now(); ; time.Sleep(sampleTime) {
		rss := s.memory("VmRSS")
		if rss <= bound {
			return nil
		}
		if time.Since(begun) > calmTime {
			return fmt.Errorf("RSS is %s %v after the last peer has gone, want %s", inMiB(rss), calmTime, inMiB(bound))
		}
	}
}

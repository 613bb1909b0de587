//go:build linux

// What a server takes: memory, processor, files; read from /proc.

package soak

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const mib = 1 << 20

// memory is a field of /proc/PID/status in bytes, such as VmRSS; 0 when the process
// has ended.
func (s *server) memory(field string) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		if name == field {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// ticks a second of /proc/PID/stat; Linux shows no other number to programs.
const ticks = 100

// cpu is the processor time used so far.
func (s *server) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.pid))
	if err != nil {
		<-s.exited
		return s.used
	}
	// Behind the name, which stands in brackets and may hold anything: user and
	// system time are the 12th and 13th.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	user, _ := strconv.ParseInt(string(fields[11]), 10, 64)
	system, _ := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * time.Second / ticks
}

// openFiles is how many files are open, sockets included.
func (s *server) openFiles() int {
	names, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.pid))
	return len(names)
}

// settle waits until the server has no more files open than at its start.
func (s *server) settle(within time.Duration) error {
	for begun := time.Now(); ; time.Sleep(sampleTime) {
		open := s.openFiles()
		if open <= s.files {
			return nil
		}
		if time.Since(begun) > within {
			return fmt.Errorf("%d files are open %v after the last peer has gone, %d at the start", open, within, s.files)
		}
	}
}

// calm waits until the server has nothing to do, and reports whether it came to that.
func (s *server) calm(within time.Duration) bool {
	last := time.Duration(-1)
	for begun := time.Now(); time.Since(begun) < within; time.Sleep(3 * sampleTime) {
		used := s.cpu()
		if used == last {
			return true
		}
		last = used
	}
	return false
}

// sampleTime is how often the memory of a server is looked at.
const sampleTime = 100 * time.Millisecond

// gauge follows the memory of a server.
type gauge struct {
	mu      sync.Mutex
	samples []int64
	stopped chan struct{}
	done    chan struct{}
}

// watchMemory begins to follow it, and calls tooMuch once should it take more than
// a bound.
func watchMemory(s *server, bound int64, tooMuch func()) *gauge {
	g := &gauge{stopped: make(chan struct{}), done: make(chan struct{})}
	tooMuch = sync.OnceFunc(tooMuch)
	go func() {
		defer close(g.done)
		tick := time.NewTicker(sampleTime)
		defer tick.Stop()
		for {
			rss := s.memory("VmRSS")
			if rss > bound {
				tooMuch()
			}
			g.mu.Lock()
			g.samples = append(g.samples, rss)
			g.mu.Unlock()
			select {
			case <-tick.C:
			case <-g.stopped:
				return
			}
		}
	}()
	return g
}

// stop returns all samples.
func (g *gauge) stop() []int64 {
	close(g.stopped)
	<-g.done
	return g.samples
}

// By what memory may have grown from a run's second quarter to its last.
const (
	trendShare = 15 // percent
	trendSize  = 32 * mib
)

// trend compares the medians of the second and the last quarter, and tells whether
// memory grows as if it would never end.
func trend(samples []int64) (early, late int64, grows bool) {
	quarter := len(samples) / 4
	if quarter == 0 {
		return 0, 0, false
	}
	early = median(samples[quarter : 2*quarter])
	late = median(samples[len(samples)-quarter:])
	return early, late, late > early+early*trendShare/100+trendSize
}

func median(samples []int64) int64 {
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[len(sorted)/2]
}

// latencies are how long answers took.
type latencies struct {
	mu    sync.Mutex
	times []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	l.times = append(l.times, d)
	l.mu.Unlock()
}

// take returns all in order of length, and begins anew.
func (l *latencies) take() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	times := l.times
	l.times = nil
	slices.Sort(times)
	return times
}

// percentile of sorted times: the shortest that p percent do not exceed.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*p+99)/100-1]
}

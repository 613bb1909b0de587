//go:build linux

// Measuring a server from outside, by /proc: memory, CPU time, open files.

package soak

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const mib = 1 << 20

// memory returns the resident set and its peak so far in bytes; 0 after the process has
// ended.
func (s *server) memory() (rss, peak int64) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			rss = kib << 10
		case "VmHWM":
			peak = kib << 10
		}
	}
	return rss, peak
}

// ticksPerSecond is the unit of times in /proc/PID/stat, the same on every Linux.
const ticksPerSecond = 100

// cpu is the CPU time used so far.
func (s *server) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.pid))
	if err != nil {
		<-s.exited
		return s.used
	}
	// After the name, which is in brackets and may contain anything, user and system
	// time are the 12th and 13th field.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	user, _ := strconv.ParseInt(string(fields[11]), 10, 64)
	system, _ := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * time.Second / ticksPerSecond
}

// openFiles counts the open files, sockets included.
func (s *server) openFiles() int {
	names, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.pid))
	return len(names)
}

// waitFiles waits until the server has no more files open than at its start.
func (s *server) waitFiles(within time.Duration) error {
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

// waitIdle waits until the server uses no CPU time, and reports false if it still does
// when the time is over.
func (s *server) waitIdle(within time.Duration) bool {
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

// sampleTime is how often a server's memory is measured.
const sampleTime = 100 * time.Millisecond

// memorySampler measures a server's memory at intervals.
type memorySampler struct {
	samples []int64 // of the resident set
	peak    int64
	stopped chan struct{}
	done    chan struct{}
}

// watchMemory starts a sampler. To spare the machine it calls tooMuch if the memory passes
// twice a bound, and kills a server that passes four times the bound.
func watchMemory(s *server, bound int64, tooMuch func()) *memorySampler {
	g := &memorySampler{stopped: make(chan struct{}), done: make(chan struct{})}
	tooMuch = sync.OnceFunc(tooMuch)
	go func() {
		defer close(g.done)
		tick := time.NewTicker(sampleTime)
		defer tick.Stop()
		for {
			rss, peak := s.memory()
			if rss > 2*bound {
				tooMuch()
			}
			if rss > 4*bound {
				_ = syscall.Kill(s.pid, syscall.SIGKILL)
			}
			g.samples = append(g.samples, rss)
			g.peak = max(g.peak, peak)
			select {
			case <-tick.C:
			case <-g.stopped:
				return
			}
		}
	}()
	return g
}

// stop ends the sampler and returns what it has measured.
func (g *memorySampler) stop() (samples []int64, peak int64) {
	close(g.stopped)
	<-g.done
	return g.samples, g.peak
}

// How much memory may grow from the second quarter of a run to the last.
const (
	trendShare = 15 // percent
	trendSize  = 32 * mib
)

// trend returns the medians of the second and the last quarter, and whether the memory
// grows more from one to the other than it may.
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

// latencies collects how long answers took.
type latencies struct {
	mu    sync.Mutex
	times []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	l.times = append(l.times, d)
	l.mu.Unlock()
}

// take returns the collected latencies, sorted, and removes them.
func (l *latencies) take() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	times := l.times
	l.times = nil
	slices.Sort(times)
	return times
}

// percentile is the shortest of sorted times that p percent of them do not exceed.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*p+99)/100-1]
}

// Eviction: which holders have to give up what they keep when too much is held.

package memory

import (
	"cmp"
	"math"
	"slices"
	"time"
)

const (
	// growTimeout is how long Grow waits.
	growTimeout = 5 * time.Second
	// leaveTime is how long holders that are evicted may take to free their memory until others
	// are evicted instead.
	leaveTime = 3 * time.Second
	// share is the part of the budget, one in so many, that one holder may keep
	// without being called too large.
	share = 8
	// scanTime is the least time between two scans of all accounts.
	scanTime = 50 * time.Millisecond
	// reportTime is how long evictions are collected for one line of the log.
	reportTime = time.Second
)

// evictIfFull schedules an eviction if too much is held, unless another goroutine holds b.mu
// and does.
func (b *Budget) evictIfFull() {
	if b.used.Load() > b.limit && b.mu.TryLock() {
		b.scheduleEviction()
		b.mu.Unlock()
	}
}

// tooLarge reports whether one holder keeps more than its share.
func (b *Budget) tooLarge(n int64) bool { return n > b.limit/share }

// full is the error for a holder that has to give up n bytes.
func (b *Budget) full(n int64) error {
	if b.tooLarge(n) {
		return ErrTooLarge
	}
	return ErrFull
}

// scheduleEviction runs evictLargest from a timer, at least scanTime after the last run: a scan
// visits every account. b.mu is held.
func (b *Budget) scheduleEviction() {
	if b.scanning {
		return
	}
	b.scanning = true
	wait := time.Duration(0)
	if b.scanned != 0 {
		wait = time.Duration(b.scanned + moment(scanTime) - now())
	}
	time.AfterFunc(max(wait, 0), func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.scanning = false
		b.scanned = now()
		if b.used.Load() >= b.limit {
			b.evictLargest()
		}
		b.admit()
	})
}

// evictLargest evicts until an eighth of the budget is free. b.mu is held.
func (b *Budget) evictLargest() {
	need := b.used.Load() - b.limit + b.limit/8
	candidates := b.candidates(&need)
	if need <= 0 {
		return
	}
	slices.SortFunc(candidates, compareCandidates)
	var freed int64
	for i, c := range candidates {
		if freed >= need {
			candidates = candidates[:i]
			break
		}
		freed += c.held
		c.entry.evicted = now()
		c.entry.holder.Evict(b.tooLarge(c.held))
		if w := c.entry.waiter; w != nil {
			b.answer(w, b.full(c.held))
		}
	}
	if len(candidates) > 0 {
		b.reportSoon(len(candidates), freed)
	}
}

// reportSoon logs the evictions of one reportTime in one line. b.mu is held.
func (b *Budget) reportSoon(evicted int, freed int64) {
	if b.report.evicted == 0 {
		time.AfterFunc(reportTime, func() {
			b.mu.Lock()
			r := b.report
			b.report = report{}
			b.mu.Unlock()
			b.log.Warn("memory is used up: the largest and idlest connections are closed; --max-memory sets the bound",
				"closed", r.evicted, "freed", r.freed, "limit", b.limit)
		})
	}
	b.report.evicted += evicted
	b.report.freed += freed
}

// candidate is an account that could be evicted.
type candidate struct {
	entry   *entry
	held    int64
	resting bool // nothing of it waits or is unfinished
	weight  float64
}

// compareCandidates sorts by the order of eviction: by weight, and those with only resting bytes last.
func compareCandidates(x, y candidate) int {
	if x.resting != y.resting {
		if y.resting {
			return -1
		}
		return 1
	}
	return cmp.Compare(y.weight, x.weight)
}

// longestIdle is the most idleness that weigh counts.
const longestIdle = 10 * time.Second

// weigh says which holder is evicted first. Size counts for more than idleness, so that small
// ones may be idle for long; of many that are alike those that make progress stay.
func weigh(held int64, idle time.Duration) float64 {
	return float64(held) * math.Sqrt((min(idle, longestIdle) + 10*time.Millisecond).Seconds())
}

// candidates lists the holders that could be evicted, and subtracts from need what those that
// are evicted already are about to free.
func (b *Budget) candidates(need *int64) []candidate {
	now := now()
	var list []candidate
	for a, e := range b.accounts {
		held := a.held.Load()
		switch {
		case held <= 0:
		case e.evicted == 0:
			idle := time.Duration(now.milliseconds()-a.grew.Load()) * time.Millisecond
			resting := int64(a.resting.Load()) << 10
			list = append(list, candidate{e, held, held-resting < 1<<10, weigh(held, idle)})
		case now-e.evicted < moment(leaveTime):
			*need -= held
		}
	}
	return list
}

// report is what the next line of the log says.
type report struct {
	evicted int
	freed   int64
}

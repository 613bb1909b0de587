// Eviction: who has to go when too much is held.

package memory

import (
	"cmp"
	"slices"
	"time"
)

const (
	// patience is how long Grow waits for those that are evicted to leave, and how long
	// they are expected to.
	patience = 3 * time.Second
	// share is the part of the budget, one in so many, that one holder may keep
	// without being called too large.
	share = 8
	// lookTime is how long it takes at least until it is looked again who has to go.
	lookTime = 5 * time.Millisecond
	// reportTime is how long evictions are gathered into one line of the log.
	reportTime = time.Second
)

// evictSoon evicts if too much is held, unless others are at it.
func (b *Budget) evictSoon() {
	if b.used.Load() > b.limit && b.mu.TryLock() {
		b.evict()
		b.mu.Unlock()
	}
}

// tooLarge reports whether one holder keeps more than its share.
func (b *Budget) tooLarge(n int64) bool { return n > b.limit/share }

// full is what a holder is told that has to give up n bytes.
func (b *Budget) full(n int64) error {
	if b.tooLarge(n) {
		return ErrTooLarge
	}
	return ErrFull
}

// evict chooses who has to go so that an eighth of the budget is free. To look costs time for
// each account: within lookTime of the last look it is put off. b.mu is held.
func (b *Budget) evict() {
	if b.looked != 0 && now() < b.looked+moment(lookTime) {
		if !b.looking {
			b.looking = true
			time.AfterFunc(lookTime, func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.looking = false
				if b.used.Load() > b.limit || b.waiting.Load() > 0 {
					b.evict()
					b.letIn()
				}
			})
		}
		return
	}
	b.looked = now()
	need := b.used.Load() - b.limit + b.limit/8
	candidates := b.candidates(&need)
	if need <= 0 {
		return
	}
	slices.SortFunc(candidates, func(x, y candidate) int { return cmp.Compare(y.weight, x.weight) })
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

// reportSoon has the log say of evictions. b.mu is held.
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
	entry  *entry
	held   int64
	weight float64 // bytes times seconds
}

// candidates lists who could be evicted, and takes from need what is about to be freed
// by those that are.
func (b *Budget) candidates(need *int64) []candidate {
	now := now()
	var list []candidate
	for a, e := range b.accounts {
		held := a.held.Load()
		switch {
		case held <= 0:
		case e.evicted == 0:
			idle := time.Duration(now - moment(a.grew.Load()))
			list = append(list, candidate{e, held, float64(held) * (idle + time.Second).Seconds()})
		case now-e.evicted < moment(patience):
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

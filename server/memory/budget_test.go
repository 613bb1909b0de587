// The budget: which holders are evicted first, how long others wait, and that the sums are right.

package memory

import (
	"bytes"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// peer keeps bytes, and notes when it has to go.
type peer struct {
	name    string
	account Account
	budget  *Budget
	evicted *[]string
	leaves  bool // at once
}

func (p *peer) Evict(tooLarge bool) {
	name := p.name
	if tooLarge {
		name += " (too large)"
	}
	*p.evicted = append(*p.evicted, name)
	if p.leaves {
		go p.budget.Close(&p.account)
	}
}

func (p *peer) add(n int64) { p.budget.Add(&p.account, p, n) }

func (p *peer) grow(n int64) error { return p.budget.Grow(&p.account, p, n) }

// crowd is a budget with its holders.
type crowd struct {
	*Budget
	log     bytes.Buffer
	evicted []string
}

func newCrowd(limit int64) *crowd {
	c := &crowd{}
	c.Budget = NewBudget(limit, slog.New(slog.NewTextHandler(&c.log, nil)))
	return c
}

func (c *crowd) peer(name string, leaves bool) *peer {
	return &peer{name: name, budget: c.Budget, evicted: &c.evicted, leaves: leaves}
}

func TestLargestAndIdlestGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(1000)
		small, idle, large, fresh := c.peer("small", true), c.peer("idle", true), c.peer("large", true), c.peer("fresh", true)
		small.add(10)
		idle.add(100)
		time.Sleep(100 * time.Second)
		large.add(90)
		time.Sleep(time.Second)
		fresh.add(800)
		if len(c.evicted) > 0 {
			t.Fatalf("%v went before the budget was used up", c.evicted)
		}
		fresh.add(20) // 1020: an eighth is to be free
		synctest.Wait()
		if want := []string{"idle", "large"}; !slices.Equal(c.evicted, want) {
			t.Errorf("%v went, want %v", c.evicted, want)
		}
		if c.Used() != 830 {
			t.Errorf("%d bytes are left", c.Used())
		}
		time.Sleep(2 * reportTime)
		synctest.Wait()
		if log := c.log.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "closed=2 freed=190 limit=1000") {
			t.Errorf("logged %q", log)
		}
	})
}

func TestWaitEndsWhenOthersLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(100)
		other, waits := c.peer("other", false), c.peer("waits", false)
		waits.add(1)
		other.add(99)
		got := make(chan error)
		go func() { got <- waits.grow(1) }()
		synctest.Wait()
		if !slices.Equal(c.evicted, []string{"other (too large)"}) {
			t.Fatalf("%v went", c.evicted)
		}
		c.Sub(&other.account, 99)
		if err := <-got; err != nil {
			t.Error(err)
		}
		time.Sleep(2 * reportTime)
	})
}

func TestWaitingHolderCanBeEvicted(t *testing.T) {
	for kept, want := range map[int64]error{10: ErrFull, 900: ErrTooLarge} {
		synctest.Test(t, func(t *testing.T) {
			c := newCrowd(1000)
			waits := c.peer("waits", false)
			waits.add(kept)
			c.AddShared(1000)
			if err := waits.grow(1); !errors.Is(err, want) {
				t.Errorf("with %d bytes: %v, want %v", kept, err, want)
			}
			time.Sleep(2 * reportTime)
		})
	}
}

// A holder that was evicted and frees nothing delays others only shortly, and others are evicted instead.
func TestStubbornHolders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(1000)
		stubborn, waits := c.peer("stubborn", false), c.peer("waits", false)
		stubborn.add(990)
		waits.add(10)
		start := time.Now()
		if err := waits.grow(1); !errors.Is(err, ErrFull) || time.Since(start) > growTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		synctest.Wait()
		if c.evicted[0] != "stubborn (too large)" {
			t.Errorf("%v went", c.evicted)
		}
		c.Close(&waits.account)
		time.Sleep(growTimeout)
		c.peer("other", true).add(20)
		if err := c.peer("next", false).grow(1); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * reportTime)
	})
}

// A holder that alone exceeds the limit is admitted, and then evicted.
func TestHolderLargerThanTheLimitIsEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(1000)
		large := c.peer("large", true)
		if err := large.grow(5000); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !slices.Equal(c.evicted, []string{"large (too large)"}) || c.Used() != 0 {
			t.Errorf("%v went, %d bytes are left", c.evicted, c.Used())
		}
		time.Sleep(2 * reportTime)
	})
}

func TestNothingCountsAfterClose(t *testing.T) {
	c := newCrowd(100)
	p := c.peer("p", false)
	p.add(50)
	c.Close(&p.account)
	p.add(30)
	c.Sub(&p.account, 50)
	c.Close(&p.account)
	if c.Used() != 0 || len(c.accounts) != 0 {
		t.Errorf("%d bytes of %d accounts", c.Used(), len(c.accounts))
	}
}

// An account may be closed before anything is added to it.
func TestClosedBeforeItGrows(t *testing.T) {
	c := newCrowd(100)
	p := c.peer("p", false)
	c.Close(&p.account)
	p.add(30)
	if err := p.grow(30); err != nil {
		t.Error(err)
	}
	if c.Used() != 0 || len(c.accounts) != 0 {
		t.Errorf("%d bytes of %d accounts", c.Used(), len(c.accounts))
	}
}

// Accounts with only resting bytes are not evicted, however idle, while others keep something
// unfinished.
func TestRestingAccountsAreEvictedLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(100 << 20)
		for range 1000 {
			p := c.peer("resting", true)
			p.add(32 << 10)
			p.account.SetResting(32 << 10)
		}
		time.Sleep(20 * time.Minute)
		for range 5 {
			c.peer("busy", true).add(16 << 20)
			synctest.Wait()
		}
		if len(c.evicted) == 0 || slices.Contains(c.evicted, "resting") {
			t.Errorf("%v went", c.evicted)
		}
		time.Sleep(2 * reportTime)
	})
}

func TestNoBudget(t *testing.T) {
	var b *Budget
	p := &peer{}
	b.Add(&p.account, p, 1<<60)
	b.AddShared(1 << 60)
	if err := b.Grow(&p.account, p, 1); err != nil || b.Used() != 0 || b.Limit() != 0 || b.Full() {
		t.Error(err, b.Used(), b.Limit())
	}
	b.Sub(&p.account, 1)
	b.SubShared(1)
	b.Close(&p.account)
}

// Whatever many do at once, in the end nothing is held.
func TestAllAddsUp(t *testing.T) {
	c := newCrowd(10_000)
	var ended sync.WaitGroup
	for range 50 {
		ended.Go(func() {
			for range 100 {
				p := &quiet{budget: c.Budget}
				for range rand.IntN(20) {
					n := rand.Int64N(300)
					if c.Grow(&p.account, p, n) != nil {
						break
					}
					c.AddShared(n)
					c.Sub(&p.account, n/2)
					c.SubShared(n)
				}
				c.Close(&p.account)
			}
		})
	}
	ended.Wait()
	if c.Used() != 0 || len(c.accounts) != 0 {
		t.Errorf("%d bytes of %d accounts", c.Used(), len(c.accounts))
	}
}

// quiet is a peer that leaves when it has to.
type quiet struct {
	account Account
	budget  *Budget
}

func (q *quiet) Evict(bool) { go q.budget.Close(&q.account) }

func BenchmarkAccount(b *testing.B) {
	c := newCrowd(1 << 40)
	p := c.peer("p", false)
	b.ReportAllocs()
	for b.Loop() {
		if p.grow(4096) != nil {
			b.Fatal("no room")
		}
		c.Sub(&p.account, 4096)
	}
}

// The budget: how many bytes are held in all, and what happens when that is too much.

// Package memory bounds the memory of a whole server: the bytes that wait or are
// unfinished in all of its connections together.
//
// Limits for each connection do not add up to one for the server: a thousand peers that
// each stay just within theirs take a thousand times as much. So code that keeps bytes for a
// peer opens an [Account] with the [Budget] and says how many it keeps. When all together would
// keep more than the limit, the largest and idlest are evicted.
package memory

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of [Budget.Grow].
var (
	ErrFull     = errors.New("memory: the server's memory is full")
	ErrTooLarge = errors.New("memory: more than the server's memory allows one connection")
)

// Holder is what keeps bytes, a connection for instance.
type Holder interface {
	// Evict asks the holder to give up what it keeps. It must neither block nor call the
	// Budget, whose lock is held. tooLarge says that the holder kept so much that it
	// would not fit later either.
	Evict(tooLarge bool)
}

// Budget bounds what all accounts hold together. A nil Budget has no bound. Make one
// with [NewBudget].
type Budget struct {
	limit   int64
	log     *slog.Logger
	used    atomic.Int64
	waiting atomic.Int32 // in Grow

	mu       sync.Mutex // guards the fields below
	waiters  []*waiter  // in the order in which they came, some done
	accounts map[*Account]*entry
	scanned  moment // when the accounts were last scanned for eviction; 0 for never
	scanning bool   // they are about to be
	report   report
}

// entry is what the budget knows of an account.
type entry struct {
	holder  Holder
	evicted moment  // 0 while it is not
	waiter  *waiter // in Grow, or nil
}

// moment is a time in nanoseconds since the program began.
type moment int64

var began = time.Now().Add(-1) // so that 0 is no moment

func now() moment { return moment(time.Since(began)) }

// NewBudget makes a budget of limit bytes. It logs evictions, a line a second at most.
func NewBudget(limit int64, log *slog.Logger) *Budget {
	return &Budget{limit: limit, log: log, accounts: map[*Account]*entry{}}
}

// Limit returns the limit in bytes, 0 for none.
func (b *Budget) Limit() int64 {
	if b == nil {
		return 0
	}
	return b.limit
}

// Used returns how many bytes are held.
func (b *Budget) Used() int64 {
	if b == nil {
		return 0
	}
	return b.used.Load()
}

// Full reports whether memory is so scarce that only what is necessary should be kept.
func (b *Budget) Full() bool { return b != nil && b.used.Load() >= b.limit }

// Scarce reports whether a quarter of the limit is used: then buffers should not be returned
// to pools, which no budget counts.
func (b *Budget) Scarce() bool { return b != nil && b.used.Load() >= b.limit/4 }

// Account is what one holder keeps. The zero value keeps nothing.
type Account struct {
	held    atomic.Int64  // bytes; closedAccount once it is closed
	grew    atomic.Uint32 // when it last did, in milliseconds; 0 while it never has
	resting atomic.Uint32 // KiB of what is held that neither wait nor are unfinished
}

// SetResting sets how many of the bytes that are held are long-lived state, such as a
// compression context, and not pending work. An account with only such bytes is evicted last.
func (a *Account) SetResting(n int64) { a.resting.Store(uint32(n >> 10)) }

// milliseconds converts a moment for Account.grew: it is never 0 and wraps around.
func (t moment) milliseconds() uint32 { return uint32(t/moment(time.Millisecond)) | 1 }

const closedAccount = -1 << 62

// Grow is Add for bytes that are about to be allocated: it waits for its turn and until there
// is memory, five seconds at most, while others are evicted. A request is admitted while less
// than the limit is used, so one request may exceed it; no other is admitted until use is below the limit
// again. ErrFull and ErrTooLarge say that h itself has to give up what it keeps; then nothing
// was added.
func (b *Budget) Grow(a *Account, h Holder, n int64) error {
	if b == nil {
		return nil
	}
	if !b.reserve(n) {
		if err := b.waitForMemory(a, n); err != nil {
			return err
		}
	}
	b.charge(a, h, n)
	b.evictIfFull()
	return nil
}

// Add adds n bytes to what h keeps in account a. It does not wait; if it is too much others
// are evicted, or h itself.
func (b *Budget) Add(a *Account, h Holder, n int64) {
	if b == nil {
		return
	}
	b.used.Add(n)
	b.charge(a, h, n)
	b.evictIfFull()
}

// AddShared adds n bytes that no single holder keeps.
func (b *Budget) AddShared(n int64) {
	if b == nil {
		return
	}
	b.used.Add(n)
	b.evictIfFull()
}

// SubShared subtracts bytes that AddShared added.
func (b *Budget) SubShared(n int64) {
	if b != nil {
		b.sub(n)
	}
}

// Sub subtracts n bytes of those that a holds.
func (b *Budget) Sub(a *Account, n int64) {
	for b != nil {
		held := a.held.Load()
		if held < 0 {
			return // closed: all has been subtracted
		}
		if a.held.CompareAndSwap(held, held-n) {
			b.sub(n)
			return
		}
	}
}

// Close ends an account, whatever it holds. Nothing that is added later counts.
func (b *Budget) Close(a *Account) {
	if b == nil {
		return
	}
	if held := a.held.Swap(closedAccount); held > 0 {
		b.sub(held)
	}
	if a.grew.Load() == 0 {
		return // a goroutine that is about to add to it sees that it is closed
	}
	b.mu.Lock()
	delete(b.accounts, a)
	b.mu.Unlock()
}

// reserve counts n bytes if the limit allows it and no other call waits.
func (b *Budget) reserve(n int64) bool {
	for b.waiting.Load() == 0 {
		used := b.used.Load()
		if used >= b.limit {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
	return false
}

// charge adds n bytes, which are counted, to what h keeps; a closed account keeps nothing.
func (b *Budget) charge(a *Account, h Holder, n int64) {
	for {
		held := a.held.Load()
		if held < 0 {
			b.sub(n)
			return
		}
		if a.held.CompareAndSwap(held, held+n) {
			break
		}
	}
	if a.grew.Swap(now().milliseconds()) == 0 {
		b.mu.Lock()
		b.accounts[a] = &entry{holder: h}
		b.mu.Unlock()
		if a.held.Load() < 0 {
			b.Close(a) // it was closed meanwhile
		}
	}
}

func (b *Budget) sub(n int64) {
	if b.used.Add(-n) < b.limit && b.waiting.Load() > 0 {
		b.mu.Lock()
		b.admit()
		b.mu.Unlock()
	}
}

// Giving freed memory back to the system.

package memory

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// releaseTime is how often Tend checks whether memory should be given back.
	releaseTime = 10 * time.Second
	// keptFree is how much the runtime may keep in bytes, beside twice what is in use: it
	// takes that again before the next collection.
	keptFree = 64 << 20
	// overhead is what the process takes beside what it keeps for peers, in bytes, and for each
	// goroutine: about that of a connection.
	overhead          = 96 << 20
	goroutineOverhead = 12 << 10
)

// Tend keeps the process small until ctx is done, where bounded is how many bytes the
// server keeps at most.
//
// It gives the memory that a peak has left back to the system: by itself the runtime does so
// slowly, and while nothing is allocated it collects every two minutes at most. And it has the
// runtime collect before garbage doubles what is kept, unless GOMEMLIMIT says otherwise.
func Tend(ctx context.Context, bounded int64) {
	tick := time.NewTicker(releaseTime)
	defer tick.Stop()
	var r releaser
	for {
		if os.Getenv("GOMEMLIMIT") == "" {
			debug.SetMemoryLimit(bounded + overhead + int64(runtime.NumGoroutine())*goroutineOverhead)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if r.due(readHeap()) {
				debug.FreeOSMemory()
				r.seen = readHeap()
			}
		}
	}
}

// heap is what the runtime says of its memory.
type heap struct {
	live   uint64 // bytes that the last collection left
	mapped uint64 // bytes that the system has given, but for those that it got back
	cycles uint64 // collections so far
}

func readHeap() heap {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"}, {Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples)
	return heap{
		live: samples[0].Value.Uint64(), mapped: samples[1].Value.Uint64() - samples[2].Value.Uint64(), cycles: samples[3].Value.Uint64(),
	}
}

// releaser decides when memory is given back.
type releaser struct {
	seen  heap
	quiet int // times that memory was given back since something was last collected
}

// poolCycles is how many collections it takes until pools have freed what is not used.
const poolCycles = 2

// due reports whether memory should be given back, now that the heap is h. If there was no
// collection for a while, it is not known how much is in use: a peak may be over.
func (r *releaser) due(h heap) bool {
	quiet := h.cycles == r.seen.cycles
	r.seen = h
	if !quiet {
		r.quiet = 0
		return h.mapped > 2*h.live+keptFree
	}
	if r.quiet == poolCycles || h.mapped <= keptFree {
		return false
	}
	r.quiet++
	return true
}

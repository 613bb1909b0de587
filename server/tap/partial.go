// Partial frames: what is kept of a frame that arrives in several pieces.

package tap

import (
	"sync"

	"framescope/protocol"
	"framescope/server/memory"
)

// smallFrame is how many bytes of a frame fit into a partialFrame's own buffer.
const smallFrame = 4 << 10

// partialFrame is an incomplete frame.
type partialFrame struct {
	kept     []byte  // its bytes so far: a part of its header, or more
	large    *[]byte // what kept is in, if that is a buffer of largePool
	small    []byte  // the buffer before that
	size     uint64  // of the frame on the wire, once its header is complete; before that 0
	missing  uint64  // how many bytes of it are still to come
	limit    int     // how many bytes of it are kept at most
	recorded bool    // as Partial: its receiver has stopped reading it
}

// partialPool is shared by all connections, since between frames a connection needs none.
// largePool has the buffers of longer frames; a frame gets one only when more than smallFrame
// bytes have arrived.
var (
	partialPool = sync.Pool{New: func() any { return new(partialFrame) }}
	largePool   = sync.Pool{New: func() any { return new(make([]byte, 0, 64<<10+protocol.MaxHeaderSize)) }}
)

func getPartial() *partialFrame { return partialPool.Get().(*partialFrame) }

func putPartial(p *partialFrame, budget *memory.Budget) {
	p.release(budget)
	*p = partialFrame{kept: p.kept}
	partialPool.Put(p)
}

// keep adds bytes, up to the limit. When memory is used up it adds no more to a long frame.
func (p *partialFrame) keep(b []byte, budget *memory.Budget) {
	b = b[:min(len(b), p.limit-len(p.kept))]
	if len(p.kept)+len(b) <= smallFrame {
		p.kept = append(p.kept, b...)
		return
	}
	if budget.Full() {
		p.limit = len(p.kept)
		return
	}
	if p.large == nil {
		p.large = largePool.Get().(*[]byte)
		p.small, p.kept = p.kept, append((*p.large)[:0], p.kept...)
		budget.AddShared(int64(cap(p.kept)))
	}
	had := cap(p.kept)
	if p.kept = append(p.kept, b...); cap(p.kept) > had {
		budget.AddShared(int64(cap(p.kept) - had))
	}
}

// release drops the bytes that are kept.
func (p *partialFrame) release(budget *memory.Budget) {
	if p.kept = p.kept[:0]; p.large != nil {
		budget.SubShared(int64(cap(p.kept)))
		largePool.Put(p.large)
		p.kept, p.small, p.large = p.small[:0], nil, nil
	}
}

// Buffers that connections share: taken when bytes are there, given back when
// they are used.

package websocket

import (
	"math/bits"
	"sync"

	"framescope/server/memory"
)

// bufferSize is how much is read, and written, at once.
const bufferSize = 64 << 10

type buffer [bufferSize]byte

var bufferPool = sync.Pool{New: func() any { return new(buffer) }}

func takeBuffer() *buffer { return bufferPool.Get().(*buffer) }

func giveBuffer(b *buffer) { bufferPool.Put(b) }

// The sizes of the pools of longer ones are powers of two.
const (
	smallestRoom = 12 // 4 KiB
	largestRoom  = 26 // 64 MiB; larger ones are not kept
)

var roomPools [largestRoom + 1]sync.Pool

// room is an empty slice from a pool, and what goes back into it.
type room struct {
	bytes []byte
	from  *[]byte
}

// roomClass is the pool of rooms of n bytes, and perhaps more than largestRoom.
func roomClass(n int) int { return max(bits.Len(uint(max(n, 1)-1)), smallestRoom) }

// roomSize is how large the room is that takeRoom takes, in bytes.
func roomSize(n int) int {
	if class := roomClass(n); class <= largestRoom {
		return 1 << class
	}
	return n
}

// takeRoom takes room for n bytes at least.
func takeRoom(n int) room {
	class := roomClass(n)
	if class > largestRoom {
		return room{bytes: make([]byte, 0, n)}
	}
	from, _ := roomPools[class].Get().(*[]byte)
	if from == nil {
		from = new(make([]byte, 0, 1<<class))
	}
	return room{bytes: (*from)[:0], from: from}
}

// keptRoom takes room for n bytes that is there already; ok is false where there is
// none.
func keptRoom(n uint64) (r room, ok bool) {
	if n > 1<<largestRoom {
		return r, false
	}
	class := roomClass(int(n))
	from, _ := roomPools[class].Get().(*[]byte)
	if from == nil {
		return r, false
	}
	return room{bytes: (*from)[:0], from: from}, true
}

// give gives the room back, for others unless memory is scarce; the zero room is nothing.
func (r *room) give(b *memory.Budget) {
	if r.from != nil && !b.Scarce() {
		roomPools[bits.Len(uint(cap(*r.from))-1)].Put(r.from)
	}
	*r = room{}
}

// grow makes room for n bytes in all.
func (r *room) grow(n int, b *memory.Budget) {
	if n <= cap(r.bytes) {
		return
	}
	r.moveTo(takeRoom(n), b)
}

func (r *room) moveTo(larger room, b *memory.Budget) {
	larger.bytes = append(larger.bytes, r.bytes...)
	r.give(b)
	*r = larger
}

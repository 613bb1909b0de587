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

// largeRoom is from which size on, as a power of two, a room has largeSlack bytes more, so
// that a message as large as is usually allowed can be inflated in it, and is kept in
// spareRooms while memory is scarce.
const (
	largeRoom  = 20
	largeSlack = 4 << 10
)

// classSize is how large the rooms of a pool are, in bytes.
func classSize(class int) int {
	if class >= largeRoom {
		return 1<<class + largeSlack
	}
	return 1 << class
}

// roomClass is the pool of rooms of n bytes, and perhaps more than largestRoom.
func roomClass(n int) int {
	class := max(bits.Len(uint(max(n, 1)-1)), smallestRoom)
	if class > smallestRoom && n <= classSize(class-1) {
		return class - 1
	}
	return class
}

// roomSize is how large the room is that takeRoom takes, in bytes.
func roomSize(n int) int {
	if class := roomClass(n); class <= largestRoom {
		return classSize(class)
	}
	return n
}

// takeRoom takes room for n bytes at least.
func takeRoom(n int) room {
	class := roomClass(n)
	if class > largestRoom {
		return room{bytes: make([]byte, 0, n)}
	}
	from := pooledRoom(class)
	if from == nil {
		from = new(make([]byte, 0, classSize(class)))
	}
	return room{bytes: (*from)[:0], from: from}
}

// keptRoom takes room for n bytes that is there already; ok is false where there is
// none.
func keptRoom(n uint64) (r room, ok bool) {
	if n > 1<<largestRoom {
		return r, false
	}
	from := pooledRoom(roomClass(int(n)))
	if from == nil {
		return r, false
	}
	return room{bytes: (*from)[:0], from: from}, true
}

// pooledRoom takes a room that was given back, or nil.
func pooledRoom(class int) *[]byte {
	if from := spareRooms.take(class); from != nil {
		return from
	}
	from, _ := roomPools[class].Get().(*[]byte)
	return from
}

// give gives the room back, for others; the zero room is nothing. While memory is scarce it
// is kept only if it counts.
func (r *room) give(b *memory.Budget) {
	switch {
	case r.from == nil:
	case !b.Scarce():
		roomPools[roomClass(cap(*r.from))].Put(r.from)
	case cap(*r.from) > 1<<largeRoom:
		spareRooms.put(r.from, b)
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

// Buffers that connections share: got when there are bytes to hold, put back when
// those have been used.

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

func getBuffer() *buffer { return bufferPool.Get().(*buffer) }

func putBuffer(b *buffer) { bufferPool.Put(b) }

// Message buffers come in size classes, each twice as large as the one before.
const (
	smallestClass = 12 // 4 KiB
	largestClass  = 26 // 64 MiB; larger buffers are not pooled
)

var messagePools [largestClass + 1]sync.Pool

// messageBuffer holds a message of any length; the zero value has no memory.
type messageBuffer struct {
	bytes  []byte
	pooled *[]byte // what is put back; nil if nothing is
}

// From class roomyClass on, a buffer has extraBytes more than a power of two, so that a
// message of the largest usual size can be inflated in it. Such a buffer goes to
// spareBuffers while memory is scarce.
const (
	roomyClass = 20
	extraBytes = 4 << 10
)

// classSize returns the capacity of the buffers of a class, in bytes.
func classSize(class int) int {
	if class >= roomyClass {
		return 1<<class + extraBytes
	}
	return 1 << class
}

// sizeClass returns the class of buffers for n bytes; it may be greater than largestClass.
func sizeClass(n int) int {
	class := max(bits.Len(uint(max(n, 1)-1)), smallestClass)
	if class > smallestClass && n <= classSize(class-1) {
		return class - 1
	}
	return class
}

// messageBufferSize returns the capacity of what getMessageBuffer(n) returns, in bytes.
func messageBufferSize(n int) int {
	if class := sizeClass(n); class <= largestClass {
		return classSize(class)
	}
	return n
}

// getMessageBuffer gets an empty buffer for n bytes at least.
func getMessageBuffer(n int) messageBuffer {
	class := sizeClass(n)
	if class > largestClass {
		return messageBuffer{bytes: make([]byte, 0, n)}
	}
	pooled := getPooled(class)
	if pooled == nil {
		pooled = new(make([]byte, 0, classSize(class)))
	}
	return messageBuffer{bytes: (*pooled)[:0], pooled: pooled}
}

// getUsedMessageBuffer gets a buffer for n bytes that has been used before; ok is false if
// there is none.
func getUsedMessageBuffer(n uint64) (m messageBuffer, ok bool) {
	if n > 1<<largestClass {
		return m, false
	}
	pooled := getPooled(sizeClass(int(n)))
	if pooled == nil {
		return m, false
	}
	return messageBuffer{bytes: (*pooled)[:0], pooled: pooled}, true
}

// getPooled gets a buffer that was put back, or nil.
func getPooled(class int) *[]byte {
	if pooled := spareBuffers.get(class); pooled != nil {
		return pooled
	}
	pooled, _ := messagePools[class].Get().(*[]byte)
	return pooled
}

// put puts the buffer back and leaves the zero value. While memory is scarce only a large
// buffer is kept, and counted.
func (m *messageBuffer) put(b *memory.Budget) {
	switch {
	case m.pooled == nil:
	case !b.Scarce():
		messagePools[sizeClass(cap(*m.pooled))].Put(m.pooled)
	case cap(*m.pooled) > 1<<roomyClass:
		spareBuffers.put(m.pooled, b)
	}
	*m = messageBuffer{}
}

// grow raises the capacity to n bytes at least.
func (m *messageBuffer) grow(n int, b *memory.Budget) {
	if n <= cap(m.bytes) {
		return
	}
	m.moveTo(getMessageBuffer(n), b)
}

// moveTo copies the bytes to a larger buffer and puts back the old one.
func (m *messageBuffer) moveTo(larger messageBuffer, b *memory.Budget) {
	larger.bytes = append(larger.bytes, m.bytes...)
	m.put(b)
	*m = larger
}

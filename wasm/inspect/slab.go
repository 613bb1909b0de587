// Slabs: the records as they arrived, in large buffers that are used again.

package inspect

// slabSize is the usual size of a slab. A larger batch has a slab of its own.
const slabSize = 1 << 20

type slab struct {
	data []byte // the root slice, never resliced forward: its capacity is kept
	rows uint64 // index of the first row whose record is here
}

// slabList is a queue of slabs, by number.
type slabList struct {
	slabs []*slab
	free  *slab
	base  uint32 // number of slabs[0]
	held  int    // bytes of capacity
}

// tail returns n writable bytes after the last record; firstRow is the index of
// the next row.
func (l *slabList) tail(n int, firstRow uint64) []byte {
	if s := l.last(); s == nil || cap(s.data)-len(s.data) < n {
		l.push(n, firstRow)
	}
	s := l.last()
	return s.data[len(s.data) : len(s.data)+n]
}

func (l *slabList) push(n int, firstRow uint64) {
	s := l.free
	if n > slabSize || s == nil {
		s = &slab{data: make([]byte, 0, max(n, slabSize))}
	} else {
		l.free = nil
	}
	s.rows = firstRow
	l.slabs = append(l.slabs, s)
	l.held += cap(s.data)
}

func (l *slabList) last() *slab {
	if len(l.slabs) == 0 {
		return nil
	}
	return l.slabs[len(l.slabs)-1]
}

// lastNumber returns the number of the last slab, which must exist.
func (l *slabList) lastNumber() uint32 { return l.base + uint32(len(l.slabs)) - 1 }

// from returns the bytes of slab number n from offset at on.
func (l *slabList) from(n, at uint32) []byte { return l.slabs[n-l.base].data[at:] }

// drop removes the oldest slab; its bytes may be overwritten from now on. freed is how
// many of them will not be used again.
func (l *slabList) drop() (freed int) {
	s := l.slabs[0]
	l.slabs = l.slabs[1:]
	l.base++
	l.held -= cap(s.data)
	if s.data = s.data[:0]; l.free != nil || cap(s.data) != slabSize {
		return cap(s.data)
	}
	l.free = s
	return 0
}

// Rows: a small entry of fixed size for each frame, in pages that are used again.

package inspect

import (
	"framescope/protocol"
	"framescope/protocol/feed"
)

// row is what is kept of a frame beside its record: what a filter needs, and what
// depends on earlier frames. Everything else is read from the record.
type row struct {
	slab     uint32         // number of the slab that holds the record
	at       uint32         // offset of the record in it
	conn     uint32         // connection, in the inspector's own counting
	broken   protocol.Rules // what the frame breaks
	back     uint32         // how many frames ago its message began; 0 here
	seen     uint32         // the number that broke the rule, if it is not in the header
	code     uint16         // close code of a close frame, 0 for none
	fragment uint16         // its number within the message; 0 for a whole message
	within   uint16         // offset of the frame in a run's data; 0 if the record is no run
	opcode   protocol.Opcode
	flags    rowFlags
}

// place is where a frame's record is, as its row says.
type place struct {
	slab, at uint32
	within   uint16
}

type rowFlags uint8

const (
	flagFin        rowFlags = 1 << iota
	flagMasked              // the payload is masked on the wire
	flagServer              // sent by the server
	flagCut                 // fewer bytes captured than the frame has
	flagPartial             // only the beginning of the frame was received
	flagText                // payload of a text message
	flagCompressed          // part of a compressed message
	flagLost                // compressed, and cannot be inflated
)

func (f rowFlags) side() protocol.Side {
	if f&flagServer != 0 {
		return protocol.Server
	}
	return protocol.Client
}

const (
	pageRows = 4096
	rowSize  = 32
	pageSize = pageRows * rowSize
)

type page [pageRows]row

// maxFreePages is how many pages are kept to be used again: as many as one slab of the
// smallest frames fills.
const maxFreePages = slabSize/(feed.HeaderSize+2)/pageRows + 1

// rowList is a queue of rows, which are counted from the start: they are added at the
// end, and removed at the front a page at a time.
type rowList struct {
	pages []*page
	last  *page   // of them
	free  []*page // to be used again
	base  uint64  // index of the first row of pages[0]
	first uint64  // index of the oldest row held
	next  uint64  // index that the next row gets
}

func (l *rowList) add() *row {
	i := l.next % pageRows
	if i == 0 {
		l.addPage()
	}
	l.next++
	return &l.last[i]
}

//go:noinline
func (l *rowList) addPage() {
	if n := len(l.free); n > 0 {
		l.last = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		l.last = new(page)
	}
	l.pages = append(l.pages, l.last)
}

// at returns the row with index i, which must be held.
func (l *rowList) at(i uint64) *row {
	i -= l.base
	return &l.pages[i/pageRows][i%pageRows]
}

// drop removes the rows before index first. freed is how many bytes will not be used again.
func (l *rowList) drop(first uint64) (freed int) {
	l.first = first
	for len(l.pages) > 0 && l.base+pageRows <= first {
		if len(l.free) < maxFreePages {
			l.free = append(l.free, l.pages[0])
		} else {
			freed += pageSize
		}
		l.pages = l.pages[1:]
		l.base += pageRows
	}
	return freed
}

func (l *rowList) bytes() int { return (len(l.pages) + len(l.free)) * pageSize }

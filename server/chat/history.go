// Histories: the last messages of each room, for newcomers.

package chat

import (
	"bytes"
	linked "container/list"
	"slices"
	"sync"
	"time"
)

const (
	maxRemembered = 50        // messages of one room
	maxHistory    = 640 << 10 // bytes of one room
	// historyCost and rememberedCost are what is kept beside the bytes of a room's name and
	// of a message.
	historyCost    = 256
	rememberedCost = 64
)

// remembered is a message as newcomers get it. It never changes.
type remembered struct {
	json []byte
	line string
	at   time.Time
}

func (r remembered) size() int64 { return int64(len(r.json) + len(r.line) + rememberedCost) }

// history is what was said in one room.
type history struct {
	room string
	said []remembered
	size int64
}

// histories has the histories of the rooms where something was said last, also of rooms
// that are empty by now. When all together are too large, the room that has been silent for
// the longest time is forgotten.
type histories struct {
	limit  int64
	memory budget

	mu     sync.Mutex // guards the fields below
	byRoom map[string]*linked.Element
	recent linked.List // of *history, the room where something was said last in front
	size   int64
}

func (hs *histories) init(limit int64, memory budget) {
	hs.limit, hs.memory, hs.byRoom = limit, memory, map[string]*linked.Element{}
}

// add adds a message to a room's history.
func (hs *histories) add(room string, m *message) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h := hs.history(room)
	hs.append(h, m.remembered())
	hs.bound(h)
}

// merge adds what other instances remember of a room.
func (hs *histories) merge(room string, said []remembered) {
	if len(said) == 0 {
		return
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h := hs.history(room)
	for _, s := range said {
		if !slices.ContainsFunc(h.said, func(o remembered) bool { return bytes.Equal(o.json, s.json) }) {
			hs.append(h, s)
		}
	}
	slices.SortStableFunc(h.said, func(a, b remembered) int { return a.at.Compare(b.at) })
	hs.bound(h)
}

func (hs *histories) append(h *history, said remembered) {
	h.said = append(h.said, said)
	hs.account(h, said.size())
}

// bound removes what is too old or too much.
func (hs *histories) bound(h *history) {
	for len(h.said) > maxRemembered || h.size > maxHistory && len(h.said) > 1 {
		hs.account(h, -h.said[0].size())
		h.said = slices.Delete(h.said, 0, 1)
	}
	for hs.size > hs.limit {
		hs.forget(hs.recent.Back())
	}
}

// history returns a room's history as the one to which something was added last.
func (hs *histories) history(room string) *history {
	e := hs.byRoom[room]
	if e == nil {
		e = hs.recent.PushFront(&history{room: room})
		hs.byRoom[room] = e
		hs.account(e.Value.(*history), historyCost+int64(len(room)))
	}
	hs.recent.MoveToFront(e)
	return e.Value.(*history)
}

// of returns what was said in a room.
func (hs *histories) of(room string) []remembered {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if e := hs.byRoom[room]; e != nil {
		return slices.Clone(e.Value.(*history).said)
	}
	return nil
}

func (hs *histories) forget(e *linked.Element) {
	h := hs.recent.Remove(e).(*history)
	delete(hs.byRoom, h.room)
	hs.account(h, -h.size)
}

// account adds bytes, which may be negative, to what is kept.
func (hs *histories) account(h *history, bytes int64) {
	h.size += bytes
	hs.size += bytes
	if bytes > 0 {
		hs.memory.AddShared(bytes)
	} else {
		hs.memory.SubShared(-bytes)
	}
}

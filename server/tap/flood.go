// Floods: more than the history could hold for a second.

package tap

import "time"

const (
	// floodRate is below which nothing is a flood, in bytes a second.
	floodRate = 64 << 20
	// floodSnap is how many payload bytes of a frame are kept in one: a control
	// frame's, and the beginning of a message.
	floodSnap = 128
)

// flood measures how fast records come. When they would turn the history over in
// less than a second, the beginnings of all payloads say more than a whole payload
// here and there; and to copy more would cost more than to serve.
type flood struct {
	full uint32 // payload bytes of a frame that are kept in quiet times
	snap uint32 // and now
	span uint64 // bytes, a sixteenth of those that may come in a second
	came uint64 // of those since began, snapped but not cut
	from int64  // when they began to come, ns
}

func (f *flood) init(limit int64, snap uint32) {
	f.full, f.snap = snap, snap
	f.span = max(uint64(max(limit, 0)), floodRate) / 16
}

// endIfOver ends a flood if little has come since; now is when the next bytes come.
func (f *flood) endIfOver(now int64) {
	if f.snap < f.full && now-f.from >= int64(time.Second/16) {
		f.decide(now)
	}
}

// add counts frames of so many bytes together.
func (f *flood) add(frames, size uint64, now int64) {
	if f.came += min(size, frames*uint64(f.full)); f.came >= f.span {
		f.decide(now)
	}
}

// decide decides how much of a payload is kept, after span bytes or a sixteenth of a second.
func (f *flood) decide(now int64) {
	f.snap = f.full
	if time.Duration(now-f.from) < time.Second/16 {
		f.snap = min(f.full, floodSnap)
	}
	f.came, f.from = 0, now
}

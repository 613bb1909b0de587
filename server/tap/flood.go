// Floods: more bytes in a second than the history holds.

package tap

import "time"

const (
	// floodRate is the rate below which there is no flood, in bytes a second.
	floodRate = 64 << 20
	// floodSnap is how many payload bytes of a frame are kept in a flood: all of a control
	// frame, and the beginning of a message.
	floodSnap = 128
)

// flood measures how fast records arrive. When they would fill the whole history in less
// than a second, the beginnings of all payloads are more useful than a few whole payloads;
// and copying more would cost more than serving.
type flood struct {
	full uint32 // payload bytes of a frame that are kept without a flood
	snap uint32 // payload bytes that are kept now
	span uint64 // bytes, a sixteenth of those that may come in a second
	came uint64 // of those since began, snapped but not cut
	from int64  // when they began to come, ns
}

func (f *flood) init(limit int64, snap uint32) {
	f.full, f.snap = snap, snap
	f.span = max(uint64(max(limit, 0)), floodRate) / 16
}

// endIfOver ends a flood if little has arrived since; now is when the next bytes arrive.
func (f *flood) endIfOver(now int64) {
	if f.snap < f.full && now-f.from >= int64(time.Second/16) {
		f.decide(now)
	}
}

// add counts frames; size is that of all of them together.
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

// What counts as a flood, and that it passes by.

package tap

import (
	"testing"
	"time"
)

func TestFlood(t *testing.T) {
	const full = 64 << 10
	tests := []struct {
		name  string
		limit int64
		snap  uint32
		size  uint64 // of each frame
		every time.Duration
		want  uint32
	}{
		{"nothing special", 64 << 20, full, 1 << 10, time.Millisecond, full},
		{"just below", 64 << 20, full, full, 1001 * time.Microsecond, full},
		{"just above", 64 << 20, full, full, 975 * time.Microsecond, floodSnap},
		{"much", 64 << 20, full, full, time.Microsecond, floodSnap},
		{"what is not kept does not count", 64 << 20, full, 1 << 40, 1001 * time.Microsecond, full},
		{"a small history is no reason", 1 << 20, full, full, 1001 * time.Microsecond, full},
		{"a large history holds more", 1 << 30, full, full, 100 * time.Microsecond, full},
		{"less than a flood keeps", 64 << 20, 100, 1 << 20, time.Nanosecond, 100},
		{"headers only", 64 << 20, 0, 1 << 20, time.Nanosecond, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var f flood
			f.init(test.limit, test.snap)
			now := time.Now().UnixNano()
			for range 20_000 {
				now += int64(test.every)
				f.add(1, test.size, now)
			}
			if f.snap != test.want {
				t.Errorf("%d bytes are kept, want %d", f.snap, test.want)
			}
			if f.endIfOver(now); f.snap != test.want {
				t.Errorf("%d bytes are kept a moment later, want %d", f.snap, test.want)
			}
			quiet := f
			if quiet.endIfOver(now + int64(time.Minute)); quiet.snap != test.snap {
				t.Errorf("%d bytes are kept after a minute of silence, want %d", quiet.snap, test.snap)
			}
			for range 100_000 {
				now += int64(time.Millisecond)
				f.add(16, 16<<6, now)
			}
			if f.snap != test.snap {
				t.Errorf("%d bytes are kept after it, want %d", f.snap, test.snap)
			}
		})
	}
}

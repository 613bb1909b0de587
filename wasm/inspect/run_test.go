// Frames that came together: shown as if each had come by itself.

package inspect

import (
	"slices"
	"strings"
	"testing"
	"unsafe"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// grouped is what the demo's connection says, the client first: as runs, and frame
// by frame.
func grouped(limit uint32) (runs, frames *capture) {
	runs, frames = new(capture).begin(1, 0).shake(1), new(capture).begin(1, 0).shake(1)
	for _, side := range []protocol.Side{protocol.Client, protocol.Server} {
		all := feed.Record{Kind: feed.Run, Conn: 1, Side: side, Time: 5}
		for batch := demo().batch; len(batch) > 0; {
			r, n, _ := feed.Parse(batch)
			if r.Kind == feed.Frame && r.Side == side {
				all.Data = append(all.Data, r.Data...)
			}
			batch = batch[n:]
		}
		run := all.AppendRun(nil, feed.Measure(all.Data, limit), limit)
		runs.batch = append(runs.batch, run...)
		r, _, _ := feed.Parse(run)
		for f := range r.Frames() {
			frames.add(f)
		}
	}
	return runs, frames
}

func TestRuns(t *testing.T) {
	for _, limit := range []uint32{0, 1, 3, 1 << 16} {
		together, apart := New(0), New(0)
		runs, frames := grouped(limit)
		runs.into(t, together)
		frames.into(t, apart)
		got, want := lines(together, 0, 100), lines(apart, 0, 100)
		if len(want) != 10 || !slices.Equal(got, want) {
			t.Fatalf("limit %d: together\n%s\napart\n%s", limit, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		for seq := range uint64(len(want)) {
			a, _ := together.Detail(seq + 1)
			b, _ := apart.Detail(seq + 1)
			if string(a.JSON) != string(b.JSON) || string(a.Wire) != string(b.Wire) || string(a.Payload) != string(b.Payload) {
				t.Errorf("limit %d, frame %d: together\n%s\napart\n%s", limit, seq+1, a.JSON, b.JSON)
			}
		}
	}
}

// A run that is broken midway stays as far as it is sound.
func TestBrokenRun(t *testing.T) {
	in := New(0)
	c := new(capture).begin(1, 0).shake(1)
	c.add(feed.Record{Kind: feed.Run, Conn: 1, Data: []byte("\xff\x00\x00\x00\x82\x02hi\x82\x05broken off"[:12])})
	copy(in.Input(len(c.batch)), c.batch)
	if err := in.Ingest(); err == nil {
		t.Error("no error")
	}
	if got := lines(in, 0, 10); len(got) != 1 || !strings.Contains(got[0], "68 69") {
		t.Errorf("%q", got)
	}
	new(capture).frame(1, protocol.Server, protocol.OpText, true, "on").into(t, in)
	if got := lines(in, 0, 10); len(got) != 2 || !strings.Contains(got[1], "[on]") {
		t.Errorf("%q", got)
	}
}

// One longer than rows can point into is no run of ours.
func TestLongRun(t *testing.T) {
	in := New(0)
	data := append([]byte("\xff\x00\x00\x00"), strings.Repeat("\x82\x00", 1<<15)...)
	c := new(capture).begin(1, 0).add(feed.Record{Kind: feed.Run, Conn: 1, Data: data})
	copy(in.Input(len(c.batch)), c.batch)
	if err := in.Ingest(); err == nil || in.State.Seen != (feed.MaxRun-feed.RunHeader)/2+1 {
		t.Errorf("%d frames, %v", in.State.Seen, err)
	}
}

func TestRowIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(row{}); n != rowSize {
		t.Errorf("a row takes %d bytes, not %d", n, rowSize)
	}
}

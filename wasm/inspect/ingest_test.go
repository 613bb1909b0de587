// Records that change what is known of connections, and frames of which only a part came.

package inspect

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// A Known record closes the connections in its range that are not listed as open, and no
// others; a batch may tell of many ranges, and twice of one.
func TestKnownConnections(t *testing.T) {
	for name, c := range map[string]struct {
		told func(c *capture)
		want []uint32 // of the connections 1 to 20, which are open
	}{
		"nothing":          {func(c *capture) {}, []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}},
		"all":              {func(c *capture) { c.known(1, 20) }, nil},
		"some":             {func(c *capture) { c.known(1, 20, 3, 5, 20) }, []uint32{3, 5, 20}},
		"ranges":           {func(c *capture) { c.known(2, 4, 2).known(5, 5).known(6, 17, 9, 17) }, []uint32{1, 2, 9, 17, 18, 19, 20}},
		"ends of a range":  {func(c *capture) { c.known(5, 7, 6) }, []uint32{1, 2, 3, 4, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}},
		"one and again":    {func(c *capture) { c.known(1, 10, 1, 2).known(1, 20, 2, 20) }, []uint32{2, 20}},
		"higher and lower": {func(c *capture) { c.known(11, 20, 11).known(1, 10, 1) }, []uint32{1, 11}},
		"those not known":  {func(c *capture) { c.known(1, 1000, 1, 500) }, []uint32{1}},
		"broken": {func(c *capture) {
			c.add(feed.Record{Kind: feed.Known, Data: make([]byte, 7)}).known(20, 1).known(2, 20)
		}, []uint32{1}},
	} {
		in := New(0)
		records := new(capture).begin(1, 0)
		for id := range uint32(20) {
			records.open(id + 1)
		}
		records.into(t, in)
		c.told(records)
		records.into(t, in)
		var open []uint32
		for wire, c := range in.conns.byWire {
			if c.ended == 0 {
				open = append(open, wire)
			}
		}
		if slices.Sort(open); !slices.Equal(open, c.want) {
			t.Errorf("%s: %d are open, want %d", name, open, c.want)
		}
	}
	// Another capture has connections of the same ids.
	in := New(0)
	new(capture).begin(1, 0).open(1).known(1, 20).begin(2, 0).open(1).into(t, in)
	if s := in.Refresh(); s.OpenConnections != 1 {
		t.Errorf("%d connections open", s.OpenConnections)
	}
}

// A feed that begins lists thousands of ranges, of which each is about few connections: to go
// through all connections for each would take minutes.
func TestVeryManyRanges(t *testing.T) {
	in := New(0)
	c := new(capture).begin(1, 0)
	for id := range uint32(maxOpen) {
		c.open(id + 1)
		if id%1000 == 0 {
			c.into(t, in)
		}
	}
	for id := uint32(1); id <= maxOpen; id += 2 {
		c.known(id, id+1, id)
	}
	c.into(t, in)
	if s := in.Refresh(); s.OpenConnections != maxOpen/2 {
		t.Errorf("%d are open, want %d", s.OpenConnections, maxOpen/2)
	}
}

// A frame that its receiver gave up is followed by others: none of them is at fault. A
// letter stands for a frame: t for text, c for a continuation, large if it is the last.
func TestFramesBehindAnAbandonedOne(t *testing.T) {
	for _, c := range []struct {
		before, part string
		behind       []string // whatever is legal
	}{
		{"", "\x89\x05ab", []string{"T", "tC"}},
		{"", "\x89", []string{"T", "tC"}},
		{"", "\x81\x05\xc3", []string{"T", "tC"}},
		{"", "\x01\x05ab", []string{"C", "cC", "cCT"}},
		{"", "\x01", []string{"C", "cCT"}},
		{"", "\x82\x7f\x00\x00\x00", []string{"T", "tC"}},
		{"t", "\x80\x05b", []string{"T", "tC"}},
		{"t", "\x80", []string{"T", "tC"}},
		{"t", "\x00\x05b", []string{"C", "cCT"}},
		{"t", "\x00\x7e", []string{"C", "cCT"}},
		{"t", "\x89", []string{"C", "cCT"}},
		{"t", "\x89\x05", []string{"C", "cCT"}},
		{"T", "\x80\x00", nil}, // at fault itself
	} {
		send := func(records *capture, frames string) {
			for _, letter := range frames {
				op := protocol.OpText
				if letter == 'c' || letter == 'C' {
					op = protocol.OpContinuation
				}
				records.frame(1, protocol.Server, op, letter < 'a', "ü")
			}
		}
		for _, behind := range append(c.behind, "") {
			in := New(0)
			records := new(capture).begin(1, 0).shake(1)
			send(records, c.before)
			records.add(feed.Record{Kind: feed.Frame, Conn: 1, Side: protocol.Server, Flags: feed.Cut | feed.Partial, WireSize: 1<<64 - 1, Data: []byte(c.part)})
			send(records, behind)
			records.into(t, in)
			if legal := in.State.Breaches == 0; legal == (c.behind == nil) {
				t.Errorf("%q, %x, %q:\n%s", c.before, c.part, behind, strings.Join(lines(in, 0, 9), "\n"))
			}
		}
	}
}

// While frames of one size arrive, slabs and pages are used again: in the page each new one would
// make the module's memory larger until the next collection.
func TestSlabsAreUsedAgain(t *testing.T) {
	for _, size := range []int{0, 1, 125, 5000} {
		in := New(8 << 20)
		c := new(capture).begin(1, 0)
		for range 64 << 10 / (size + feed.HeaderSize) {
			c.frame(1, protocol.Server, protocol.OpText, true, strings.Repeat("a", size))
		}
		frames := c.batch[len(new(capture).begin(1, 0).batch):]
		c.into(t, in)
		var before, after runtime.MemStats
		for _, m := range []*runtime.MemStats{&before, &after} {
			for range 32 << 20 / len(frames) {
				copy(in.Input(len(frames)), frames)
				if err := in.Ingest(); err != nil {
					t.Fatal(err)
				}
			}
			runtime.ReadMemStats(m)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("frames of %d bytes: %d bytes were allocated to take in 32 MiB", size, n)
		}
	}
}

// A character that the end of a preview cuts is left out; one that is wrong is shown as such.
func TestPreviewOfACutCharacter(t *testing.T) {
	for _, c := range []struct {
		text  string
		whole bool
		want  string
	}{
		{"ab\xc3", false, "ab…"},
		{"ab\xe2\x82", false, "ab…"},
		{"ab\xc3", true, "ab\ufffd"},
		{"a\xc3b", false, "a\ufffdb…"},
		{"ü", false, "ü…"},
	} {
		if got := string(appendPrintable(nil, []byte(c.text), c.whole)); got != c.want {
			t.Errorf("%q, whole %v: %q, want %q", c.text, c.whole, got, c.want)
		}
	}
}

// Frames that are ingested as known look as if each had been judged.
func TestKnownFrames(t *testing.T) {
	in := New(0)
	c := new(capture).begin(1, 0).shake(1)
	text := func() { c.frame(1, protocol.Client, protocol.OpText, true, "ok") }
	text()
	c.add(feed.Record{Kind: feed.Frame, Conn: 1, Side: protocol.Client, Data: []byte("\x81\x01a")}) // not masked
	text()
	c.add(feed.Record{Kind: feed.Lost, Data: []byte{9, 0, 0, 0, 0, 0, 0, 0}})
	text()
	c.frame(1, protocol.Client, protocol.OpContinuation, true, "") // of no message: a whole one came since
	c.into(t, in)
	flags := func(row uint64) rowFlags { return in.rows.at(row).flags }
	for _, payload := range []string{"\xff", "ok"} { // the first header is known, though its text is wrong
		c.frame(2, protocol.Client, protocol.OpText, true, payload)
	}
	c.into(t, in)
	if flags(6) != flags(5) || flags(6) != flags(0) {
		t.Errorf("%s", strings.Join(lines(in, 5, 9), "\n"))
	}
	if flags(2) != flags(0) || flags(3) != flags(0) || in.State.Breaches != 3 {
		t.Errorf("%s", strings.Join(lines(in, 0, 9), "\n"))
	}
}

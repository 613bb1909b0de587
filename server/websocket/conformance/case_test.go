// The table's shape, and the walk over it: every case, in both roles, cut in
// several ways.

package conformance

import (
	"testing"

	"framescope/server/websocket"
)

// testCase is a conversation: what is sent, and exactly what comes back.
type testCase struct {
	name string
	send []frame
	want []string
	// end is a close frame of our own behind what is sent, answered by one: for
	// cases that break nothing.
	end bool
}

// walk runs cases in both roles.
func walk(t *testing.T, o websocket.Options, chops []chop, cases []testCase) {
	for _, s := range subjects(t, o) {
		t.Run(s.name, func(t *testing.T) {
			for _, c := range cases {
				for _, how := range chops {
					if how == octets && size(c.send) > 70_000 {
						continue // a write for each byte of it proves no more
					}
					t.Run(c.name+"/"+chopNames[how], func(t *testing.T) {
						p := s.peer(t, "", "")
						c.run(t, p, how)
					})
				}
			}
		})
	}
}

func (c testCase) run(t *testing.T, p *peer, how chop) {
	t.Helper()
	send, want := c.send, c.want
	if c.end {
		send = append(send[:len(send):len(send)], closing(1000, ""))
		want = append(want[:len(want):len(want)], closed(1000))
	}
	if got := p.exchange(how, send...); !equal(got, want) {
		t.Errorf("came back: %v\nwant: %v", shorten(got), shorten(want))
	}
}

func size(frames []frame) (n int) {
	for _, f := range frames {
		n += len(f.payload)
	}
	return n
}

var all = []chop{whole, framed, octets}

// The comparison: cases to both libraries in both roles, each held against the RFC.

package compare_test

import (
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"runtime/debug"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

var table = flag.String("compare.table", "", "write the table of agreements and differences to this `file`")

func TestMain(m *testing.M) {
	// Half a million connections leave their buffers behind, of a small heap.
	debug.SetGCPercent(1000)
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		pairs.close()
		if code == 0 && *table != "" {
			code = report()
		}
		os.Exit(code)
	}))
}

// report writes the table, unless it would not be of all cases or the list of
// known differences holds more than there are.
func report() (code int) {
	err := os.WriteFile(*table, []byte(results.markdown()), 0o644)
	for _, words := range results.stale() {
		err = errors.Join(err, fmt.Errorf("no case shows that gorilla %s", words))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// exchange is one case: what is sent to a library, and whether the stream ends there.
type exchange struct {
	name string // for the table; empty shows the bytes
	wire []byte
	cut  bool
}

func (e exchange) String() string {
	if e.name != "" {
		return e.name
	}
	if len(e.wire) > 16 {
		return fmt.Sprintf("`% x …`", e.wire[:16])
	}
	return fmt.Sprintf("`% x`", e.wire)
}

// workers hide from one another the time that a socket takes to wake its reader.
const workers = 4

// compare plays the cases of each role against both libraries and records how
// they fared under the group's name.
func compare(t *testing.T, group string, cases func(r role) iter.Seq[exchange]) {
	for _, r := range roles {
		t.Run(r.String(), func(t *testing.T) {
			queue := make(chan exchange, workers)
			var playing sync.WaitGroup
			for range workers {
				playing.Go(func() {
					p := newPlayer(r)
					defer p.stop()
					for e := range queue {
						p.play(t, group, e)
					}
				})
			}
			for e := range cases(r) {
				if t.Failed() {
					break
				}
				queue <- e
			}
			close(queue)
			playing.Wait()
		})
	}
}

// player has a connection to each library.
type player struct{ ours, gorilla *rig }

func newPlayer(r role) player {
	return player{newRig(ours(), r), newRig(gorillas(), r)}
}

func (p player) stop() {
	p.ours.stop()
	p.gorilla.stop()
}

func (p player) play(t *testing.T, group string, e exchange) {
	want := judge(p.ours.role, e.wire)
	for _, g := range []*rig{p.ours, p.gorilla} {
		got, err := g.play(e)
		if err != nil {
			t.Errorf("%v: %v", e, err)
		}
		if !want.idle || e.cut || got != want.verdict {
			g.close()
		}
		if g == p.ours {
			if got != want.verdict {
				t.Errorf("%v: ours %v, the RFC %v (%s: %s)", e, got, want.verdict, want.why.section, want.why.words)
			}
			results.agreed(group, g.role.String())
		} else if got != want.verdict {
			results.differed(t, group, g.role.String(), e.String(), want, got)
		}
	}
}

// Any bytes at all, from a client or from a server, to both libraries.

package compare_test

import (
	"strings"
	"testing"
)

func FuzzAgainstGorilla(f *testing.F) {
	f.Fuzz(func(t *testing.T, wire []byte, end byte) {
		r := roles[end%2]
		want := judge(r, wire)
		if want.end == open {
			// A reader that has half a header may refuse it for that half, or wait.
			wire = wire[:want.whole]
		}
		p := newPlayer(r)
		defer p.stop()
		e := exchange{wire: wire, cut: true}
		got, err := p.ours.play(e)
		if err != nil || got != want.verdict {
			t.Errorf("%v: ours %v (%v), the RFC %v", r, got, err, want)
		}
		got, err = p.gorilla.play(e)
		if err != nil {
			t.Errorf("%v: %v", r, err)
		}
		if _, ok := knownAs(want, got); !ok && got != want.verdict && !passedOver(want, got) {
			t.Errorf("%v: gorilla %v, the RFC %v", r, got, want)
		}
	})
}

// passedOver reports whether gorilla overlooked the fault, as it is known to, and
// met another one behind it.
func passedOver(want judgement, got verdict) bool {
	return (want.why == notUTF8 || want.why == notMinimal) && strings.HasPrefix(got.answers, want.answers)
}

// Which of the cases are played: all of them with FULL=1 in the environment, as in CI, else some
// of every kind.

package compare_test

import (
	"iter"
	"os"
)

var full = os.Getenv("FULL") != ""

const (
	// stride is how many cases lie between two that are played whatever they are. It is a
	// prime, so that all values of each byte of a case come up.
	stride = 97
	// edges is how many cases are played where one verdict of the RFC gives way to another,
	// for each two verdicts.
	edges = 40
)

// ruling is a verdict without its details.
type ruling struct {
	why reason
	end end
}

// sampled chooses, of cases too many to be played whenever tests run, those whose number is a
// multiple of stride, and those before and after a change of ruling, up to edges for each two
// rulings: so the first and the last close code of each range are among them.
func sampled(cases func(role) iter.Seq[exchange]) func(role) iter.Seq[exchange] {
	if full {
		return cases
	}
	return func(r role) iter.Seq[exchange] {
		return func(yield func(exchange) bool) { sample(r, cases(r), yield) }
	}
}

func sample(r role, cases iter.Seq[exchange], yield func(exchange) bool) {
	seen := map[[2]ruling]int{}
	var before exchange
	var was ruling
	n, played := 0, true
	for e := range cases {
		j := judge(r, e.wire)
		is := ruling{j.why, j.end}
		change := [2]ruling{was, is}
		edge := n == 0 || is != was && seen[change] < edges
		if edge {
			seen[change]++
			if !played && !yield(before) {
				return
			}
		}
		played = edge || n%stride == 0
		if played && !yield(e) {
			return
		}
		before, was = e, is
		n++
	}
	if !played {
		yield(before)
	}
}

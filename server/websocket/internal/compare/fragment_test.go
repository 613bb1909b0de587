// Every order in which frames can come.

package compare_test

import (
	"iter"
	"slices"
	"strings"
	"testing"
)

// sort is a kind of frame, as far as the order of frames goes.
type sort struct {
	name  string
	first byte
}

var sorts = []sort{
	{"text", fin | text}, {"text…", text}, {"binary", fin | binaryData}, {"binary…", binaryData},
	{"continuation", fin | continuation}, {"continuation…", continuation},
	{"ping", fin | ping}, {"pong", fin | pong}, {"close", fin | closing},
}

// longest is how many frames the sequences have that nothing ends before.
const longest = 5

// TestEveryOrderOfFrames plays every sequence up to its first frame that is not
// allowed where it stands, or closes. Shorter ones are the beginnings of those.
func TestEveryOrderOfFrames(t *testing.T) {
	compare(t, "every order of five frames: data, fragments, control", sampled(func(r role) iter.Seq[exchange] {
		return func(yield func(exchange) bool) {
			orders(r, nil, nil, yield)
		}
	}))
}

// orders yields what the frames so far can be continued to; names are theirs.
func orders(r role, names []string, wire []byte, yield func(exchange) bool) bool {
	if len(names) == longest || len(names) > 0 && judge(r, wire).end != open {
		return yield(exchange{name: strings.Join(names, ", "), wire: slices.Clone(wire)})
	}
	for _, s := range sorts {
		payload := string(rune('a' + len(names)))
		if s.first == fin|closing {
			payload = closePayload(1001, "")
		}
		if !orders(r, append(names, s.name), appendFrame(slices.Clip(wire), r, s.first, payload), yield) {
			return false
		}
	}
	return true
}

// The table of the cases, in groups, and what plays them.

package conformance

import (
	"os"
	"testing"

	"framescope/protocol"
)

// full is whether all cases are played, as in CI: with FULL=1 in the environment. Else some of
// every kind are.
var full = os.Getenv("FULL") != ""

// group is cases about one duty.
type group struct {
	name      string
	section   string // where the RFC asks for it
	catalogue string // where the Autobahn test suite does, if it does
	// one is how many cases there are to each that is played unless all are. The cases of a
	// group repeat a few shapes; it shares no divisor with their number, so that all come up.
	one   int
	cases func(side protocol.Side) []testCase // side is the role of the endpoint
}

var groups = []group{
	{"payload lengths", "RFC 6455 5.2", "1.1, 1.2", 1, both(payloadLengths)},
	{"pings", "RFC 6455 5.5.2", "2", 1, both(pings)},
	{"reserved bits", "RFC 6455 5.2", "3", 1, both(reservedBits)},
	{"opcodes", "RFC 6455 5.2", "4", 1, both(opcodes)},
	{"every rule", "RFC 6455 7.1.7", "", 1, everyRule},
	{"frames with the handshake", "RFC 6455 4.1", "", 1, both(framesWithTheHandshake)},
	{"fragmented messages", "RFC 6455 5.4", "5.3 to 5.8, 5.19", 1, both(fragmentedMessages)},
	{"fragment sizes", "RFC 6455 5.4", "10.1", 1, both(fragmentSizes)},
	{"fragments out of order", "RFC 6455 5.4", "5.1, 5.2, 5.9 to 5.18", 1, both(fragmentsOutOfOrder)},
	{"every order of frames", "RFC 6455 5.4", "", 5, both(everyOrder)},
	{"valid text", "RFC 6455 8.1", "6.1, 6.2, 6.5 to 6.7, 6.9, 6.11, 6.22, 6.23", 4, both(validText)},
	{"invalid text", "RFC 6455 8.1", "6.3, 6.8, 6.10, 6.12 to 6.21", 7, both(invalidText)},
	{"invalid text fails at once", "RFC 6455 8.1", "6.4", 3, both(invalidTextAtOnce)},
	{"close codes", "RFC 6455 7.4", "7.3.3, 7.3.4, 7.7, 7.9, 7.13", 1, both(closeCodes)},
	{"close payloads", "RFC 6455 5.5.1", "7.3, 7.5", 3, both(closePayloads)},
	{"frames behind a close", "RFC 6455 5.5.1", "7.1", 1, both(framesBehindAClose)},
	{"long messages", "RFC 6455 5.2", "9.1, 9.2", 1, both(longMessages)},
	{"long messages in fragments", "RFC 6455 5.4", "9.3, 9.4", 1, both(longMessagesInFragments)},
	{"long messages in pieces", "RFC 6455 5.2", "9.5, 9.6", 1, both(longMessagesInPieces)},
	{"many messages", "RFC 6455 5.2", "9.7, 9.8", 1, both(manyMessages)},
	{"limit on a message", "RFC 6455 10.4", "", 3, both(messageLimit)},
	{"many compressed messages", "RFC 7692 6", "12.1 to 12.5", 7, both(manyCompressedMessages)},
	{"compressed fragments", "RFC 7692 6.1", "", 1, both(compressedFragments)},
	{"uncompressed messages between", "RFC 7692 6", "", 1, both(uncompressedMessagesBetween)},
	{"blocks", "RFC 7692 7.2.3", "", 1, both(deflateBlocks)},
	{"corrupt data", "RFC 7692 7.2.2", "", 1, both(corruptData)},
	{"windows", "RFC 7692 7.1.2", "", 1, both(windows)},
	{"inflated text", "RFC 6455 8.1", "", 7, both(inflatedText)},
	{"limit on an inflated message", "RFC 6455 10.4", "", 3, both(inflatedLimit)},
}

// both is for cases that are the same in both roles.
func both(cases func() []testCase) func(protocol.Side) []testCase {
	return func(protocol.Side) []testCase { return cases() }
}

// TestCases plays all groups. Within a group and a role each name says which case has failed.
func TestCases(t *testing.T) {
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			inBothRoles(t, func(t *testing.T, side protocol.Side) {
				cases := g.cases(side)
				seen := map[string]bool{}
				for _, c := range cases {
					if seen[c.name] {
						t.Errorf("two cases are called %q", c.name)
					}
					seen[c.name] = true
				}
				if !full {
					cases = oneIn(g.one, oneVersion(cases), int(side))
				}
				for _, c := range cases {
					t.Run(c.name, func(t *testing.T) { c.play(t, side) })
				}
			})
		})
	}
}

// oneVersion leaves of each case that is cut in several ways one, and of cases in a row not the
// same.
func oneVersion(cases []testCase) (some []testCase) {
	for first := 0; first < len(cases); {
		n := 1
		for first+n < len(cases) && cases[first+n].version == n+1 {
			n++
		}
		turn := len(some)
		some = append(some, cases[first+(turn+turn/n)%n])
		first += n
	}
	return some
}

// oneIn is each nth of all, or all of them in full mode; start says which comes first.
func oneIn[T any](n int, all []T, start int) (some []T) {
	if full {
		return all
	}
	for i := start % n; i < len(all); i += n {
		some = append(some, all[i])
	}
	return some
}

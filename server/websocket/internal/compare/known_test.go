// Where gorilla/websocket differs from the RFC in what it makes of a stream of
// bytes: all of it, or a test fails.

package compare_test

import "strings"

// difference is a kind of case in which gorilla does otherwise than the RFC says.
type difference struct {
	section string // that decides
	gorilla string // what it does, in words
	// is reports whether a case is of this kind.
	is func(want judgement, got verdict) bool
}

var known = []difference{
	{
		"RFC 6455 8.1", "takes text that is not UTF-8: it leaves that check to its caller",
		func(want judgement, got verdict) bool { return want.why == notUTF8 && got.wentOn(want) },
	}, {
		"RFC 6455 5.2", "takes lengths that are written in more bytes than they need",
		func(want judgement, got verdict) bool { return want.why == notMinimal && got.wentOn(want) },
	}, {
		"RFC 6455 7.1.7", "hangs up without a close frame on a 64-bit length whose highest bit is set",
		func(want judgement, got verdict) bool { return want.why == highBit && got.end == dropped },
	}, {
		"RFC 6455 7.1.7", "hangs up without a close frame when the lengths of a message's fragments add up to 2^63 or more",
		func(want judgement, got verdict) bool { return want.why == tooBig && got.end == dropped },
	}, {
		"RFC 6455 5.5.1", "takes a close frame of one byte for one without a code",
		func(want judgement, got verdict) bool {
			return want.why == halfACode && got.end == closed && got.code == noStatus && got.told == noStatus
		},
	}, {
		"RFC 6455 7.4.1", "closes with 1002, not 1007, when the reason in a close frame is not UTF-8",
		func(want judgement, got verdict) bool {
			return want.why == reasonNotUTF8 && got.end == refused && got.code == 1002
		},
	}, {
		"RFC 6455 11.7", "refuses close code 1014, which is in the registry (bad gateway)",
		func(want judgement, got verdict) bool {
			return want.end == closed && want.told == 1014 && got.end == refused && got.code == 1002
		},
	},
}

// wentOn reports whether a receiver did all that it should before the fault, and
// did not stop there.
func (v verdict) wentOn(want judgement) bool {
	return strings.HasPrefix(v.answers, want.answers) && (v.end == open || v.end == closed)
}

// knownAs finds the kind of a case in which gorilla differs.
func knownAs(want judgement, got verdict) (d difference, ok bool) {
	for _, d := range known {
		if d.is(want, got) {
			return d, true
		}
	}
	return d, false
}

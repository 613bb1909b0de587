// Every reason that the RFC gives to refuse a stream: section, words, close code.

package compare_test

import "strconv"

// reason is a duty that was not kept. The zero value is none.
type reason struct {
	section string
	words   string
	code    int // RFC 6455 7.4.1
}

var (
	reservedBits      = reason{"RFC 6455 5.2", "a reserved bit is set", 1002}
	reservedOpcode    = reason{"RFC 6455 5.2", "the opcode is reserved", 1002}
	notMasked         = reason{"RFC 6455 5.1", "a client's frame is not masked", 1002}
	wronglyMasked     = reason{"RFC 6455 5.1", "a server's frame is masked", 1002}
	controlTooLong    = reason{"RFC 6455 5.5", "a control frame is longer than 125 bytes", 1002}
	controlFragmented = reason{"RFC 6455 5.5", "a control frame is fragmented", 1002}
	highBit           = reason{"RFC 6455 5.2", "the highest bit of a 64-bit length is set", 1002}
	notMinimal        = reason{"RFC 6455 5.2", "a length is written in more bytes than it needs", 1002}
	nothingToContinue = reason{"RFC 6455 5.4", "a continuation has nothing to continue", 1002}
	interleaved       = reason{"RFC 6455 5.4", "a message begins inside another", 1002}
	tooBig            = reason{"RFC 6455 10.4", "a message is larger than the receiver takes", 1009}
	notUTF8           = reason{"RFC 6455 8.1", "a text is not UTF-8", 1007}
	halfACode         = reason{"RFC 6455 5.5.1", "a close frame has one byte, and a code two", 1002}
	codeForbidden     = reason{"RFC 6455 7.4", "a close code may not stand in a close frame", 1002}
	reasonNotUTF8     = reason{"RFC 6455 8.1", "the reason in a close frame is not UTF-8", 1007}
)

// name is a close code as the table shows it.
func name(code int) string {
	if code == noStatus {
		return "without a code"
	}
	return strconv.Itoa(code)
}

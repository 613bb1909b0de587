// The vectors: headers with their bits drawn, which every parser test walks.

package protocol

import (
	"encoding/hex"
	"strings"
	"testing"
)

// vector is one frame with its header drawn bit by bit. Blanks are ignored; a
// line of letters underlines FIN, RSV, opcode, MASK and the length:
//
//	1 000 0001 0 0000101
//	F RSV opco M length-
type vector struct {
	name    string
	bits    string // of FIN to payload length
	rest    string // hex of what follows: extended length, masking key
	payload string // hex, as on the wire
	from    Side
	header  Header
	broken  Rules
	close   CloseCode // that the first breach earns
	deflate bool      // permessage-deflate is on
}

const helloKey = 0x37fa213d

var vectors = []vector{
	// RFC 6455 5.7: the examples.
	{
		name: "5.7 unmasked text Hello",
		bits: "1 000 0001  0 0000101",
		//     F RSV opco  M length-
		payload: "48656c6c6f", from: Server,
		header: Header{Fin: true, Opcode: OpText, PayloadLength: 5},
	}, {
		name: "5.7 masked text Hello",
		bits: "1 000 0001  1 0000101",
		//     F RSV opco  M length-
		rest: "37fa213d", payload: "7f9f4d5158", from: Client,
		header: Header{Fin: true, Opcode: OpText, Masked: true, MaskingKey: helloKey, PayloadLength: 5},
	}, {
		name: "5.7 first fragment Hel",
		bits: "0 000 0001  0 0000011",
		//     F RSV opco  M length-
		payload: "48656c", from: Server,
		header: Header{Opcode: OpText, PayloadLength: 3},
	}, {
		name: "5.7 ping Hello",
		bits: "1 000 1001  0 0000101",
		//     F RSV opco  M length-
		payload: "48656c6c6f", from: Server,
		header: Header{Fin: true, Opcode: OpPing, PayloadLength: 5},
	}, {
		name: "5.7 masked pong Hello",
		bits: "1 000 1010  1 0000101",
		//     F RSV opco  M length-
		rest: "37fa213d", payload: "7f9f4d5158", from: Client,
		header: Header{Fin: true, Opcode: OpPong, Masked: true, MaskingKey: helloKey, PayloadLength: 5},
	}, {
		name: "5.7 256 bytes binary",
		bits: "1 000 0010  0 1111110",
		//     F RSV opco  M length-
		rest: "0100", payload: strings.Repeat("00", 256), from: Server,
		header: Header{Fin: true, Opcode: OpBinary, LengthBytes: 2, PayloadLength: 256},
	}, {
		name: "5.7 64 KiB binary",
		bits: "1 000 0010  0 1111111",
		//     F RSV opco  M length-
		rest: "0000000000010000", payload: strings.Repeat("00", 65536), from: Server,
		header: Header{Fin: true, Opcode: OpBinary, LengthBytes: 8, PayloadLength: 65536},
	},
	// The boundaries of the three length forms.
	{
		name: "empty binary", bits: "1 000 0010  0 0000000", from: Server,
		header: Header{Fin: true, Opcode: OpBinary},
	}, {
		name: "125 bytes", bits: "1 000 0010  0 1111101", payload: strings.Repeat("aa", 125), from: Server,
		header: Header{Fin: true, Opcode: OpBinary, PayloadLength: 125},
	}, {
		name: "126 bytes", bits: "1 000 0010  0 1111110", rest: "007e", payload: strings.Repeat("aa", 126), from: Server,
		header: Header{Fin: true, Opcode: OpBinary, LengthBytes: 2, PayloadLength: 126},
	}, {
		name: "65535 bytes", bits: "1 000 0010  0 1111110", rest: "ffff", payload: strings.Repeat("aa", 65535), from: Server,
		header: Header{Fin: true, Opcode: OpBinary, LengthBytes: 2, PayloadLength: 65535},
	}, {
		name: "close 1000 bye", bits: "1 000 1000  0 0000101", payload: "03e8627965", from: Server,
		header: Header{Fin: true, Opcode: OpClose, PayloadLength: 5},
	},
	// One vector at least that breaks each rule.
	{
		name: "RSV1 without an extension", bits: "1 100 0010  0 0000000", from: Server,
		header: Header{Fin: true, RSV: RSV1, Opcode: OpBinary},
		broken: RuleRSVUnexpected.Set(), close: CloseProtocolError,
	}, {
		name: "RSV2 and RSV3", bits: "1 011 0010  0 0000000", from: Server,
		header: Header{Fin: true, RSV: RSV2 | RSV3, Opcode: OpBinary},
		broken: RuleRSVUnexpected.Set(), close: CloseProtocolError,
	}, {
		name: "compressed Hello", bits: "1 100 0001  0 0000111", payload: "f248cdc9c90700", from: Server, deflate: true,
		header: Header{Fin: true, RSV: RSV1, Opcode: OpText, PayloadLength: 7},
	}, {
		name: "RSV1 in a continuation", bits: "1 100 0000  0 0000000", from: Server, deflate: true,
		header: Header{Fin: true, RSV: RSV1, Opcode: OpContinuation},
		broken: RuleDeflateRSV1Continuation.Set() | RuleContinuationUnexpected.Set(), close: CloseProtocolError,
	}, {
		name: "RSV1 in a ping", bits: "1 100 1001  0 0000000", from: Server, deflate: true,
		header: Header{Fin: true, RSV: RSV1, Opcode: OpPing},
		broken: RuleRSVUnexpected.Set(), close: CloseProtocolError,
	}, {
		name: "RSV1 with a reserved opcode", bits: "1 100 0011  0 0000111", payload: "f248cdc9c90700", from: Server, deflate: true,
		header: Header{Fin: true, RSV: RSV1, Opcode: 3, PayloadLength: 7},
		broken: RuleRSVUnexpected.Set() | RuleOpcodeReserved.Set(), close: CloseProtocolError,
	}, {
		name: "compressed message that is none", bits: "1 100 0010  0 0000010", payload: "ffff", from: Server, deflate: true,
		header: Header{Fin: true, RSV: RSV1, Opcode: OpBinary, PayloadLength: 2},
		broken: RuleDeflateCorrupt.Set(), close: CloseInvalidPayload,
	}, {
		name: "compressed text that is no UTF-8", bits: "1 100 0001  0 0000111", payload: "000100feffff00", from: Server, deflate: true,
		header: Header{Fin: true, RSV: RSV1, Opcode: OpText, PayloadLength: 7},
		broken: RuleUTF8Invalid.Set(), close: CloseInvalidPayload,
	}, {
		name: "reserved data opcode", bits: "1 000 0011  0 0000000", from: Server,
		header: Header{Fin: true, Opcode: 3},
		broken: RuleOpcodeReserved.Set(), close: CloseProtocolError,
	}, {
		name: "reserved control opcode", bits: "1 000 1111  0 0000000", from: Server,
		header: Header{Fin: true, Opcode: 15},
		broken: RuleOpcodeReserved.Set(), close: CloseProtocolError,
	}, {
		name: "ping of 126 bytes", bits: "1 000 1001  0 1111110", rest: "007e", payload: strings.Repeat("00", 126), from: Server,
		header: Header{Fin: true, Opcode: OpPing, LengthBytes: 2, PayloadLength: 126},
		broken: RuleControlTooLong.Set(), close: CloseProtocolError,
	}, {
		name: "ping without FIN", bits: "0 000 1001  0 0000000", from: Server,
		header: Header{Opcode: OpPing},
		broken: RuleControlFragmented.Set(), close: CloseProtocolError,
	}, {
		name: "client without mask", bits: "1 000 0001  0 0000001", payload: "61", from: Client,
		header: Header{Fin: true, Opcode: OpText, PayloadLength: 1},
		broken: RuleClientUnmasked.Set(), close: CloseProtocolError,
	}, {
		name: "server with mask", bits: "1 000 0001  1 0000001", rest: "00000000", payload: "61", from: Server,
		header: Header{Fin: true, Opcode: OpText, Masked: true, PayloadLength: 1},
		broken: RuleServerMasked.Set(), close: CloseProtocolError,
	}, {
		name: "125 in 16 bits", bits: "1 000 0010  0 1111110", rest: "007d", payload: strings.Repeat("aa", 125), from: Server,
		header: Header{Fin: true, Opcode: OpBinary, LengthBytes: 2, PayloadLength: 125},
		broken: RuleLengthNotMinimal.Set(), close: CloseProtocolError,
	}, {
		name: "1 in 64 bits", bits: "1 000 0010  0 1111111", rest: "0000000000000001", payload: "aa", from: Server,
		header: Header{Fin: true, Opcode: OpBinary, LengthBytes: 8, PayloadLength: 1},
		broken: RuleLengthNotMinimal.Set(), close: CloseProtocolError,
	}, {
		name: "highest bit of the length", bits: "1 000 0010  0 1111111", rest: "8000000000000000", from: Server,
		header: Header{Fin: true, Opcode: OpBinary, LengthBytes: 8, PayloadLength: 1 << 63},
		broken: RuleLengthHighBit.Set() | RuleMessageTooBig.Set(), close: CloseProtocolError,
	}, {
		name: "2^63-1 bytes", bits: "1 000 0010  0 1111111", rest: "7fffffffffffffff", from: Server,
		header: Header{Fin: true, Opcode: OpBinary, LengthBytes: 8, PayloadLength: 1<<63 - 1},
		broken: RuleMessageTooBig.Set(), close: CloseMessageTooBig,
	}, {
		name: "continuation of nothing", bits: "1 000 0000  0 0000000", from: Server,
		header: Header{Fin: true, Opcode: OpContinuation},
		broken: RuleContinuationUnexpected.Set(), close: CloseProtocolError,
	}, {
		name: "text that is no UTF-8", bits: "1 000 0001  0 0000010", payload: "61ff", from: Server,
		header: Header{Fin: true, Opcode: OpText, PayloadLength: 2},
		broken: RuleUTF8Invalid.Set(), close: CloseInvalidPayload,
	}, {
		name: "text that ends inside a character", bits: "1 000 0001  0 0000010", payload: "e282", from: Server,
		header: Header{Fin: true, Opcode: OpText, PayloadLength: 2},
		broken: RuleUTF8Invalid.Set(), close: CloseInvalidPayload,
	}, {
		name: "close of one byte", bits: "1 000 1000  0 0000001", payload: "03", from: Server,
		header: Header{Fin: true, Opcode: OpClose, PayloadLength: 1},
		broken: RuleCloseLengthOne.Set(), close: CloseProtocolError,
	}, {
		name: "close 1005", bits: "1 000 1000  0 0000010", payload: "03ed", from: Server,
		header: Header{Fin: true, Opcode: OpClose, PayloadLength: 2},
		broken: RuleCloseCodeInvalid.Set(), close: CloseProtocolError,
	}, {
		name: "close reason that is no UTF-8", bits: "1 000 1000  0 0000011", payload: "03e8ff", from: Server,
		header: Header{Fin: true, Opcode: OpClose, PayloadLength: 3},
		broken: RuleCloseReasonUTF8.Set(), close: CloseInvalidPayload,
	},
}

// testLimit is the largest message that the tests' decoders allow.
const testLimit = 1 << 20

// wire is the vector's frame as bytes.
func (v vector) wire(t testing.TB) []byte {
	t.Helper()
	var b []byte
	n := 0
	for _, c := range strings.ReplaceAll(v.bits, " ", "") {
		if n%8 == 0 {
			b = append(b, 0)
		}
		b[n/8] = b[n/8]<<1 | byte(c-'0')
		n++
	}
	rest, err := hex.DecodeString(v.rest + v.payload)
	if err != nil || n != 16 {
		t.Fatalf("vector %q is drawn wrong: %d bits, %v", v.name, n, err)
	}
	return append(b, rest...)
}

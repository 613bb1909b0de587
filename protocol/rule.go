// The rules that a frame can break: their ids, sections, close codes and texts.

package protocol

import (
	"iter"
	"math/bits"
	"strconv"
)

// Rule is a rule of the RFC that a received frame can break. They are in the order in
// which breaches are found: those of the header before those of the payload.
type Rule uint8

const (
	RuleRSVUnexpected Rule = iota
	RuleDeflateRSV1Continuation
	RuleOpcodeReserved
	RuleControlTooLong
	RuleControlFragmented
	RuleClientUnmasked
	RuleServerMasked
	RuleLengthNotMinimal
	RuleLengthHighBit
	RuleContinuationUnexpected
	RuleContinuationExpected
	RuleFrameAfterClose
	RuleMessageTooBig
	RuleDeflateCorrupt
	RuleUTF8Invalid
	RuleCloseLengthOne
	RuleCloseCodeInvalid
	RuleCloseReasonUTF8

	RuleCount // how many there are
)

// ruleTable has everything that is said of each rule. In a text, # stands for the
// number that was seen.
var ruleTable = [RuleCount]struct {
	id       string
	code     CloseCode
	section  string
	sentence string
	unit     func(uint64) string
}{
	RuleRSVUnexpected:           {"rsv-unexpected", CloseProtocolError, "RFC 6455 5.2", "reserved bits # (RSV1 RSV2 RSV3) are set and no extension gives them a meaning", threeBits},
	RuleDeflateRSV1Continuation: {"deflate-rsv1-continuation", CloseProtocolError, "RFC 7692 6", "RSV1 is set in a continuation frame, only the first fragment of a compressed message has it", decimal},
	RuleOpcodeReserved:          {"opcode-reserved", CloseProtocolError, "RFC 6455 5.2", "opcode # is reserved", hexDigit},
	RuleControlTooLong:          {"control-too-long", CloseProtocolError, "RFC 6455 5.5", "control frame of # bytes, at most 125 allowed", decimal},
	RuleControlFragmented:       {"control-fragmented", CloseProtocolError, "RFC 6455 5.5", "control frame without FIN, control frames must not be fragmented", decimal},
	RuleClientUnmasked:          {"client-unmasked", CloseProtocolError, "RFC 6455 5.1", "frame from the client is not masked", decimal},
	RuleServerMasked:            {"server-masked", CloseProtocolError, "RFC 6455 5.1", "frame from the server is masked", decimal},
	RuleLengthNotMinimal:        {"length-not-minimal", CloseProtocolError, "RFC 6455 5.2", "payload length # is written in more bytes than it needs", decimal},
	RuleLengthHighBit:           {"length-high-bit", CloseProtocolError, "RFC 6455 5.2", "the highest bit of the 64-bit payload length # is set", decimal},
	RuleContinuationUnexpected:  {"continuation-unexpected", CloseProtocolError, "RFC 6455 5.4", "continuation frame with no message to continue", decimal},
	RuleContinuationExpected:    {"continuation-expected", CloseProtocolError, "RFC 6455 5.4", "new message before the fragmented one has ended", decimal},
	RuleFrameAfterClose:         {"frame-after-close", CloseProtocolError, "RFC 6455 5.5.1", "frame sent after the close frame", decimal},
	RuleMessageTooBig:           {"message-too-big", CloseMessageTooBig, "RFC 6455 10.4", "message of at least # bytes is larger than this server takes", decimal},
	RuleDeflateCorrupt:          {"deflate-corrupt", CloseInvalidPayload, "RFC 7692 7.2.2", "the compressed message cannot be inflated from byte # of what it inflates to", decimal},
	RuleUTF8Invalid:             {"utf8-invalid", CloseInvalidPayload, "RFC 6455 8.1", "text is not valid UTF-8 from byte # of the frame's payload on", decimal},
	RuleCloseLengthOne:          {"close-length-one", CloseProtocolError, "RFC 6455 5.5.1", "close payload of one byte, a close code takes two", decimal},
	RuleCloseCodeInvalid:        {"close-code-invalid", CloseProtocolError, "RFC 6455 7.4", "close code # must not be sent", decimal},
	RuleCloseReasonUTF8:         {"close-reason-utf8", CloseInvalidPayload, "RFC 6455 5.5.1", "close reason is not valid UTF-8", decimal},
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

func hexDigit(n uint64) string { return "0x" + hexDigits[n&0xF:n&0xF+1] }

func threeBits(n uint64) string {
	return string([]byte{'0' + byte(n>>2&1), '0' + byte(n>>1&1), '0' + byte(n&1)})
}

// String returns the stable id of the rule, "control-too-long".
func (r Rule) String() string {
	if r >= RuleCount {
		return "rule-" + strconv.Itoa(int(r))
	}
	return ruleTable[r].id
}

// CloseCode returns the code with which the receiver closes.
func (r Rule) CloseCode() CloseCode { return ruleTable[r].code }

// Section returns where the RFC says so, "RFC 6455 5.5".
func (r Rule) Section() string { return ruleTable[r].section }

// Set returns the set of r alone.
func (r Rule) Set() Rules { return 1 << r }

// Rules is a set of broken rules. The zero value breaks none.
type Rules uint32

// Has reports whether the set holds r.
func (s Rules) Has(r Rule) bool { return s&r.Set() != 0 }

// First returns the rule at which a strict receiver stops; ok is false if the set is empty.
func (s Rules) First() (r Rule, ok bool) {
	return Rule(bits.TrailingZeros32(uint32(s))), s != 0
}

// All yields the rules of the set in their order.
func (s Rules) All() iter.Seq[Rule] {
	return func(yield func(Rule) bool) {
		for ; s != 0; s &= s - 1 {
			if r, _ := s.First(); !yield(r) {
				return
			}
		}
	}
}

// Breach is a broken rule in a stream: which, where, and what was seen.
type Breach struct {
	Rule   Rule
	Offset uint64 // of the frame's first byte in what its sender sent after the handshake
	Seen   uint64 // the number that broke the rule: a length, an opcode, a close code
}

// Breach returns the breach of r by a frame with this header; seen is a number that is
// not in the header, as returned by [Decoder.Seen].
func (h Header) Breach(r Rule, seen uint64) Breach {
	switch r {
	case RuleRSVUnexpected:
		seen = uint64(h.RSV)
	case RuleOpcodeReserved:
		seen = uint64(h.Opcode)
	case RuleControlTooLong, RuleLengthNotMinimal, RuleLengthHighBit:
		seen = h.PayloadLength
	}
	return Breach{Rule: r, Seen: seen}
}

// Text returns what was wrong, without section or position.
func (b Breach) Text() string {
	t := ruleTable[b.Rule]
	for i := range len(t.sentence) {
		if t.sentence[i] == '#' {
			return t.sentence[:i] + t.unit(b.Seen) + t.sentence[i+1:]
		}
	}
	return t.sentence
}

// Error says what was wrong and which section of the RFC it breaks.
func (b Breach) Error() string {
	return "protocol: " + b.Text() + " (" + b.Rule.Section() + ")"
}

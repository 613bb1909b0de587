// Text is UTF-8, and what is not fails at its first wrong byte.

package conformance

import (
	"fmt"
	"testing"
	"unicode/utf8"

	"framescope/protocol"
)

// TestSamplesAreWhatTheySay holds them against the standard library.
func TestSamplesAreWhatTheySay(t *testing.T) {
	for _, s := range validTexts() {
		if !utf8.ValidString(s.text) {
			t.Errorf("%s is no sample of valid text", s.name)
		}
	}
	for _, s := range invalidTexts() {
		if utf8.ValidString(s.text) {
			t.Errorf("%s is no sample of invalid text", s.name)
		}
	}
}

// validText: however a character is cut, it is whole at the end.
func validText() (cases []testCase) {
	for i, s := range validTexts() {
		m := text(s.text)
		deep := text(textOf(100+i).payload + s.text + textOf(300).payload)
		cases = append(cases, everyChop(legal(s.name, []frame{m}, m), legal(s.name+", deep inside a text", []frame{deep}, deep))...)
		var send, want []frame
		for cut := range len(s.text) {
			send = append(send, text(s.text[:cut]).unfinished(), ping(""), next(s.text[cut:]))
			want = append(want, pong(""), m)
		}
		if len(s.text) > 0 {
			cases = append(cases,
				legal(s.name+", cut at each byte", send, want...),
				legal(s.name+", a byte a fragment", split(m, 1), m),
				legal(s.name+", a byte a fragment", split(m, 1), m).in(octets),
			)
		}
	}
	return cases
}

// invalidText: each fails wherever it stands and however it is cut.
func invalidText() (cases []testCase) {
	rule := protocol.RuleUTF8Invalid
	for i, s := range invalidTexts() {
		m := text(s.text)
		deep := text(textOf(100+i).payload + s.text + textOf(300).payload)
		name := s.name + ": " + spell(s.text)
		cases = append(cases,
			breach(name, rule, []frame{m}),
			breach(name+", between good messages", rule, []frame{hello, m, world}, hello),
			breach(name+", octet by octet", rule, []frame{m}).in(octets),
			breach(name+", deep inside a text", rule, []frame{deep}),
			breach(name+", deep inside a fragment", rule, []frame{text("first, ").unfinished(), next(deep.payload)}),
			breach(name+", a byte a fragment", rule, split(m, 1)),
			breach(name+", after a good fragment", rule, []frame{text("κόσμε").unfinished(), ping(""), next(s.text)}, pong("")),
			legal(name+", but binary", []frame{binary(s.text), binary(s.text).unfinished(), next("")}, binary(s.text), binary(s.text)),
		)
	}
	for _, start := range []string{"\xce", "\xe2\x82", "\xf0\x90\x80"} {
		cases = append(cases, everyChop(
			breach("text ends inside a character: "+spell(start), rule, []frame{text("a" + start)}),
			breach("text ends inside a character, empty last fragment: "+spell(start), rule, []frame{text(start).unfinished(), next("")}),
			breach("character goes on in the next message: "+spell(start), rule, []frame{text(start), next("\x80")}),
		)...)
	}
	return cases
}

// invalidTextAtOnce: the close frame comes when the wrong
// byte does: the remainder of the message is never sent. And not a byte earlier: up to
// there a ping is answered.
func invalidTextAtOnce() (cases []testCase) {
	rule := protocol.RuleUTF8Invalid
	for _, s := range append(invalidTexts(), sample{"a long text before", string(make([]byte, 10000)) + "\xf4\x90"}) {
		bad := doomedAt(s.text)
		if bad < 0 {
			continue // only its end is wrong
		}
		good, wrong := s.text[:bad], s.text[bad:bad+1]
		c := breach(fmt.Sprintf("%s: byte %d", s.name, bad), rule, []frame{next(wrong).longer(1000)})
		c.talk = append([]exchange{{[]frame{text(good).unfinished(), ping("so far")}, []frame{pong("so far")}}}, c.talk...)
		cases = append(cases,
			c, c.in(octets),
			breach(fmt.Sprintf("%s: byte %d, in the first frame", s.name, bad), rule, []frame{text(good + wrong).longer(1 << 20)}),
			breach(fmt.Sprintf("%s: byte %d, octet by octet", s.name, bad), rule, []frame{hello, text(good + wrong).longer(1)}, hello).in(octets),
		)
	}
	return cases
}

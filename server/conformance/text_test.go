// Text is UTF-8, and what is not fails at its first wrong byte: catalogue 6.

package conformance

import (
	"fmt"
	"testing"
	"unicode/utf8"

	"framescope/protocol"
)

// TestValidText: catalogue 6.1, 6.2, 6.5 to 6.7, 6.9, 6.11, 6.22 and 6.23. However
// a character is cut, it is whole at the end.
func TestValidText(t *testing.T) {
	var cases []testCase
	for i, s := range validTexts() {
		if !utf8.ValidString(s.text) {
			t.Fatalf("%s is no sample of valid text", s.name)
		}
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
	play(t, cases)
}

// TestInvalidText: catalogue 6.3, 6.8, 6.10, 6.12 to 6.21.
func TestInvalidText(t *testing.T) {
	rule := protocol.RuleUTF8Invalid
	var cases []testCase
	for i, s := range invalidTexts() {
		if utf8.ValidString(s.text) {
			t.Fatalf("%s is no sample of invalid text", s.name)
		}
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
	play(t, cases)
}

// TestInvalidTextFailsAtOnce: catalogue 6.4. The close frame comes when the wrong
// byte does: the rest of the message is never sent. And not a byte earlier: up to
// there a ping is answered.
func TestInvalidTextFailsAtOnce(t *testing.T) {
	rule := protocol.RuleUTF8Invalid
	var cases []testCase
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
	play(t, cases)
}

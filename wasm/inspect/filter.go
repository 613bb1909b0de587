// The filter: terms that every frame in the list must match.

package inspect

import (
	"slices"
	"strings"

	"framescope/protocol"
)

// Filter says which frames to show: all of its terms must hold.
type Filter struct{ terms []term }

// term holds for a frame that matches any of its values.
type term struct {
	not     bool
	opcodes uint16 // one bit an opcode
	sides   uint8  // one bit a side
	broken  protocol.Rules
	conns   []uint32
	flags   rowFlags
}

const (
	controlOpcodes = 0xFF00
	dataOpcodes    = 0x00FF
	allRules       = protocol.Rules(1<<protocol.RuleCount - 1)
)

func (f *Filter) match(w *row) bool {
	for i := range f.terms {
		if f.terms[i].match(w) == f.terms[i].not {
			return false
		}
	}
	return true
}

func (t *term) match(w *row) bool {
	return t.opcodes&(1<<w.opcode) != 0 ||
		t.sides&(1<<w.flags.side()) != 0 ||
		t.broken&w.broken != 0 ||
		t.flags&w.flags != 0 ||
		slices.Contains(t.conns, w.conn)
}

type filterError string

func (e filterError) Error() string { return string(e) }

// ParseFilter reads a filter: words and key:value terms, separated by spaces.
// All must hold; "-" before a term negates it; commas in a value mean "or".
//
//	opcode:text,ping  dir:in  conn:1,2  rule:any  rule:utf8-invalid
//	text  ping  data  control  in  out  breach  compressed  #3
//
// For an empty text it returns nil, no filter. The error is a sentence for the user.
func ParseFilter(text string) (*Filter, error) {
	f := &Filter{}
	for more := true; more; {
		var word string
		if word, text, more = strings.Cut(text, " "); word == "" {
			continue
		}
		t, err := parseTerm(word)
		if err != nil {
			return nil, err
		}
		f.terms = append(f.terms, t)
	}
	if len(f.terms) == 0 {
		return nil, nil
	}
	return f, nil
}

func parseTerm(word string) (t term, err error) {
	rest, not := strings.CutPrefix(word, "-")
	t.not = not
	key, value, keyed := strings.Cut(rest, ":")
	if !keyed {
		key, value = "", rest
	}
	for more := true; more; {
		var v string
		if v, value, more = strings.Cut(value, ","); !t.add(key, v) {
			return t, filterError(`"` + word + `" is not understood: ` + expected(key))
		}
	}
	return t, nil
}

// add widens a term by one value of its key.
func (t *term) add(key, value string) (ok bool) {
	switch key {
	case "opcode":
		return t.addOpcode(value)
	case "dir":
		return t.addSide(value)
	case "rule":
		return t.addRule(value)
	case "conn":
		return t.addConn(value)
	case "":
		if id, ok := strings.CutPrefix(value, "#"); ok {
			return t.addConn(id)
		}
		if value == "breach" {
			return t.addRule("any")
		}
		if value == "compressed" {
			t.flags |= flagCompressed
			return true
		}
		return t.addSide(value) || t.addOpcode(value)
	}
	return false
}

func (t *term) addOpcode(name string) bool {
	switch name {
	case "control":
		t.opcodes |= controlOpcodes
		return true
	case "data":
		t.opcodes |= dataOpcodes
		return true
	}
	for o := range protocol.Opcode(16) {
		if name == o.String() || name == "0x"+hexDigits[o:o+1] {
			t.opcodes |= 1 << o
			return true
		}
	}
	return false
}

func (t *term) addSide(name string) bool {
	switch name {
	case "in":
		t.sides |= 1 << protocol.Client
	case "out":
		t.sides |= 1 << protocol.Server
	default:
		return false
	}
	return true
}

func (t *term) addRule(id string) bool {
	if id == "any" {
		t.broken = allRules
		return true
	}
	for r := range protocol.RuleCount {
		if r.String() == id {
			t.broken |= r.Set()
			return true
		}
	}
	return false
}

func (t *term) addConn(id string) bool {
	if id == "" || len(id) > 9 {
		return false
	}
	n := uint32(0)
	for _, c := range []byte(id) {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + uint32(c-'0')
	}
	t.conns = append(t.conns, n)
	return true
}

// expected says which values a key can have.
func expected(key string) string {
	switch key {
	case "opcode":
		return "an opcode is continuation, text, binary, close, ping, pong, data, control or 0x0 to 0xf."
	case "dir":
		return "a direction is in (client to server) or out (server to client)."
	case "rule":
		return "a rule is any, or an id such as utf8-invalid."
	case "conn":
		return "a connection is a number, as in conn:3."
	}
	return "try text, ping, in, out, breach, compressed, #3, opcode:…, dir:…, conn:… or rule:…"
}

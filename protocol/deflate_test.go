// permessage-deflate agreed on: offers, answers, and what is refused.

package protocol

import "testing"

// fields is a head with one field, or none.
type fields []string

func (f fields) Values(name string) []string {
	if name != "Sec-Websocket-Extensions" {
		return nil
	}
	return f
}

func TestAcceptDeflate(t *testing.T) {
	on := Deflate{On: true}
	for _, c := range []struct {
		offer  []string
		wishes Deflate
		answer string
	}{
		{[]string{"permessage-deflate"}, on, "permessage-deflate"},
		{[]string{"permessage-deflate"}, Deflate{}, ""},
		{nil, on, ""},
		{[]string{"permessage-bzip2"}, on, ""},
		{[]string{"x-foo; a=b, permessage-deflate; client_max_window_bits"}, on, "permessage-deflate"},
		{[]string{"x-foo", " permessage-deflate ;server_no_context_takeover"}, on, "permessage-deflate; server_no_context_takeover"},
		{[]string{"permessage-deflate; client_no_context_takeover"}, on, "permessage-deflate; client_no_context_takeover"},
		{[]string{"permessage-deflate; server_max_window_bits=9"}, on, "permessage-deflate; server_max_window_bits=9"},
		{[]string{"permessage-deflate; server_max_window_bits=\"10\""}, on, "permessage-deflate; server_max_window_bits=10"},
		{[]string{"permessage-deflate; client_max_window_bits=9"}, on, "permessage-deflate; client_max_window_bits=9"},
		// RFC 7692 7.1.3: the first offer that can be met; the next is there for servers that cannot.
		{[]string{"permessage-deflate; server_max_window_bits=7, permessage-deflate"}, on, "permessage-deflate"},
		{[]string{"permessage-deflate; server_max_window_bits=10, permessage-deflate"}, on, "permessage-deflate; server_max_window_bits=10"},
		// RFC 7692 7.1: declined for a parameter unknown, twice there, or out of range.
		{[]string{"permessage-deflate; unknown"}, on, ""},
		{[]string{"permessage-deflate; server_no_context_takeover; server_no_context_takeover"}, on, ""},
		{[]string{"permessage-deflate; server_no_context_takeover=1"}, on, ""},
		{[]string{"permessage-deflate; server_max_window_bits"}, on, ""},
		{[]string{"permessage-deflate; server_max_window_bits=16"}, on, ""},
		{[]string{"permessage-deflate; server_max_window_bits=08"}, on, ""},
		{[]string{"permessage-deflate; server_max_window_bits=-8"}, on, ""},
		{[]string{"permessage-deflate; client_max_window_bits=7"}, on, ""},
		{[]string{"permessage-deflate; client_max_window_bits; client_max_window_bits"}, on, ""},
		// What the server wishes.
		{[]string{"permessage-deflate"}, Deflate{On: true, ServerNoContextTakeover: true}, "permessage-deflate; server_no_context_takeover"},
		{[]string{"permessage-deflate"}, Deflate{On: true, ClientNoContextTakeover: true}, "permessage-deflate; client_no_context_takeover"},
		{[]string{"permessage-deflate"}, Deflate{On: true, ClientMaxWindowBits: 10}, "permessage-deflate"},
		{[]string{"permessage-deflate; client_max_window_bits"}, Deflate{On: true, ClientMaxWindowBits: 10}, "permessage-deflate; client_max_window_bits=10"},
		{[]string{"permessage-deflate; client_max_window_bits=9"}, Deflate{On: true, ClientMaxWindowBits: 10}, "permessage-deflate; client_max_window_bits=9"},
		{[]string{"permessage-deflate; server_max_window_bits=12"}, Deflate{On: true, ServerMaxWindowBits: 10}, "permessage-deflate; server_max_window_bits=10"},
		{[]string{"permessage-deflate; server_max_window_bits=9"}, Deflate{On: true, ServerMaxWindowBits: 10}, "permessage-deflate; server_max_window_bits=9"},
	} {
		agreed := AcceptDeflate(c.offer, c.wishes)
		if agreed.String() != c.answer {
			t.Errorf("offer %q, wishes %+v: answer %q, want %q", c.offer, c.wishes, agreed.String(), c.answer)
		}
		if agreed.On {
			// A client that made the offer takes the answer.
			if got, ok := AgreedDeflate(fields(c.offer), fields{agreed.String()}); !ok || got != agreed {
				t.Errorf("offer %q, answer %q: agreed on %+v, %v", c.offer, agreed, got, ok)
			}
		}
	}
}

func TestAgreedDeflateRefuses(t *testing.T) {
	for _, c := range []struct{ offer, answer string }{
		{"", "permessage-deflate"},
		{"permessage-deflate", "permessage-deflate, permessage-deflate"},
		{"permessage-deflate", "permessage-deflate; unknown"},
		{"permessage-deflate", "permessage-deflate; client_max_window_bits=10"},
		{"permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits"},
		{"permessage-deflate; client_max_window_bits=10", "permessage-deflate; client_max_window_bits=11"},
		{"permessage-deflate; server_max_window_bits=10", "permessage-deflate"},
		{"permessage-deflate; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=11"},
		{"permessage-deflate; server_no_context_takeover", "permessage-deflate"},
		{"permessage-deflate", "permessage-deflate; =3"},
	} {
		if got, ok := AgreedDeflate(fields{c.offer}, fields{c.answer}); ok {
			t.Errorf("offer %q, answer %q: agreed on %+v", c.offer, c.answer, got)
		}
	}
}

func TestOffer(t *testing.T) {
	for want, d := range map[string]Deflate{
		"": {},
		"permessage-deflate; client_max_window_bits":                             {On: true},
		"permessage-deflate; server_no_context_takeover; client_max_window_bits": {On: true, ServerNoContextTakeover: true},
		"permessage-deflate; client_max_window_bits=9":                           {On: true, ClientMaxWindowBits: 9},
	} {
		if d.Offer() != want {
			t.Errorf("%+v is offered as %q, want %q", d, d.Offer(), want)
		}
	}
}

// FuzzExtensions: no list makes the parser fail, what it accepts it reads again
// from its own words, and an answer is always one that the offer allows.
func FuzzExtensions(f *testing.F) {
	f.Add("permessage-deflate; client_max_window_bits, x; a=\"b\\c\"", "permessage-deflate; server_max_window_bits=9")
	f.Fuzz(func(t *testing.T, offer, answer string) {
		list, ok := ParseExtensions([]string{offer})
		words := ""
		for i, e := range list {
			if i > 0 {
				words += ","
			}
			words += e.Name
			for _, p := range e.Params {
				words += ";" + p.Name
				if p.Value != "" {
					words += "=" + p.Value
				}
			}
		}
		again, _ := ParseExtensions([]string{words})
		if ok && len(again) != len(list) {
			t.Fatalf("%q is read as %v, and that as %v", offer, list, again)
		}
		agreed := AcceptDeflate([]string{offer}, Deflate{On: true})
		if got, ok := AgreedDeflate(fields{offer}, fields{agreed.String()}); !ok || got != agreed {
			t.Fatalf("offer %q: answer %q is not taken", offer, agreed)
		}
		if got, ok := AgreedDeflate(fields{offer}, fields{answer}); ok && got.On && !agreed.On {
			t.Fatalf("offer %q cannot be met, but answer %q is taken", offer, answer)
		}
	})
}

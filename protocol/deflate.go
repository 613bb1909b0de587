// permessage-deflate: its four parameters, offered, accepted and checked.

package protocol

import "strconv"

// Deflate has the parameters of permessage-deflate that one side asks for or that both
// agreed on (RFC 7692 7.1). The zero value is no compression.
type Deflate struct {
	On bool
	// A side without context takeover compresses each message by itself.
	ServerNoContextTakeover bool
	ClientNoContextTakeover bool
	// The LZ77 window with which a side compresses is at most 1<<bits bytes. 8 to
	// 15; 0 is not given, which allows 15.
	ServerMaxWindowBits uint8
	ClientMaxWindowBits uint8
}

// The names of RFC 7692 7 and 7.1.
const (
	deflateName             = "permessage-deflate"
	serverNoContextTakeover = "server_no_context_takeover"
	clientNoContextTakeover = "client_no_context_takeover"
	serverMaxWindowBits     = "server_max_window_bits"
	clientMaxWindowBits     = "client_max_window_bits"
)

const maxWindowBits = 15

// NoContextTakeover reports whether a side compresses each message by itself.
func (d Deflate) NoContextTakeover(from Side) bool {
	if from == Server {
		return d.ServerNoContextTakeover
	}
	return d.ClientNoContextTakeover
}

// WindowBits returns the base-2 logarithm of a side's largest LZ77 window, 8 to 15.
func (d Deflate) WindowBits(from Side) int {
	bits := d.ClientMaxWindowBits
	if from == Server {
		bits = d.ServerMaxWindowBits
	}
	if bits == 0 {
		return maxWindowBits
	}
	return int(bits)
}

// String returns d as an element of Sec-WebSocket-Extensions, "" for no compression.
func (d Deflate) String() string {
	if !d.On {
		return ""
	}
	s := deflateName
	if d.ServerNoContextTakeover {
		s += "; " + serverNoContextTakeover
	}
	if d.ClientNoContextTakeover {
		s += "; " + clientNoContextTakeover
	}
	if d.ServerMaxWindowBits != 0 {
		s += "; " + serverMaxWindowBits + "=" + strconv.Itoa(int(d.ServerMaxWindowBits))
	}
	if d.ClientMaxWindowBits != 0 {
		s += "; " + clientMaxWindowBits + "=" + strconv.Itoa(int(d.ClientMaxWindowBits))
	}
	return s
}

// Offer returns d as a client offers it: it says also that the client can limit its own
// window if the server asks (RFC 7692 7.1.2.2).
func (d Deflate) Offer() string {
	s := d.String()
	if d.On && d.ClientMaxWindowBits == 0 {
		s += "; " + clientMaxWindowBits
	}
	return s
}

// AcceptDeflate returns the server's choice: the first offer in the client's
// Sec-WebSocket-Extensions fields that it can meet, with the server's own wishes
// added. Its String is the answer. Without wishes.On, or without such an offer, it
// is the zero value.
func AcceptDeflate(offers []string, wishes Deflate) (agreed Deflate) {
	list, _ := ParseExtensions(offers)
	for _, e := range list {
		if offer, ok := parseDeflate(e); ok && wishes.On {
			return offer.accept(wishes)
		}
	}
	return Deflate{}
}

// AgreedDeflate returns what a request and its answer agree on. ok is false if the
// request does not allow that answer (RFC 7692 7.1).
func AgreedDeflate(request, response Fields) (agreed Deflate, ok bool) {
	accepted, ok := ParseExtensions(response.Values("Sec-Websocket-Extensions"))
	offered, _ := ParseExtensions(request.Values("Sec-Websocket-Extensions"))
	for _, e := range accepted {
		if e.Name != deflateName {
			continue
		}
		answer, valid := parseDeflate(e)
		if !valid || answer.bareClientBits || agreed.On || !answer.answersOneOf(offered) {
			return Deflate{}, false
		}
		agreed = answer.Deflate
	}
	return agreed, ok
}

// WithClientLimits adds to what was agreed the limits that the client offered for its own
// messages: it keeps to them even if the answer does not repeat them (RFC 7692 7.1.1.2,
// 7.1.2.2).
func (d Deflate) WithClientLimits(offered Deflate) Deflate {
	if d.On {
		d.ClientNoContextTakeover = d.ClientNoContextTakeover || offered.ClientNoContextTakeover
		d.ClientMaxWindowBits = smaller(d.ClientMaxWindowBits, offered.ClientMaxWindowBits)
	}
	return d
}

// deflateParams are the parameters of one element.
type deflateParams struct {
	Deflate
	bareClientBits bool // client_max_window_bits without a value
}

// parseDeflate reads the parameters; ok is false for another extension, for an
// unknown parameter, one that is there twice, and a value that is out of range
// (RFC 7692 7.1).
func parseDeflate(e Extension) (d deflateParams, ok bool) {
	d.On = true
	for _, p := range e.Params {
		switch name := p.Name; {
		case name == serverNoContextTakeover && p.Value == "" && !d.ServerNoContextTakeover:
			d.ServerNoContextTakeover = true
		case name == clientNoContextTakeover && p.Value == "" && !d.ClientNoContextTakeover:
			d.ClientNoContextTakeover = true
		case name == serverMaxWindowBits && windowBits(p.Value) != 0 && d.ServerMaxWindowBits == 0:
			d.ServerMaxWindowBits = windowBits(p.Value)
		case name == clientMaxWindowBits && d.ClientMaxWindowBits == 0 && !d.bareClientBits && (p.Value == "" || windowBits(p.Value) != 0):
			d.ClientMaxWindowBits = windowBits(p.Value)
			d.bareClientBits = p.Value == ""
		default:
			return d, false
		}
	}
	return d, e.Name == deflateName
}

// windowBits reads 8 to 15 without leading zeroes; 0 is anything else.
func windowBits(s string) uint8 {
	switch {
	case s == "8" || s == "9":
		return s[0] - '0'
	case len(s) == 2 && s[0] == '1' && s[1] >= '0' && s[1] <= '5':
		return 10 + s[1] - '0'
	}
	return 0
}

// accept adds the server's wishes to an offer.
func (d deflateParams) accept(wishes Deflate) Deflate {
	agreed := Deflate{
		On: true,
		// RFC 7692 7.1.1: what the client asks of the server must be in the answer.
		ServerNoContextTakeover: d.ServerNoContextTakeover || wishes.ServerNoContextTakeover,
		ClientNoContextTakeover: d.ClientNoContextTakeover || wishes.ClientNoContextTakeover,
		ServerMaxWindowBits:     smaller(d.ServerMaxWindowBits, wishes.ServerMaxWindowBits),
	}
	if d.bareClientBits || d.ClientMaxWindowBits != 0 {
		// RFC 7692 7.1.2.2: only to a client that says it can.
		agreed.ClientMaxWindowBits = smaller(d.ClientMaxWindowBits, wishes.ClientMaxWindowBits)
	}
	return agreed
}

// answersOneOf reports whether one of these offers allows the answer.
func (d deflateParams) answersOneOf(offered []Extension) bool {
	for _, e := range offered {
		offer, ok := parseDeflate(e)
		if ok && d.answers(offer) {
			return true
		}
	}
	return false
}

func (d deflateParams) answers(offer deflateParams) bool {
	switch {
	case offer.ServerNoContextTakeover && !d.ServerNoContextTakeover:
		return false
	case offer.ServerMaxWindowBits != 0 && (d.ServerMaxWindowBits == 0 || d.ServerMaxWindowBits > offer.ServerMaxWindowBits):
		return false
	case d.ClientMaxWindowBits == 0 || offer.bareClientBits:
		return true
	}
	return d.ClientMaxWindowBits <= offer.ClientMaxWindowBits
}

// smaller returns the smaller of two window sizes; 0 is none given.
func smaller(a, b uint8) uint8 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// The HTTP before the frames: requests and responses, up to where a WebSocket begins.

package decode

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"framescope/protocol"
)

// maxHead is the largest size of a head in bytes.
const maxHead = 64 << 10

// Errors of Run for HTTP that no WebSocket follows.
var (
	errNoWebSocket   = errors.New("no WebSocket was found: the input is HTTP that never becomes one")
	errOtherProtocol = errors.New("no WebSocket was found: the input is HTTP that becomes another protocol")
	errNotHTTP       = errors.New("no WebSocket was asked for, but what follows is not HTTP: give the frames alone")
)

// opening is what is known from the HTTP before the frames.
type opening struct {
	stage   openingStage
	sides   [2]bool          // which sides have sent a head, by protocol.Side
	request *protocol.Head   // the last request
	deflate protocol.Deflate // what was agreed on or, if the response is not in the input, offered
}

// openingStage is what the last head was.
type openingStage uint8

const (
	openingNone     openingStage = iota // there was none
	openingPlain                        // not part of a handshake: HTTP goes on
	openingAsked                        // a request for a WebSocket: what follows shows whether it was accepted
	openingAccepted                     // a 101 response: frames follow
)

// from returns the side whose frames follow, if there were heads of one side only.
func (o *opening) from() string {
	switch o.sides {
	case [2]bool{protocol.Client: true}:
		return "client"
	case [2]bool{protocol.Server: true}:
		return "server"
	}
	return "auto"
}

// readOpening decodes the HTTP that the input begins with and prints each head.
func (r *run) readOpening() (o opening, err error) {
	http := [2]protocol.HTTPDecoder{newHTTPDecoder(protocol.Client), newHTTPDecoder(protocol.Server)}
	var side protocol.Side
	for o.stage != openingAccepted {
		next, known := r.headOf()
		switch {
		case known:
			side = next
		case o.stage != openingPlain:
			return o, nil
		case r.atEnd():
			return o, errNoWebSocket
		case !r.mayBeHTTP():
			return o, errNotHTTP
		}
		if err := r.message(&http[side], &o); err != nil {
			return o, err
		}
		if o.request != nil {
			asked, _ := protocol.RequestOf(*o.request)
			http[protocol.Server].Method = asked.Method
		}
	}
	return o, nil
}

func (r *run) atEnd() bool {
	_, err := r.peek(1)
	return errors.Is(err, io.EOF)
}

// mayBeHTTP reports whether the next byte may begin a head, or a blank line before it.
func (r *run) mayBeHTTP() bool {
	p, _ := r.peek(1)
	return protocol.IsToken(string(p)) || string(p) == "\r" || string(p) == "\n"
}

// peek returns the next n bytes of the input. It flushes the output before it waits for more.
func (r *run) peek(n int) ([]byte, error) {
	if r.in.Buffered() < n {
		_ = r.out.Flush() // an error stays, and Run returns it
	}
	return r.in.Peek(n)
}

// headOf returns the side whose head comes next, if one does. It waits for no more bytes than that
// takes.
func (r *run) headOf() (side protocol.Side, ok bool) {
	for n := 1; n <= longestMethod+1; n++ {
		p, _ := r.peek(n)
		start := string(p)
		switch {
		case len(p) < n:
			return side, false
		case start == "HTTP/1.":
			return protocol.Server, true
		case strings.HasPrefix("HTTP/1.", start):
		case p[n-1] == ' ' && n > shortestMethod:
			return protocol.Client, true
		case p[n-1] < 'A' || p[n-1] > 'Z' || p[0] <= 'B': // no frame but a compressed one begins with A or B
			return side, false
		}
	}
	return side, false
}

// How long methods are.
const (
	shortestMethod = len("GET")
	longestMethod  = len("BASELINE-CONTROL")
)

// message reads a message of HTTP. It prints the head and skips the body.
func (r *run) message(d *protocol.HTTPDecoder, o *opening) error {
	for {
		ev, err := r.nextHTTP(d)
		var fault *protocol.HTTPError
		broken := errors.As(err, &fault)
		if ev.Head != nil {
			if err := r.head(d.From, o, ev.Head, fault); err != nil {
				return err
			}
		}
		switch {
		case broken && ev.Head != nil && o.stage != openingPlain: // a handshake at fault: frames may follow nevertheless
			*d = newHTTPDecoder(d.From)
			return nil
		case broken:
			return fmt.Errorf("the HTTP before the frames cannot be followed: %s (%s): give the frames alone", fault.Reason, fault.Section)
		case err != nil:
			return err
		case ev.Over && ev.Status == 101 && o.stage == openingPlain:
			return errOtherProtocol
		case ev.Over:
			*d = newHTTPDecoder(d.From) // a tunnel, in which HTTP may begin anew
			return nil
		case ev.End, ev.Head == nil && ev.Body == nil && !d.Unfinished(): // or blank lines, or the input's end
			return nil
		}
	}
}

func newHTTPDecoder(from protocol.Side) protocol.HTTPDecoder {
	return protocol.HTTPDecoder{From: from, MaxHead: maxHead}
}

// nextHTTP returns the next event of d as soon as its bytes are there. At the end of the input there is
// none.
func (r *run) nextHTTP(d *protocol.HTTPDecoder) (ev protocol.HTTPEvent, err error) {
	for need := 1; ; {
		_, err := r.peek(need)
		p, _ := r.in.Peek(r.in.Buffered())
		ev, n, fault := d.Next(p)
		_, _ = r.in.Discard(n) // the bytes stay where they are until more are read
		switch {
		case n > 0 || fault != nil:
			return ev, fault
		case err == nil:
			need = len(p) + 1
		case !errors.Is(err, io.EOF):
			return ev, readError(err)
		case !d.Unfinished():
			return ev, nil
		case len(p) > 0:
			return ev, errors.New("the input ends inside a head: its blank line is missing")
		default:
			return ev, errors.New("the input ends inside the body of a request or a response")
		}
	}
}

// head handles a head and prints it. fault is why it cannot be read as HTTP, if it cannot.
func (r *run) head(side protocol.Side, o *opening, raw []byte, fault *protocol.HTTPError) error {
	h, _ := protocol.ParseHead(raw)
	o.sides[side] = true
	checks := o.addHead(side, h)
	switch {
	case o.stage == openingPlain && fault != nil:
		return nil // message returns fault as an error
	case o.stage == openingPlain:
		return r.printer.HTTP(side, h)
	case fault != nil:
		checks = append(checks, protocol.Check{What: "the head can be read as HTTP", Reason: fault.Reason, Section: fault.Section})
	}
	for _, c := range checks {
		r.breaches = r.breaches || !c.OK
	}
	return r.printer.Head(side, h, checks)
}

// addHead sets the stage and what else the head decides about the bytes that follow. For a head of a
// handshake it returns what the RFC asks of it.
func (o *opening) addHead(side protocol.Side, h protocol.Head) (checks []protocol.Check) {
	o.stage, o.deflate = openingPlain, protocol.Deflate{}
	switch {
	case side == protocol.Client:
		o.request = &h
		if asks(h) {
			o.stage = openingAsked
			// The response is not known yet: RSV1 may mean compressed.
			o.deflate.On = protocol.AcceptDeflate(h.Values("Sec-WebSocket-Extensions"), protocol.Deflate{On: true}).On
			request, _ := protocol.RequestOf(h)
			checks = protocol.RequestChecks(request)
		}
	case protocol.StatusOf(h) == 101 && !switchesElsewhere(h):
		o.stage = openingAccepted
		o.deflate, checks = answered(o.request, h)
	}
	return checks
}

// switchesElsewhere reports whether a 101 response begins another protocol than WebSocket. A response
// that names no protocol is taken for an invalid response of a WebSocket server.
func switchesElsewhere(response protocol.Head) bool {
	to := response.Values("Upgrade")
	return len(to) > 0 && !protocol.HasToken(to, "websocket") && len(response.Values("Sec-WebSocket-Accept")) == 0
}

// asks reports whether a request asks for a WebSocket, validly or not.
func asks(request protocol.Head) bool {
	return protocol.HasToken(request.Values("Upgrade"), "websocket") || len(request.Values("Sec-WebSocket-Key")) > 0
}

// answered returns what was agreed on and what the RFC asks of a response, as far as that is known
// without its request.
func answered(request *protocol.Head, response protocol.Head) (deflate protocol.Deflate, checks []protocol.Check) {
	if request != nil {
		deflate, _ = protocol.AgreedDeflate(*request, response)
		return deflate, protocol.ResponseChecks(protocol.StatusOf(response), response, *request)
	}
	// The offer is not known: the response is compared with itself.
	deflate, _ = protocol.AgreedDeflate(response, response)
	for _, c := range protocol.ResponseChecks(protocol.StatusOf(response), response, response) {
		if !strings.Contains(c.What, "Accept") {
			checks = append(checks, c)
		}
	}
	return deflate, checks
}

// The HTTP before the frames: requests and responses, up to where a WebSocket begins.

package decode

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"framescope/protocol"
)

// maxHead bounds a head, in bytes.
const maxHead = 64 << 10

// What Run returns when there is HTTP and no WebSocket after it.
var (
	errNoWebSocket   = errors.New("no WebSocket was found: the input is HTTP that never becomes one")
	errOtherProtocol = errors.New("no WebSocket was found: the input is HTTP that becomes another protocol")
	errNotHTTP       = errors.New("no WebSocket was asked for, but what follows is not HTTP: give the frames alone")
)

// opening is what the HTTP before the frames came to.
type opening struct {
	stage   openingStage
	sides   [2]bool          // whose heads there were, by protocol.Side
	request *protocol.Head   // the last
	deflate protocol.Deflate // agreed on or, where the answer is not in the input, offered
}

// openingStage says what the last head was.
type openingStage uint8

const (
	openingNone     openingStage = iota // there was none
	openingPlain                        // none that begins a WebSocket: HTTP goes on
	openingAsked                        // a request for a WebSocket: what comes next tells the answer
	openingAccepted                     // a 101 response: frames follow
)

// from is whose frames follow, as far as the heads tell: those of one side stand before
// its own frames.
func (o *opening) from() string {
	switch o.sides {
	case [2]bool{protocol.Client: true}:
		return "client"
	case [2]bool{protocol.Server: true}:
		return "server"
	}
	return "auto"
}

// open follows the HTTP that the input begins with, and tells of each head.
func (r *run) open() (o opening, err error) {
	http := [2]protocol.HTTPDecoder{followHTTP(protocol.Client), followHTTP(protocol.Server)}
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

// peek is Peek of the input. Before it waits for more it prints what there is to print.
func (r *run) peek(n int) ([]byte, error) {
	if r.in.Buffered() < n {
		_ = r.out.Flush() // an error stays, and Run returns it
	}
	return r.in.Peek(n)
}

// headOf tells whose head comes next, if one does. It waits for no more than it needs.
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

// message reads a message of HTTP: it tells of the head and passes over the body.
func (r *run) message(d *protocol.HTTPDecoder, o *opening) error {
	for {
		ev, err := r.event(d)
		var fault *protocol.HTTPError
		broken := errors.As(err, &fault)
		if ev.Head != nil {
			if err := r.head(d.From, o, ev.Head, fault); err != nil {
				return err
			}
		}
		switch {
		case broken && ev.Head != nil && o.stage != openingPlain: // a handshake at fault: frames may follow nevertheless
			*d = followHTTP(d.From)
			return nil
		case broken:
			return fmt.Errorf("the HTTP before the frames cannot be followed: %s (%s): give the frames alone", fault.Reason, fault.Section)
		case err != nil:
			return err
		case ev.Over && ev.Status == 101 && o.stage == openingPlain:
			return errOtherProtocol
		case ev.Over:
			*d = followHTTP(d.From) // a tunnel, in which HTTP may begin anew
			return nil
		case ev.End, ev.Head == nil && ev.Body == nil && !d.Unfinished(): // or blank lines, or the input's end
			return nil
		}
	}
}

func followHTTP(from protocol.Side) protocol.HTTPDecoder {
	return protocol.HTTPDecoder{From: from, MaxHead: maxHead}
}

// event is the next of d's, as soon as it is there; at the end of the input it is none.
func (r *run) event(d *protocol.HTTPDecoder) (ev protocol.HTTPEvent, err error) {
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
			return ev, ended(err)
		case !d.Unfinished():
			return ev, nil
		case len(p) > 0:
			return ev, errors.New("the input ends inside a head: its blank line is missing")
		default:
			return ev, errors.New("the input ends inside the body of a request or a response")
		}
	}
}

// head takes in a head and tells of it. fault is why it is none of HTTP, if so.
func (r *run) head(side protocol.Side, o *opening, raw []byte, fault *protocol.HTTPError) error {
	h, _ := protocol.ParseHead(raw)
	o.sides[side] = true
	checks := o.takeIn(side, h)
	switch {
	case o.stage == openingPlain && fault != nil:
		return nil // which is an error
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

// takeIn is what a head means for what comes next. checks are the duties of a handshake,
// for a head that is part of one.
func (o *opening) takeIn(side protocol.Side, h protocol.Head) (checks []protocol.Check) {
	o.stage, o.deflate = openingPlain, protocol.Deflate{}
	switch {
	case side == protocol.Client:
		o.request = &h
		if asks(h) {
			o.stage = openingAsked
			// What the answer is, is not known: RSV1 may mean compressed.
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

// switchesElsewhere reports whether a 101 response begins another protocol. One that
// names none is a WebSocket's, wrongly made.
func switchesElsewhere(response protocol.Head) bool {
	to := response.Values("Upgrade")
	return len(to) > 0 && !protocol.HasToken(to, "websocket") && len(response.Values("Sec-WebSocket-Accept")) == 0
}

// asks reports whether a request is for a WebSocket, rightly made or not.
func asks(request protocol.Head) bool {
	return protocol.HasToken(request.Values("Upgrade"), "websocket") || len(request.Values("Sec-WebSocket-Key")) > 0
}

// answered judges a response, as far as that can be done without its request.
func answered(request *protocol.Head, response protocol.Head) (deflate protocol.Deflate, checks []protocol.Check) {
	if request != nil {
		deflate, _ = protocol.AgreedDeflate(*request, response)
		return deflate, protocol.ResponseChecks(protocol.StatusOf(response), response, *request)
	}
	// What was offered is not here; an answer is one to itself.
	deflate, _ = protocol.AgreedDeflate(response, response)
	for _, c := range protocol.ResponseChecks(protocol.StatusOf(response), response, response) {
		if !strings.Contains(c.What, "Accept") {
			checks = append(checks, c)
		}
	}
	return deflate, checks
}

// The handshake's heads that may stand before the frames.

package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"framescope/protocol"
)

// maxHead bounds a head, in bytes.
const maxHead = 64 << 10

// heads reads those that the input begins with: the request, the response, or both.
// With one of them it is known who sent the frames; with the response, what was
// agreed on.
func (r *run) heads() (from string, deflate protocol.Deflate, err error) {
	var request *protocol.Head
	for {
		side := r.headOf()
		if side == "" {
			return from, deflate, nil
		}
		h, err := r.head()
		if err != nil {
			return "", deflate, err
		}
		var checks []protocol.Check
		if side == "client" {
			request = &h
			asked, _ := protocol.RequestOf(h)
			checks = protocol.RequestChecks(asked)
		} else {
			deflate, checks = answered(request, h)
		}
		for _, c := range checks {
			r.breaches = r.breaches || !c.OK
		}
		if err := r.printer.Head(side, h, checks); err != nil {
			return "", deflate, err
		}
		if from == "" {
			from = side
		} else if from != side {
			from = "auto"
		}
	}
}

// headOf tells whose head the input goes on with, "" for none.
func (r *run) headOf() string {
	for start, side := range map[string]string{"GET ": "client", "HTTP/1.": "server"} {
		for n := 1; ; n++ { // no more than has to come
			p, _ := r.in.Peek(n)
			if len(p) < n || !strings.HasPrefix(start, string(p)) {
				break
			}
			if n == len(start) {
				return side
			}
		}
	}
	return ""
}

// head reads one head, and waits for no more than that.
func (r *run) head() (h protocol.Head, err error) {
	for seen, n := 0, 1; seen < maxHead; n = min(max(n+1, r.in.Buffered()), maxHead) {
		p, err := r.in.Peek(n)
		if bytes.IndexByte(p[seen:], '\n') >= 0 {
			if h, size := protocol.ParseHead(p); size > 0 {
				_, _ = r.in.Discard(size)
				return h, nil
			}
		}
		if seen = len(p); errors.Is(err, io.EOF) {
			return h, errors.New("the input ends inside the head of a handshake: its blank line is missing")
		} else if err != nil {
			return h, ended(err)
		}
	}
	return h, fmt.Errorf("the head of the handshake is longer than %d bytes: cut it off", maxHead)
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

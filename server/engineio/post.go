// POST requests: the packets of a session that polls.

package engineio

import (
	"errors"
	"io"
	"net/http"
	"time"
	"unicode/utf8"
)

const (
	// postTime is how long the body of a POST may take to arrive.
	postTime = 30 * time.Second
	// writeTimeout is how long the answer to a poll may take to be written, and how long a POST
	// waits until a poll has fetched what waits.
	writeTimeout = 10 * time.Second
	// firstBody is how large the buffer of a body is at first, in bytes.
	firstBody = 1 << 10
)

var errMemory = errors.New("the server's memory is used up")

// post receives the packets of a POST request.
func (s *Session) post(w http.ResponseWriter, r *http.Request) {
	p, refusal := s.beginPost()
	if p == nil {
		refuse(w, refusal)
		return
	}
	if refusal, ok := s.receivePost(w, r, p); !ok {
		refuse(w, refusal)
		return
	}
	_ = answer(w, []byte("ok")) // if it fails, the client ends the session
}

// beginPost makes the caller the goroutine that receives the session's messages.
func (s *Session) beginPost() (*polling, refusal) {
	s.mu.Lock()
	if s.late() {
		s.mu.Unlock()
		s.end(ReasonPingTimeout, 0)
		return nil, errSession
	}
	defer s.mu.Unlock()
	switch {
	case s.conn.Load() != nil:
		return nil, errBadRequest.because("a WebSocket carries this session")
	case s.reason != 0, s.polling == nil:
		return nil, errSession
	case s.busy:
		// To keep the order of packets only one request may bring them.
		go s.end(ReasonTransportError, packetClose)
		return nil, errBadRequest.because("another request brings packets already")
	}
	s.busy, s.polling.used = true, true
	return s.polling, refusal{}
}

// receivePost receives the packets of a POST request, for whose session the caller is busy.
func (s *Session) receivePost(w http.ResponseWriter, r *http.Request, p *polling) (f refusal, ok bool) {
	defer s.leave()
	returned := false
	defer func() {
		if !returned { // a handler panicked
			s.end(ReasonTransportError, packetClose)
		}
		s.mu.Lock()
		p.delivering = false
		if len(p.out) > 0 {
			p.wakeUnlessDelivering()
		}
		s.mu.Unlock()
	}()
	f, ok = s.receiveBody(w, r, p)
	returned = true
	return f, ok
}

func (s *Session) receiveBody(w http.ResponseWriter, r *http.Request, p *polling) (refusal, bool) {
	if !s.awaitRoom(r, p) {
		s.end(ReasonSlowReader, 0)
		return errBadRequest.because("too much waits to be fetched"), false
	}
	body, err := s.readInTime(w, r, p)
	defer func() { s.server.options.Memory.Sub(&p.account, int64(cap(body))) }()
	if err != nil {
		return s.bodyFailed(err), false
	}
	s.mu.Lock()
	p.delivering = true
	s.mu.Unlock()
	for rest := body; ; {
		packet, more := nextPacket(rest)
		s.receivePacket(packet, p)
		if rest = more; rest == nil || s.over.Load() {
			break
		}
	}
	s.mu.Lock()
	failed := s.reason != 0 && s.reason != ReasonTransportClose && s.reason != ReasonForcedClose
	s.mu.Unlock()
	if failed {
		return errBadRequest.because("the body is not a list of packets, or the session has ended"), false
	}
	return refusal{}, true
}

// bodyFailed ends a session of which a POST could not be read: packets are missing.
func (s *Session) bodyFailed(err error) refusal {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		s.end(ReasonTransportError, packetClose)
		return errTooLarge.because("the body is longer than maxPayload")
	case errors.Is(err, errMemory):
		s.end(ReasonMemory, 0)
		return errUnavailable.because(errMemory.Error())
	}
	s.end(ReasonTransportError, packetClose)
	return errBadRequest.because("the body did not arrive whole, or in time")
}

// awaitRoom waits until a poll has fetched what waits, so that the answers to this POST have room.
func (s *Session) awaitRoom(r *http.Request, p *polling) bool {
	s.mu.Lock()
	if s.reason != 0 || len(p.out) <= s.server.maxQueue()/2 {
		s.mu.Unlock()
		return true
	}
	if p.drained == nil {
		p.drained = make(chan struct{})
	}
	drained := p.drained
	s.mu.Unlock()
	late := time.NewTimer(writeTimeout)
	defer late.Stop()
	select {
	case <-drained:
		return true
	case <-r.Context().Done():
	case <-late.C:
	}
	return false
}

// readInTime is readBody until the session ends, and no longer than postTime.
func (s *Session) readInTime(w http.ResponseWriter, r *http.Request, p *polling) ([]byte, error) {
	control := http.NewResponseController(w)
	s.mu.Lock()
	if s.reason == 0 {
		_ = control.SetReadDeadline(time.Now().Add(postTime))
		p.reading = control
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		p.reading = nil
		s.mu.Unlock()
	}()
	return s.readBody(w, r, p)
}

// readBody reads a body into a buffer that grows by what arrives. The budget is charged before.
func (s *Session) readBody(w http.ResponseWriter, r *http.Request, p *polling) ([]byte, error) {
	limit := int64(s.server.options.MaxPayload)
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	from := http.MaxBytesReader(w, r.Body, limit)
	var body []byte
	for !s.over.Load() {
		if len(body) == cap(body) {
			size := max(firstBody, 2*cap(body))
			if s.server.options.Memory.Grow(&p.account, s, int64(size-cap(body))) != nil {
				return body, errMemory
			}
			body = append(make([]byte, 0, size), body...)
		}
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case err == io.EOF:
			return body, nil
		case err != nil:
			return body, err
		}
	}
	return body, ErrClosed
}

// receivePacket handles one packet of a payload.
func (s *Session) receivePacket(packet []byte, p *polling) {
	if len(packet) == 0 || packet[0] != binaryPrefix {
		if !utf8.Valid(packet) {
			s.end(ReasonParseError, packetClose)
			return
		}
		s.receive(false, packet)
		return
	}
	b := packets.Get().(*[]byte)
	decoded, err := decodeBinary((*b)[:0], packet)
	if err != nil {
		s.end(ReasonParseError, packetClose)
	} else {
		s.receive(true, decoded)
	}
	if cap(decoded) <= maxPooled {
		*b = decoded
		packets.Put(b)
	}
}

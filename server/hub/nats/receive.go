// What arrives: which peers live, and which of their messages count.

package nats

import (
	"context"
	"log/slog"
	"sync"
)

// Limits on what peers claim.
const (
	maxPeers = 256     // that live
	maxKnown = 1024    // with those that have ended
	maxSeats = 1 << 16 // of peers in topics
)

// peer is another instance.
type peer struct {
	beats  uint64 // the number of its last beat, so that no older one counts
	alive  bool
	missed int // beats of ours since it was last heard
}

// receive judges a message and does what it says.
func (h *Hub) receive(message []byte) {
	e, err := parse(message)
	switch {
	case err != nil:
	case !h.checking.check(message):
		err = errSecret
	case e.from == h.self:
		err = errReplayed
	case e.to != h.self && e.to != (id{}):
		err = errMisplaced
	default:
		err = h.accept(&e)
	}
	if err != nil {
		h.refused.add(err)
	}
}

func (h *Hub) accept(e *envelope) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	p := h.peers[e.from]
	switch {
	case e.kind == kindBeat:
		return h.beaten(p, e)
	case p == nil:
		return nil // its next beat says who it is
	case !p.alive:
		return errStranger
	case e.kind == kindGoodbye:
		return h.goodbye(p, e)
	}
	p.missed = 0
	t := h.topics[e.topic]
	if t == nil {
		return nil // this instance has just left it
	}
	s, err := t.seatOf(e.from)
	if err != nil {
		return err
	}
	return s.accept(e)
}

// accept does what a message in a topic says.
func (s *seat) accept(e *envelope) error {
	switch e.kind {
	case kindEnter, kindHere:
		if s.stay >= e.stay {
			return s.told(e)
		}
		s.entered(e.stay, e.position)
		if e.kind == kindEnter {
			s.send(kindHere, nil)
		}
		return nil
	case kindAgain:
		return s.again(e)
	}
	if s.state != present || s.stay != e.stay {
		return errStranger
	}
	switch e.kind {
	case kindLeave:
		s.leave(errLeft)
		return nil
	case kindPublish:
		return s.published(e)
	case kindSend:
		return s.received(e)
	case kindSync:
		return s.sync(e)
	}
	return errForeign
}

// beaten records that a peer lives, and in which topics. h.mu is held.
func (h *Hub) beaten(p *peer, e *envelope) error {
	switch {
	case p == nil:
		if p = h.meet(e.from); p == nil {
			return errPeers
		}
	case e.position <= p.beats:
		return errReplayed
	}
	p.beats, p.missed = e.position, 0
	if !p.alive {
		p.alive = true
		h.living.Add(1)
		h.logPeer(slog.LevelInfo, "another instance is in reach", e.from)
		h.sendBeat(e.from) // so that it need not wait for the next one
	}
	named := make(map[key]bool)
	var wrong error
	for b := e.body; len(b) > 0; b = b[placeSize:] {
		place := parsePlace(b)
		t := h.topics[place.topic]
		if t == nil {
			continue
		}
		s, err := t.seatOf(e.from)
		if err == nil {
			named[place.topic] = true
			err = s.seen(place.stay, place.position)
		}
		if err != nil {
			wrong = err
		}
	}
	for k, t := range h.topics {
		if s := t.seats[e.from]; s != nil && s.state != gone && !named[k] {
			s.leave(errLeft)
		}
	}
	return wrong
}

// meet makes a record of a new peer, in place of one that has ended if there are too many. It
// returns nil if too many live.
func (h *Hub) meet(i id) *peer {
	if h.living.Load() >= maxPeers {
		return nil
	}
	for other, p := range h.peers {
		if len(h.peers) >= maxKnown && !p.alive {
			delete(h.peers, other)
		}
	}
	h.peers[i] = &peer{}
	return h.peers[i]
}

// goodbye records that a peer ends. h.mu is held.
func (h *Hub) goodbye(p *peer, e *envelope) error {
	if e.position <= p.beats {
		return errReplayed
	}
	p.beats, p.alive = e.position, false
	h.living.Add(-1)
	h.logPeer(slog.LevelInfo, "another instance has ended", e.from)
	for _, t := range h.topics {
		if s := t.seats[e.from]; s != nil && s.state != gone {
			s.leave(errEnded)
		}
	}
	return nil
}

// maxLines is how many lines about peers are logged between two beats. More come only from
// instances that somebody invents.
const maxLines = 10

func (h *Hub) logPeer(level slog.Level, what string, i id) {
	if h.lines++; h.lines <= maxLines {
		h.log.Log(context.Background(), level, what, "instance", i.peer())
	}
}

// tick is called with each beat: it notices which peers are silent, and asks for what is
// missing.
func (h *Hub) tick() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = 0
	for i, p := range h.peers {
		if p.missed++; p.alive && p.missed > maxMissed {
			p.alive = false
			h.living.Add(-1)
			h.logPeer(slog.LevelWarn, "another instance is out of reach", i)
			for _, t := range h.topics {
				if s := t.seats[i]; s != nil {
					s.loseSight()
				}
			}
		}
	}
	for _, t := range h.topics {
		for i, s := range t.seats {
			if s.tick(); s.idle > maxAway {
				delete(t.seats, i)
				h.seats--
			}
		}
	}
}

// refusals counts messages that are refused. It logs them, a line in ten beats at most.
type refusals struct {
	mu       sync.Mutex
	total    uint64
	reported uint64
	last     error
	quiet    int // beats until the next line
}

func (r *refusals) add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total++
	r.last = err
}

func (r *refusals) report(log *slog.Logger) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.quiet > 0 {
		r.quiet--
		return
	}
	if n := r.total - r.reported; n > 0 {
		log.Warn("messages of the cluster were refused or lost", "messages", n, "why", r.last)
		r.reported, r.quiet = r.total, 10
	}
}

// count returns how many messages were refused in all.
func (r *refusals) count() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total
}

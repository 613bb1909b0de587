// What instances tell each other: each text that one of them pushes.

package push

import (
	"log/slog"

	"github.com/go-json-experiment/json"
	"golang.org/x/time/rate"

	"framescope/server/hub"
)

// topicName is the topic on which instances push to each other.
const topicName = "push"

// Texts of other instances: this many a second, after a burst of as many. What is more is
// dropped, so that a broker that lies cannot flood the receivers.
const sharedPerSecond = 10 * pushesPerSecond

// shared receives what other instances push. There is no state: an instance that comes late
// receives what is pushed from then on.
type shared struct {
	push  func(room, text string) (receivers int)
	log   *slog.Logger
	limit *rate.Limiter
}

// pushed is a message between instances, and the body of a broadcast.
type pushed struct {
	Room string `json:"room"`
	Text string `json:"text"`
}

// publish sends a push to the other instances.
func publish(t hub.Topic, room, text string) {
	if t == nil || t.Alone() {
		return
	}
	message, err := json.Marshal(pushed{room, text})
	if err != nil {
		panic(err) // strings always marshal
	}
	t.Publish(message)
}

func (*shared) PeerJoined(hub.Peer, func([]byte)) {}

func (s *shared) Received(from hub.Peer, message []byte) {
	room, text, err := parseBroadcast(message)
	if err == nil {
		err = checkText(text)
	}
	switch {
	case !s.limit.Allow():
		// No line in the log: there would be as many.
	case err != nil:
		s.log.Warn("a push of another instance was ignored", "instance", string(from), "why", err)
	default:
		s.push(room, text)
	}
}

func (*shared) PeerLeft(hub.Peer, error) {}

func (s *shared) Lost(from hub.Peer, messages uint64) {
	s.log.Warn("pushes of another instance were lost", "instance", string(from), "pushes", messages)
}

// The envelope of what instances send each other: who sends, in which topic, in which place.

package nats

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"

	"framescope/server/hub"
)

// kind is the kind of a message between instances.
type kind uint8

const (
	kindBeat    kind = 1 + iota // I live; these are my topics
	kindGoodbye                 // I end
	kindEnter                   // I am in this topic now: who else is?
	kindHere                    // I am, to one that entered or to which I have sent messages
	kindLeave                   // I am in this topic no longer
	kindPublish                 // to all in the topic
	kindSend                    // to one in the topic
	kindSync                    // to one: what I publish from now on is not in the state that you know
	kindAgain                   // to one: send me your state
	lastKind    = kindAgain
)

// id is an instance, at random.
type id [16]byte

func (i id) peer() hub.Peer { return hub.Peer(hex.EncodeToString(i[:])) }

// key is a topic: the beginning of a hash of its name, so that any name makes a good subject.
type key [16]byte

func keyOf(topic string) key {
	sum := sha256.Sum256([]byte(topic))
	return key(sum[:16])
}

func (k key) String() string { return hex.EncodeToString(k[:]) }

// envelope is a message between instances. On the wire it begins with a head of headSize
// bytes:
//
//	 0  "fs", the version, the kind
//	 4  the sender's id
//	20  the code that proves that the sender knows the secret, zero without one
//	36  the topic's key, zero for beats and goodbyes
//	52  the receiver's id, zero for all
//	68  stay: which of the sender's stays in the topic
//	76  position: how many messages it has published in it; the number of a beat
//	84  directed: how many it has sent to this receiver
type envelope struct {
	kind                     kind
	from, to                 id
	topic                    key
	stay, position, directed uint64
	body                     []byte
}

const (
	version   = 1
	codeStart = 20
	codeEnd   = 36
	headSize  = 92
	maxSize   = headSize + hub.MaxMessage
)

// append appends the message to b, without the code.
func (e *envelope) append(b []byte) []byte {
	b = append(b, 'f', 's', version, byte(e.kind))
	b = append(b, e.from[:]...)
	b = append(b, make([]byte, codeEnd-codeStart)...)
	b = append(b, e.topic[:]...)
	b = append(b, e.to[:]...)
	b = binary.BigEndian.AppendUint64(b, e.stay)
	b = binary.BigEndian.AppendUint64(b, e.position)
	b = binary.BigEndian.AppendUint64(b, e.directed)
	return append(b, e.body...)
}

// Why a message is refused.
var (
	errForeign   = errors.New("it is not of this format: something else uses the subject")
	errVersion   = errors.New("it is of another version: run the same version of framescope everywhere")
	errTooLarge  = errors.New("it is too large")
	errSecret    = errors.New("it is not made with this cluster's secret: give all instances the same --cluster URL")
	errPeers     = errors.New("too many instances are known")
	errReplayed  = errors.New("it has been received before, or others after it")
	errStranger  = errors.New("its sender is not known, or known to have ended")
	errMisplaced = errors.New("it is for another instance or not of this topic")
)

// parse reads a message, whose body remains in b.
func parse(b []byte) (e envelope, err error) {
	switch {
	case len(b) < headSize || b[0] != 'f' || b[1] != 's':
		return e, errForeign
	case b[2] != version:
		return e, errVersion
	case len(b) > maxSize:
		return e, errTooLarge
	case b[3] == 0 || kind(b[3]) > lastKind:
		return e, errForeign
	}
	e.kind = kind(b[3])
	copy(e.from[:], b[4:])
	copy(e.topic[:], b[36:])
	copy(e.to[:], b[52:])
	e.stay = binary.BigEndian.Uint64(b[68:])
	e.position = binary.BigEndian.Uint64(b[76:])
	e.directed = binary.BigEndian.Uint64(b[84:])
	e.body = b[headSize:]
	if e.kind == kindBeat && len(e.body)%placeSize != 0 {
		return e, errForeign
	}
	return e, nil
}

// place is a topic in the body of a beat: that the sender is in it, and how many messages it
// has published.
type place struct {
	topic          key
	stay, position uint64
}

const placeSize = 32

func (p place) append(b []byte) []byte {
	b = append(b, p.topic[:]...)
	b = binary.BigEndian.AppendUint64(b, p.stay)
	return binary.BigEndian.AppendUint64(b, p.position)
}

// parsePlace reads a place from b, which is long enough.
func parsePlace(b []byte) place {
	return place{key(b[:16]), binary.BigEndian.Uint64(b[16:]), binary.BigEndian.Uint64(b[24:])}
}

// seal makes and checks the codes of messages. The zero value is for a cluster without a
// secret. It is not for several goroutines at a time.
type seal struct{ mac hash.Hash }

// newSeal makes the seal of a cluster. A secret is for one cluster's name, so that no message
// can be copied from one to another.
func newSeal(secret, name string) seal {
	if secret == "" {
		return seal{}
	}
	derived := hmac.New(sha256.New, []byte(secret))
	derived.Write([]byte("framescope cluster " + name))
	return seal{hmac.New(sha256.New, derived.Sum(nil))}
}

func (s seal) code(message []byte) (code [codeEnd - codeStart]byte) {
	if s.mac != nil {
		s.mac.Reset()
		s.mac.Write(message[:codeStart])
		s.mac.Write(message[codeEnd:])
		var sum [sha256.Size]byte
		copy(code[:], s.mac.Sum(sum[:0]))
	}
	return code
}

func (s seal) sign(message []byte) {
	code := s.code(message)
	copy(message[codeStart:codeEnd], code[:])
}

func (s seal) check(message []byte) bool {
	code := s.code(message)
	return hmac.Equal(code[:], message[codeStart:codeEnd])
}

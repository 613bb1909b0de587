// Fan-out: one connection sends messages that a thousand others receive.

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"framescope/protocol"
	"framescope/server/chat"
)

const listeners = 1000

// fanOut is a fan-out in progress. The speaker receives its own messages, too.
type fanOut struct {
	*load
	speaker *client
	size    int
	flight  int
	sent    int
	heard   int
}

func newFanOut(s *child, size, flight int) (work, error) {
	p := binaryBytes(size)
	return beginFanOut(s, flight, "/fanout", "", frame(protocol.OpBinary, 0, p), func(number int, _ bool, got []byte) error {
		if !bytes.Equal(got, p) {
			return fmt.Errorf("message %d is %d bytes %.40q, not the %d that were said", number, len(got), got, size)
		}
		return nil
	})
}

// newChat is a fan-out in a room of the chat, as JSON.
func newChat(s *child, size, flight int) (work, error) {
	text := strings.Repeat("x", size)
	out := frame(protocol.OpText, 0, []byte(`{"type":"message","text":"`+text+`"}`))
	fields := "Sec-WebSocket-Protocol: " + chat.Subprotocol + "\r\n"
	return beginFanOut(s, flight, "/chat", fields, out, func(number int, _ bool, got []byte) error {
		said := bytes.HasPrefix(got, []byte(`{"type":"message"`))
		if said && !bytes.Contains(got, []byte(`"text":"`+text+`"`)) || number == 0 && said {
			return fmt.Errorf("message %d is %.300q", number, got)
		}
		return nil
	})
}

func beginFanOut(s *child, flight int, path, fields string, out []byte, check func(int, bool, []byte) error) (work, error) {
	l, err := newLoad(s)
	if err != nil {
		return nil, err
	}
	f := &fanOut{load: l, size: len(out), flight: flight}
	for range listeners + 1 {
		c, err := l.add(s.addr, path, fields, out)
		if err != nil {
			l.close()
			return nil, err
		}
		c.samples = func(number int) bool { return number < 2 || number%101 == 0 }
		c.check = check
		f.speaker = c
	}
	if err := f.gather(); err != nil {
		l.close()
		return nil, err
	}
	return f, nil
}

// gather sends messages until all connections receive them: the server adds a listener only
// after it has answered its handshake.
func (f *fanOut) gather() error {
	for range 50 {
		heard := 0
		if err := f.allow(f.speaker, f.size); err != nil {
			return err
		}
		err := f.run(time.Now().Add(100*time.Millisecond), func(_ *client, n int) error { heard += n; return nil })
		if err != nil {
			return err
		}
		if heard == listeners+1 {
			return nil
		}
	}
	return errors.New("not everybody hears what is said")
}

func (f *fanOut) measure(length time.Duration) (done int, err error) {
	speak := func() error {
		for f.sent*(listeners+1)-f.heard <= (f.flight-1)*(listeners+1) {
			f.sent++
			if err := f.allow(f.speaker, f.size); err != nil {
				return err
			}
		}
		return nil
	}
	if err := speak(); err != nil {
		return 0, err
	}
	err = f.run(time.Now().Add(length), func(_ *client, n int) error {
		done += n
		f.heard += n
		return speak()
	})
	return done, err
}

func (f *fanOut) end() { f.close() }

// Fan-out: one who speaks and a thousand who listen.

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"framescope/protocol"
)

const listeners = 1000

// fan is a fan-out under way. Who speaks hears it too.
type fan struct {
	*load
	speaker *client
	size    int
	flight  int
	sent    int
	heard   int
}

func newFan(s *child, size, flight int) (work, error) {
	l, err := newLoad(s)
	if err != nil {
		return nil, err
	}
	p := binaryBytes(size)
	out := frame(protocol.OpBinary, 0, p)
	f := &fan{load: l, size: len(out), flight: flight}
	for range listeners + 1 {
		c, err := l.add(s.addr, "/fan", "", out)
		if err != nil {
			l.close()
			return nil, err
		}
		c.samples = func(number int) bool { return number < 2 || number%101 == 0 }
		c.check = func(number int, _ bool, got []byte) error {
			if !bytes.Equal(got, p) {
				return fmt.Errorf("message %d is %d bytes %.40q, not the %d that were said", number, len(got), got, size)
			}
			return nil
		}
		f.speaker = c
	}
	if err := f.gather(); err != nil {
		l.close()
		return nil, err
	}
	return f, nil
}

// gather speaks until everybody hears it: the server counts who listens only after
// it has answered the handshake.
func (f *fan) gather() error {
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

func (f *fan) measure(length time.Duration) (done int, err error) {
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

func (f *fan) end() { f.close() }

// Packets with attachments: the messages that follow the text, until all have come.

package socketio

import (
	"bytes"
	"errors"

	"framescope/server/memory"
)

// assembly is a packet whose attachments have not all come. Only the goroutine that reads the
// session uses it.
type assembly struct {
	client      *client
	packet      packet // its data are a copy; no kind that is binary if none is under way
	attachments [][]byte
	bytes       int64
	account     memory.Account
}

var (
	errInterrupted = errors.New("socket.io: text where an attachment is expected")
	errUnexpected  = errors.New("socket.io: bytes where no attachment is expected")
	errTooLarge    = errors.New("socket.io: the attachments of a packet are too large together")
)

// open reports whether attachments are missing.
func (a *assembly) open() bool { return a.packet.kind.binary() }

// begin keeps the text of a packet.
func (a *assembly) begin(c *client, k packet) error {
	a.client = c
	if err := a.keep(len(k.namespace) + len(k.data)); err != nil {
		return err
	}
	k.namespace, k.data = bytes.Clone(k.namespace), bytes.Clone(k.data)
	a.packet = k
	return nil
}

// add keeps a copy of an attachment, and reports whether it was the last.
func (a *assembly) add(p []byte) (k packet, whole bool, err error) {
	if !a.open() {
		return k, false, errUnexpected
	}
	if a.bytes+int64(len(p)) > int64(a.client.server.options.MaxAttachmentBytes) {
		return k, false, errTooLarge
	}
	if err := a.keep(len(p)); err != nil {
		return k, false, err
	}
	a.attachments = append(a.attachments, bytes.Clone(p))
	return a.packet, len(a.attachments) == a.packet.attachments, nil
}

// keep counts bytes that are about to be kept.
func (a *assembly) keep(n int) error {
	if err := a.client.server.options.Engine.Memory.Grow(&a.account, a.client, int64(n)); err != nil {
		return err
	}
	a.bytes += int64(n)
	return nil
}

// end forgets the packet.
func (a *assembly) end() {
	if a.bytes > 0 {
		a.client.server.options.Engine.Memory.Sub(&a.account, a.bytes)
	}
	a.packet, a.attachments, a.bytes = packet{}, nil, 0
}

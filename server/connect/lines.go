// Lines: in from the user, out from several goroutines.

package connect

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"framescope/protocol"
	"framescope/server/decode"
	"framescope/server/websocket"
)

// lines writes whole lines.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

// linef writes one line, escaped, since parts of it may be the peer's words.
func (l *lines) linef(format string, args ...any) {
	l.write(decode.AppendEscaped(nil, fmt.Appendf(nil, format, args...)), []byte("\n"))
}

// write writes bytes as they are, at once. Where they cannot be written there is nobody
// to tell.
func (l *lines) write(parts ...[]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.w.Write(bytes.Join(parts, nil))
}

// indent is what the further lines of a message begin with on a terminal, so that none of
// them looks like another message or a note.
const indent = "    "

// forTerminal is a message as it is written to a terminal: its lines stay, each escaped.
func forTerminal(message []byte) (text []byte) {
	first := true
	for line := range bytes.SplitSeq(bytes.ReplaceAll(message, []byte("\r\n"), []byte("\n")), []byte("\n")) {
		if !first {
			text = append(append(text, '\n'), indent...)
		}
		text, first = decode.AppendEscaped(text, line), false
	}
	return text
}

// send makes a message of each line of in. It returns nil at the end of the input,
// or when the connection has ended.
func (t *terminal) send(in io.Reader) error {
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadString('\n')
		if line != "" {
			if serr := t.sendLine(strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")); serr != nil {
				return serr
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read input: %w", err)
		}
	}
}

func (t *terminal) sendLine(line string) error {
	op, p := protocol.OpText, []byte(line)
	if t.options.Binary {
		op = protocol.OpBinary
	}
	if t.options.Hex {
		var err error
		if p, err = hex.DecodeString(strings.ReplaceAll(line, " ", "")); err != nil {
			t.notes.linef("not sent, since it is no hex: %s", line)
			return nil
		}
		op = protocol.OpBinary
	}
	if op == protocol.OpText && !validText(p) {
		t.notes.linef("not sent, since it is no UTF-8: give --binary for bytes")
		return nil
	}
	if err := t.conn.WriteMessage(op, p); err != nil && !errors.Is(err, websocket.ErrClosed) {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// validText asks the codec, as everybody here does.
func validText(p []byte) bool {
	var u protocol.UTF8
	return u.Write(p) < 0 && u.Complete()
}

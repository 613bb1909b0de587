// Lines: of the user, who types them, and of the output, to which several goroutines write.

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

// lines is a writer of whole lines.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

// linef writes one line. It is escaped, since parts of it may come from the peer.
func (l *lines) linef(format string, args ...any) {
	l.write(decode.AppendEscaped(nil, fmt.Appendf(nil, format, args...)), []byte("\n"))
}

// write writes the parts as they are, in one call. An error of the output is ignored, as there is
// nowhere to report it.
func (l *lines) write(parts ...[]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.w.Write(bytes.Join(parts, nil))
}

// indent begins the second and further lines of a message on a terminal, so that they do not look
// like other messages or notes.
const indent = "    "

// forTerminal returns a message for a terminal: its lines are kept, and each is escaped.
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

// send sends each line of in as a message. It returns nil at the end of the input, or when the
// connection has ended.
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

// validText reports whether p is UTF-8, by the codec's rules.
func validText(p []byte) bool {
	var u protocol.UTF8
	return u.Write(p) < 0 && u.Complete()
}

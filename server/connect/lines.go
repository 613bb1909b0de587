// Lines: in from the user, out from several goroutines.

package connect

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"framescope/protocol"
	"framescope/server/websocket"
)

// lines writes whole ones.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, format, args...)
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
			t.notes.printf("not sent, since it is no hex: %s\n", line)
			return nil
		}
		op = protocol.OpBinary
	}
	if op == protocol.OpText && !validText(p) {
		t.notes.printf("not sent, since it is no UTF-8: give --binary for bytes\n")
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

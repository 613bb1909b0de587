// Tests of the operator's input: which lines are pushed, and how it ends.

package push_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"framescope/server/push"
	"framescope/server/websocket"
)

func TestOperatorLines(t *testing.T) {
	s := serve(t, websocket.Options{})
	c := s.dial(t)
	in := "plain\r\n\n\x1b[2Jred\x07 \xff\ttab\nlong" + strings.Repeat("x", 4093) + "\n" +
		strings.Repeat("y", 4096) + "\r\n" + strings.Repeat("z", 1<<20) + "\nbidi \u202e \u2028\nno end"
	s.push.Operate(t.Context(), strings.NewReader(in))
	for _, want := range []string{"plain", "[2Jred \ufffd\ttab", strings.Repeat("y", 4096), "bidi \u202e \u2028", "no end"} {
		expect(t, c, want)
	}
	log := s.log.String()
	if n := strings.Count(log, "more than 4096 bytes"); n != 2 {
		t.Errorf("%d lines were logged as too long, want 2: %s", n, log)
	}
	if !strings.Contains(log, "receivers=3") || !strings.Contains(log, "has ended") || !strings.Contains(log, "control characters") || strings.Contains(log, "plain") {
		t.Errorf("the log says %s", log)
	}
}

// TestOperatorEnds: it ends with its context although its input is silent, and the goroutine
// that reads ends with the input.
func TestOperatorEnds(t *testing.T) {
	s := serve(t, websocket.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.push.Operate(ctx, r)
	}()
	if _, err := io.WriteString(w, "hi\n"); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	w.Close()
}

// TestOperatorFlood: a flood of lines waits in the input, and is sent at a hundred a second.
func TestOperatorFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := new(rooms)
		h := push.New(&websocket.Server{}, slog.New(slog.DiscardHandler), said, nil)
		begun := time.Now()
		h.Operate(t.Context(), strings.NewReader(strings.Repeat("y\n", 1100)))
		if took := time.Since(begun); took < 9*time.Second || took > 11*time.Second {
			t.Errorf("1,100 lines took %v, want about 10 s", took)
		}
		if n := strings.Count(said.String(), "y"); n != 1100 {
			t.Errorf("%d lines were pushed", n)
		}
	})
}

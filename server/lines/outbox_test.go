// Tests of the outbox: what it counts, and how it ends.

package lines

import (
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"framescope/server/memory"
)

// TestOutbox: lines are written in order, together if they have waited, and the chat is told.
func TestOutbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := memory.NewBudget(1<<20, slog.New(slog.DiscardHandler))
		var written [][]string
		drained, goOn := 0, make(chan struct{})
		o := newOutbox(budget, func(lines []string) error {
			written = append(written, slices.Clone(lines))
			<-goOn
			return nil
		}, func() {})
		go o.run(func() { drained++ })
		for _, line := range []string{"one", "two", "three"} {
			if err := o.Send(line); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if want := int64(cost("one") + cost("two") + cost("three")); budget.Used() != want || len(written) != 1 {
			t.Errorf("%d bytes are counted, want %d; written is %q", budget.Used(), want, written)
		}
		o.finish("bye")
		if err := o.Send("late"); !errors.Is(err, errClosed) {
			t.Errorf("after finish: %v", err)
		}
		close(goOn)
		synctest.Wait()
		if got := slices.Concat(written...); !slices.Equal(got, []string{"one", "two", "three", "bye"}) || len(written) != 2 || drained == 0 || budget.Used() != 0 {
			t.Errorf("written is %q, %d times drained, %d bytes are counted", written, drained, budget.Used())
		}
	})
}

// TestOutboxEnds: a failed write, the chat and a lack of memory end the connection, for the
// first reason.
func TestOutboxEnds(t *testing.T) {
	for want, end := range map[string]func(o *outbox, fail chan<- error){
		tooSlow:    func(_ *outbox, fail chan<- error) { fail <- io.ErrClosedPipe },
		"the chat": func(o *outbox, _ chan<- error) { o.Drop("the chat"); o.Drop("another") },
		noMemory:   func(o *outbox, _ chan<- error) { _ = o.Send(strings.Repeat("x", 1<<20)) },
	} {
		synctest.Test(t, func(t *testing.T) {
			budget := memory.NewBudget(1<<20, slog.New(slog.DiscardHandler))
			fail, ended := make(chan error, 2), make(chan struct{})
			o := newOutbox(budget, func([]string) error { return <-fail }, sync.OnceFunc(func() {
				close(ended)
				fail <- io.EOF // as the connection does
			}))
			go o.run(func() {})
			if err := o.Send("waiting"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			end(o, fail)
			synctest.Wait()
			<-ended
			if got := o.whyEnded("for no reason"); got != want || !o.ended() || budget.Used() != 0 {
				t.Errorf("%s: it ended because %q, and %d bytes are counted", want, got, budget.Used())
			}
		})
	}
}

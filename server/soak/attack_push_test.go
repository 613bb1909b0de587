//go:build linux

// Attacks on pushes: receivers that do not read, and a flood of broadcasts.

package soak

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"framescope/protocol"
)

func pushAttacks() []attack {
	return []attack{
		// Every chat room is told what is pushed, so this runs beside no other attack.
		{name: "receivers of pushes that do not read", limit: "1 MiB queued, or 10 s for a write: dropped", run: stalledReceivers(50), wait: 15 * time.Second, p99: 2 * time.Second, alone: true, fullOnly: true},
	}
}

// stalledReceivers pushes numbered texts until the answers say that those receivers that do not
// read have been dropped. One that reads must get all texts in their order.
func stalledReceivers(n int) func(a *attackRun) {
	return func(a *attackRun) {
		defer http.DefaultClient.CloseIdleConnections()
		stalled := a.open(n, smallBuffer, "/ws/push", "")
		reader, err := a.upgrade("/ws/push", "")
		if err != nil {
			a.fail("open: %v", err)
			return
		}
		var pushed atomic.Int64
		var listening sync.WaitGroup
		listening.Go(func() {
			heard, err := reader.texts()
			if err != nil || int64(heard) != pushed.Load() {
				a.fail("a receiver that reads got %d of %d texts: %v", heard, pushed.Load(), err)
			}
		})
		begun, padding, most := time.Now(), strings.Repeat("x", 4000), 0
		for a.ctx.Err() == nil && time.Since(begun) < a.within(2*patience) {
			var receivers int
			if receivers, err = a.broadcast(fmt.Sprint(pushed.Load(), " ", padding)); err != nil {
				break
			}
			if receivers < 0 { // 429: there are too many
				pause(a.ctx, 100*time.Millisecond)
				continue
			}
			pushed.Add(1)
			// Members of the chat come and go.
			if most = max(most, receivers); receivers < most-n*9/10 {
				break
			}
		}
		a.note("dropped after %v and %d texts", round(time.Since(begun)), pushed.Load())
		pushed.Add(1)
		for receivers := -1; receivers < 0 && err == nil; pause(a.ctx, 100*time.Millisecond) {
			receivers, err = a.broadcast(lastText)
		}
		if err != nil {
			a.fail("broadcast: %v", err)
		}
		listening.Wait()
		a.each(len(stalled), func(i int) string { return stalled[i].awaitEOF(patience) })
		a.want(closedTCP, resetTCP)
	}
}

// lastText ends what is pushed.
const lastText = "the last"

// texts reads pushes until the last one, and returns how many there were.
func (p *peer) texts() (n int, err error) {
	for {
		p.SetReadDeadline(time.Now().Add(patience))
		h, text, err := p.readFrame()
		switch {
		case err != nil:
			return n, err
		case h.Opcode != protocol.OpText:
			continue
		case string(text) == lastText:
			return n + 1, nil
		case !strings.HasPrefix(string(text), fmt.Sprint(n, " ")):
			return n, fmt.Errorf("text %d is %.20q", n, text)
		}
		n++
	}
}

// broadcast pushes a text and returns the number of its receivers, -1 if there were too many
// broadcasts.
func (a *attackRun) broadcast(text string) (receivers int, err error) {
	answer, err := http.Post("http://"+a.server.addr+"/api/broadcast", "application/json", strings.NewReader(fmt.Sprintf("{%q:%q}", "text", text)))
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	p, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode == http.StatusTooManyRequests {
		return -1, err
	}
	_, err = fmt.Sscanf(string(p), `{"receivers":%d}`, &receivers)
	return receivers, err
}

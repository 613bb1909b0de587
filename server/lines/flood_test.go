// A test of many at once: floods from many addresses, and the memory that is counted for them.

package lines_test

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"framescope/server/lines"
	"framescope/server/memory"
)

// TestUDPFlood: datagrams from 300 addresses join as many members as there may be, a
// member over TCP goes on undisturbed, and at the end nothing is counted any more.
func TestUDPFlood(t *testing.T) {
	budget := memory.NewBudget(64<<20, slog.New(slog.DiscardHandler))
	s := serve(t, func(o *lines.Options) { o.Memory, o.MaxMembers = budget, 20 })
	ann := s.joinTCP(t, "ann")
	server, err := net.ResolveUDPAddr("udp", s.udp)
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var flooding sync.WaitGroup
	for i := range 300 {
		c, err := net.DialUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 1, byte(i>>8), byte(i))}, server)
		if err != nil {
			t.Fatal(err)
		}
		flooding.Go(func() {
			defer c.Close()
			pause := time.NewTicker(100 * time.Millisecond)
			defer pause.Stop()
			for n := 0; ; n++ {
				_, _ = fmt.Fprintf(c, "flood %d of %s%s", n, c.LocalAddr(), strings.Repeat("x", n%2*5000))
				select {
				case <-pause.C:
				case <-stop:
					return
				}
			}
		})
	}
	for i := range 20 {
		text := fmt.Sprint("still here ", i)
		ann.say(text)
		await(t, ann, "ann: "+text)
	}
	if n := s.chat.Operator("lobby", "how many?"); n > 21 {
		t.Errorf("%d members are in the room, want at most 21", n)
	}
	close(stop)
	flooding.Wait()
	s.stop()
	if n := budget.Used(); n != 0 {
		t.Errorf("%d bytes are still counted", n)
	}
}

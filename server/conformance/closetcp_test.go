// Who closes TCP first: RFC 6455 7.1.1.

package conformance

import (
	"errors"
	"os"
	"testing"
	"time"

	"framescope/protocol"
)

// TestClientLeavesTheEndOfTCPToTheServer: the side that closes first keeps the
// address busy for minutes, and that should not be the client's. So after the
// close frames the client sends nothing, not even a FIN, until the server's.
func TestClientLeavesTheEndOfTCPToTheServer(t *testing.T) {
	for _, c := range []struct {
		name string
		s    setup
		send []frame
		want []frame
	}{
		{"the server closes", setup{}, []frame{closing(1000, "")}, []frame{closing(1000, "")}},
		{"the client closes", setup{app: closes(1000, "")}, []frame{closing(1000, "")}, []frame{text("last words"), closing(1000, "")}},
		{"the server breaks a rule", setup{}, []frame{next("")}, []frame{closing(1002, "")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.tested = protocol.Client
			p := connect(t, c.s)
			p.send(whole, c.send...)
			p.expect(c.want...)
			<-p.sent
			p.nc.SetDeadline(time.Now().Add(2 * shortly))
			if f, err := p.read(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("before the server closed TCP: %v, %v", f, err)
			}
			p.expectEnd()
		})
	}
}

// What a client says of itself in an offer it keeps to, whatever the answer:
// RFC 7692 7.1.1.2 and 7.1.2.2.

package conformance

import (
	"fmt"
	"testing"

	"framescope/protocol"
	"framescope/server/websocket"
)

// TestClientKeepsItsHints: a server may answer without the client's parameters and
// still count on them, so as to keep no more of a window than the client said.
func TestClientKeepsItsHints(t *testing.T) {
	m := kinds[0].make(4*kib, 1)
	for _, c := range []struct {
		wishes websocket.Compression
		hinted flow
	}{
		{wishes{}, flow{alone: true}},
		{wishes{ContextTakeover: true, WindowBits: 9}, flow{bits: 9}},
		{wishes{WindowBits: 9}, flow{alone: true, bits: 9}},
	} {
		t.Run(fmt.Sprintf("%+v", c.wishes), func(t *testing.T) {
			p := connect(t, setup{tested: protocol.Client, options: websocket.Options{Compression: c.wishes}, extensions: []string{deflateName}})
			t.Logf("offered %q, answered %q", p.extensions, deflateName)
			p.checker = &checker{flow: c.hinted}
			p.send(whole, m, m, closing(protocol.CloseNormal, ""))
			p.expect(m, m, closing(protocol.CloseNormal, ""))
			testCase{code: protocol.CloseNormal}.judgeEnd(t, p.expectEnd())
		})
	}
}

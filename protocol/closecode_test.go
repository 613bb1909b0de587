// Close codes and close payloads.

package protocol

import (
	"strings"
	"testing"
)

func TestCloseCodes(t *testing.T) {
	// RFC 6455 7.4 and the IANA registry: what may stand in a close frame.
	sendable := func(c int) bool {
		return c >= 1000 && c <= 1003 || c >= 1007 && c <= 1014 || c >= 3000 && c <= 4999
	}
	for c := range 65536 {
		if CloseCode(c).Sendable() != sendable(c) {
			t.Errorf("close code %d: sendable is %v", c, !sendable(c))
		}
	}
	for c, want := range map[CloseCode]string{
		1000: "1000 normal closure", 1004: "1004 undefined", 1015: "1015 TLS handshake failed",
		1016: "1016 undefined", 999: "999 undefined", 3000: "3000 registered use", 4999: "4999 private use", 5000: "5000 undefined",
	} {
		if got := c.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestClosePayload(t *testing.T) {
	long := strings.Repeat("ä", 100)
	p := AppendClosePayload(nil, CloseNormal, long)
	code, reason, broken := ParseClosePayload(p)
	if len(p) > MaxControlPayload || code != CloseNormal || broken != 0 || !strings.HasPrefix(long, string(reason)) || len(reason) != 122 {
		t.Errorf("%d bytes, code %v, reason of %d bytes, breaks %b", len(p), code, len(reason), broken)
	}
	if p := AppendClosePayload(nil, CloseNoStatus, "x"); p != nil {
		t.Errorf("no status is sent as % x", p)
	}
	if code, _, broken := ParseClosePayload(nil); code != CloseNoStatus || broken != 0 {
		t.Errorf("an empty payload is %v, breaks %b", code, broken)
	}
}

func FuzzClosePayload(f *testing.F) {
	f.Add([]byte{3, 232, 'b', 'y', 'e'})
	f.Add([]byte{3})
	f.Fuzz(func(t *testing.T, p []byte) {
		code, reason, broken := ParseClosePayload(p)
		if broken == 0 && len(p) <= MaxControlPayload {
			if got := AppendClosePayload(nil, code, string(reason)); string(got) != string(p) {
				t.Fatalf("% x came back as % x", p, got)
			}
		}
	})
}

// Tests of payloads: what is appended is read back, and no body harms the server.

package engineio

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"
	"unicode/utf8"
)

func FuzzPayload(f *testing.F) {
	f.Add([]byte("hello"), []byte{1, 2, 3, 4}, []byte("€"))
	f.Add([]byte{}, []byte{separator}, []byte("b4"))
	f.Fuzz(func(t *testing.T, first, second, third []byte) {
		if bytes.IndexByte(first, separator) >= 0 || bytes.IndexByte(third, separator) >= 0 {
			return
		}
		text := func(p []byte) []byte { return append([]byte{packetMessage}, p...) }
		payload := appendPacket(nil, false, text(first))
		payload = appendPacket(payload, true, second)
		payload = appendPacket(payload, false, text(third))
		size := packetSize(false, 1+len(first)) + packetSize(true, len(second)) + packetSize(false, 1+len(third))
		if len(payload) > size {
			t.Errorf("%d bytes, packetSize said %d", len(payload), size)
		}
		packet, rest := nextPacket(payload)
		if !bytes.Equal(packet, text(first)) {
			t.Errorf("first packet %q", packet)
		}
		packet, rest = nextPacket(rest)
		if decoded, err := decodeBinary(nil, packet); err != nil || !bytes.Equal(decoded, second) {
			t.Errorf("second packet %q: %v, %v", packet, decoded, err)
		}
		packet, rest = nextPacket(rest)
		if !bytes.Equal(packet, text(third)) || rest != nil {
			t.Errorf("third packet %q, then %q", packet, rest)
		}
		if n := len(frames(payload)); n != 3 {
			t.Errorf("%d messages", n)
		}
	})
}

// FuzzPost: a body is answered with ok exactly if all of it is packets, and all messages in it come
// back; otherwise the session ends.
func FuzzPost(f *testing.F) {
	for _, seed := range []string{"4hello", "4a\x1e4b\x1ebAQIDBA==", "3\x1e6\x1e5", "1", "4a\x1e1\x1e4b", "", "b", "b=", "2", "\x1e", "4\xff", "4a\x1e\x1e4b"} {
		f.Add([]byte(seed))
	}
	e := New(Options{Open: Echo, Log: slog.New(slog.DiscardHandler), MaxSessions: 1 << 30})
	f.Fuzz(func(t *testing.T, body []byte) {
		request := func(method string, s *Session, body []byte) (int, string) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			r := httptest.NewRequestWithContext(ctx, method, "http://localhost/?EIO=4&transport=polling&sid="+s.id, bytes.NewReader(body))
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			return w.Code, w.Body.String()
		}
		s := e.open(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), new(polling))
		s.leave()
		defer s.end(ReasonForcedClose, 0)
		want, ok, closes := expectedEcho(body)
		status, _ := request("POST", s, body)
		if (status == 200) != ok {
			t.Fatalf("%q: %d, want ok: %v", body, status, ok)
		}
		if closes {
			want = appendPacket(want, false, []byte{packetNoop})
		}
		if ok && len(want) > 0 {
			if status, got := request("GET", s, nil); status != 200 || got != string(want) {
				t.Errorf("%q: the poll was answered %d %q, want %q", body, status, got, want)
			}
		}
		if over := s.over.Load(); over == (ok && !closes) {
			t.Errorf("%q: over is %v", body, over)
		}
	})
}

// expectedEcho is what a poll after a post is to be answered with, by another way.
func expectedEcho(body []byte) (echo []byte, ok, closes bool) {
	for _, packet := range bytes.Split(body, []byte{separator}) {
		decoded, err := []byte(nil), error(nil)
		if len(packet) > 0 && packet[0] == binaryPrefix {
			decoded, err = decodeBinary(nil, packet)
		}
		switch {
		case len(packet) == 0 || err != nil || !utf8.Valid(packet) || !bytes.ContainsRune([]byte("13456b"), rune(packet[0])):
			return nil, false, false
		case packet[0] == packetClose:
			return echo, true, true
		case packet[0] == packetMessage:
			echo = appendPacket(echo, false, packet)
		case packet[0] == binaryPrefix:
			echo = appendPacket(echo, true, decoded)
		}
	}
	return echo, true, false
}

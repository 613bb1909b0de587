// A recording that ends anywhere: the received part of the last frame is shown, and where it ends.

package decode_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"framescope/server/decode"
)

// recording is the frames of one client: the bytes of each, the line of its header, and what is shown of
// the first n bytes of its payload.
var recording = []struct {
	wire  string
	head  string
	size  int // of the header
	shown func(n int) string
}{
	{"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "text FIN mask 37fa213d length 5", 6, quotes("Hello")},
	{"\x02\x83" + masked("\x01\x02\x03"), "binary mask 01020304 length 3", 6, func(n int) string { return "010203"[:2*n] }},
	{"\x89\x84" + masked("pong"), "ping FIN mask 01020304 length 4", 6, quotes("pong")},
	{"\x80\x80\x00\x00\x00\x09", "continuation FIN mask 00000009 length 0", 6, quotes("")},
	{"\x82\xfe\x00\x80\x00\x00\x00\x00" + strings.Repeat("\xab", 128), "binary FIN mask 00000000 length 128", 8, func(n int) string { return strings.Repeat("ab", min(n, cutShown)) }},
	{"\x88\x87" + masked("\x03\xe8final"), "close FIN mask 01020304 length 7", 6, func(n int) string {
		switch {
		case n < 2:
			return quotes("\x03")(n)
		case n == 2:
			return "1000 normal closure"
		}
		return "1000 normal closure: " + quotes("final")(n-2)
	}},
}

// masked is a masking key and a payload masked by it.
func masked(payload string) string {
	const key = "\x01\x02\x03\x04"
	b := []byte(key + payload)
	for i := range payload {
		b[4+i] ^= key[i%4]
	}
	return string(b)
}

// cutShown is how many bytes of a payload these tests show.
const cutShown = 100

func quotes(payload string) func(n int) string {
	return func(n int) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprintf("%q", payload[:n])
	}
}

func TestRecordingCutAnywhere(t *testing.T) {
	whole, printed := "", "" // what comes before the frame, and what is printed of it
	for _, f := range recording {
		for n := range len(f.wire) {
			want, wantErr := printed, ""
			switch {
			case n == 0:
			case n < f.size:
				wantErr = fmt.Sprintf("the input ends inside a frame: of the one at byte %d only %d bytes are there, too few for its header", len(whole), n)
			default:
				want += lines(len(whole), f.head, f.shown(n-f.size), false)
				wantErr = fmt.Sprintf("the input ends inside a frame: of the one at byte %d the last %d bytes of payload are missing", len(whole), len(f.wire)-n)
			}
			got, err := run(whole+f.wire[:n], decode.Options{Format: "binary", From: "client", Payload: cutShown})
			if got != want || fmt.Sprint(err) != wantErr && !(err == nil && wantErr == "") {
				t.Errorf("%d bytes and %d of %s: %v\n%s\nwant %s\n%s", len(whole), n, f.head, err, got, wantErr, want)
			}
		}
		payload := len(f.wire) - f.size
		printed += lines(len(whole), f.head, f.shown(payload), payload <= cutShown)
		whole += f.wire
	}
	if got, err := run(whole, decode.Options{Format: "binary", From: "client", Payload: cutShown}); got != printed || err != nil {
		t.Errorf("the whole recording: %v\n%s\nwant\n%s", err, got, printed)
	}
}

// lines are what is printed of a frame.
func lines(offset int, head, shown string, all bool) string {
	s := fmt.Sprintf("@%-6d client %s\n", offset, head)
	if shown == "" {
		return s
	}
	if !all && !strings.HasSuffix(shown, " closure") { // of a code alone nothing is left out
		shown += " …"
	}
	return s + "        " + shown + "\n"
}

// A control frame is decoded when it is whole; one at fault is judged by its header before.
func TestCutInsideAControlFrame(t *testing.T) {
	const breach = "      ! control-fragmented: control frame without FIN, control frames must not be fragmented (RFC 6455 5.5, close 1002)\n"
	for _, c := range []struct{ first, head, breach string }{
		{"\x89", "@0      client ping FIN mask 01020304 length 10\n", ""},
		{"\x09", "@0      client ping mask 01020304 length 10\n", breach},
	} {
		wire := c.first + "\x8a" + masked("abcdefgh") // of 10 bytes 8
		for shown, payload := range map[int]string{100: `"abcdefgh" …`, 8: `"abcdefgh" …`, 3: `"abc" …`} {
			got, err := run(wire, decode.Options{From: "client", Payload: shown})
			if want := c.head + "        " + payload + "\n" + c.breach; got != want || err == nil || !strings.Contains(err.Error(), "the last 2 bytes of payload are missing") {
				t.Errorf("%d shown: %v\n%s\nwant\n%s", shown, err, got, want)
			}
		}
	}
}

// What cannot be written is an error, also when it is found only at the end.
func TestOutputFails(t *testing.T) {
	failed := errors.New("the disk is full")
	for _, in := range []string{hello, hello[:8], strings.Repeat(hello, 1000)} {
		if err := decode.Run(strings.NewReader(in), failing{failed}, decode.Options{}); !errors.Is(err, failed) {
			t.Errorf("%d bytes: %v", len(in), err)
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

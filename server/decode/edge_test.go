// Edges: of formats, of what is shown, and of what is taken for HTTP.

package decode_test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"testing/iotest"

	"framescope/server/decode"
)

// shows fails the test unless the output of decoding in holds a text and the error another one.
func shows(t *testing.T, in string, o decode.Options, text, failure string) {
	t.Helper()
	got, err := run(in, o)
	if !strings.Contains(got, text) {
		t.Errorf("%.60q:\n%s\nwant %q in it", in, got, text)
	}
	if failure == "" && err != nil || failure != "" && (err == nil || !strings.Contains(err.Error(), failure)) {
		t.Errorf("%.60q: error %v, want %q", in, err, failure)
	}
}

func TestEdgesOfFormats(t *testing.T) {
	var o decode.Options
	// A number that lies across the end of the line's buffer of 4096 bytes.
	shows(t, "0x82,0x7e,0x03,0xe8,"+strings.Repeat("0x61,", 1000), o, "binary FIN length 1000", "")
	// A line that is longer than the buffer, in whose last byte nothing special stands.
	shows(t, base64.StdEncoding.EncodeToString([]byte("\x82\x7e\x13\x88"+strings.Repeat("a", 5000))), o, "binary FIN length 5000", "")
	// Of a long line the error shows 40 bytes.
	_, err := run(strings.Repeat("z", 100), decode.Options{Format: "hex"})
	if err == nil || !strings.Contains(err.Error(), `"`+strings.Repeat("z", 40)+`"`) {
		t.Error(err)
	}
	// Whether there are characters behind eight bytes is known from the lines before.
	sixteen := "00000000: 82 19 61 61 61 61 61 61  61 61 61 61 61 61 61 61\n"
	shows(t, sixteen+"00000010: 62 62 62 62 62 62 62 62  63 63 63\n", o, "binary FIN length 25\n", "")
	shows(t, "00000000: 82 11 61 61 61 61 61 61\n00000008: 61 61 61 61 61 61 61 61  61 62 63\n", o, "", "line 2: \"00000008: 61 61 61 61 61 61 61 61  61 62\": which of it are bytes cannot be told")
	// Only od counts in decimal.
	shows(t, sixteen+"00000016: 62 62\n", o, "", "line 2: the offset is 00000016 where 00000010 is due")
	// Padding fills up four digits, and no more.
	for _, in := range []string{"gQ===", "gQI==", "gQ=gQVI=", "gQVI="} {
		shows(t, in, decode.Options{Format: "base64"}, "", "line 1: \""+in+"\" is not base64")
	}
}

// The longest header is needed whole to see whose it is.
func TestSideOfTheLongestHeader(t *testing.T) {
	shows(t, "\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00"+"\x01\x02\x03\x04"+strings.Repeat("x", 1<<16), decode.Options{}, "@0      client binary FIN mask 01020304 length 65536\n", "")
}

func TestEdgesOfWhatIsShown(t *testing.T) {
	json := func(payload int) decode.Options { return decode.Options{JSON: true, Payload: payload} }
	// A text that is cut inside a character is text up to that.
	for payload, want := range map[int]string{1: `"text":"a","whole":false`, 2: `"text":"a","whole":false`, 3: `"text":"a","whole":false`, 4: `"text":"a","whole":false`, 5: `"text":"a🎉","whole":false`, 6: `"text":"a🎉b","whole":true`} {
		shows(t, "\x81\x06a🎉b", json(payload), want, "")
	}
	shows(t, "\x81\x03€", json(1), `"text":"","whole":false`, "")
	// What cannot be inflated is shown as it came.
	later := packed(t, "some words", "some words")[1]
	shows(t, later, decode.Options{Deflate: true}, "(RFC 7692 7.1.1)\n        "+hex.EncodeToString([]byte(later[2:]))+"\n", "")
	// What is shown of an inflated message is bounded, however it comes.
	var out strings.Builder
	compressed := packed(t, strings.Repeat("0123456789", 5)+"end")[0]
	err := decode.Run(iotest.OneByteReader(strings.NewReader(compressed)), &out, decode.Options{Deflate: true, Payload: 12})
	if err != nil || !strings.HasSuffix(out.String(), "inflates to 53\n        \"012345678901\" …\n") {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestEdgesOfHTTP(t *testing.T) {
	var o decode.Options
	// A fragment of a compressed message may begin like a method.
	fragment := "BAAA " + strings.Repeat("x", 62)
	shows(t, fragment, decode.Options{Format: "binary"}, "@0      server binary RSV1 length 65\n", "break the RFC")
	shows(t, "UNSUBSCRIBEALLOF / HTTP/1.1\r\n\r\n"+asking+hello, o, "client HTTP: \"UNSUBSCRIBEALLOF / HTTP/1.1\"\n"+asked+helloShown, "")
	// A key alone asks for a WebSocket, and an accepted one alone agrees to it, both wrongly.
	shows(t, "GET /x HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"+hello, o, asked+"      ! ", "break the RFC")
	shows(t, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"+hi, o, hiShown, "break the RFC")
}

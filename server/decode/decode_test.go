// Decoding: formats, frames, breaches, heads, and what is said of broken input.

package decode_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"framescope/server/decode"
)

// hello is RFC 6455 5.7: a masked text frame.
const hello = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"

func run(in string, o decode.Options) (string, error) {
	if o.Payload == 0 {
		o.Payload = 100
	}
	var out bytes.Buffer
	err := decode.Run(strings.NewReader(in), &out, o)
	return out.String(), err
}

func TestFormats(t *testing.T) {
	const want = "@0      client text FIN mask 37fa213d length 5\n        \"Hello\"\n"
	for _, in := range []string{
		hello,
		hex.EncodeToString([]byte(hello)),
		"81 85 37 FA\n21:3d 0x7f,0x9f 4d-51 58\n",
		base64.StdEncoding.EncodeToString([]byte(hello)),
		base64.URLEncoding.EncodeToString([]byte(hello)) + "\n",
		"00000000: 8185 37fa 213d 7f9f 4d51 58              ..7.!=..MQX\n",
		"00000000  81 85 37 fa 21 3d 7f 9f  4d 51 58              |..7.!=..MQX|\n0000000b\n",
		"\n  \n00000010: 8185 37fa 213d  ab cd ef\n00000016: 7f9f 4d51 58        abcd\n",
		"\n\n00000000: 8185 37fa 213d  ab cd ef\n\n00000006: 7f9f 4d51 58        abcd\n",
		strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(hello)), "="),
		base64.StdEncoding.EncodeToString([]byte(hello[:4])) + "\n" + base64.StdEncoding.EncodeToString([]byte(hello[4:])),
		"gY U3\n+iE9\n f59NUVg",
		"gYU\n3+iE9f\n59NUV\ng=\n", // lines that end within a group
		"00000000  81 85 37 fa 21 3d 7f 9f  4d 51 58    ..7.!=.. MQX\n",
		"00000000: 81 85 37 FA 21 3D 7F 9F  4D 51 58                                      ..7.!=..MQX\n",
		"\t0x0000:  8185 37fa 213d 7f9f 4d51 58              ..7.!=..MQX\n",
		"  00000000: 8185 37fa 213d 7f9f 4d51 58\n  0000000b:\n",
		"8185 37fa213d7\nf 9f4d51 58", // lines that end within a byte
		"000000 81 85 37 fa 21 3d 7f 9f 4d 51 58\n00000b\n",
		"0000000 81 85 37 fa 21 3d 7f 9f 4d 51\n0000012 58\n0000013\n",
		"0000000 81 85 37 fa 21 3d 7f 9f 4d 51\n0000010 58\n0000011\n",
		"000000 81 85 37 fa 21 3d 7f 9f 4d 51 58                 >..7.!=..MQX<\n00000b\n",
	} {
		if got, err := run(in, decode.Options{}); got != want || err != nil {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

// Programs print the bytes of an array in many ways.
func TestListsOfBytes(t *testing.T) {
	const want = "@0      server text FIN length 2\n        \"\\t\\b\"\n"
	for _, in := range []string{
		"81 2 9 8", "0x81,0x2,0x9,0x8", "0x81, 0x02, 0x9, 0x8\n", "81\n2\n9\n8\n", "81:2:9:8", "81\r\n02\r\n9\r\n08",
		"0X81 0X2\n\n0x9 0x8",
	} {
		if got, err := run(in, decode.Options{}); got != want || err != nil {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func TestFrames(t *testing.T) {
	for _, c := range []struct {
		in   string
		o    decode.Options
		want string
		err  string
	}{
		{"\x01\x03Hel\x89\x00\x80\x02lo", decode.Options{}, "@0      server text length 3\n        \"Hel\"\n@5      server ping FIN length 0\n@7      server continuation FIN length 2\n        \"lo\"\n", ""},
		{"\x82\x03\x00\x01\xff", decode.Options{Payload: 2}, "@0      server binary FIN length 3\n        0001 …\n", ""},
		{"\x88\x05\x03\xe8bye", decode.Options{}, "@0      server close FIN length 5\n        1000 normal closure: \"bye\"\n", ""},
		{"\x81\x02\x1b[", decode.Options{}, "@0      server text FIN length 2\n        \"\\x1b[\"\n", ""},
		{"\x81\x01a", decode.Options{From: "client"}, "@0      client text FIN length 1\n        \"a\"\n      ! client-unmasked: frame from the client is not masked (RFC 6455 5.1, close 1002)\n", "break the RFC"},
		{"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", decode.Options{Deflate: true}, "@0      server text FIN RSV1 length 7, inflates to 5\n        \"Hello\"\n", ""},
		{"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", decode.Options{}, "@0      server text FIN RSV1 length 7\n        \"\\xf2H\\xcd\\xc9\\xc9\\a\\x00\"\n      ! rsv-unexpected: reserved bits 100 (RSV1 RSV2 RSV3) are set and no extension gives them a meaning (RFC 6455 5.2, close 1002)\n", "break the RFC"},
		{"\xc3\x07\xf2\x48\xcd\xc9\xc9\x07\x00", decode.Options{Deflate: true}, "@0      server 0x3 FIN RSV1 length 7\n        f248cdc9c90700\n      ! rsv-unexpected: reserved bits 100 (RSV1 RSV2 RSV3) are set and no extension gives them a meaning (RFC 6455 5.2, close 1002)\n      ! opcode-reserved: opcode 0x3 is reserved (RFC 6455 5.2, close 1002)\n", "break the RFC"},
		{"\x81\x01a\x83\x01a", decode.Options{}, "@0      server text FIN length 1\n        \"a\"\n@3      server 0x3 FIN length 1\n        61\n      ! opcode-reserved: opcode 0x3 is reserved (RFC 6455 5.2, close 1002)\n", "break the RFC"},
		{"\x82\x05ab", decode.Options{}, "@0      server binary FIN length 5\n        6162 …\n", "frame: of the one at byte 0 the last 3 bytes of payload are missing"},
		{"\x82\x00\x82", decode.Options{}, "@0      server binary FIN length 0\n", "of the one at byte 2 only 1 bytes are there"},
		{"\x82\x00\x89\x83\x01\x02\x03\x04ac", decode.Options{From: "client"}, "@0      client binary FIN length 0\n      ! client-unmasked: frame from the client is not masked (RFC 6455 5.1, close 1002)\n@2      client ping FIN mask 01020304 length 3\n        \"`a\" …\n", "of the one at byte 2 the last 1 bytes of payload are missing"},
		{"00000000: 8180\n00000010: 00000000\n", decode.Options{}, "", "line 2: the offset is 00000010 where 00000002 is due: lines are missing"},
		{"00000000  81 80 00 00  |....|\n*\n00000010\n", decode.Options{}, "", "line 2: * stands for lines that are left out"},
		{"gQ=x", decode.Options{Format: "base64"}, "", `line 1: "gQ=x" is not base64`},
		{"g", decode.Options{Format: "base64"}, "", `line 1: "g" is not base64`},
		{"gQVI\nZWx!", decode.Options{}, "", `line 2: "ZWx!" is not base64`},
		{"\x82\x04abcd", decode.Options{MaxMessageSize: 3}, "@0      server binary FIN length 4\n        61626364\n      ! message-too-big: message of at least 4 bytes is larger than this server takes (RFC 6455 10.4, close 1009)\n", "break the RFC"},
		{"", decode.Options{}, "", ""},
		{"816", decode.Options{Format: "hex"}, "", "line 1: an odd number of hex digits"},
		{"81 056 48", decode.Options{}, "", "line 1: an odd number of hex digits"},
		{"81 05 4\n8", decode.Options{}, "@0      server text FIN length 5\n        \"\\x04\\b\" …\n", "the last 3 bytes of payload are missing"},
		{"0000000 0581 6548 6c6c 006f\n0000007\n", decode.Options{}, "", "line 1: a dump of words"},
		{"000000 65480581 006f6c6c\n", decode.Options{}, "", "line 1: a dump of words"},
		{"00000000: 82 0d 20 63 64 20 65 66  ab cd ef\n", decode.Options{}, "", "which of it are bytes cannot be told"},
		{"0000: 8 1 0\n", decode.Options{}, "", "line 1: \"0000: 8 1 0\": which of it are bytes cannot be told"},
		{"81 05 48 65\n00000004: 6c6c 6f", decode.Options{}, "", "line 2: this line begins with an offset, the first did not"},
		{"0000000    0581    6548    6c6c    006f\n", decode.Options{}, "", "line 1: a dump of words"},
		{"000000 81 05 48 65\n000020 6c 6c 6f\n", decode.Options{}, "", "line 2: the offset is 000020 where 000004 is due"},
		{"\x09\x8a\x00\x00\x00\x00abcd", decode.Options{From: "client"}, "@0      client ping mask 00000000 length 10\n        \"abcd\" …\n      ! control-fragmented: control frame without FIN, control frames must not be fragmented (RFC 6455 5.5, close 1002)\n", "the last 6 bytes of payload are missing"},
		{"zz", decode.Options{Format: "hex"}, "", `line 1: "zz" is not hex`},
		{"x", decode.Options{Format: "octal"}, "", `format "octal" is not known`},
		{"GET / HTTP/1.1\r\nHost: a\r\n", decode.Options{}, "", "its blank line is missing"},
	} {
		got, err := run(c.in, c.o)
		if got != c.want {
			t.Errorf("%q:\n%s\nwant\n%s", c.in, got, c.want)
		}
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%q: error %v, want %q", c.in, err, c.err)
		}
	}
}

func TestHeads(t *testing.T) {
	request := "GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	if got, err := run(request+hello, decode.Options{}); err != nil || !strings.HasPrefix(got, "client handshake: \"GET /x HTTP/1.1\"\n@0      client text") {
		t.Errorf("%q, %v", got, err)
	}
	accepted := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
	if got, err := run(request+accepted+hello, decode.Options{}); err != nil || !strings.Contains(got, "client handshake: \"GET /x HTTP/1.1\"\nserver handshake: \"HTTP/1.1 101 Switching Protocols\"\n@0      client text") {
		t.Errorf("both heads: %q, %v", got, err)
	}
	if _, err := run(request+strings.Replace(accepted, "s3p", "S3p", 1), decode.Options{}); !errors.Is(err, decode.ErrBreaches) {
		t.Errorf("a wrong Sec-WebSocket-Accept: %v", err)
	}
	if _, err := run("GET / HTTP/1.1\r\nX: "+strings.Repeat("y", 70_000), decode.Options{}); err == nil || !strings.Contains(err.Error(), "longer than 65536 bytes") {
		t.Errorf("a long head: %v", err)
	}
	wrong := strings.Replace(request, "Version: 13", "Version: 8", 1)
	if got, err := run(wrong, decode.Options{}); !errors.Is(err, decode.ErrBreaches) || !strings.Contains(got, "! the request needs one Sec-WebSocket-Version: 13 (RFC 6455 4.2.1)") {
		t.Errorf("%q, %v", got, err)
	}
	response := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
	if got, err := run(response+"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", decode.Options{}); err != nil || !strings.Contains(got, "inflates to 5") {
		t.Errorf("%q, %v", got, err)
	}
}

// packed compresses messages that build on each other, each as a text frame of the
// server's.
func packed(t testing.TB, texts ...string) (frames []string) {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 9)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		b.Reset()
		w.Write([]byte(text))
		w.Flush()
		payload := strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
		frames = append(frames, "\xc1"+string([]byte{byte(len(payload))})+payload)
	}
	return frames
}

// What a stream without its beginning builds on is unknown; only what it contains can
// be a breach.
func TestStreamWithoutItsBeginning(t *testing.T) {
	m := packed(t, "some words", "some words", "other ones")
	const missing = "cannot be inflated: what it builds on is missing (RFC 7692 7.1.1)\n"
	o := decode.Options{Deflate: true}
	if got, err := run(m[0]+m[1]+m[2], o); err != nil || strings.Count(got, "inflates to 10\n") != 3 || strings.Contains(got, missing) {
		t.Errorf("from the first frame on: %q, %v", got, err)
	}
	got, err := run(m[1]+packed(t, "anew")[0]+m[1], o)
	if err != nil || strings.Count(got, missing) != 2 || !strings.Contains(got, "length 6, inflates to 4\n        \"anew\"\n") {
		t.Errorf("from the second frame on: %q, %v", got, err)
	}
	if got, err := run(m[1], decode.Options{Deflate: true, JSON: true}); err != nil || !strings.Contains(got, `"compressed":true,"hex":"`) || strings.Contains(got, "inflatedSize") {
		t.Errorf("in JSON: %q, %v", got, err)
	}
	// What is no DEFLATE needs nothing before it to be seen, and behind its handshake a
	// message builds on what was there.
	if got, err := run("\xc1\x02\xff\xff", o); !errors.Is(err, decode.ErrBreaches) || !strings.Contains(got, "deflate-corrupt") {
		t.Errorf("corrupt: %q, %v", got, err)
	}
	accepted := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
	if got, err := run(accepted+m[1], decode.Options{}); !errors.Is(err, decode.ErrBreaches) || !strings.Contains(got, "deflate-corrupt") {
		t.Errorf("behind a handshake: %q, %v", got, err)
	}
}

func TestJSON(t *testing.T) {
	out, err := run("\x81\x05Hello\x82\x02\x00\xff\x88\x02\x03\xed", decode.Options{JSON: true})
	if !errors.Is(err, decode.ErrBreaches) {
		t.Error(err)
	}
	var got []string
	lines := json.NewDecoder(strings.NewReader(out))
	for {
		var f struct {
			Opcode, Length, Text, Hex string
			CloseCode                 int
			Breaches                  []struct{ Rule string }
		}
		if err := lines.Decode(&f); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(f))
	}
	want := "[{text 5 Hello  0 []} {binary 2  00ff 0 []} {close 2   1005 [{close-code-invalid}]}]"
	if fmt.Sprint(got) != want {
		t.Errorf("%v, want %v", got, want)
	}
}

// No byte is changed on its way into JSON: what is not UTF-8 by itself is in hex, which
// legal fragments of a text may be.
func TestJSONIsLossless(t *testing.T) {
	long := strings.Repeat("ä", 60)
	for in, want := range map[string]string{
		"\x01\x02a\xe2\x80\x02\x82\xac":        `"hex":"61e2","whole":true} "hex":"82ac","whole":true}`,
		"\x81\x02a\xff":                        `"hex":"61ff","whole":true,"breaches"`,
		"\x81\x03\xef\xbf\xbd":                 `"text":"` + "\ufffd" + `","whole":true}`,
		"\x81\x78" + long:                      `"text":"` + long[:98] + `","whole":false}`, // 99 are shown
		"\x88\x05\x03\xe8bye":                  `"text":"bye","whole":true,"closeCode":1000}`,
		"\x88\x03\x03\xe8\xff":                 `"hex":"ff","whole":true,"closeCode":1000,"breaches"`,
		"\x89\x01\xff":                         `"hex":"ff","whole":true}`,
		"\x89\x04\xc2\x9b\xc2\x80\x8a\x01\x7f": `"text":"\u009b\u0080","whole":true} "text":"\u007f","whole":true}`,
	} {
		got, _ := run(in, decode.Options{JSON: true, Payload: 99})
		var shown []string
		for line := range strings.Lines(got) {
			_, rest, _ := strings.Cut(strings.TrimSpace(line), `"length":`)
			_, rest, _ = strings.Cut(rest, ",")
			rest, _, _ = strings.Cut(rest, `:[`)
			shown = append(shown, rest)
		}
		if strings.Join(shown, " ") != want {
			t.Errorf("%q: %s, want %s", in, strings.Join(shown, " "), want)
		}
	}
}

func TestLongStreamTakesLittleMemory(t *testing.T) {
	// A frame of 1 GiB, and one behind it.
	in := io.MultiReader(strings.NewReader("\x82\x7f\x00\x00\x00\x00\x40\x00\x00\x00"), io.LimitReader(zeros{}, 1<<30), strings.NewReader("\x89\x00"))
	var out bytes.Buffer
	if err := decode.Run(in, &out, decode.Options{Format: "binary", Payload: 4}); err != nil || !strings.Contains(out.String(), "@1073741834 server ping") {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// A frame is printed when it is there, not when more comes.
func TestLive(t *testing.T) {
	for _, c := range []struct{ send, want string }{
		{"\x89\x00", "@0      server ping FIN length 0\n"},
		{hello, "@0      client text FIN mask 37fa213d length 5\n        \"Hello\"\n"},
		{"8185 37fa213d 7f9f4d5158\n", "@0      client text FIN mask 37fa213d length 5\n        \"Hello\"\n"},
		{"gQVIZWxsbw==\n", "@0      server text FIN length 5\n        \"Hello\"\n"},
		{getting, got},
		{asking, asked},
		{lengthy("HTTP/1.1 200 OK", "page"), answered},
		{chunky("HTTP/1.1 200 OK", "page") + accepting, answered + accepted},
		{"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x00", "server handshake: \"HTTP/1.1 101 x\"\n@0      server text FIN length 0\n"},
	} {
		in, feed := io.Pipe()
		shown, out := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			ended <- decode.Run(in, out, decode.Options{Payload: 10})
			out.Close()
		}()
		go io.WriteString(feed, c.send)
		got := make([]byte, len(c.want))
		if _, err := io.ReadFull(shown, got); err != nil || string(got) != c.want {
			t.Errorf("%q: %q, %v", c.send, got, err)
		}
		feed.Close()
		if err := <-ended; err != nil && !strings.Contains(err.Error(), "no WebSocket was found") {
			t.Errorf("%q: %v", c.send, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// FuzzRun: no input makes it fail, and however it comes in pieces, the output is
// the same.
func FuzzRun(f *testing.F) {
	f.Add([]byte(hello), true)
	f.Add([]byte("81 05 48656c6c6f"), false)
	f.Add([]byte("HTTP/1.1 101 x\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"), true)
	f.Add([]byte("gQ==\nBUg=\nZWxsbw"), false)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\nHTTP/1.1 101 x\r\n\r\n\x89\x83abcd"), false)
	f.Add([]byte("00000000: 8105 4865 6c6c 6f    ..Hello\n"), false)
	f.Add([]byte(lengthy("POST /in HTTP/1.1", asking+hello)+getting+withOffer(asking)+asking+hello), true)
	f.Add([]byte(chunky("HTTP/1.1 200 OK", accepting)+"HTTP/1.1 204 No\r\n\r\n"+refusing+accepting+hi), false)
	f.Add([]byte("HEAD / HTTP/1.1\r\n\r\n"+answering+asking+refusing+asking+accepting+"\xc3\x01a"), true)
	f.Add([]byte("CONNECT a HTTP/1.1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"+asking+"\r\nno field\r\n\r\n\x01\x02a\xe2\x80\x02\x82\xac"), true)
	f.Fuzz(func(t *testing.T, in []byte, asJSON bool) {
		o := decode.Options{Payload: 50, JSON: asJSON, MaxMessageSize: 1 << 20}
		var whole, pieces bytes.Buffer
		err := decode.Run(bytes.NewReader(in), &whole, o)
		again := decode.Run(iotest.OneByteReader(bytes.NewReader(in)), &pieces, o)
		if whole.String() != pieces.String() || fmt.Sprint(err) != fmt.Sprint(again) {
			t.Fatalf("whole: %q, %v; byte by byte: %q, %v", whole.String(), err, pieces.String(), again)
		}
		if asJSON {
			countBytes(t, whole.String())
		}
	})
}

// countBytes fails when a frame that is shown whole has not as many bytes as it says.
func countBytes(t *testing.T, lines string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		var f struct {
			Length            string
			Text, Hex         *string
			Whole, Compressed bool
			CloseCode         *int
		}
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if !f.Whole || f.Compressed {
			continue
		}
		size := 0
		if f.CloseCode != nil {
			size = 2
		}
		if f.Text != nil {
			size += len(*f.Text)
		} else {
			size += len(*f.Hex) / 2
		}
		if strconv.Itoa(size) != f.Length {
			t.Fatalf("%d bytes are shown: %s", size, line)
		}
	}
}

// Tests of the guard, and of a broker that keeps to no protocol.

package nats

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reading is a connection from which this is read, in pieces of a size.
type reading struct {
	net.Conn
	rest  []byte
	piece int
}

func (r *reading) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.piece)], r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *reading) Close() error { return nil }

const legal = "INFO {\"server_id\":\"x\"}\r\nPING\r\nPONG\r\n+OK\r\n-ERR 'Permissions Violation'\r\n" +
	"MSG a.b 1 5\r\nhello\r\nMSG a.b 1 reply.to 0\r\n\r\nHMSG a 12 12 14\r\nNATS/1.0\r\n\r\nhi\r\nMSG a 1 2\r\n\r\n\r\nPING\r\n"

func TestGuardPassesWhatIsLegal(t *testing.T) {
	for piece := 1; piece <= len(legal); piece++ {
		got, err := io.ReadAll(&guard{Conn: &reading{rest: []byte(legal), piece: piece}})
		if err != nil || string(got) != legal {
			t.Fatalf("in pieces of %d: %v, %q", piece, err, got)
		}
	}
}

var illegal = []string{
	"MSG a 1 9999999999999999999\r\n", "MSG a 1 99999999\r\n", "MSG a 1 2097153\r\n", "MSG a 1 -1\r\n", "MSG a 1\r\n", "MSG\r\n", "MSG a 1 x\r\n",
	"MSG a 1 2\r\nlong\r\n", "MSG a 1 2\r\nok\n\n", "msg a 1 2\r\nok\r\n", "MSG\ta 1 2\r\nok\r\n", "MSG a 1 b c d 2\r\n", "MSG a 1 2\nok\r\n",
	"PING\n", "PI\rNG\r\n", "\r\n", "\n", "HELO\r\n", "PUB a 1\r\nx\r\n", "HTTP/1.1 200 OK\r\n", "\x00\x00\r\n", strings.Repeat("x", maxBrokerLine+1),
	"INFO " + strings.Repeat("x", maxBrokerLine) + "\r\n", "HMSG a 1 0\r\n",
}

func TestGuardRefuses(t *testing.T) {
	for _, text := range illegal {
		for _, before := range []string{"", legal} {
			for _, piece := range []int{1, 7, 1 << 20} {
				got, err := io.ReadAll(&guard{Conn: &reading{rest: []byte(before + text), piece: piece}})
				if !errors.Is(err, errBroker) || len(got) > len(before)+len(text) {
					t.Errorf("%.40q after %d bytes, in pieces of %d: %v", text, len(before), piece, err)
				}
			}
		}
	}
}

func FuzzGuard(f *testing.F) {
	f.Add([]byte(legal), 3)
	for _, text := range illegal[:20] {
		f.Add([]byte(text), 2)
	}
	f.Fuzz(func(t *testing.T, b []byte, piece int) {
		whole, err := io.ReadAll(&guard{Conn: &reading{rest: b, piece: len(b) + 1}})
		if err == nil && !bytes.Equal(whole, b) {
			t.Errorf("%q became %q", b, whole)
		}
		_, err2 := io.ReadAll(&guard{Conn: &reading{rest: b, piece: max(1, piece%100)}})
		if (err == nil) != (err2 == nil) {
			t.Errorf("whole %v, in pieces %v", err, err2)
		}
	})
}

// TestBrokerThatLies: whatever a broker says, the instance lives, tries again, and ends.
func TestBrokerThatLies(t *testing.T) {
	const greeting = `INFO {"server_id":"x","version":"2.0.0","proto":1,"max_payload":1048576,"headers":true}` + "\r\n"
	lies := []string{"", "hello\r\n", "INFO\r\n", "INFO {}\r\n", `INFO {"max_payload":-1}` + "\r\n" + "PONG\r\n", "INFO " + strings.Repeat("x", 1<<17)}
	for _, lie := range illegal {
		lies = append(lies, greeting+"PONG\r\n"+lie)
	}
	lies = append(lies, greeting+"PONG\r\n"+strings.Repeat("PING\r\n", 10000), greeting+"PONG\r\n"+strings.Repeat("-ERR 'x\x1b[31m'\r\n", 1000),
		greeting+"PONG\r\n"+strings.Repeat("MSG framescope.main.all 1 3\r\nabc\r\n", 10000), greeting+"PONG\r\n"+"HMSG a 1 10 12\r\nxxxxxxxxxxxx\r\n",
		greeting+"-ERR 'Maximum Connections Exceeded'\r\n", greeting+"PONG\r\n"+`INFO {"connect_urls":["127.0.0.1:1","127.0.0.1:2"],"max_payload":0}`+"\r\n")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan int)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, lies[n%len(lies)])
			_ = c.(*net.TCPConn).CloseWrite()
			_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
			select {
			case heard <- n:
			default:
			}
		}
	}()
	cluster, err := ParseURL("nats://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	h, err := connect(Options{Cluster: cluster, Log: slog.New(slog.NewTextHandler(&log, nil)), Beat: 10 * time.Millisecond}, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	topic := h.Join("room", newCalls())
	for <-heard < 2*len(lies) {
		topic.Publish([]byte("x"))
	}
	l.Close()
	<-ended
	h.Close()
	if bytes.ContainsAny(log.Bytes(), "\x1b\x00") {
		t.Error("control characters are logged")
	}
	if n := bytes.Count(log.Bytes(), []byte("\n")); n > 20*len(lies) {
		t.Errorf("%d lines are logged", n)
	}
}

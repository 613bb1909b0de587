// The upgrade under a real server: which request becomes the capture, and where its frames begin.

package tap_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"framescope/protocol"
	"framescope/protocol/feed"
	"framescope/server/tap"
)

// request is a handshake by hand.
const request = "GET /echo HTTP/1.1\r\nHost: %h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

func TestKeepAliveAndEarlyFrames(t *testing.T) {
	frames, host := tapped(t, tap.Options{Snap: 100, History: 1 << 20})
	nc, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	// Two plain requests and the handshake on one connection, frames right behind.
	plain := "GET /plain HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
	io.WriteString(nc, plain)
	buf := make([]byte, 4096)
	nc.Read(buf)
	shake := strings.Replace(request, "%h", host, 1)
	io.WriteString(nc, plain+shake+"\x81\x82\x00\x00\x00\x00hi\x88\x80\x00\x00\x00\x00")
	io.Copy(io.Discard, nc)
	nc.Close()
	all := collect(t, frames)
	all.until(closed)
	if heads := all.of(feed.Head, protocol.Client); string(heads[0].Data) != shake {
		t.Errorf("request head %q", heads[0].Data)
	}
	in := all.of(feed.Frame, protocol.Client)
	if len(in) != 2 || string(in[0].Data) != "\x81\x82\x00\x00\x00\x00hi" {
		t.Errorf("client's frames: %v", in)
	}
	if out := all.of(feed.Frame, protocol.Server); len(out) != 2 || string(out[0].Data) != "\x81\x02hi" {
		t.Errorf("server's frames: %v", out)
	}
}

func TestRefusedHandshakeIsRecorded(t *testing.T) {
	frames, host := tapped(t, tap.Options{Snap: 100, History: 1 << 20})
	_, _, err := gorilla.DefaultDialer.Dial("ws://"+host+"/echo", http.Header{"Origin": {"http://evil.example"}})
	if err == nil {
		t.Fatal("accepted")
	}
	all := collect(t, frames)
	all.until(closed)
	if heads := all.of(feed.Head, protocol.Server); len(heads) == 0 || !bytes.HasPrefix(heads[0].Data, []byte("HTTP/1.1 403 ")) {
		t.Errorf("response heads: %v", heads)
	}
	if in := all.of(feed.Frame, protocol.Client); len(in) != 0 {
		t.Errorf("frames: %v", in)
	}
}

// Bytes that look like the request, in its own fields or in frames after it, are not the request.
func TestRequestThatIsRepeated(t *testing.T) {
	frames, host := tapped(t, tap.Options{Snap: 100, History: 1 << 20})
	again := "GET /echo HTTP/1.1\r\nHost: victim\r\n\r\n"
	frame := string([]byte{0x81, 0x80 | byte(len(again)), 0, 0, 0, 0}) + again
	nc, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	asked := strings.Replace(strings.Replace(request, "%h", host, 1), "\r\n\r\n", "\r\nX-Log: GET /echo HTTP/1.1\r\n\r\n", 1)
	io.WriteString(nc, asked+frame+frame+"\x88\x80\x00\x00\x00\x00")
	io.Copy(io.Discard, nc)
	nc.Close()
	all := collect(t, frames)
	all.until(closed)
	if heads := all.of(feed.Head, protocol.Client); string(heads[0].Data) != asked {
		t.Errorf("the head is %q", heads[0].Data)
	}
	if in := all.of(feed.Frame, protocol.Client); len(in) != 3 || !strings.HasSuffix(string(in[1].Data), again) {
		t.Errorf("%d frames", len(in))
	}
}

// ask sends requests one after the other on one connection, and a frame at last.
func ask(t *testing.T, host string, requests ...string) {
	t.Helper()
	nc, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	r := bufio.NewReader(nc)
	for _, request := range requests {
		io.WriteString(nc, strings.Replace(request, "%h", host, 1))
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != 101 {
			io.Copy(io.Discard, response.Body)
		}
	}
	io.WriteString(nc, "\x88\x80\x00\x00\x00\x00")
	io.Copy(io.Discard, r)
}

// Whatever a connection was used for before, a handshake is recorded, and alone.
func TestHandshakeOnAConnectionThatWasUsed(t *testing.T) {
	post := "POST /plain HTTP/1.1\r\nHost: %h\r\nContent-Length: 14\r\n\r\nan\r\n\r\nodd body"
	refused := strings.Replace(request, "GET /echo", "GET /refused", 1)
	frames, host := tapped(t, tap.Options{Snap: 100, History: 1 << 20})
	ask(t, host, post, post, request)
	ask(t, host, refused, post, refused, request)
	all := collect(t, frames)
	all.until(func(r feed.Record) bool { return closed(r) && r.Conn == 4 })
	var lines []string
	for _, head := range all.of(feed.Head, protocol.Client) {
		line, _, _ := strings.Cut(string(head.Data), " HTTP")
		lines = append(lines, fmt.Sprint(head.Conn, " ", line))
	}
	if want := []string{"1 GET /echo", "2 GET /refused", "3 GET /refused", "4 GET /echo"}; !slices.Equal(lines, want) {
		t.Errorf("handshakes %q, want %q", lines, want)
	}
	if n := len(all.of(feed.Frame, protocol.Client)); n != 2 {
		t.Errorf("%d frames, want 2", n)
	}
	ended := 0
	for _, r := range all.records {
		if closed(r) {
			ended++
		}
	}
	if ended != 4 {
		t.Errorf("%d captures ended, of 4", ended)
	}
}

func TestPipelinedRequests(t *testing.T) {
	frames, host := tapped(t, tap.Options{Snap: 100, History: 1 << 20})
	nc, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	plain := "GET /plain HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
	shake := strings.Replace(request, "%h", host, 1)
	io.WriteString(nc, plain+plain+shake+"\x81\x84\x00\x00\x00\x00a\n\nb\x88\x80\x00\x00\x00\x00")
	io.Copy(io.Discard, nc)
	nc.Close()
	all := collect(t, frames)
	all.until(closed)
	if heads := all.of(feed.Head, protocol.Client); string(heads[0].Data) != shake {
		t.Errorf("request head %q", heads[0].Data)
	}
	if in := all.of(feed.Frame, protocol.Client); len(in) != 2 || string(in[0].Data[6:]) != "a\n\nb" {
		t.Errorf("client's frames: %v", in)
	}
}

// say sends everything on one connection and returns all that comes back.
func say(t *testing.T, host string, pieces ...string) string {
	t.Helper()
	nc, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for _, piece := range pieces {
		if _, err := io.WriteString(nc, strings.ReplaceAll(piece, "%h", host)); err != nil {
			break // refused before all of it was sent
		}
	}
	back, _ := io.ReadAll(nc)
	return string(back)
}

const lastFrame = "\x88\x80\x00\x00\x00\x00"

// What a body holds is no handshake, whatever it looks like: not with the key of the
// real one, not behind a chunk, not in a trailer's place.
func TestBodiesAreNoHandshakes(t *testing.T) {
	forged := strings.Replace(request, "\r\n\r\n", "\r\nOrigin: http://victim.example\r\n\r\n", 1) + "\x81\x85\x00\x00\x00\x00never"
	length := func(body string) string {
		return fmt.Sprintf("POST /plain HTTP/1.1\r\nHost: %%h\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	// "%h" is not replaced inside the bodies, whose length would change.
	forged = strings.ReplaceAll(forged, "%h", "victim")
	chunked := fmt.Sprintf("POST /plain HTTP/1.1\r\nHost: %%h\r\nTransfer-Encoding: chunked\r\n\r\n%x;x=1\r\n%s\r\n5\r\nHello\r\n0\r\nX: y\r\n\r\n", len(forged), forged)
	for name, pieces := range map[string][]string{
		"length":               {length(forged) + request + lastFrame},
		"in pieces":            {length(forged)[:100], length(forged)[100:], request, lastFrame},
		"many":                 {strings.Repeat(length(strings.Repeat(forged, 200)), 5), request + lastFrame},
		"chunks":               {chunked + request + lastFrame},
		"chunks in pieces":     {chunked[:70], chunked[70:90], chunked[90:], request, lastFrame},
		"several on one":       {length(forged) + chunked + length("") + chunked, chunked + request + lastFrame},
		"body of a refused":    {strings.Replace(length(forged), "POST /plain", "GET /refused", 1), chunked, request + lastFrame},
		"of a refused upgrade": {strings.Replace(strings.Replace(length(forged), "POST /plain", "GET /refused", 1), "\r\n", "\r\nUpgrade: websocket\r\n", 1), request + lastFrame},
	} {
		t.Run(name, func(t *testing.T) {
			frames, host := tapped(t, tap.Options{Snap: 100, History: 1 << 20})
			say(t, host, pieces...)
			all := collect(t, frames)
			all.until(func(r feed.Record) bool { return closed(r) && r.Side != feed.UnknownSide })
			heads := all.of(feed.Head, protocol.Client)
			if got, want := string(heads[len(heads)-1].Data), strings.Replace(request, "%h", host, 1); got != want {
				t.Errorf("the handshake is %q", got)
			}
			if in := all.of(feed.Frame, protocol.Client); len(in) != 1 || string(in[0].Data) != lastFrame {
				t.Errorf("frames: %v", in)
			}
		})
	}
}

// Bodies that hold the request line thousands of times cost no more than their bytes.
func TestHandshakeIsNotSearchedFor(t *testing.T) {
	frames, host := tapped(t, tap.Options{Snap: 100, History: 1 << 20})
	body := strings.Repeat("GET /echo HTTP/1.1\r\n", 3300) + "\r\n"
	post := fmt.Sprintf("POST /plain HTTP/1.1\r\nHost: %%h\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	say(t, host, post+request+lastFrame)
	runtime.ReadMemStats(&after)
	collect(t, frames).until(closed)
	if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
		t.Errorf("%d bytes of memory for a body of %d", took, len(body))
	}
}

// A request whose place is in doubt becomes no WebSocket, and the capture holds none.
func TestDoubtfulRequestIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ sent, says string }{
		"both framings":      {"POST /plain HTTP/1.1\r\nHost: %h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + request, "Transfer-Encoding and Content-Length are both there (RFC 9112 6.1)"},
		"in the request":     {strings.Replace(request, "\r\n", "\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", 1) + "0\r\n\r\n", "Transfer-Encoding and Content-Length"},
		"folded framing":     {"POST /plain HTTP/1.1\r\nHost: %h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + request, "goes on in a second line"},
		"folded key":         {strings.Replace(request, "Key: ", "Key:\r\n ", 1), "reads another request"},
		"two keys in one":    {strings.Replace(request, "Upgrade: websocket", "X: y\r\n Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nUpgrade: websocket", 1) + lastFrame, ""},
		"head of 100 KiB":    {strings.Replace(request, "\r\n", "\r\nX: "+strings.Repeat("x", 100<<10)+"\r\n", 1), "longer than the 72 KiB"},
		"a long one before":  {"GET /plain HTTP/1.1\r\nHost: %h\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n\r\n" + request, "longer than the 72 KiB"},
		"upgrade to HTTP/2":  {"PRI * HTTP/2.0\r\n\r\n" + request, ""},
		"an unknown version": {strings.Replace(request, "HTTP/1.1", "HTTP/3.0", 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			frames, host := tapped(t, tap.Options{Snap: 100, History: 1 << 20})
			back := say(t, host, c.sent)
			if c.says != "" && (!strings.Contains(back, "HTTP/1.1 400 ") || !strings.Contains(back, c.says) || !strings.Contains(back, "Connection: close")) {
				t.Errorf("the answer is %q", back)
			}
			if c.says == "" && strings.Contains(back, " 101 ") {
				return // accepted, and recorded: other tests see to that
			}
			frames.Wrap(sink{}, protocol.Server).Close()
			all := collect(t, frames)
			all.until(closed)
			for _, r := range all.records {
				if r.Conn > 1 || r.Kind == feed.Head {
					t.Errorf("recorded: %+v", r)
				}
			}
		})
	}
}

// Whatever head net/http takes, the tap holds.
func TestLongestHead(t *testing.T) {
	frames, host := tapped(t, tap.Options{Snap: 100, History: 16 << 20}, func(s *http.Server) { s.MaxHeaderBytes = 64 << 10 })
	before := "GET /plain HTTP/1.1\r\nHost: %h\r\n\r\n"
	accepted := 0
	for size := 60 << 10; ; size += 500 {
		head := strings.Replace(request, "\r\n", "\r\nX: "+strings.Repeat("x", size)+"\r\n", 1)
		back := say(t, host, before+head+lastFrame)
		if strings.Contains(back, " 431 ") {
			break
		}
		if accepted++; !strings.Contains(back, " 101 ") {
			t.Fatalf("with %d bytes: %q", len(head), back)
		}
	}
	all := collect(t, frames)
	all.until(func(r feed.Record) bool { return closed(r) && r.Conn == uint32(accepted) })
	if heads := all.of(feed.Head, protocol.Client); len(heads) != accepted || accepted < 10 || len(heads[accepted-1].Data) < 64<<10 {
		t.Errorf("%d heads of %d that were accepted", len(heads), accepted)
	}
}

// Early hints, OPTIONS * and a refusal that looks like an acceptance lie before the
// handshake; the feed's own connections are not recorded, but what asks there in vain
// may ask elsewhere.
func TestWhatStandsBeforeTheHandshake(t *testing.T) {
	to := func(path string) string { return strings.Replace(request, "/echo", path, 1) }
	frame := "\x82\x80\x00\x00\x00\x00"
	notWebSocket := strings.Replace(to("/ignored"), "Version: 13", "Version: 7", 1)
	options := "OPTIONS * HTTP/1.1\r\nHost: %h\r\n\r\n"
	for name, c := range map[string]struct {
		sent string
		want []string // records in order
	}{
		"early hints": {to("/hinted") + frame + lastFrame, []string{"open", "GET /hinted", "101", "82", "88", "82", "88", "closed"}},
		"options":     {options + request + lastFrame, []string{"open", "GET /echo", "101", "88", "88", "closed"}},
		"refused":     {to("/refused") + to("/refused") + request + lastFrame, []string{"open", "GET /refused", "403", "closed", "open", "GET /refused", "403", "closed", "open", "GET /echo", "101", "88", "88", "closed"}},
		"ignored":     {to("/ignored") + lastFrame, nil},
		"not ignored": {notWebSocket, nil},
		"later":       {to("/shy") + to("/shy") + request + lastFrame, []string{"open", "GET /echo", "101", "88", "88", "closed"}},
		"body":        {strings.Replace(to("/any"), "\r\n", "\r\nContent-Length: 6\r\n", 1) + frame + lastFrame, []string{"open", "GET /any", "101", "88", "8a", "closed"}},
		"late body":   {strings.Replace(to("/any"), "\r\n", "\r\nTransfer-Encoding: chunked\r\n", 1) + "6\r\n" + frame + "\r\n0\r\n\r\n" + lastFrame, []string{"open", "GET /any", "101", "88", "8a", "closed"}},
		"broken body": {strings.Replace(to("/any"), "\r\n", "\r\nTransfer-Encoding: chunked\r\n", 1) + lastFrame + lastFrame, []string{"open", "GET /any", "101", "8a", "closed"}},
	} {
		t.Run(name, func(t *testing.T) {
			frames, host := tapped(t, tap.Options{Snap: 100, History: 1 << 20})
			nc, err := net.Dial("tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(nc, strings.ReplaceAll(c.sent, "%h", host))
			nc.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, nc)
			nc.Close()
			if got := recorded(t, frames, c.want); !slices.Equal(got, c.want) {
				t.Errorf("%s:\n got %q\nwant %q", name, got, c.want)
			}
		})
	}
}

// recorded names the records up to the last end of a connection that is wanted.
func recorded(t *testing.T, frames *tap.Tap, want []string) (names []string) {
	t.Helper()
	ends := 0
	for _, name := range want {
		if name == "closed" {
			ends++
		}
	}
	if ends == 0 {
		frames.Wrap(sink{}, protocol.Server).Close()
	}
	all := collect(t, frames)
	for left := max(ends, 1); left > 0; {
		all.until(closed)
		left = max(ends, 1)
		for _, r := range all.records {
			if closed(r) {
				left--
			}
		}
	}
	for _, r := range all.records {
		switch r.Kind {
		case feed.Open:
			names = append(names, "open")
		case feed.Closed:
			names = append(names, "closed")
		case feed.Frame:
			names = append(names, fmt.Sprintf("%x", r.Data[0]))
		case feed.Head:
			words := strings.Fields(string(r.Data))
			if r.Side == protocol.Server {
				names = append(names, words[1])
			} else {
				names = append(names, words[0]+" "+words[1])
			}
		}
	}
	if ends == 0 && slices.Equal(names, []string{"open", "closed"}) {
		return nil
	}
	return names
}

func TestOptionsOfTheServer(t *testing.T) {
	_, host := tapped(t, tap.Options{})
	back := say(t, host, "OPTIONS * HTTP/1.1\r\nHost: %h\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(back, "HTTP/1.1 200 OK\r\n") || !strings.Contains(back, "Content-Length: 0\r\n") {
		t.Errorf("the answer is %q", back)
	}
}

// A tap whose server was not attached knows of no request: that is reported, not ignored.
func TestServerThatIsNotAttached(t *testing.T) {
	frames := tap.New(tap.Options{})
	handler := frames.Handler(0, http.NotFoundHandler())
	attached := &http.Server{Handler: handler}
	tap.Attach(attached)
	l := frames.Listener(&oneListener{nc: sink{}})
	nc, _ := l.Accept()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Upgrade", "websocket")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r.WithContext(attached.ConnContext(t.Context(), nc)))
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "tap.Attach") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// FuzzUpgrade: whatever net/http takes for a request for a WebSocket is recorded as
// that request, or refused.
func FuzzUpgrade(f *testing.F) {
	host := "Host: a\r\n"
	shake := strings.Replace(request, "Host: %h\r\n", host, 1)
	for _, before := range []string{
		"", "\r\n", "GET / HTTP/1.1\r\n" + host + "\r\n", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n",
		"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nHello\r\n",
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\nX: y\n\n",
		"POST / HTTP/1.0\r\n" + host + "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		f.Add(before+shake+"\x81\x80", 10)
		f.Add(before+strings.Replace(shake, "Key: ", "Key:\r\n ", 1), 100)
		f.Add(before+shake+before+shake, 1000)
	}
	f.Fuzz(func(t *testing.T, sent string, cut int) {
		frames := tap.New(tap.Options{Snap: 100, History: 1 << 20})
		watcher, err := frames.Watch(nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer watcher.Close()
		all := &collector{t: t, watcher: watcher}
		checked := frames.Handler(0, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer http.Error(w, "seen", http.StatusForbidden)
			if !protocol.HasToken(r.Header.Values("Upgrade"), "websocket") {
				return
			}
			all.until(func(r feed.Record) bool { return r.Kind == feed.Head && r.Side == protocol.Client })
			head := all.records[len(all.records)-1].Data
			said, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
			if err != nil || said.Method != r.Method || said.RequestURI != r.RequestURI || said.Host != r.Host || !maps.EqualFunc(said.Header, r.Header, slices.Equal) {
				t.Errorf("the handler sees %s %s %s %v, the capture has %q, %v", r.Method, r.RequestURI, r.Host, r.Header, head, err)
			}
		}))
		server := &http.Server{Handler: checked, ErrorLog: log.New(io.Discard, "", 0)}
		tap.Attach(server)
		at := max(cut, 0) % (len(sent) + 1)
		nc := &scriptedConn{said: io.MultiReader(strings.NewReader(sent[:at]), strings.NewReader(sent[at:])), closed: make(chan struct{})}
		l := &oneListener{nc: nc}
		server.Serve(frames.Listener(l)) // ends when it asks for a second one
		<-nc.closed
	})
}

// scriptedConn says what it is to say, and nothing more; what it hears is lost.
type scriptedConn struct {
	sink
	said   io.Reader
	once   sync.Once
	closed chan struct{}
}

func (c *scriptedConn) Read(b []byte) (int, error)       { return c.said.Read(b) }
func (c *scriptedConn) LocalAddr() net.Addr              { return c.RemoteAddr() }
func (c *scriptedConn) SetDeadline(time.Time) error      { return nil }
func (c *scriptedConn) SetReadDeadline(time.Time) error  { return nil }
func (c *scriptedConn) SetWriteDeadline(time.Time) error { return nil }
func (c *scriptedConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// oneListener accepts one connection.
type oneListener struct {
	nc       net.Conn
	accepted bool
}

func (l *oneListener) Accept() (net.Conn, error) {
	if l.accepted {
		return nil, net.ErrClosed
	}
	l.accepted = true
	return l.nc, nil
}

func (l *oneListener) Close() error   { return nil }
func (l *oneListener) Addr() net.Addr { return l.nc.RemoteAddr() }

// Tests of the measured costs against what the protocols say, and of who may ask for what.

package transports_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"framescope/server/transports"
	"framescope/server/websocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(transports.New(&websocket.Policy{}, slog.New(slog.NewTextHandler(t.Output(), nil))))
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		s.Close()
	})
	return s.URL
}

func get(t *testing.T, url string, fields map[string]string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range fields {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	p, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(p)
}

// measured returns the rows by their ids.
func measured(t *testing.T, server, text string, fields map[string]string) map[string]transports.Row {
	t.Helper()
	status, body := get(t, server+"/?text="+url.QueryEscape(text), fields)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	var report transports.Report
	if err := json.Unmarshal([]byte(body), &report); err != nil {
		t.Fatal(err)
	}
	if want := runtime.GOOS == "linux"; report.Packets != want || report.Text != text || report.Bytes != len(text) {
		t.Errorf("the report is of %q, %d bytes, packets %v", report.Text, report.Bytes, report.Packets)
	}
	rows := map[string]transports.Row{}
	var order []string
	for _, row := range report.Transports {
		rows[row.ID] = row
		order = append(order, row.ID)
	}
	if got := strings.Join(order, " "); got != "udp tcp websocket websocket-deflate socketio http" {
		t.Errorf("the transports are %s", got)
	}
	return rows
}

func TestBytes(t *testing.T) {
	server := serve(t)
	for _, text := range []string{"hello", "grüße <&> \"quoted\"", strings.Repeat("x", 200), strings.Repeat("y", 4096)} {
		rows := measured(t, server, text, nil)
		n := int64(len(text))
		header := int64(2)
		if n > 125 {
			header = 4
		}
		packet, err := json.Marshal([]string{"message", text})
		if err != nil {
			t.Fatal(err)
		}
		event := int64(len("42")+len(packet)) - 5*int64(strings.Count(text, "<")+strings.Count(text, ">")+strings.Count(text, "&"))
		eventHeader := int64(2)
		if event > 125 {
			eventHeader = 4
		}
		for _, want := range []struct {
			id       string
			up, down int64
		}{
			{"udp", n, n},
			{"tcp", n + 1, n + 1},
			{"websocket", n + header + 4, n + header},
			{"socketio", event + eventHeader + 4, event + eventHeader},
		} {
			row := rows[want.id]
			if row.Send.Up.Bytes != want.up || row.Receive.Down.Bytes != want.down || row.Send.Down.Bytes+row.Receive.Up.Bytes != 0 {
				t.Errorf("%s, %d bytes: sent %+v, received %+v; want %d up and %d down", want.id, n, row.Send, row.Receive, want.up, want.down)
			}
		}
		if http := rows["http"]; http.Send.Up.Bytes < n+60 || http.Send.Down.Bytes < 60 || http.Receive.Up.Bytes < 60 || http.Receive.Down.Bytes < n+60 {
			t.Errorf("http: sent %+v, received %+v", http.Send, http.Receive)
		}
		if deflate := rows["websocket-deflate"]; n >= 200 && (deflate.Send.Up.Bytes > n/4 || deflate.Receive.Down.Bytes > n/4) {
			t.Errorf("compressed: sent %+v, received %+v", deflate.Send, deflate.Receive)
		}
		if rows["tcp"].Setup.Up.Bytes != 0 || rows["websocket"].Setup.Up.Bytes < 100 || rows["socketio"].Setup.Down.Bytes <= rows["websocket"].Setup.Down.Bytes {
			t.Errorf("setup: tcp %+v, websocket %+v, socketio %+v", rows["tcp"].Setup, rows["websocket"].Setup, rows["socketio"].Setup)
		}
	}
}

// TestVisitorsFields: the fields of the visitor's request are those that are measured.
func TestVisitorsFields(t *testing.T) {
	server := serve(t)
	long := strings.Repeat("v", 1000)
	fields := map[string]string{"User-Agent": long, "If-None-Match": long, "Content-Language": long, "Upgrade-Insecure-Requests": "1"}
	rows := measured(t, server, "hello", fields)
	for name, bytes := range map[string]int64{
		"a POST": rows["http"].Send.Up.Bytes, "a GET": rows["http"].Receive.Up.Bytes, "a handshake": rows["websocket"].Setup.Up.Bytes,
	} {
		if bytes < 1100 || bytes > 1500 {
			t.Errorf("%s has %d bytes, with 1,000 bytes of User-Agent", name, bytes)
		}
	}
}

func TestRefused(t *testing.T) {
	server := serve(t)
	for _, test := range []struct {
		query  string
		fields map[string]string
		status int
		says   string
	}{
		{"?text=" + strings.Repeat("x", 4097), nil, 400, "4097 bytes"},
		{"?text=a%0Ab", nil, 400, "control character"},
		{"?text=%1b", nil, 400, "control character"},
		{"?text=%ff", nil, 400, "UTF-8"},
		{"?text=%zz", nil, 400, "query"},
		{"", map[string]string{"Origin": "https://evil.example"}, 403, "pages of this server"},
		{"", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, "pages of this server"},
		{"", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": server}, 200, `"text":"hello"`},
	} {
		if status, body := get(t, server+"/"+test.query, test.fields); status != test.status || !strings.Contains(body, test.says) || strings.Count(body, "\n") != 1 {
			t.Errorf("%.40s: %d %.200s, want %d and a line with %q", test.query, status, body, test.status, test.says)
		}
	}
	answer, err := http.Post(server, "text/plain", nil)
	if err != nil || answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "GET" {
		t.Errorf("POST: %v %v", answer, err)
	}
	answer.Body.Close()
}

// TestManyAtOnce: a few measure, the others are told to try again.
func TestManyAtOnce(t *testing.T) {
	server := serve(t)
	var running sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	for range 50 {
		running.Go(func() {
			answer, err := http.Get(server)
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Body.Close()
			_, _ = io.Copy(io.Discard, answer.Body)
			mu.Lock()
			defer mu.Unlock()
			answers[answer.StatusCode]++
		})
	}
	running.Wait()
	if answers[200] == 0 || answers[200]+answers[429] != 50 {
		t.Errorf("the answers are %v", answers)
	}
}

// Tests of --cluster: three servers as processes, a real NATS server, and real clients.

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	broker "github.com/nats-io/nats-server/v2/server"
)

// startBroker runs a NATS server on loopback until the test ends. Port -1 picks a free one.
func startBroker(t testing.TB, port int) *broker.Server {
	t.Helper()
	s, err := broker.NewServer(&broker.Options{Host: "127.0.0.1", Port: port, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { stopBroker(s) })
	if !s.ReadyForConnections(patience) {
		t.Fatal("the broker does not start")
	}
	return s
}

func stopBroker(s *broker.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// clusterMember is a client of a chat room, or of Socket.IO.
type clusterMember struct {
	t    *testing.T
	name string
	*websocket.Conn
}

func joinCluster(t *testing.T, p *process, name string) *clusterMember {
	t.Helper()
	return &clusterMember{t, name, dial(t, p.url, "/ws/chat?room=r&name="+name, "framescope.chat.v1")}
}

func (m *clusterMember) send(text string) {
	m.t.Helper()
	if err := m.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		m.t.Fatalf("%s: %v", m.name, err)
	}
}

// until reads events until one has all of these parts, and returns it.
func (m *clusterMember) until(parts ...string) string {
	m.t.Helper()
	var seen []string
	for {
		_, text, err := m.ReadMessage()
		if err != nil {
			m.t.Fatalf("%s waits for %q: %v after %q", m.name, parts, err, seen)
		}
		missing := false
		for _, part := range parts {
			missing = missing || !bytes.Contains(text, []byte(part))
		}
		if !missing {
			return string(text)
		}
		seen = append(seen, string(text))
	}
}

// TestCluster: rooms, private lines, broadcasts and namespaces cross; an instance that dies and
// a broker that goes away and comes back are announced, and cost no connection.
func TestCluster(t *testing.T) {
	t.Parallel()
	nats := startBroker(t, broker.RANDOM_PORT)
	var servers []*process
	for range 3 {
		servers = append(servers, startProcess(t, "--addr", "127.0.0.1:0", "--cluster", nats.ClientURL()+"/test?secret=hush"))
	}
	ann := joinCluster(t, servers[0], "ann")
	ann.until(`"welcome"`, `"members":["ann"]`)
	bob := joinCluster(t, servers[1], "bob")
	ann.until(`"join"`, `"bob"`)
	cid := joinCluster(t, servers[2], "cid")
	ann.until(`"join"`, `"cid"`)
	bob.until(`"join"`, `"cid"`)
	ann.send(`{"type":"message","text":"to all"}`)
	for _, m := range []*clusterMember{ann, bob, cid} {
		m.until(`"message"`, `"ann"`, `"to all"`)
	}
	ann.send(`{"type":"message","text":"only for cid","to":"cid"}`)
	cid.until(`"private"`, `"from":"ann"`, `"only for cid"`)
	bob.send(`{"type":"message","text":"nothing private"}`)
	if text := bob.until(`"text"`); !strings.Contains(text, "nothing private") {
		t.Errorf("bob got %s", text)
	}
	checkClusterPush(t, servers, []*clusterMember{ann, bob, cid})
	checkClusterSocketIO(t, servers)

	if err := servers[2].cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, m := range []*clusterMember{ann, bob} {
		m.until(`"leave"`, `"cid"`, "out of reach")
	}
	port := brokerPort(t, nats)
	stopBroker(nats)
	ann.until(`"leave"`, `"bob"`, "out of reach")
	bob.until(`"leave"`, `"ann"`, "out of reach")
	for n := range 5 {
		ann.send(fmt.Sprintf(`{"type":"message","text":"alone %d"}`, n))
		ann.until(fmt.Sprintf("alone %d", n))
	}
	startBroker(t, port)
	bob.until(`"error"`, "messages from another server of the chat were lost")
	ann.send(`{"type":"message","text":"together"}`)
	bob.until(`"together"`)

	if err := servers[1].cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := servers[1].wait(t); code != exitDone {
		t.Errorf("exit %d", code)
	}
	ann.until(`"leave"`, `"bob"`)
	for _, p := range servers {
		if log := p.stderr.String(); strings.Contains(log, "hush") || strings.Contains(log, "panic") {
			t.Errorf("the log:\n%s", log)
		}
	}
}

func brokerPort(t *testing.T, s *broker.Server) int {
	t.Helper()
	u, err := url.Parse(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// checkClusterPush: what is posted to one server reaches the connections of all.
func checkClusterPush(t *testing.T, servers []*process, members []*clusterMember) {
	t.Helper()
	var pushes []*websocket.Conn
	for _, p := range servers {
		pushes = append(pushes, dial(t, p.url, "/ws/push"))
	}
	response, err := http.Post(servers[1].url+"api/broadcast", "application/json", strings.NewReader(`{"text":"tea is ready"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s %v", response.Status, body, err)
	}
	for _, c := range pushes {
		if _, text, err := c.ReadMessage(); err != nil || string(text) != "tea is ready" {
			t.Errorf("%q, %v", text, err)
		}
	}
	for _, m := range members {
		m.until(`"operator"`, "tea is ready")
	}
}

// checkClusterSocketIO: what is said in a room of a namespace reaches the sockets of all.
func checkClusterSocketIO(t *testing.T, servers []*process) {
	t.Helper()
	var sockets []*clusterMember
	for i, p := range servers {
		s := &clusterMember{t, fmt.Sprint("socket ", i), dial(t, p.url, "/socket.io/?EIO=4&transport=websocket")}
		s.until(`0{"sid"`)
		s.send("40")
		s.until(`40{"sid"`)
		s.send(`420["join","tea"]`)
		s.until(`430[`)
		sockets = append(sockets, s)
	}
	sockets[0].send(`42["say","tea","is ready"]`)
	for _, s := range sockets[1:] {
		var said []string
		text := s.until(`42["said"`)
		if err := json.Unmarshal([]byte(text[2:]), &said); err != nil || len(said) != 4 || said[1] != "tea" || said[3] != "is ready" {
			t.Errorf("%s got %q", s.name, text)
		}
	}
}

func TestClusterIsRefused(t *testing.T) {
	t.Parallel()
	nats, err := broker.NewServer(&broker.Options{Host: "127.0.0.1", Port: broker.RANDOM_PORT, NoLog: true, NoSigs: true, Authorization: "right"})
	if err != nil {
		t.Fatal(err)
	}
	nats.Start()
	t.Cleanup(func() { stopBroker(nats) })
	if !nats.ReadyForConnections(patience) {
		t.Fatal("the broker does not start")
	}
	for _, test := range []struct {
		url, want string
		code      int
	}{
		{"nats://hush@" + nats.Addr().String(), "refuses this server", exitFailed},
		{"http://hush@h", "--cluster: it is not a broker's URL", exitUsage},
		{"", "the URL is empty", exitUsage},
	} {
		var out, log bytes.Buffer
		cmd := command("serve", "--addr", "127.0.0.1:0", "--cluster", test.url)
		cmd.Stdout, cmd.Stderr = &out, &log
		begun := time.Now()
		_ = cmd.Run() // the code says how it ended
		if text := log.String(); cmd.ProcessState.ExitCode() != test.code || !strings.Contains(text, test.want) || strings.Contains(text, "hush") || strings.Count(text, "\n") != 1 {
			t.Errorf("%s: exit %d after %v, %q", test.url, cmd.ProcessState.ExitCode(), time.Since(begun), text)
		}
	}
}

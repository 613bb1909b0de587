// Tests of --tcp and --udp: the lines that name their ports, and what the flags refuse.

package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestLinesFlags: the chat is at the ports that are printed, and takes operator and broadcasts.
func TestLinesFlags(t *testing.T) {
	p := &process{stderr: &lockedBuffer{}, exited: make(chan struct{})}
	stdout := &lockedBuffer{}
	cmd := command("serve", "--addr", "127.0.0.1:0", "--tcp", ":0", "--udp", "localhost:0", "--operator")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.run(t, cmd, stdout)
	if !stdout.await("chat over UDP on ") {
		t.Fatalf("it prints %q; %s", stdout, p.stderr)
	}
	match := regexp.MustCompile(`(?s)^listening on \S+\nchat over TCP on (127\.0\.0\.1:\d+)\nchat over UDP on (\S+:\d+)\n`).FindStringSubmatch(stdout.String())
	if match == nil {
		t.Fatalf("it prints %q", stdout)
	}
	tcp, err := net.Dial("tcp", match[1])
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.Dial("udp", match[2])
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	if err := tcp.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(tcp)
	await := func(want string) {
		t.Helper()
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("%v; want %q", err, want)
			}
			if strings.Contains(line, want) {
				return
			}
		}
	}
	for _, said := range []struct {
		to         io.Writer
		text, want string
	}{
		{tcp, "tom\n", "welcome"}, {udp, "JOIN uma", "uma joined"}, {udp, "hi", "uma: hi"}, {in, "lunch is ready\n", "lunch is ready"},
	} {
		if _, err := io.WriteString(said.to, said.text); err != nil {
			t.Fatal(err)
		}
		await(said.want)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	await("goodbye: the server is shutting down")
	if code := p.wait(t); code != 0 {
		t.Errorf("exit %d: %s", code, p.stderr)
	}
}

// run starts a command whose output is kept.
func (p *process) run(t *testing.T, cmd *exec.Cmd, stdout io.Writer) {
	t.Helper()
	p.cmd = cmd
	cmd.Stdout, cmd.Stderr = stdout, p.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // the exit code tells whether it failed
		p.code = cmd.ProcessState.ExitCode()
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.exited
	})
}

func TestLinesFlagsRefused(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	takenUDP, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer takenUDP.Close()
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"--tcp 8555", exitUsage, "such as :8555"},
		{"--udp :65536", exitUsage, "such as :8555"},
		{"--udp :nine", exitUsage, "such as :8555"},
		{"--tcp :0 --chat-token " + strings.Repeat("x", 1025), exitUsage, "--chat-token"},
		{"--udp :0 --chat-token " + strings.Repeat("x", 1025), exitUsage, "--chat-token"},
		{"--tcp " + taken.Addr().String(), exitFailed, "another port with --tcp"},
		{"--udp " + takenUDP.LocalAddr().String(), exitFailed, "another port with --udp"},
		{"--tcp 192.0.2.1:0", exitFailed, "another with --tcp"},
	} {
		var stdout, stderr lockedBuffer
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		code := run(ctx, append([]string{"serve", "--addr", "127.0.0.1:0"}, strings.Fields(test.args)...), &stdout, &stderr)
		cancel()
		if code != test.code || !strings.Contains(stderr.String(), test.says) || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%s: exit %d, %q; want %d and a line with %q", test.args, code, stderr.String(), test.code, test.says)
		}
	}
}

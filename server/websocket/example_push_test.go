// Examples of applications that do more than answer: one shows a file, one runs a program.

package websocket_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"framescope/server/websocket"
)

// discardMessages reads until the connection ends, for an application that only writes: it is the
// reader that answers pings and notices that the peer has gone.
func discardMessages(c *websocket.Conn) {
	for {
		if _, _, err := c.NextReader(); err != nil {
			return
		}
	}
}

// replaceFile changes a file at once: nobody reads a part of it.
func replaceFile(name, text string) {
	if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
		panic(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		panic(err)
	}
}

// The server sends a file, and again whenever it has changed. It only writes, so a second goroutine
// reads, and Done says when the connection has ended.
func Example_writeOnly() {
	dir, err := os.MkdirTemp("", "news")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "news.txt")
	replaceFile(file, "first")

	url, stop := serving(func(c *websocket.Conn) {
		go discardMessages(c)
		ticks := time.NewTicker(time.Millisecond) // rather every ten seconds
		defer ticks.Stop()
		for sent := ""; ; {
			text, err := os.ReadFile(file)
			if err == nil && string(text) != sent {
				if c.WriteMessage(websocket.Text, text) != nil {
					return
				}
				sent = string(text)
			}
			select {
			case <-ticks.C:
			case <-c.Done():
				return
			}
		}
	})
	defer stop()
	c := mustDial(url, nil)
	defer c.CloseNow()
	for _, next := range []string{"second", "third"} {
		_, p, err := c.ReadMessage()
		fmt.Println(string(p), err)
		replaceFile(file, next)
	}
	// Output:
	// first <nil>
	// second <nil>
}

// runProgram gives a program each message as a line of its input, and sends each line of its output
// as a message, until one of the two ends.
func runProgram(c *websocket.Conn) {
	program := exec.Command("cat")
	in, err := program.StdinPipe()
	if err != nil {
		return // Handle ends the connection
	}
	out, err := program.StdoutPipe()
	if err != nil || program.Start() != nil {
		return
	}
	go func() {
		defer in.Close() // the peer has gone: the program's input ends
		for {
			_, line, err := c.NextMessage()
			if err != nil {
				return
			}
			_, _ = fmt.Fprintf(in, "%s\n", line) // fails when the program has ended
		}
	}()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		_ = c.WriteMessage(websocket.Text, lines.Bytes()) // fails when the peer has gone
	}
	_ = program.Wait()
	_ = c.Close(websocket.CloseNormal, "the program has ended")
}

// A program of the server that a browser talks to.
func Example_command() {
	url, stop := serving(runProgram)
	defer stop()
	c := mustDial(url, nil)
	for _, line := range []string{"one", "two"} {
		_ = c.WriteMessage(websocket.Text, []byte(line))
		_, p, err := c.ReadMessage()
		fmt.Println(string(p), err)
	}
	fmt.Println(c.Close(websocket.CloseNormal, ""))
	// Output:
	// one <nil>
	// two <nil>
	// <nil>
}

// A test of the development mode, with a server that only says what it was given.

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeServer stands in for ./server: it says its arguments, and ends on a signal.
const fakeServer = `package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	fmt.Println("begun", os.Args[1:])
	<-c
	fmt.Println("ended")
}
`

// said collects what a development session prints, and notifies the test.
type said struct {
	mutex   sync.Mutex
	b       bytes.Buffer
	printed chan<- struct{} // of capacity 1
}

func (s *said) Write(p []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	select {
	case s.printed <- struct{}{}:
	default: // the test has not looked since the last
	}
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.b.String()
}

func TestDevelop(t *testing.T) {
	p := smallPage(t)
	write := func(name, content string) {
		t.Helper()
		if err := writeFile(filepath.Join(p.root, name), []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module framescope\n\ngo 1.26\n")
	write("wasm/main.go", "package main\n\nfunc main() {}\n")
	write("server/main.go", fakeServer)
	if err := os.Mkdir(filepath.Join(p.root, "protocol"), 0o755); err != nil {
		t.Fatal(err)
	}

	printed := make(chan struct{}, 1) // each step prints at its end
	out, errors := said{printed: printed}, said{printed: printed}
	wait := func(what string, holds func() bool) {
		t.Helper()
		tooLong := time.After(time.Minute)
		for !holds() {
			select {
			case <-printed:
			case <-tooLong:
				t.Fatalf("%s: it never comes to that\nstdout:\n%s\nstderr:\n%s", what, &out, &errors)
			}
		}
	}
	index := func() string {
		b, err := os.ReadFile(filepath.Join(p.bin, "dev", indexName))
		if err != nil {
			return ""
		}
		return string(b)
	}
	count := func(word string) int { return strings.Count(out.String(), word) }

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- develop(ctx, p, "127.0.0.1:1", &out, &errors) }()
	wait("the server begins", func() bool { return count("begun") == 1 })
	if want := "begun [serve --addr 127.0.0.1:1 --pages " + filepath.Join(p.bin, "dev") + "]"; !strings.Contains(out.String(), want) {
		t.Errorf("stdout %q, want %q", out.String(), want)
	}

	before := index()
	write("frontend/src/main.css", "body { color: blue }\n")
	wait("the page changes", func() bool { return index() != before })
	before = index()
	write("frontend/src/main.tsx", "const = 1\n")
	wait("an error is told", func() bool { return strings.Contains(errors.String(), "frontend/src/main.tsx:1:7: ") })
	if index() != before {
		t.Error("the page was changed by sources that do not build")
	}
	write("wasm/main.go", "package main\n\nfunc main() { print(1) }\n")
	write("frontend/src/main.tsx", "import worker from 'worker:./worker/worker.ts'\nnew Worker(worker)\n")
	wait("the module changes the page", func() bool { return index() != before && !strings.Contains(index(), "main.css") })
	if count("begun") != 1 {
		t.Error("the server was restarted for a change of the page")
	}
	write("server/main.go", fakeServer+"// changed\n\nvar _ = 1\n")
	wait("the server is restarted", func() bool { return count("begun") == 2 && count("ended") == 1 })

	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if count("ended") != 2 {
		t.Errorf("the server was not ended: %q", out.String())
	}
}

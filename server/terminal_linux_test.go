// A test of what connect writes to a terminal, with a pseudo-terminal of the system.

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// pseudoTerminal opens a pseudo-terminal. What is written to terminal can be read from
// screen.
func pseudoTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	var number, unlocked int32
	for request, value := range map[uintptr]*int32{syscall.TIOCGPTN: &number, syscall.TIOCSPTLCK: &unlocked} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, screen.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatal(errno)
		}
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return screen, terminal
}

func TestMessagesAreEscapedOnATerminalOnly(t *testing.T) {
	url := startEndingServer(t) + "/hostile"
	never, end := io.Pipe()
	defer end.Close()
	if _, stdout, _ := runWithInput(t, t.Context(), never, "connect", url); stdout != hostile+"\n" {
		t.Errorf("a pipe gets %q", stdout)
	}
	screen, terminal := pseudoTerminal(t)
	root := rootCommand()
	root.SetArgs([]string{"connect", url})
	root.SetIn(never)
	root.SetOut(terminal)
	root.SetErr(io.Discard)
	if err := root.ExecuteContext(t.Context()); err == nil {
		t.Error("the server closed with 4000, but connect returned no error")
	}
	if _, err := terminal.WriteString("the end"); err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	for buf := make([]byte, 1024); !strings.Contains(shown.String(), "the end"); {
		n, err := screen.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(buf[:n])
	}
	if got := shown.String(); got != hostileShown+"\r\nthe end" {
		t.Errorf("the terminal gets %q", got)
	}
}

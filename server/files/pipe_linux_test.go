// A test that a named pipe is not opened: that would wait for its other end.

package files_test

import (
	"path/filepath"
	"syscall"
	"testing"
)

func TestPipe(t *testing.T) {
	dir, server := folder(t, map[string]string{"file": ""})
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if response, body := request(t, server, "GET", "/files/pipe"); response.StatusCode != 403 {
		t.Errorf("%d %q", response.StatusCode, body)
	}
}

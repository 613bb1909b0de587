// What the tests have in common.

package socketio_test

import (
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain fails if a goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

// eventually waits until something is so, and tells what is instead after 10 seconds.
func eventually(t *testing.T, so func() bool, what func() any) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after 10 seconds: %v", what())
		}
	}
}

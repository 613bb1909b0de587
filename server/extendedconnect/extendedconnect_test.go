// The setting is there before net/http reads it, and one of the user's is kept.

package extendedconnect

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestSetting(t *testing.T) {
	if os.Getenv("PRINT_GODEBUG") != "" {
		os.Stdout.WriteString("GODEBUG is " + os.Getenv("GODEBUG") + "\n")
		return
	}
	for given, want := range map[string]string{
		"": "http2xconnect=1", "gctrace=0": "gctrace=0,http2xconnect=1",
		"http2xconnect=0": "http2xconnect=0", "gctrace=0,http2xconnect=0": "gctrace=0,http2xconnect=0",
	} {
		c := exec.Command(os.Args[0], "-test.run=^TestSetting$")
		c.Env = append(os.Environ(), "GODEBUG="+given, "PRINT_GODEBUG=1")
		out, err := c.Output()
		if err != nil || !strings.Contains(string(out), "GODEBUG is "+want+"\n") {
			t.Errorf("GODEBUG=%s becomes %q, %v, want %s", given, out, err, want)
		}
	}
}

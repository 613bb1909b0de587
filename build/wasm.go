// Compiling the WASM module. The go command's own cache is the stamp: it hashes what the module is
// made of, and does not link again when nothing changed.

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// compileWASM builds a reactor. Of its compressed size most is Go's runtime; not inlining within the
// runtime alone takes 5 % off (462 instead of 489 KB), not within its maps 2 KB more, and both,
// measured, no speed: our code is inlined, and along the profile of ingesting frames,
// wasm/default.pgo, which the go command takes by itself: calls are dear in WASM, so that makes it
// 20 % faster for 1 KB. `make profile` writes it anew. The collector of Go before 1.26 is 8 KB
// smaller and as fast here, where nearly all memory holds no pointers; Go 1.26 still has it.
func compileWASM(ctx context.Context, p paths) error {
	return goBuild(ctx, p, []string{"GOOS=wasip1", "GOARCH=wasm", "GOEXPERIMENT=nogreenteagc"},
		"-buildmode=c-shared", "-ldflags=-s -w", "-gcflags=runtime=-l", "-gcflags=internal/runtime/maps=-l", "-o", p.wasm(), "./wasm")
}

// goBuild runs `go build`. Its errors already are one line each with file:line; the lines that only
// name a package are dropped.
func goBuild(ctx context.Context, p paths, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-trimpath", "-buildvcs=false"}, args...)...)
	cmd.Dir = p.root
	cmd.Env = append(os.Environ(), env...)
	said, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	var lines []string
	for line := range strings.Lines(string(said)) {
		if !strings.HasPrefix(line, "# ") {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
	}
	if len(lines) == 0 {
		return fmt.Errorf("build: go build %s: %w", strings.Join(args, " "), err)
	}
	return fmt.Errorf("%s", strings.Join(lines, "\n"))
}

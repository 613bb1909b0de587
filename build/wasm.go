// Compiling the WASM module. The go command does not link it again if nothing has changed.

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// compileWASM builds the module as a WASI reactor. Most of its compressed size is Go's
// runtime. Without inlining in the runtime the module is 5 % smaller (462 instead of 489 KB),
// without inlining in the runtime's maps another 2 KB, and measurements show no loss of
// speed. Our own code is inlined, guided by wasm/default.pgo, a profile of ingesting frames,
// which the go command finds by itself: since calls are expensive in WASM, that makes the
// module 20 % faster for 1 KB more. `make profile` renews the profile. The garbage collector
// of Go before 1.26 is 8 KB smaller and as fast here, where nearly all memory contains no
// pointers; Go 1.26 can still select it.
func compileWASM(ctx context.Context, p paths) error {
	return goBuild(ctx, p, []string{"GOOS=wasip1", "GOARCH=wasm", "GOEXPERIMENT=nogreenteagc"},
		"-buildmode=c-shared", "-ldflags=-s -w", "-gcflags=runtime=-l", "-gcflags=internal/runtime/maps=-l", "-o", p.wasm(), "./wasm")
}

// goBuild runs `go build`. The errors that it prints have a line each, with file:line; goBuild
// returns them without the lines that only name a package.
func goBuild(ctx context.Context, p paths, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-trimpath", "-buildvcs=false"}, args...)...)
	cmd.Dir = p.root
	cmd.Env = append(os.Environ(), env...)
	output, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	var lines []string
	for line := range strings.Lines(string(output)) {
		if !strings.HasPrefix(line, "# ") {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
	}
	if len(lines) == 0 {
		return fmt.Errorf("build: go build %s: %w", strings.Join(args, " "), err)
	}
	return fmt.Errorf("%s", strings.Join(lines, "\n"))
}

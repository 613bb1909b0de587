// Command build makes the page: it compiles the WASM module, bundles TypeScript, styles and the
// worker with esbuild, gives every file a name with its content's hash, compresses it, and writes
// what the server embeds. `go run ./build` from the top of the repository; see --help.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole command. It returns the exit code: 0 done, 1 the build failed, 2 wrong usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var (
		root = flags.String("root", ".", "the top of the repository")
		out  = flags.String("out", "server/site/dist", "the folder for the page, below the root")
		dev  = flags.Bool("dev", false, "build readable, serve, watch the sources, rebuild and reload")
		addr = flags.String("addr", "127.0.0.1:8080", "where --dev serves")
		test = flags.Bool("tests", false, "also bundle frontend/test for Node.js and frontend/bench for a browser, into bin/")
	)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "build: no argument expected, got %q\n", flags.Arg(0))
		return 2
	}

	p, err := newPaths(*root, *out)
	if err == nil && *dev {
		err = develop(ctx, p, *addr, stdout, stderr)
	} else if err == nil {
		err = produce(ctx, p, *test, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// produce makes the page as it is shipped and, when asked, the bundles that tests need.
func produce(ctx context.Context, p paths, tests bool, stdout io.Writer) error {
	if err := compileWASM(ctx, p); err != nil {
		return err
	}
	files, err := makePage(p, shipped)
	if err != nil {
		return err
	}
	packed, err := compress(files, filepath.Join(p.bin, "cache"))
	if err != nil {
		return err
	}
	report(stdout, packed)
	if err := writeTree(p.out, packed); err != nil {
		return err
	}
	if tests {
		return bundleTests(p)
	}
	return nil
}

// makePage gives the files of the page, names hashed, not yet compressed.
func makePage(p paths, k kind) (tree, error) {
	b, err := bundleAll(p, k, pageEntry)
	if err != nil {
		return nil, err
	}
	return b.page()
}

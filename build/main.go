// Command build makes the page: it compiles the WASM module, bundles TypeScript, styles and
// the worker with esbuild, gives each file a name with the hash of its content, compresses
// it, and writes the files that the server embeds. Run `go run ./build` in the top folder of
// the repository; --help lists the flags.
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

// run runs the command and returns the exit code: 0 for success, 1 if the build failed, 2 if
// the command line was wrong.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var (
		root = flags.String("root", ".", "the top of the repository")
		out  = flags.String("out", "server/site/dist", "the folder for the page, below the root")
		dev  = flags.Bool("dev", false, "build without minifying, serve, watch the sources, rebuild and reload")
		addr = flags.String("addr", "127.0.0.1:8080", "the address at which --dev serves")
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

// produce makes the page as it is shipped and, if tests is true, the bundles of the tests.
func produce(ctx context.Context, p paths, tests bool, stdout io.Writer) error {
	if err := compileWASM(ctx, p); err != nil {
		return err
	}
	b, err := bundleAll(p, shipped, pageEntry)
	if err != nil {
		return err
	}
	files, err := b.page()
	if err != nil {
		return err
	}
	packed, err := compress(files, filepath.Join(p.bin, "cache"))
	if err != nil {
		return err
	}
	report(stdout, packed, b.later)
	if err := writeTree(p.out, packed); err != nil {
		return err
	}
	if tests {
		return bundleTests(p)
	}
	return nil
}

// makePage returns the files of the page, with hashed names, not compressed yet.
func makePage(p paths, k kind) (tree, error) {
	b, err := bundleAll(p, k, pageEntry)
	if err != nil {
		return nil, err
	}
	return b.page()
}

// Bundles for tests: frontend/test/*.test.ts for Node.js into bin/test, frontend/bench/*.ts for a
// browser into bin/bench.

package main

import (
	"path/filepath"
)

func bundleTests(p paths) error {
	tests := filepath.Join(p.bin, "test")
	err := bundleInto(p, kind{node: true, entryNames: "[name]", publicPath: "file://" + filepath.ToSlash(tests) + "/"},
		tests, "frontend/test/*.test.ts")
	if err != nil {
		return err
	}
	return bundleInto(p, kind{minified: true, entryNames: "[name]", publicPath: "/"},
		filepath.Join(p.bin, "bench"), "frontend/bench/*.ts")
}

// bundleInto bundles each file that matches the pattern, relative to the root, as an entry.
func bundleInto(p paths, k kind, dir, pattern string) error {
	found, err := filepath.Glob(filepath.Join(p.root, filepath.FromSlash(pattern)))
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return writeTree(dir, tree{})
	}
	b, err := bundleAll(p, k, found...)
	if err != nil {
		return err
	}
	return writeTree(dir, b.files)
}

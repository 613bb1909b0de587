// Bundles for tests: frontend/test/*.test.ts for Node.js into bin/test, frontend/bench/*.ts for a
// browser into bin/bench.

package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

func bundleTests(p paths) error {
	tests := filepath.Join(p.bin, "test")
	forNode := kind{node: true, entryNames: "[name]", publicPath: "file://" + filepath.ToSlash(tests) + "/"}
	files, err := bundleMatching(p, forNode, "frontend/test/*.test.ts")
	if err != nil {
		return err
	}
	if err := writeTree(tests, files); err != nil {
		return err
	}

	forBrowser := kind{minified: true, entryNames: "[name]", publicPath: "/"}
	if files, err = bundleMatching(p, forBrowser, "frontend/bench/*.ts"); err != nil {
		return err
	}
	index := "<!doctype html><title>Benchmarks</title><link rel=\"icon\" href=\"data:,\">"
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.Contains(name, "/") {
			index += fmt.Sprintf("<script type=\"module\" src=\"/%s\"></script>", name)
		}
	}
	files[indexName] = []byte(index)
	return writeTree(filepath.Join(p.bin, "bench"), files)
}

// bundleMatching bundles each file that matches the pattern, relative to the root, as an entry.
func bundleMatching(p paths, k kind, pattern string) (tree, error) {
	found, err := filepath.Glob(filepath.Join(p.root, filepath.FromSlash(pattern)))
	if err != nil || len(found) == 0 {
		return tree{}, err
	}
	b, err := bundleAll(p, k, found...)
	if err != nil {
		return nil, err
	}
	return b.files, nil
}

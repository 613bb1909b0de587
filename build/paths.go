// The folders that a build reads and writes, and the type for the files of a folder.

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// paths holds absolute folder names, so that nothing depends on the working directory.
type paths struct {
	root     string // the top of the repository
	frontend string // sources of the page
	out      string // the finished page
	bin      string // all other output; not committed
}

func newPaths(root, out string) (paths, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return paths{}, err
	}
	if !filepath.IsAbs(out) {
		out = filepath.Join(root, out)
	}
	p := paths{root: root, frontend: filepath.Join(root, "frontend"), out: out, bin: filepath.Join(root, "bin")}
	for _, need := range []struct{ path, what string }{
		{filepath.Join(root, "go.mod"), "run it from the top of the repository, or give --root"},
		{filepath.Join(p.frontend, "node_modules"), "run `npm ci` in frontend/ first (every make target does)"},
	} {
		if _, err := os.Stat(need.path); err != nil {
			return paths{}, fmt.Errorf("build: %s is missing: %s", need.path, need.what)
		}
	}
	return p, nil
}

func (p paths) wasm() string { return filepath.Join(p.bin, "framescope.wasm") }

// tree has the contents of a folder's files by slash-separated name.
type tree map[string][]byte

// writeTree writes the files of t into dir and removes all others, except dot files at its
// top. It does not touch files that are right already. It writes index.html last, when every
// file that it names is in place.
func writeTree(dir string, t tree) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name := range t {
		if name != indexName {
			if err := writeFile(filepath.Join(dir, filepath.FromSlash(name)), t[name]); err != nil {
				return err
			}
		}
	}
	if index, ok := t[indexName]; ok {
		if err := writeFile(filepath.Join(dir, indexName), index); err != nil {
			return err
		}
	}
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if _, ok := t[filepath.ToSlash(name)]; ok || name[0] == '.' {
			return nil
		}
		return os.Remove(path)
	})
}

// writeFile replaces a file atomically: readers see the old content or the new.
func writeFile(path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", content, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

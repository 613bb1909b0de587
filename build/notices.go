// The licence notices of everything in the page, in one file that the page links to:
// minifying drops comments, and the WASM module contains Go's runtime.

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed go-license.txt
var goLicense []byte

func (b *bundle) notices() []byte {
	var text bytes.Buffer
	section := func(title string, body []byte) {
		fmt.Fprintf(&text, "%s\n%s\n%s\n\n", title, strings.Repeat("=", len(title)), bytes.TrimSpace(body))
	}
	if own, err := os.ReadFile(filepath.Join(b.root, "LICENSE")); err == nil {
		section("Framescope", own)
	}
	section("Go (runtime and standard library in the WASM module)", goLicense)
	for _, dir := range b.packages() {
		section(strings.TrimPrefix(dir[strings.LastIndex(dir, "node_modules/"):], "node_modules/"), packageLicense(filepath.Join(b.root, dir)))
	}
	for _, name := range slices.Sorted(maps.Keys(b.legal)) {
		section("Comments in "+name, b.legal[name])
	}
	return text.Bytes()
}

// packages returns the folders of the npm packages from which sources were used, sorted.
func (b *bundle) packages() []string {
	var dirs []string
	for _, source := range b.sources() {
		at := strings.LastIndex(source, "node_modules/")
		if at < 0 {
			continue
		}
		at += len("node_modules/")
		parts := strings.SplitN(source[at:], "/", 3)
		name := parts[0]
		if strings.HasPrefix(name, "@") && len(parts) > 1 {
			name += "/" + parts[1]
		}
		dirs = append(dirs, source[:at]+name)
	}
	return slices.Compact(dirs)
}

// packageLicense returns the text of a package's licence file, or its package.json.
func packageLicense(dir string) []byte {
	for _, pattern := range []string{"LICEN[CS]E*", "licen[cs]e*", "COPYING*", "package.json"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, file := range found {
			if text, err := os.ReadFile(file); err == nil {
				return text
			}
		}
	}
	return []byte("no licence file in the package")
}

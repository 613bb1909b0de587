// index.html: references to sources in the template are replaced by references to the files
// built from them.

package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

const indexName = "index.html"

//go:embed reload.js
var reloadScript []byte

// reference is an attribute of the template that may name a local file.
var reference = regexp.MustCompile(`\b(src|href)="([^"]*)"`)

// page returns all files of the site. In the template, `src="src/main.tsx"` (with or without
// ./ or / before it) is replaced by the script; any other src or href that names a file in
// frontend/ is replaced by a hashed copy of that file; the style sheet and the licence
// notices are linked at the end of the head, as are the scripts that the script imports. Nothing is inlined: the site's
// Content-Security-Policy allows no inline script or style.
func (b *bundle) page() (tree, error) {
	template, err := os.ReadFile(filepath.Join(b.frontend, indexName))
	if err != nil {
		return nil, fmt.Errorf("build: the page's template: %w", err)
	}
	if b.script == "" {
		return nil, fmt.Errorf("build: esbuild made no script from %s", pageEntry)
	}
	used := false
	html := reference.ReplaceAllStringFunc(string(template), func(attribute string) string {
		part := reference.FindStringSubmatch(attribute)
		source := strings.TrimPrefix(strings.TrimPrefix(part[2], "."), "/")
		url := part[2]
		if path.Join("frontend", source) == pageEntry {
			url, used = "/"+b.script, true
		} else if content, err := os.ReadFile(filepath.Join(b.frontend, filepath.FromSlash(source))); source != "" && err == nil {
			url = "/" + b.add(source, content)
		}
		return fmt.Sprintf("%s=%q", part[1], url)
	})
	if !used {
		return nil, fmt.Errorf(`build: frontend/index.html does not load the page: it needs <script type="module" src="src/main.tsx"></script>`)
	}

	var head strings.Builder
	if b.style != "" {
		fmt.Fprintf(&head, `<link rel="stylesheet" href="/%s">`, b.style)
	}
	// Without this a browser asks for them only when it has the script.
	for _, name := range b.shared {
		fmt.Fprintf(&head, `<link rel="modulepreload" href="/%s">`, name)
	}
	fmt.Fprintf(&head, `<link rel="license" href="/%s">`, b.add("licences.txt", b.notices()))
	if b.reloads {
		fmt.Fprintf(&head, `<script type="module" src="/%s"></script>`, b.add("reload.js", reloadScript))
	}
	before, after, ok := strings.Cut(html, "</head>")
	if !ok {
		return nil, fmt.Errorf("build: frontend/index.html has no </head>")
	}
	b.files[indexName] = []byte(before + head.String() + "</head>" + after)
	return b.files, nil
}

// add adds a file to the assets, under a name with the hash of its content, which it returns.
func (b *bundle) add(name string, content []byte) string {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	hashed := fmt.Sprintf("assets/%s-%s%s", strings.TrimSuffix(path.Base(name), ext), strings.ToUpper(hex.EncodeToString(sum[:4])), ext)
	b.files[hashed] = bytes.Clone(content)
	return hashed
}

// The files of the site. They are loaded into memory, and their header fields computed, once.

package site

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

const indexName = "index.html"

// mimeTypes does not depend on the machine's configuration: browsers compile WASM while it
// arrives only if it is application/wasm, and with nosniff run scripts only if they have the
// type of a script.
var mimeTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
	".png":  "image/png",
	".ico":  "image/x-icon",
	".wasm": "application/wasm",
	".json": "application/json",
	".txt":  "text/plain; charset=utf-8",
}

// suffixes has the suffix of the compressed copies that the build made, by content coding.
var suffixes = map[string]string{"br": ".br", "gzip": ".gz"}

// file is one file of the site in each of its codings. It always has "identity".
type file struct {
	mimeType     string
	cacheControl string
	bodies       map[string]body
}

type body struct {
	content []byte
	etag    string
}

// files has the site's files by slash-separated name, without a leading slash.
type files map[string]*file

func load(dir fs.FS) (files, error) {
	contents := map[string][]byte{}
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		contents[name], err = fs.ReadFile(dir, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("site: loading the page: %w", err)
	}
	all := files{}
	for name, content := range contents {
		if isCompressedCopy(name, contents) {
			continue
		}
		f := &file{mimeType: mimeTypes[path.Ext(name)], cacheControl: cacheControl(name), bodies: map[string]body{"identity": newBody(content)}}
		if f.mimeType == "" {
			f.mimeType = "application/octet-stream"
		}
		for coding, suffix := range suffixes {
			if compressed, ok := contents[name+suffix]; ok {
				f.bodies[coding] = newBody(compressed)
			}
		}
		all[name] = f
	}
	return all, nil
}

// isCompressedCopy reports whether a file is a compressed copy of another one.
func isCompressedCopy(name string, contents map[string][]byte) bool {
	for _, suffix := range suffixes {
		if plain, ok := strings.CutSuffix(name, suffix); ok {
			_, ok = contents[plain]
			return ok
		}
	}
	return false
}

// cacheControl returns the Cache-Control of a file. Files in assets/ have a hash of their
// content in their name and never change.
func cacheControl(name string) string {
	if strings.HasPrefix(name, "assets/") {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}

// newBody returns a body with its ETag. Each coding has its own, since each is a different
// representation (RFC 9110 8.8.3.3).
func newBody(content []byte) body {
	sum := sha256.Sum256(content)
	return body{content, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if len(f.bodies) > 1 {
		h.Set("Vary", "Accept-Encoding")
	}
	coding := f.negotiate(r.Header.Values("Accept-Encoding"))
	if coding == "" {
		h.Set("Cache-Control", "no-store")
		http.Error(w, "406 not acceptable: allow br, gzip or identity in Accept-Encoding", http.StatusNotAcceptable)
		return
	}
	b := f.bodies[coding]
	h.Set("ETag", b.etag)
	h.Set("Cache-Control", f.cacheControl)
	// RFC 9110 13.1.2: ETags are compared weakly; a 304 has no content.
	if unchanged(r.Header.Values("If-None-Match"), b.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.mimeType)
	h.Set("Content-Length", strconv.Itoa(len(b.content)))
	if coding != "identity" {
		h.Set("Content-Encoding", coding)
	}
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(b.content) // it fails only if the client has gone
}

func unchanged(ifNoneMatch []string, etag string) bool {
	for tag := range tokens(ifNoneMatch) {
		if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

// Package files serves a folder: files, ranges of them, and lists of what folders hold.
//
// The folder's pages have the origin of the server that they come from, and so could read what is
// meant for its own page alone. Therefore each response has the policy "sandbox": browsers give such
// a page an origin that nobody else has, and the server refuses that like any other foreign one.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
)

const (
	// maxSending is how many files are sent at a time. Each takes a file descriptor and a buffer.
	maxSending = 256
	// A client has firstTime, and a second more for each byteRate bytes that it takes, so that a
	// large file can be sent slowly, but a client that hardly reads does not hold its place.
	firstTime = 30 * time.Second
	byteRate  = 16 << 10
	indexName = "index.html"
)

// policy lets a page of the folder run its scripts, and lets its links download, but under an origin
// of its own.
const policy = "sandbox allow-scripts allow-downloads"

// Handler serves a folder. Make it with [Open].
type Handler struct {
	root    *os.Root
	sending chan struct{} // has a place for each file that is being sent
}

// Open returns a handler of a folder, for requests whose path begins with a slash for the folder
// itself. Links that lead out of the folder are not followed, and names that begin with a dot do not
// exist.
func Open(dir string) (*Handler, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Handler{root, make(chan struct{}, maxSending)}, nil
}

// Close closes the folder.
func (h *Handler) Close() error { return h.root.Close() }

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "405 method not allowed: these are files; use GET or HEAD", http.StatusMethodNotAllowed)
		return
	case ofOwnPage(r):
		http.Error(w, "403 forbidden: the server's own page takes nothing from this folder", http.StatusForbidden)
		return
	}
	select {
	case h.sending <- struct{}{}:
		defer func() { <-h.sending }()
	default:
		w.Header().Set("Retry-After", "10")
		http.Error(w, fmt.Sprintf("503 service unavailable: %d files are being sent already; try again later", maxSending), http.StatusServiceUnavailable)
		return
	}
	h.serve(paced(w), r)
}

// protect adds the header fields that keep the folder's pages apart from the server's.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
}

// ofOwnPage reports whether a page of the server's own origin asks for a part of itself, such as a
// script. Its policy allows those of its own origin, and this folder must not supply them. A page of
// the folder has another origin.
func ofOwnPage(r *http.Request) bool {
	part := r.Header.Get("Sec-Fetch-Dest")
	return r.Header.Get("Sec-Fetch-Site") == "same-origin" && part != "document"
}

// serve serves a file or a folder.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) {
	name, ok := nameOf(r.URL.Path)
	if !ok {
		notFound(w)
		return
	}
	f, info, err := h.open(name)
	if err != nil {
		refuse(w, err)
		return
	}
	defer f.Close()
	isFolder, asFolder := info.IsDir(), strings.HasSuffix(r.URL.Path, "/")
	switch {
	case isFolder && !asFolder:
		// Relative, since this handler does not know where the folder is served.
		w.Header().Set("Location", link(path.Base(name)+"/"))
		w.WriteHeader(http.StatusMovedPermanently)
	case !isFolder && asFolder:
		notFound(w)
	case isFolder:
		h.serveFolder(w, r, name, f)
	default:
		http.ServeContent(w, r, info.Name(), info.ModTime(), f)
	}
}

// serveFolder serves the index of a folder or, if it has none, the list of what is in it.
func (h *Handler) serveFolder(w http.ResponseWriter, r *http.Request, name string, folder fs.ReadDirFile) {
	index, info, err := h.open(path.Join(name, indexName))
	if err != nil {
		if err := list(w, r, name, folder); err != nil {
			refuse(w, err)
		}
		return
	}
	defer index.Close()
	if info.IsDir() {
		notFound(w)
		return
	}
	http.ServeContent(w, r, indexName, info.ModTime(), index)
}

// nameOf returns the name of a file within the folder, from the path of a URL.
func nameOf(urlPath string) (name string, ok bool) {
	name = strings.Trim(urlPath, "/")
	if name == "" {
		return ".", true
	}
	for part := range strings.SplitSeq(name, "/") {
		if hidden(part) || strings.ContainsAny(part, "\\\x00") {
			return "", false
		}
	}
	return name, fs.ValidPath(name)
}

// hidden reports whether a name is not served: .git, .env and the like hold what is not meant for
// others.
func hidden(name string) bool { return strings.HasPrefix(name, ".") }

// open opens a regular file or a folder. Opening anything else could wait for ever.
func (h *Handler) open(name string) (f *os.File, info fs.FileInfo, err error) {
	if info, err = h.root.Stat(name); err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return nil, nil, fs.ErrPermission
	}
	if f, err = h.root.Open(name); err != nil {
		return nil, nil, err
	}
	return f, info, nil
}

// refuse answers a request for a file that cannot be opened. The error is not shown, since it names
// files of this machine.
func refuse(w http.ResponseWriter, err error) {
	if errors.Is(err, fs.ErrPermission) {
		http.Error(w, "403 forbidden: this file is not served", http.StatusForbidden)
		return
	}
	notFound(w)
}

func notFound(w http.ResponseWriter) {
	http.Error(w, "404 not found: there is no such file", http.StatusNotFound)
}

// pacedWriter prolongs the time for a response while the client takes it.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	began   time.Time
	sent    int64
}

func paced(w http.ResponseWriter) *pacedWriter {
	return &pacedWriter{ResponseWriter: w, control: http.NewResponseController(w), began: time.Now()}
}

func (p *pacedWriter) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(p.began.Add(firstTime + time.Duration(p.sent/byteRate)*time.Second))
	n, err := p.ResponseWriter.Write(b)
	p.sent += int64(n)
	return n, err
}

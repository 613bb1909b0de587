// Compressed twins of every file, made once per content: brotli at its best takes seconds for the
// WASM module, so its result is kept under the content's hash.

package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"github.com/andybalholm/brotli"
)

// encodings are the twins' suffixes and how each is made.
var encodings = []struct {
	suffix string
	writer func(io.Writer) (io.WriteCloser, error)
}{
	{".br", func(w io.Writer) (io.WriteCloser, error) {
		return brotli.NewWriterOptions(w, brotli.WriterOptions{Quality: brotli.BestCompression, LGWin: 22}), nil
	}},
	{".gz", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestCompression) }},
}

// compress adds the twins that are smaller than the file itself. The cache keeps just this build's.
func compress(files tree, cache string) (tree, error) {
	packed, kept := tree{}, tree{}
	for name, content := range files {
		packed[name] = content
		sum := sha256.Sum256(content)
		for _, e := range encodings {
			key := hex.EncodeToString(sum[:]) + e.suffix
			twin, err := os.ReadFile(filepath.Join(cache, key))
			if err != nil {
				if twin, err = encode(content, e.writer); err != nil {
					return nil, err
				}
			}
			kept[key] = twin
			if len(twin) < len(content) {
				packed[name+e.suffix] = twin
			}
		}
	}
	return packed, writeTree(cache, kept)
}

func encode(content []byte, writer func(io.Writer) (io.WriteCloser, error)) ([]byte, error) {
	var b bytes.Buffer
	w, err := writer(&b)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

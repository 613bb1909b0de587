// Compressed copies of every file. Brotli at its best level takes seconds for the WASM
// module, so copies are cached under the hash of the file's content.

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

// encodings lists the suffixes of the compressed copies, and how each is made.
var encodings = []struct {
	suffix string
	writer func(io.Writer) (io.WriteCloser, error)
}{
	{".br", func(w io.Writer) (io.WriteCloser, error) {
		return brotli.NewWriterOptions(w, brotli.WriterOptions{Quality: brotli.BestCompression, LGWin: 22}), nil
	}},
	{".gz", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestCompression) }},
}

// compress returns the files, with the compressed copies that are smaller than the file
// itself. Only the copies of this build remain in the cache.
func compress(files tree, cache string) (tree, error) {
	packed, cached := tree{}, tree{}
	for name, content := range files {
		packed[name] = content
		sum := sha256.Sum256(content)
		for _, e := range encodings {
			key := hex.EncodeToString(sum[:]) + e.suffix
			encoded, err := os.ReadFile(filepath.Join(cache, key))
			if err != nil {
				if encoded, err = encode(content, e.writer); err != nil {
					return nil, err
				}
			}
			cached[key] = encoded
			if len(encoded) < len(content) {
				packed[name+e.suffix] = encoded
			}
		}
	}
	return packed, writeTree(cache, cached)
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

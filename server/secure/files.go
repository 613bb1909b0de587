// A certificate from files, replaced while the server runs when the files change.

package secure

import (
	"context"
	"crypto/tls"
	"log/slog"
	"sync/atomic"
	"time"
)

// reloadPeriod is how often the files are read again.
const reloadPeriod = time.Second

// Files is a certificate and its key in two PEM files. Make it with [Load].
type Files struct {
	certFile, keyFile string
	log               *slog.Logger
	current           atomic.Pointer[tls.Certificate]

	// These are used by Watch.
	loaded   pair // what was tried last
	seen     pair // what the files held at the last check
	failures int  // checks in a row that could not read the files
}

// Load reads a certificate, which may be followed by its chain, and its key.
func Load(certFile, keyFile string, log *slog.Logger) (*Files, error) {
	p, err := readPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	c, err := p.parse(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	f := &Files{certFile: certFile, keyFile: keyFile, log: log, loaded: p, seen: p}
	f.use(c)
	return f, nil
}

// Certificate returns the certificate, for [Options].
func (f *Files) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return f.current.Load(), nil
}

func (f *Files) use(c *tls.Certificate) {
	f.current.Store(c)
	if err := checkDates(c.Leaf, time.Now()); err != nil {
		f.log.Warn(err.Error(), "file", f.certFile, "from", c.Leaf.NotBefore, "until", c.Leaf.NotAfter)
	}
}

// Watch loads the files again whenever they have changed, until ctx is done. Files that cannot be
// used are logged, and the certificate stays as it is.
func (f *Files) Watch(ctx context.Context) {
	ticks := time.NewTicker(reloadPeriod)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			f.check()
		case <-ctx.Done():
			return
		}
	}
}

// check loads the files if they have changed, and have not changed again since the last check: the
// certificate may have been replaced and its key not yet.
func (f *Files) check() {
	p, err := readPair(f.certFile, f.keyFile)
	if err != nil {
		if f.failures++; f.failures == 2 {
			f.log.Error("the certificate stays as it is", "err", err)
		}
		return
	}
	f.failures = 0
	settled := p.equal(f.seen)
	f.seen = p
	if !settled || p.equal(f.loaded) {
		return
	}
	f.loaded = p // even if it cannot be used: each change is tried once
	c, err := p.parse(f.certFile, f.keyFile)
	if err != nil {
		f.log.Error("the certificate stays as it is", "err", err)
		return
	}
	f.use(c)
	f.log.Info("new certificate", "file", f.certFile, "fingerprint", Fingerprint(c), "until", c.Leaf.NotAfter)
}

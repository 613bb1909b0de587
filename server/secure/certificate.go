// Certificates: reading them from files, and what may be wrong with these.

package secure

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// maxFileSize is the most that a file with a certificate or a key may hold. A chain takes a few KiB.
const maxFileSize = 1 << 20

// Fingerprint returns the SHA-256 fingerprint of a certificate, as browsers and openssl show it.
func Fingerprint(c *tls.Certificate) string {
	sum := sha256.Sum256(c.Certificate[0])
	return strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":")
}

// pair is the content of the two files of a certificate.
type pair struct{ certificate, key []byte }

func (p pair) equal(q pair) bool {
	return bytes.Equal(p.certificate, q.certificate) && bytes.Equal(p.key, q.key)
}

// readPair reads both files.
func readPair(certFile, keyFile string) (p pair, err error) {
	if p.certificate, err = readFile(certFile); err != nil {
		return pair{}, fmt.Errorf("cannot read the certificate: %w", err)
	}
	if p.key, err = readFile(keyFile); err != nil {
		return pair{}, fmt.Errorf("cannot read the key: %w", err)
	}
	return p, nil
}

func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file: give the name of a PEM file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if len(b) > maxFileSize {
		return nil, fmt.Errorf("%s is larger than 1 MiB: give the name of a PEM file", name)
	}
	return b, err
}

// parse makes a certificate of what both files hold.
func (p pair) parse(certFile, keyFile string) (*tls.Certificate, error) {
	certs, keys := kinds(p.certificate), kinds(p.key)
	switch {
	case !certs.certificate && certs.key && keys.certificate:
		return nil, fmt.Errorf("%s has a key and %s a certificate: exchange the two", certFile, keyFile)
	case !certs.certificate:
		return nil, fmt.Errorf("%s has no certificate: give a PEM file with a CERTIFICATE block", certFile)
	case keys.encrypted:
		return nil, fmt.Errorf("the key in %s is encrypted: write it without a password, with `openssl pkey -in %s -out FILE`", keyFile, keyFile)
	case !keys.key:
		return nil, fmt.Errorf("%s has no key: give a PEM file with a PRIVATE KEY block", keyFile)
	}
	c, err := tls.X509KeyPair(p.certificate, p.key)
	switch {
	case err == nil:
		return &c, nil
	case strings.Contains(err.Error(), "does not match"):
		return nil, fmt.Errorf("the key in %s does not belong to the first certificate in %s: give the key that it was made with, and the server's certificate first", keyFile, certFile)
	}
	return nil, fmt.Errorf("cannot use %s and %s: %w", certFile, keyFile, err)
}

// contents says what PEM blocks a file has.
type contents struct{ certificate, key, encrypted bool }

func kinds(file []byte) (c contents) {
	for {
		var block *pem.Block
		if block, file = pem.Decode(file); block == nil {
			return c
		}
		switch {
		case block.Type == "CERTIFICATE":
			c.certificate = true
		case block.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			c.encrypted = true
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			c.key = true
		}
	}
}

// soon is how long before its end a certificate is about to expire.
const soon = 7 * 24 * time.Hour

var (
	errExpired     = errors.New("the certificate has expired: clients refuse it; renew it")
	errExpiresSoon = errors.New("the certificate expires within 7 days: renew it")
	errNotYetValid = errors.New("the certificate is not valid yet: clients refuse it; compare its dates with this machine's clock")
)

// checkDates returns what is wrong with the dates of a certificate.
func checkDates(leaf *x509.Certificate, now time.Time) error {
	switch {
	case now.After(leaf.NotAfter):
		return errExpired
	case now.Before(leaf.NotBefore):
		return errNotYetValid
	case now.Add(soon).After(leaf.NotAfter):
		return errExpiresSoon
	}
	return nil
}

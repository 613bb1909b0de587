// Tests of certificates from files: what is wrong with them, and that new ones are used.

package secure_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"framescope/server/secure"
)

// testPair is a certificate and its key in PEM.
type testPair struct{ cert, key []byte }

// newPair makes a certificate that expires after a time.
func newPair(t testing.TB, expires time.Duration) testPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(expires),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return testPair{block("CERTIFICATE", der), block("PRIVATE KEY", pkcs8)}
}

func block(kind string, content []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
}

func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// logged is a log that a test reads.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) log() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// take returns what has been logged since the last call.
func (l *logged) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

const year = 365 * 24 * time.Hour

func TestLoadErrors(t *testing.T) {
	one, other := newPair(t, year), newPair(t, year)
	dir := t.TempDir()
	in := func(name string, content []byte) string { return write(t, filepath.Join(dir, name), content) }
	cert, key, otherKey := in("cert.pem", one.cert), in("key.pem", one.key), in("other.pem", other.key)
	encrypted := in("encrypted.pem", block("ENCRYPTED PRIVATE KEY", []byte("x")))
	old := in("old.pem", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}, Bytes: []byte("x")}))
	broken := in("broken.pem", block("CERTIFICATE", []byte("x")))
	both := in("both.pem", append(append([]byte(nil), one.key...), one.cert...))
	chain := in("chain.pem", append(append([]byte(nil), one.cert...), other.cert...))
	wrongOrder := in("wrong.pem", append(append([]byte(nil), other.cert...), one.cert...))
	for _, test := range []struct{ cert, key, says string }{
		{cert, key, ""},
		{both, both, ""},
		{chain, key, ""},
		{filepath.Join(dir, "none.pem"), key, "cannot read the certificate: "},
		{cert, filepath.Join(dir, "none.pem"), "cannot read the key: "},
		{cert, otherKey, "does not belong to the first certificate in " + cert},
		{wrongOrder, key, "the server's certificate first"},
		{key, cert, "exchange the two"},
		{key, key, "has no certificate"},
		{cert, cert, "has no key"},
		{cert, encrypted, "is encrypted"},
		{cert, old, "is encrypted"},
		{broken, key, "cannot use " + broken},
		{dir, key, "is not a file"},
		{"/dev/zero", key, "is not a file"},
		{in("empty.pem", nil), key, "has no certificate"},
		{in("huge.pem", make([]byte, 2<<20)), key, "larger than 1 MiB"},
	} {
		_, err := secure.Load(test.cert, test.key, slog.New(slog.DiscardHandler))
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s, %s: %v, want %q", filepath.Base(test.cert), filepath.Base(test.key), err, test.says)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("more than a line: %q", err)
		}
	}
}

func TestDatesAreLogged(t *testing.T) {
	for expires, says := range map[time.Duration]string{
		year: "", -time.Hour: "has expired", 24 * time.Hour: "expires within 7 days",
	} {
		p, l, dir := newPair(t, expires), &logged{}, t.TempDir()
		if _, err := secure.Load(write(t, dir+"/c", p.cert), write(t, dir+"/k", p.key), l.log()); err != nil {
			t.Fatal(err)
		}
		if got := l.take(); !strings.Contains(got, says) || says == "" && got != "" {
			t.Errorf("%v: %q, want %q", expires, got, says)
		}
	}
}

// TestReload: new files are used once both have stayed as they are, and files that cannot be used
// change nothing.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, third := newPair(t, 100*year), newPair(t, 100*year), newPair(t, 100*year)
		l, dir := &logged{}, t.TempDir()
		cert, key := write(t, dir+"/c", first.cert), write(t, dir+"/k", first.key)
		f, err := secure.Load(cert, key, l.log())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			f.Watch(ctx)
			close(done)
		}()
		expect := func(what string, want testPair, says string) {
			t.Helper()
			time.Sleep(3200 * time.Millisecond) // in the bubble, and between two checks
			got, err := f.Certificate(nil)
			if err != nil || string(block("CERTIFICATE", got.Certificate[0])) != string(want.cert) {
				t.Errorf("%s: another certificate is in use, %v", what, err)
			}
			if got := l.take(); strings.Count(got, "\n") > 1 || !strings.Contains(got, says) || says == "" && got != "" {
				t.Errorf("%s: logged %q, want %q", what, got, says)
			}
		}
		expect("unchanged", first, "")
		write(t, cert, second.cert)
		time.Sleep(1500 * time.Millisecond)
		write(t, key, second.key)
		expect("replaced one after the other", second, "new certificate")
		write(t, key, []byte("nonsense"))
		expect("a broken key", second, "has no key")
		expect("it is reported once", second, "")
		write(t, key, third.key)
		expect("a key of another certificate", second, "does not belong")
		if err := os.Remove(cert); err != nil {
			t.Fatal(err)
		}
		expect("a file that is gone", second, "cannot read")
		expect("it is reported once", second, "")
		write(t, cert, third.cert)
		expect("mended", third, "new certificate")
		write(t, cert, first.cert)
		write(t, key, first.key)
		expect("the first again", first, "new certificate")
		cancel()
		<-done
	})
}

// FuzzLoad: files of any content are used or refused with a line.
func FuzzLoad(f *testing.F) {
	one := newPair(f, year)
	f.Add(one.cert, one.key)
	f.Add(one.key, one.cert)
	f.Add(append(append([]byte(nil), one.cert...), one.key...), one.key)
	f.Add(block("CERTIFICATE", []byte("x")), block("ENCRYPTED PRIVATE KEY", nil))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n"), []byte("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n-----END EC PRIVATE KEY-----\n"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, cert, key []byte) {
		loaded, err := secure.Load(write(t, dir+"/cert.pem", cert), write(t, dir+"/key.pem", key), slog.New(slog.DiscardHandler))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %q", err)
			}
			return
		}
		if c, err := loaded.Certificate(nil); err != nil || c.Leaf == nil || len(secure.Fingerprint(c)) != 95 {
			t.Errorf("%v, %v", c, err)
		}
	})
}

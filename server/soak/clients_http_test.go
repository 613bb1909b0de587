//go:build linux

// The client of plain HTTP: the page and the health check, on a connection that is kept
// and on new ones.

package soak

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"
)

// browse gets the page and the health check in turn until the clients end.
func (c *clients) browse(reconnect bool, ready func()) error {
	kept := &http.Transport{MaxIdleConnsPerHost: 1}
	defer kept.CloseIdleConnections()
	fresh := &http.Transport{DisableKeepAlives: true}
	if !reconnect {
		fresh = kept
	}
	status, page, err := fetch(kept, c.server.url("http", "/"))
	if err != nil {
		return err
	}
	if status != http.StatusOK && status != http.StatusServiceUnavailable { // 503: it is not built in
		return fmt.Errorf("GET / answered with %d, want 200", status)
	}
	for i := 0; !c.done(); i++ {
		path, wantStatus, want := "/", status, page
		if i%2 == 1 {
			path, wantStatus, want = "/healthz", http.StatusOK, []byte("ok\n")
		}
		by := kept
		if i%4 > 1 {
			by = fresh
		}
		begun := time.Now()
		got, body, err := fetch(by, c.server.url("http", path))
		if err != nil {
			return err
		}
		if got != wantStatus || !bytes.Equal(body, want) {
			return fmt.Errorf("GET %s: %d and %d bytes, want %d and %d", path, got, len(body), wantStatus, len(want))
		}
		c.times.add(time.Since(begun))
		ready()
		pause(c.ctx, 2*c.pause)
	}
	return nil
}

// fetch gets a URL.
func fetch(by http.RoundTripper, url string) (status int, body []byte, err error) {
	client := http.Client{Transport: by, Timeout: patience}
	response, err := client.Get(url)
	if err != nil {
		return 0, nil, refusedWhileEnding{err}
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, refusedWhileEnding{err}
	}
	return response.StatusCode, body, nil
}

//go:build linux

// The guest of plain HTTP: the page and the health check, on connections that stay
// and on new ones.

package soak

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// browse asks for the page and the health check until it is time to leave.
func (c *company) browse(anew bool, here func()) error {
	var stays, leaves http.RoundTripper = &http.Transport{
		MaxIdleConnsPerHost: 1, DialContext: (&net.Dialer{Timeout: patience}).DialContext,
	}, &http.Transport{DisableKeepAlives: true}
	if !anew {
		leaves = stays
	}
	defer stays.(*http.Transport).CloseIdleConnections()
	status, page, err := fetch(stays, c.server.url("http", "/"))
	if err != nil {
		return err
	}
	if status != http.StatusOK && status != http.StatusServiceUnavailable { // 503: it is not built in
		return expect("GET /", status, http.StatusOK)
	}
	for i := 0; !c.done(); i++ {
		path, wantStatus, want := "/", status, page
		if i%2 == 1 {
			path, wantStatus, want = "/healthz", http.StatusOK, []byte("ok\n")
		}
		by := stays
		if i%4 > 1 {
			by = leaves
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
		here()
		pause(c.ctx, 2*c.rest)
	}
	return nil
}

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

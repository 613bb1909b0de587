// What is offered, answered and refused of permessage-deflate: RFC 7692 5 and 7.1.

package conformance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/server/websocket"
)

// wishes are options by what they stand for.
type wishes = websocket.Compression

// TestAnswers: our server's answer to offers. want is what must be in the answer
// and nothing else, but for server_no_context_takeover, which a server may add
// whenever it likes; "none" stands for no answer.
func TestAnswers(t *testing.T) {
	const snct, cnct, smwb, cmwb = "server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits", "client_max_window_bits"
	const d = deflateName
	for _, c := range []struct {
		offers []string
		wishes wishes
		want   string
	}{
		{nil, wishes{}, "none"},
		{[]string{"x-webkit-deflate-frame"}, wishes{}, "none"},
		{[]string{d}, wishes{}, ""},
		{[]string{d}, wishes{Off: true}, "none"},
		{[]string{d + "; " + cmwb}, wishes{}, ""},
		{[]string{d + "; " + snct}, wishes{}, snct},
		{[]string{d + "; " + snct}, wishes{ContextTakeover: true}, snct},
		{[]string{d + "; " + cnct}, wishes{}, cnct},
		{[]string{d}, wishes{PeerNoContextTakeover: true}, cnct},
		{[]string{d + "; " + cmwb}, wishes{PeerWindowBits: 10}, cmwb + "=10"},
		{[]string{d + "; " + cmwb + "=12"}, wishes{PeerWindowBits: 10}, cmwb + "=10"},
		{[]string{d + "; " + cmwb + "=9"}, wishes{PeerWindowBits: 10}, cmwb + "=9"},
		{[]string{d}, wishes{PeerWindowBits: 10}, ""}, // it did not say that it can
		{[]string{d}, wishes{WindowBits: 10}, smwb + "=10"},
		{[]string{d + "; " + smwb + "=9"}, wishes{WindowBits: 10}, smwb + "=9"},
		{[]string{d + "; " + smwb + "=15"}, wishes{WindowBits: 10}, smwb + "=10"},
		{[]string{"  " + d + ";" + snct + " ;\t" + cnct + "  "}, wishes{}, snct + "; " + cnct},
		{[]string{d + `; ` + smwb + `="9"`}, wishes{}, smwb + "=9"},
		// Of several the first that can be met.
		{[]string{"foo, bar; baz=1, " + d + "; " + cnct}, wishes{}, cnct},
		{[]string{"foo", "bar; baz=1", d + "; " + cnct}, wishes{}, cnct},
		{[]string{d + "; " + smwb + "=10, " + d}, wishes{}, smwb + "=10"},
		{[]string{d + ", " + d + "; " + smwb + "=10"}, wishes{}, ""},
		{[]string{d + "; " + smwb + "=16, " + d + "; " + cnct}, wishes{}, cnct},
		{[]string{d + "; unknown, " + d + "; unknown=1", d + "; " + smwb + "=8"}, wishes{}, smwb + "=8"},
	} {
		t.Run(fmt.Sprintf("%q %+v", c.offers, c.wishes), func(t *testing.T) { checkAnswer(t, c.offers, c.wishes, c.want) })
	}
	for bits := 8; bits <= 15; bits++ {
		t.Run(fmt.Sprintf("%s=%d", smwb, bits), func(t *testing.T) {
			offer := fmt.Sprintf("%s=%d", smwb, bits)
			checkAnswer(t, []string{d + "; " + offer}, wishes{}, offer)
		})
	}
	// What is not defined is declined, and the connection is made without.
	for _, p := range []string{
		"unknown", "unknown=1", "SERVER_NO_CONTEXT_TAKEOVER=1",
		snct + "=1", cnct + "=1", snct + "; " + snct, cnct + "; " + cnct,
		smwb, smwb + "=7", smwb + "=16", smwb + "=0", smwb + "=08", smwb + "=-9", smwb + "=9x", smwb + "=100000000000000000009", smwb + "=10; " + smwb + "=10",
		cmwb + "=7", cmwb + "=16", cmwb + "=x", cmwb + "=010", cmwb + "; " + cmwb, cmwb + "=10; " + cmwb,
	} {
		t.Run("declined "+p, func(t *testing.T) { checkAnswer(t, []string{d + "; " + p}, wishes{}, "none") })
	}
}

func checkAnswer(t *testing.T, offers []string, w wishes, want string) {
	p := connect(t, setup{tested: protocol.Server, options: websocket.Options{Compression: w}, extensions: offers})
	defer p.leave()
	if want == "none" {
		if len(p.extensions) != 0 {
			t.Errorf("answered with %q", p.extensions)
		}
		return
	}
	if len(p.extensions) != 1 {
		t.Fatalf("answered with %q, want %q", p.extensions, want)
	}
	got, wanted := parameters(t, p.extensions[0]), parameters(t, deflateName+"; "+want)
	if _, ok := wanted["server_no_context_takeover"]; !ok {
		delete(got, "server_no_context_takeover")
	}
	// What the client limits its own window to may be said again.
	if bits, ok := got["client_max_window_bits"]; ok && w.PeerWindowBits == 0 && strings.Contains(offers[0], "client_max_window_bits="+bits) {
		delete(got, "client_max_window_bits")
	}
	if !maps.Equal(got, wanted) {
		t.Errorf("answered with %q, want %q", p.extensions[0], want)
	}
}

// TestOffers: what our client offers for its options, and the answers that it takes
// for each and those that fail its handshake (RFC 7692 5.1, RFC 6455 9.1).
func TestOffers(t *testing.T) {
	const d = deflateName
	for _, c := range []struct {
		wishes       wishes
		offer        string // parameters of the one offer; "none" for no offer
		takes, fails []string
	}{{
		wishes{}, "client_no_context_takeover; client_max_window_bits",
		[]string{
			"", d, d + "; server_no_context_takeover", d + "; client_no_context_takeover", d + "; server_max_window_bits=8", d + "; client_max_window_bits=8",
			d + "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15; client_max_window_bits=15",
			d + `; client_max_window_bits="9"`,
		},
		[]string{
			"foo", d + ", foo", d + ", " + d, d + "; unknown", d + "; server_no_context_takeover=1", d + "; client_no_context_takeover=1",
			d + "; server_max_window_bits", d + "; client_max_window_bits", d + "; server_max_window_bits=7", d + "; server_max_window_bits=16",
			d + "; client_max_window_bits=7", d + "; client_max_window_bits=16", d + "; client_max_window_bits=09",
			d + "; server_no_context_takeover; server_no_context_takeover", d + "; server_max_window_bits=9; server_max_window_bits=9",
			d + ";", d + "; =", "; " + d, d + " " + d, "=", d + `; client_max_window_bits="9`,
		},
	}, {
		wishes{Off: true}, "none", []string{""}, []string{d, d + "; server_no_context_takeover", "foo"},
	}, {
		wishes{ContextTakeover: true, PeerNoContextTakeover: true}, "server_no_context_takeover; client_max_window_bits",
		[]string{"", d + "; server_no_context_takeover"}, []string{d, d + "; client_no_context_takeover"},
	}, {
		wishes{ContextTakeover: true, PeerWindowBits: 10}, "server_max_window_bits=10; client_max_window_bits",
		[]string{"", d + "; server_max_window_bits=10", d + "; server_max_window_bits=8"},
		[]string{d, d + "; server_max_window_bits=11", d + "; server_max_window_bits=15"},
	}, {
		wishes{ContextTakeover: true, WindowBits: 10}, "client_max_window_bits=10",
		[]string{"", d, d + "; client_max_window_bits=10", d + "; client_max_window_bits=8"}, nil,
	}} {
		for _, answers := range []struct {
			all   []string
			taken bool
		}{{c.takes, true}, {c.fails, false}} {
			for _, answer := range answers.all {
				t.Run(fmt.Sprintf("%+v answered with %s", c.wishes, strconv.Quote(answer)), func(t *testing.T) {
					checkOffer(t, c.wishes, c.offer, answer, answers.taken)
				})
			}
		}
	}
}

func checkOffer(t *testing.T, w wishes, offer, answer string, taken bool) {
	s := setup{tested: protocol.Client, options: websocket.Options{Compression: w}}
	if answer != "" {
		s.extensions = []string{answer}
	}
	p := connect(t, s)
	switch {
	case offer == "none" && len(p.extensions) != 0:
		t.Errorf("offered %q", p.extensions)
	case offer != "none" && len(p.extensions) != 1:
		t.Errorf("offered %q, want %s; %s", p.extensions, deflateName, offer)
	case offer != "none":
		if got := parameters(t, p.extensions[0]); !maps.Equal(got, parameters(t, deflateName+"; "+offer)) {
			t.Errorf("offered %q, want %s", p.extensions[0], offer)
		}
	}
	if taken {
		testCase{name: answer, talk: nil, code: protocol.CloseNormal}.closeAndJudge(t, p)
		return
	}
	if f, err := p.read(); !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		t.Errorf("the client goes on: %v, %v", f, err)
	}
	var closed *websocket.CloseError
	if err := p.leave(); err == nil || errors.As(err, &closed) || errors.Is(err, context.Canceled) {
		t.Errorf("Dial: %v", err)
	}
}

// closeAndJudge ends a conversation in order.
func (c testCase) closeAndJudge(t *testing.T, p *peer) {
	t.Helper()
	p.send(whole, hello, closing(protocol.CloseNormal, ""))
	p.expect(hello, closing(protocol.CloseNormal, ""))
	c.judgeEnd(t, p.expectEnd())
}

// TestMalformedOffersAreRefused: RFC 6455 9.1 leaves no choice between a list and
// nothing: an endpoint that gets a malformed one fails the connection.
func TestMalformedOffersAreRefused(t *testing.T) {
	server := httptest.NewServer(setup{tested: protocol.Server}.handler(make(endings, 100)))
	defer server.Close()
	address := server.Listener.Addr().String()
	for _, offer := range []string{
		"permessage-deflate;", "; permessage-deflate", "permessage-deflate; =", "permessage-deflate; =1", "permessage-deflate; a=",
		"permessage-deflate x-other", "permessage(deflate)", `permessage-deflate; server_max_window_bits="9`, "permessage-deflate; server_max_window_bits=\"1 0\"",
	} {
		t.Run(offer, func(t *testing.T) {
			nc, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			p := newPeer(t, nc, protocol.Client, nil)
			fmt.Fprintf(nc, request, address, setup{extensions: []string{offer}}.extensionFields(), "")
			answer, err := http.ReadResponse(bufio.NewReader(p.nc), nil)
			if err != nil || answer.StatusCode != http.StatusBadRequest {
				t.Errorf("answered with %v, %v, want 400", answer, err)
			}
		})
	}
}

// The harness itself: every server in a process of its own does every kind of
// work, and the figures come out as they should.

package bench

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"framescope/protocol"
)

func TestEveryServerDoesEveryWork(t *testing.T) {
	p, err := newPlan("125 B text, 16|16 KiB binary, 1 |1 MiB text, 4|deflate|fan-out 125 B to 1,000, 4|chat, 125 B to 1,000, 4|handshake", strings.Join(serverNames, ","), 1, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if err := openFiles(); err != nil {
		t.Fatal(err)
	}
	for _, r := range allRows() {
		if !p.rows.MatchString(r.name) {
			continue
		}
		res, err := p.measure(context.Background(), r)
		if err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
		for _, name := range serverNames {
			if r.can(name) && len(res.cost[name]) != 1 {
				t.Errorf("%s: no figure of %s", r.name, name)
			}
		}
		if res.seen == 0 && !strings.HasPrefix(r.name, "handshake") {
			t.Errorf("%s: the page was shown nothing", r.name)
		}
	}
}

func TestPlanRefusesWhatItCannotDo(t *testing.T) {
	for _, c := range []struct {
		rows, servers string
		rounds        int
		length        time.Duration
	}{
		{"(", "raw", 1, time.Second},
		{".", "nobody", 1, time.Second},
		{".", "raw", 0, time.Second},
		{".", "raw", 1, 0},
	} {
		if _, err := newPlan(c.rows, c.servers, c.rounds, c.length); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

func TestMedian(t *testing.T) {
	if median([]float64{3, 1, 2}) != 2 || median([]float64{4, 1, 2, 3}) != 2.5 {
		t.Error("the median is wrong")
	}
}

func TestReport(t *testing.T) {
	r := newResult(row{name: "work", unit: "µs", begin: newHandshakes})
	r.cost["raw"] = []float64{1, 1, 1}
	r.cost["framescope"] = []float64{2, 2, 20}
	r.cost["framescope+tap"] = []float64{4, 2.5, 25}
	r.cost["gorilla"], r.cost["gws"] = []float64{8}, []float64{6}
	r.rate["raw"] = []float64{1000}
	p := plan{servers: []string{"raw", "framescope", "framescope+tap", "gorilla", "gws"}, rounds: 3, length: time.Second}
	table := report([]result{r}, p, "0.5")
	for _, want := range []string{
		"load average before: 0.5.", "from 0.62 to 10.00 times",
		"| work | unit | raw | framescope | framescope+tap | gorilla | gws | best peer : ours | ours : raw | tap | page |\n" + strings.Repeat("|---", 11) + "|\n",
		"| work | µs | 1.00 | 2.00 | 4.00 | 8.00 | 6.00 | 3.00 gws | 2.00 | 80 % | – |\n",
		"| work | 1000 | – | – | – | – |\n",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the report lacks\n%s\nin\n%s", want, table)
		}
	}
}

// answer is a frame as a server sends it.
func answer(op protocol.Opcode, fin, rsv1 bool, p string) []byte {
	h := protocol.Header{Fin: fin, Opcode: op, PayloadLength: uint64(len(p))}
	if rsv1 {
		h.RSV = protocol.RSV1
	}
	return append(protocol.AppendHeader(nil, h), p...)
}

func TestClientCountsHoweverBytesCome(t *testing.T) {
	long := strings.Repeat("x", 300)
	wire := slices.Concat(
		answer(protocol.OpText, false, true, "a"), answer(protocol.OpPing, true, false, "p"), answer(protocol.OpContinuation, true, false, "bc"),
		answer(protocol.OpBinary, true, false, ""), answer(protocol.OpBinary, true, false, long), frame(protocol.OpText, 0, []byte("raw")))
	want := []string{"abc", "", long, "raw"}
	for size := 1; size <= len(wire); size++ {
		var got []string
		c := &client{samples: func(int) bool { return true }}
		c.check = func(number int, rsv1 bool, p []byte) error {
			if number != len(got) || rsv1 != (number == 0) {
				t.Errorf("in pieces of %d: answer %d, RSV1 %v", size, number, rsv1)
			}
			got = append(got, string(p))
			return nil
		}
		n := 0
		for piece := range slices.Chunk(wire, size) {
			m, err := c.read(piece)
			if err != nil {
				t.Fatal(err)
			}
			n += m
		}
		if n != len(want) || !slices.Equal(got, want) {
			t.Errorf("in pieces of %d: %d messages, %q", size, n, got)
		}
	}
}

func TestClientReportsWhatIsWrong(t *testing.T) {
	wrong := errors.New("wrong")
	c := &client{samples: func(int) bool { return true }, check: func(int, bool, []byte) error { return wrong }}
	if _, err := c.read(answer(protocol.OpText, true, false, "x")); !errors.Is(err, wrong) {
		t.Errorf("a wrong answer: %v", err)
	}
	if _, err := new(client).read(answer(protocol.OpClose, true, false, "")); err == nil {
		t.Error("a close frame passes for an answer")
	}
	if e := (&echo{echoKind: echoKind{payloads: [][]byte{[]byte("right")}}}); true {
		c := &client{}
		e.watchOver(c)
		if c.check(0, false, []byte("right")) != nil || c.check(1, false, []byte("rigth")) == nil || c.check(1, true, deflated([]byte("right"))) == nil {
			t.Error("an echo is judged wrongly")
		}
	}
}

func TestPayloads(t *testing.T) {
	if n := len(mixedText(125)); n != 125 {
		t.Errorf("125 bytes of text are %d", n)
	}
	p, q := json(1), json(2)
	got, err := inflated(deflated(q), p)
	if err != nil || string(got) != string(q) || string(p) == string(q) || len(p) != 1<<10 {
		t.Errorf("JSON comes back as %q, %v", got, err)
	}
}

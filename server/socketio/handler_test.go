// Tests of handlers: which functions may be one, and what they are called with.

package socketio

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// argsOf makes the arguments that JSON values stand for.
func argsOf(raw string, attachments ...string) Args {
	a := &arguments{raw: []byte(raw)}
	for _, attachment := range attachments {
		a.attachments = append(a.attachments, []byte(attachment))
	}
	return Args{a}
}

func TestHandlers(t *testing.T) {
	type file struct {
		Name string `json:"name"`
		Data []byte `json:"data"`
	}
	const placeholder = `{"_placeholder":true,"num":0}`
	for _, test := range []struct {
		function any
		args     Args
		want     []any
		failure  string
	}{
		{func(*Socket) {}, argsOf(`1,2,3`), nil, ""},
		{func(*Socket) int { return 7 }, argsOf(``), []any{7}, ""},
		{func(_ *Socket, a, b int) int { return a + b }, argsOf(`1,2`), []any{3}, ""},
		{func(_ *Socket, a, b int) int { return a + b }, argsOf(`1`), []any{1}, ""},
		{func(_ *Socket, a, b int) int { return a + b }, argsOf(`1,2,3`), []any{3}, ""},
		{func(_ *Socket, a int) {}, argsOf(`"x"`), nil, "argument 1"},
		{func(_ *Socket, a, b uint8) {}, argsOf(`1,256`), nil, "argument 2"},
		{func(_ *Socket, s string, rest ...int) (string, int) { return s, len(rest) }, argsOf(`"x",1,2,3`), []any{"x", 3}, ""},
		{func(_ *Socket, s string, rest ...int) int { return len(rest) }, argsOf(``), []any{0}, ""},
		{func(_ *Socket, args Args) int { return args.Len() }, argsOf(`1,[2,3],{"a":4}`), []any{3}, ""},
		{func(_ *Socket, n int, args Args) int { return n + args.Len() }, argsOf(`5,6`), []any{7}, ""},
		{func(_ *Socket, b []byte) string { return string(b) }, argsOf(placeholder, "bytes"), []any{"bytes"}, ""},
		{func(_ *Socket, f file) string { return f.Name + string(f.Data) }, argsOf(`{"name":"n","data":`+placeholder+`}`, "bytes"), []any{"nbytes"}, ""},
		{func(_ *Socket, v any) any { return v }, argsOf(`[{"x":`+placeholder+`,"y":null}]`, "bytes"), []any{[]any{map[string]any{"x": []byte("bytes"), "y": nil}}}, ""},
		{func(_ *Socket, m json.RawMessage) string { return string(m) }, argsOf(`{"a": 1}`), []any{`{"a": 1}`}, ""},
		{func(*Socket) (int, error) { return 1, nil }, argsOf(``), []any{1}, ""},
		{func(*Socket) (int, error) { return 1, errors.New("no") }, argsOf(``), []any{1}, "no"},
		{func(*Socket) error { return errors.New("no") }, argsOf(``), nil, "no"},
	} {
		h, err := newHandler(test.function)
		if err != nil {
			t.Errorf("%T: %v", test.function, err)
			continue
		}
		got, err := h(nil, test.args)
		if test.failure != "" && (err == nil || !strings.Contains(err.Error(), test.failure)) || test.failure == "" && (err != nil || !reflect.DeepEqual(got, test.want)) {
			t.Errorf("%T with %s: %#v, %v", test.function, test.args.Raw(), got, err)
		}
	}
	for _, function := range []any{nil, 1, "f", func() {}, func(int) {}, func(Args) {}, (func(*Socket))(nil)} {
		if _, err := newHandler(function); err == nil {
			t.Errorf("%T is a handler", function)
		}
	}
}

type handlersOfEvents struct{}

func (handlersOfEvents) OnMyEvent(*Socket) int { return 1 }
func (handlersOfEvents) OnURL2(*Socket) int    { return 2 }
func (handlersOfEvents) OnConnect(int)         {}
func (handlersOfEvents) OnDisconnect()         {}
func (handlersOfEvents) Only(*Socket) int      { return 3 }
func (handlersOfEvents) On(*Socket) int        { return 4 }
func (handlersOfEvents) Ongoing(int)           {}

func TestMethods(t *testing.T) {
	found, err := methods(handlersOfEvents{})
	if err != nil || len(found) != 2 {
		t.Fatal(found, err)
	}
	all := &handlers{methods: found}
	for event, want := range map[string]any{
		"my event": 1, "my_event": 1, "my-event": 1, "myEvent": 1, "MyEvent": 1, "my.event": 1, "my:event": 1, "url2": 2, "url_2": 2,
		"my events": nil, "": nil, "ly": nil, "going": nil, "connect": nil, strings.Repeat("_", 1000) + "my event": nil,
	} {
		h := all.find([]byte(event))
		if (h == nil) != (want == nil) {
			t.Errorf("%q: a handler %t", event, h != nil)
			continue
		}
		if h != nil {
			if got, _ := h(nil, Args{}); got[0] != want {
				t.Errorf("%q: %v, want %v", event, got, want)
			}
		}
	}
	if _, err := methods(badMethods{}); err == nil || !strings.Contains(err.Error(), "OnX") {
		t.Errorf("a method that is no handler: %v", err)
	}
}

type badMethods struct{}

func (badMethods) OnX(string) {}

// TestEncode encodes arguments of all kinds, and decodes them as a client would.
func TestEncode(t *testing.T) {
	type nested struct {
		File []byte `json:"file"`
	}
	for _, test := range []struct {
		args        []any
		text        string
		attachments []string
	}{
		{nil, `2["e"]`, nil},
		{[]any{1, "two", nil, true, 2.5, []int{1}, map[string]int{"a": 1}}, `2["e",1,"two",null,true,2.5,[1],{"a":1}]`, nil},
		{[]any{"<\"\\\n\x00\u2028é>", "\xff"}, `2["e","<\"\\\n\u0000` + "\u2028é>\",\"\ufffd\"]", nil},
		{[]any{json.RawMessage(`{"a": [1]}`)}, `2["e",{"a": [1]}]`, nil},
		{[]any{[]byte("x")}, `51-["e",{"_placeholder":true,"num":0}]`, []string{"x"}},
		{[]any{nested{[]byte("x")}, []any{[]byte("y")}}, `52-["e",{"file":{"_placeholder":true,"num":0}},[{"_placeholder":true,"num":1}]]`, []string{"x", "y"}},
		{[]any{argsOf(``), 1, argsOf(`2,3`)}, `2["e",1,2,3]`, nil},
		{[]any{argsOf(`{"_placeholder":true,"num":0},"a"`, "x"), argsOf(`{"num":0,"_placeholder":true}`, "y")}, `52-["e",{"_placeholder":true,"num":0},"a",{"_placeholder":true,"num":1}]`, []string{"x", "y"}},
	} {
		e, err := encodeEvent(nil, "/", noID, "e", test.args)
		if err != nil || string(e.text) != test.text || fmt.Sprintf("%s", e.attachments) != fmt.Sprintf("%s", test.attachments) {
			t.Errorf("%v: %s, %s, %v", test.args, e.text, e.attachments, err)
		}
	}
	for _, args := range [][]any{
		{make(chan int)}, {func() {}}, {json.RawMessage(`{`)}, {json.RawMessage(``)}, {json.RawMessage(`1 2`)},
		{[]byte("x"), argsOf(`{"_placeholder":true,"num":7}`)}, // would make clients disconnect
	} {
		if e, err := encodeEvent(nil, "/", noID, "e", args); err == nil {
			t.Errorf("%v can be sent: %s", args, e.text)
		}
	}
	if _, err := encodeEvent(nil, "/", noID, "connect_error", nil); err == nil {
		t.Error("a reserved name can be sent")
	}
}

// TestEchoAllocates nothing: what an event and its answer need of the codec.
func TestEchoAllocates(t *testing.T) {
	text := []byte(`2["message","` + strings.Repeat("x", 110) + `",{"a":[1,2,3]}]`)
	args := new(arguments)
	allocations := testing.AllocsPerRun(100, func() {
		k, _ := parsePacket(text, testAttachments)
		_, args.raw, _ = k.event()
		b := getBuffer()
		e, _ := encodeEvent(b.bytes, "/", noID, "message-back", []any{Args{args}})
		b.put(e.text)
	})
	if allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func BenchmarkParse(b *testing.B) {
	for _, size := range []int{125, 16 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			text := []byte(`2["message","` + strings.Repeat("x", size-16) + `"]`)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				k, _ := parsePacket(text, testAttachments)
				_, _, _ = k.event()
			}
		})
	}
}

// Tests of the codec: packets, JSON, placeholders.

package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

const testAttachments = 10

// packets are texts and what they mean: kind, attachments, namespace, id, data.
var packets = []struct {
	text string
	want packet
}{
	{`0`, packet{kindConnect, 0, []byte("/"), noID, nil}},
	{`0{"token":"123"}`, packet{kindConnect, 0, []byte("/"), noID, []byte(`{"token":"123"}`)}},
	{`0/custom,`, packet{kindConnect, 0, []byte("/custom"), noID, nil}},
	{`0/custom`, packet{kindConnect, 0, []byte("/custom"), noID, nil}},
	{`0/custom,{"a":[1]}`, packet{kindConnect, 0, []byte("/custom"), noID, []byte(`{"a":[1]}`)}},
	{`1`, packet{kindDisconnect, 0, []byte("/"), noID, nil}},
	{`1/custom,`, packet{kindDisconnect, 0, []byte("/custom"), noID, nil}},
	{`2["a"]`, packet{kindEvent, 0, []byte("/"), noID, []byte(`["a"]`)}},
	{`2 [ "a" ] `, packet{kindEvent, 0, []byte("/"), noID, []byte(`[ "a" ]`)}},
	{`2/custom,["a",1]`, packet{kindEvent, 0, []byte("/custom"), noID, []byte(`["a",1]`)}},
	{`212["a"]`, packet{kindEvent, 0, []byte("/"), 12, []byte(`["a"]`)}},
	{`20["a"]`, packet{kindEvent, 0, []byte("/"), 0, []byte(`["a"]`)}},
	{`29007199254740991["a"]`, packet{kindEvent, 0, []byte("/"), maxID, []byte(`["a"]`)}},
	{`2/custom,12["a",1]`, packet{kindEvent, 0, []byte("/custom"), 12, []byte(`["a",1]`)}},
	{`3456[]`, packet{kindAck, 0, []byte("/"), 456, []byte(`[]`)}},
	{`3/custom,7["x",{"y":null}]`, packet{kindAck, 0, []byte("/custom"), 7, []byte(`["x",{"y":null}]`)}},
	{`4/random,{"message":"Invalid namespace"}`, packet{kindConnectError, 0, []byte("/random"), noID, []byte(`{"message":"Invalid namespace"}`)}},
	{`4"no"`, packet{kindConnectError, 0, []byte("/"), noID, []byte(`"no"`)}},
	{`51-["a",{"_placeholder":true,"num":0}]`, packet{kindBinaryEvent, 1, []byte("/"), noID, []byte(`["a",{"_placeholder":true,"num":0}]`)}},
	{`510-/custom,3["a"]`, packet{kindBinaryEvent, 10, []byte("/custom"), 3, []byte(`["a"]`)}},
	{`61-5[{"_placeholder":true,"num":0}]`, packet{kindBinaryAck, 1, []byte("/"), 5, []byte(`[{"_placeholder":true,"num":0}]`)}},
}

func same(a, b packet) bool {
	return a.kind == b.kind && a.attachments == b.attachments && a.id == b.id && bytes.Equal(a.namespace, b.namespace) && bytes.Equal(a.data, b.data)
}

func TestParsePacket(t *testing.T) {
	for _, test := range packets {
		got, err := parsePacket([]byte(test.text), testAttachments)
		if err != nil || !same(got, test.want) {
			t.Errorf("%s: got %+v, %v", test.text, got, err)
			continue
		}
		text := string(appendHead(nil, got.kind, got.attachments, string(got.namespace), got.id)) + string(got.data)
		again, err := parsePacket([]byte(text), testAttachments)
		if err != nil || !same(got, again) {
			t.Errorf("%s: encoded as %s", test.text, text)
		}
	}
}

// TestCutShort parses every beginning of a packet: none crashes, and none of an event is an event.
func TestCutShort(t *testing.T) {
	for _, test := range packets {
		for n := range len(strings.TrimSpace(test.text)) {
			got, err := parsePacket([]byte(test.text[:n]), testAttachments)
			if err == nil && got.kind != kindConnect && got.kind != kindDisconnect {
				t.Errorf("%q is a packet: %+v", test.text[:n], got)
			}
		}
	}
}

func TestRefusedPackets(t *testing.T) {
	for _, test := range []struct {
		text string
		want error // nil for any
	}{
		{``, errEmpty},
		{`7`, nil}, {`a`, nil}, {"\x00", nil}, {`-1`, nil},
		{`abc`, nil},
		{`0[]`, errData}, {`0"a"`, errData}, {`0null`, errData}, {`0{`, errJSON}, {`0{}x`, errJSON},
		{`1{}`, errData}, {`1[]`, errData},
		{`2`, errData}, {`2{}`, errData}, {`2"a"`, errData}, {`2[`, errJSON}, {`2["a"`, errJSON}, {`2["a"]]`, errJSON},
		{`29007199254740992["a"]`, errID}, {`299999999999999999999999["a"]`, errID},
		{`2/custom["a"]`, errData}, // the comma is missing, so it is all name
		{`2/` + strings.Repeat("n", 256) + `,["a"]`, errNamespace},
		{`0/` + strings.Repeat("n", 100000), errNamespace},
		{`3[]`, errData}, {`31`, errData}, {`31{}`, errData},
		{`4`, errData}, {`4[]`, errData},
		{`5["a"]`, errAttachments}, {`5-["a"]`, errAttachments}, {`50-["a"]`, errAttachments}, {`5-1-["a"]`, errAttachments},
		{`51.5-["a"]`, errAttachments}, {`51`, errAttachments}, {`511-["a"]`, errAttachments}, {`599999999999999999999-["a"]`, errAttachments},
		{`51-`, errData}, {`61-[]`, errData},
		{`2["a",` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `]`, errJSON},
		{`2["a",` + strings.Repeat(`{"a":`, 100000) + `1`, errJSON},
	} {
		_, err := parsePacket([]byte(test.text), testAttachments)
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%.40s: %v, want %v", test.text, err, test.want)
		}
	}
}

func TestEventNames(t *testing.T) {
	for _, test := range []struct{ data, name, args string }{
		{`["a"]`, `a`, ``},
		{`[ "a" , 1 , [2] ]`, `a`, `1 , [2]`},
		{`["",null]`, ``, `null`},
		{`["my event","x"]`, `my event`, `"x"`},
		{`["caf\u00e9 \"x\"","]"]`, `café "x"`, `"]"`},
		{`[7,8]`, `7`, `8`},
	} {
		name, args, err := (&packet{data: []byte(test.data)}).event()
		if err != nil || string(name) != test.name || string(args) != test.args {
			t.Errorf("%s: %q, %q, %v", test.data, name, args, err)
		}
	}
	for data, want := range map[string]error{
		`[]`: errData, `[null]`: errData, `[{}]`: errData, `[["a"]]`: errData, `[true]`: errData,
		`["connect"]`: errReserved, `["connect_error",1]`: errReserved, `["disconnect"]`: errReserved, `["disconnecting"]`: errReserved,
		`["newListener"]`: errReserved, `["removeListener"]`: errReserved, `["\u0063onnect"]`: errReserved,
		`["\ud800"]`: errJSON,
	} {
		if name, _, err := (&packet{data: []byte(data)}).event(); !errors.Is(err, want) {
			t.Errorf("%s: %q, %v, want %v", data, name, err, want)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	for _, test := range []struct {
		raw   string
		valid bool
	}{
		{`{"_placeholder":true,"num":1}`, true},
		{`{ "num" : 0 , "_placeholder" : true }`, true},
		{`{"a":[{"_placeholder":true,"num":0}],"b":"_placeholder"}`, true},
		{`"{\"_placeholder\":true,\"num\":9}"`, true}, // text that looks like one
		{`{"_placeholder":true,"num":2}`, false},
		{`{"_placeholder":true,"num":-1}`, false},
		{`{"_placeholder":true,"num":0.5}`, false},
		{`{"_placeholder":true,"num":1e9}`, false},
		{`{"_placeholder":true,"num":"0"}`, false},
		{`{"_placeholder":true}`, false},
		{`{"_placeholder":false,"num":0}`, false},
		{`{"_placeholder":true,"num":0,"num":9}`, false},
		{`{"_placeholder":true,"num":0,"x":1}`, false},
		{`{"\u005fplaceholder":true,"num":9}`, false},
		{`{"num":99999999999999999999,"_placeholder":true}`, false},
	} {
		if skipValue([]byte(test.raw), 0) != len(test.raw) {
			t.Fatalf("%s is no JSON", test.raw)
		}
		if err := checkPlaceholders([]byte(test.raw), 2); (err == nil) != test.valid {
			t.Errorf("%s: %v", test.raw, err)
		}
	}
}

// FuzzJSON: what skipValue takes is what package json takes, nesting aside.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-2.5e+3,"x\u00e9\n",true,false,null,{}],"b":{"c":[]}}`, `[[[]],[{}]]`, `01`, `-`, `1.`, `1e`, `"\x"`, `"\u12"`, `[1,]`, `{"a"}`,
		`{"a":1,}`, `{,}`, `nul`, `"a`, "\"a\x1f\"", `"abcdefgh\"ijklmnop"`, ` [ 1 , 2 ] `, `]`, `{]`, `[}`, `[1 2]`, `{"a":1 "b":2}`, `{1:2}`, `--1`,
		strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 65) + strings.Repeat("]", 65),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		end := skipValue(p, 0)
		valid := end >= 0 && skipSpace(p, end) == len(p)
		if want := json.Valid(p) && depth(p) <= maxDepth; valid != want {
			t.Fatalf("%q: %v, want %v", p, valid, want)
		}
	})
}

// depth returns how deeply valid JSON is nested.
func depth(p []byte) (deepest int) {
	open, quoted := 0, false
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			open++
			deepest = max(deepest, open)
		case c == ']' || c == '}':
			open--
		}
	}
	return deepest
}

// FuzzPacket: what is parsed and encoded means the same, and arguments can be decoded, sent on and
// decoded again.
func FuzzPacket(f *testing.F) {
	for _, test := range packets {
		f.Add([]byte(test.text))
	}
	f.Add([]byte(`52-["a",{"x":[{"_placeholder":true,"num":1}]},{"_placeholder":true,"num":0}]`))
	f.Add([]byte(`51-["a",{"\u005fplaceholder":true,"num":0}]`))
	f.Fuzz(func(t *testing.T, p []byte) {
		k, err := parsePacket(p, testAttachments)
		if err != nil || !json.Valid(k.data) && len(k.data) > 0 {
			return
		}
		text := append(appendHead(nil, k.kind, k.attachments, string(k.namespace), k.id), k.data...)
		if again, err := parsePacket(text, testAttachments); err != nil || !same(k, again) {
			t.Fatalf("%q became %q: %+v, %v", p, text, again, err)
		}
		if k.kind != kindEvent && k.kind != kindBinaryEvent {
			return
		}
		name, raw, err := k.event()
		if err != nil || checkPlaceholders(raw, k.attachments) != nil {
			return
		}
		args := Args{&arguments{raw: raw, attachments: make([][]byte, k.attachments)}}
		var values = make([]any, args.Len())
		into := make([]any, len(values))
		for i := range values {
			into[i] = &values[i]
		}
		if err := args.Decode(into...); err != nil {
			return // numbers that no float64 holds
		}
		e, err := encodeEvent(nil, string(k.namespace), k.id, string(name), []any{args, []byte("one more"), args})
		if err != nil {
			t.Fatalf("%q cannot be sent on: %v", p, err)
		}
		if _, err := parsePacket(e.text, 2*testAttachments+1); err != nil {
			t.Fatalf("%q was sent on as %q: %v", p, e.text, err)
		}
	})
}

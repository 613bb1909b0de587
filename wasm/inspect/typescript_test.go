// The page's view of this package: where the columns lie, and golden answers that
// the TypeScript compiler checks against the page's types.

package inspect

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"framescope/protocol"
)

const typescriptFile = "../../frontend/src/generated/layout.ts"

func TestTypeScript(t *testing.T) {
	got := typescript(t)
	if *update {
		if err := os.WriteFile(typescriptFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(typescriptFile)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is out of date: go test ./wasm/inspect -run TestTypeScript -update", typescriptFile)
	}
}

func typescript(t *testing.T) string {
	var b strings.Builder
	b.WriteString("// Written by wasm/inspect/typescript_test.go: what the WASM module says, and where it lies in memory.\n\n")
	writeColumns(&b, "rowWindow", RowWindowSize, reflect.TypeFor[RowWindow]())
	writeColumns(&b, "connWindow", ConnWindowSize, reflect.TypeFor[ConnWindow]())
	b.WriteString("/** Counts of the state block, by their index among its 64-bit numbers. */\nexport const stateIndex = {\n")
	for i, f := range reflect.VisibleFields(reflect.TypeFor[State]()) {
		fmt.Fprintf(&b, "  %s: %d,\n", camel(f.Name), i)
	}
	b.WriteString("} as const;\n\n")
	writeNames(&b)
	b.WriteString("/** Every rule of the RFC that a frame can break, in order of its number. */\nexport const rules = [\n")
	for r := range protocol.RuleCount {
		fmt.Fprintf(&b, "  { id: %q, section: %q, closeCode: %d },\n", r, r.Section(), r.CloseCode())
	}
	b.WriteString("] as const;\n" + types)
	in := New(0)
	demo().into(t, in)
	for _, seq := range []uint64{1, 5, 7, 9} {
		d, _ := in.Detail(seq)
		writeGolden(t, &b, fmt.Sprintf("goldenDetail%d", seq), d.JSON, "FrameDetail")
	}
	in = New(0)
	compressedTalk(t).into(t, in)
	d, _ := in.Detail(1)
	writeGolden(t, &b, "goldenCompressed", d.JSON, "FrameDetail")
	h, _ := in.Handshake(1)
	writeGolden(t, &b, "goldenHandshake", h, "HandshakeDetail")
	return b.String()
}

func writeColumns(b *strings.Builder, name string, capacity int, window reflect.Type) {
	fmt.Fprintf(b, "export const %s = {\n  capacity: %d,\n  size: %d,\n  columns: {\n", name, capacity, window.Size())
	for _, f := range reflect.VisibleFields(window) {
		fmt.Fprintf(b, "    %s: { offset: %d, type: %q, length: %d },\n", camel(f.Name), f.Offset, f.Type.Elem().Kind(), f.Type.Len())
	}
	b.WriteString("  },\n} as const;\n\n")
}

// writeNames writes what the numbers in the columns stand for.
func writeNames(b *strings.Builder) {
	b.WriteString("/** The names of all sixteen opcodes; a reserved one has its number. */\nexport const opcodes = [\n")
	for op := range protocol.Opcode(16) {
		fmt.Fprintf(b, "  %q,\n", op)
	}
	b.WriteString("] as const;\n\n/** The bits of a row's flags. */\nexport const rowFlag = {\n")
	for _, f := range []struct {
		name string
		bit  rowFlags
	}{
		{"fin", flagFin}, {"masked", flagMasked}, {"server", flagServer}, {"cut", flagCut},
		{"partial", flagPartial}, {"text", flagText}, {"compressed", flagCompressed}, {"lost", flagLost},
	} {
		fmt.Fprintf(b, "  %s: %d,\n", f.name, f.bit)
	}
	b.WriteString("} as const;\n\n/** The states of a connection, by their number. */\nexport const connStates = [")
	for i, s := range [...]string{connHandshake: "handshake", connOpen: "open", connClosed: "closed", connRefused: "refused"} {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(b, "%q", s)
	}
	fmt.Fprintf(b, "] as const;\n\n/** Who closed a connection first. */\nexport const closer = { %s: %d, %s: %d, unknown: %d } as const;\n\n",
		protocol.Client, protocol.Client, protocol.Server, protocol.Server, sideUnknown)
}

func camel(name string) string {
	if name == strings.ToUpper(name) {
		return strings.ToLower(name)
	}
	return strings.ToLower(name[:1]) + name[1:]
}

func writeGolden(t *testing.T, b *strings.Builder, name string, text []byte, kind string) {
	var indented strings.Builder
	e := json.NewEncoder(&indented)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(json.RawMessage(text)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(b, "\nexport const %s = %s satisfies %s;\n", name, strings.TrimSpace(indented.String()), kind)
}

const types = `
/** A 64-bit number as decimal text, which JavaScript would round as a number. */
export type Big = string;

export interface FrameField {
  name: string;
  bit: number;
  bits: number;
  value: Big;
  text: string;
  section: string;
}

export interface FrameBreach {
  rule: string;
  text: string;
  section: string;
  closeCode: number;
}

export interface FrameDetail {
  seq: Big;
  conn: number;
  dir: string;
  time: Big;
  opcode: string;
  fin: boolean;
  length: Big;
  headerSize: number;
  captured: number;
  wireSize: Big;
  cut: boolean;
  partial: boolean;
  /** Part of a compressed message; the payload that comes with it is inflated then. */
  compressed: boolean;
  inflatedSize: Big | null;
  /** Why it is not inflated, or not all of it, as a sentence; or empty. */
  inflateNote: string;
  /** The first bytes of the payload as on the wire, but unmasked, in hex. */
  unmasked: string;
  fields: FrameField[];
  breaches: FrameBreach[];
  message: { kind: string; firstSeq: Big; fragment: number; last: boolean } | null;
  close: { code: number; name: string; reason: string } | null;
  payloadKind: string;
  payloadValid: boolean;
}

export interface HandshakeHead {
  line: string;
  fields: string[][];
  raw: string;
}

export interface HandshakeCheck {
  of: string;
  ok: boolean;
  what: string;
  seen: string;
  reason: string;
  section: string;
}

export interface HandshakeDetail {
  conn: number;
  remote: string;
  request: HandshakeHead | null;
  response: HandshakeHead | null;
  checks: HandshakeCheck[];
  /** What was agreed on of compression, a sentence for each side. */
  compression: string[];
  key: string;
  guid: string;
  accept: string;
  acceptComputed: string;
  acceptOK: boolean;
}
`

//go:build wasip1

// Command wasm is the inspector as a WASM module for the page's worker, or any
// other host: a WASI reactor whose exports only compute.
//
// The host calls _initialize once and then [start]. To pass bytes it asks [input]
// for a buffer, writes them there and calls [ingest] or [filter]. Results are in
// memory, too: the state block, the two windows of columns, and what [result]
// points to. They are valid until the next call, which may also grow the memory
// and so detach every view of it.
//
// An export that fails returns a negative number, and the text of the result is a
// sentence that says why. None of them traps.
package main

import (
	"runtime"
	"unsafe"

	"framescope/wasm/inspect"
)

func main() {} // a reactor has no main

// What an export returns when it fails.
const (
	refused  = -1 // the input was not understood
	panicked = -2 // a fault in this module
)

var (
	inspector *inspect.Inspector
	incoming  []byte // what input returned
	answer    answers
)

// answers is what result points to: addresses and lengths in memory.
type answers struct {
	text, textLength       uint32
	wire, wireLength       uint32
	payload, payloadLength uint32
}

//go:wasmexport start
func start(budgetMiB int32) (code int32) {
	defer guard(&code)
	inspector = inspect.New(int(budgetMiB) << 20)
	return 0
}

//go:wasmexport input
func input(n int32) (pointer int32) {
	defer guard(&pointer)
	incoming = inspector.Input(int(n))
	return int32(address(incoming))
}

//go:wasmexport ingest
func ingest() (code int32) {
	defer guard(&code)
	err := inspector.Ingest()
	if inspector.ShouldCollect() {
		// By itself the runtime collects only while it gets time for it: a host that
		// calls us and waits for the answer gives it none, and memory never shrinks.
		runtime.GC()
	}
	return said(err)
}

//go:wasmexport filter
func filter() (code int32) {
	defer guard(&code)
	f, err := inspect.ParseFilter(string(incoming))
	if err == nil {
		inspector.SetFilter(f)
	}
	return said(err)
}

//go:wasmexport clear
func clearAll() (code int32) {
	defer guard(&code)
	inspector.Clear()
	return 0
}

//go:wasmexport state
func state() (pointer int32) {
	defer guard(&pointer)
	return int32(uintptr(unsafe.Pointer(inspector.Refresh())))
}

//go:wasmexport rowWindow
func rowWindow() int32 { return int32(uintptr(unsafe.Pointer(inspector.RowWindow()))) }

//go:wasmexport connWindow
func connWindow() int32 { return int32(uintptr(unsafe.Pointer(inspector.ConnWindow()))) }

//go:wasmexport rows
func rows(first, count int32) (n int32) {
	defer guard(&n)
	return int32(inspector.Rows(int(first), int(count)))
}

//go:wasmexport connections
func connections(first, count int32) (n int32) {
	defer guard(&n)
	return int32(inspector.Connections(int(first), int(count)))
}

//go:wasmexport find
func find(seq int64) (position int32) {
	defer guard(&position)
	return int32(inspector.Find(uint64(seq)))
}

//go:wasmexport detail
func detail(seq int64) (found int32) {
	defer guard(&found)
	d, ok := inspector.Detail(uint64(seq))
	if !ok {
		return 0
	}
	answer = answers{
		address(d.JSON), uint32(len(d.JSON)),
		address(d.Wire), uint32(len(d.Wire)),
		address(d.Payload), uint32(len(d.Payload)),
	}
	return 1
}

//go:wasmexport handshake
func handshake(conn int32) (found int32) {
	defer guard(&found)
	text, ok := inspector.Handshake(uint32(conn))
	if !ok {
		return 0
	}
	answer = answers{text: address(text), textLength: uint32(len(text))}
	return 1
}

//go:wasmexport resume
func resume() (known int32) {
	defer guard(&known)
	query, ok := inspector.ResumeQuery()
	if !ok {
		return 0
	}
	answer = answers{text: address(query), textLength: uint32(len(query))}
	return 1
}

//go:wasmexport result
func result() int32 { return int32(uintptr(unsafe.Pointer(&answer))) }

// address returns where b is in memory; b must stay reachable from Go meanwhile.
func address(b []byte) uint32 { return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }

// said returns the code of an error and makes its text the result.
func said(err error) int32 {
	if err == nil {
		return 0
	}
	say(err.Error())
	return refused
}

var sentence []byte // roots the text of the result

func say(text string) {
	sentence = append(sentence[:0], text...)
	answer = answers{text: address(sentence), textLength: uint32(len(sentence))}
}

// guard turns a panic into a code and a sentence: after a trap the host would
// have to start the module again.
func guard(code *int32) {
	switch p := recover().(type) {
	case nil:
		return
	case error:
		say("the inspector failed: " + p.Error())
	case string:
		say("the inspector failed: " + p)
	default:
		say("the inspector failed")
	}
	*code = panicked
}

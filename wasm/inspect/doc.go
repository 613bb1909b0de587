// Package inspect turns capture records into what an inspector shows: rows of
// frames with everything that they break, connections, and the whole truth of
// one chosen frame.
//
// It is what the WASM module is made of, but plain Go: it knows neither
// JavaScript nor the page, and it does not care whether the records come from a
// live feed, a file or a proxy. All judgement of frames is package protocol's.
//
// Memory is bounded: the record bytes stay as they came, in slabs, and a row of
// 32 bytes stands for each frame. When both together pass the budget, the oldest
// slab goes with its rows.
package inspect

// Package inspect turns capture records into what an inspector shows: rows of
// frames with every rule that they break, connections, and the details of one
// chosen frame.
//
// The WASM module consists of it, but it is plain Go: it knows neither JavaScript
// nor the page, and does the same with records from a live feed, a file or a
// proxy. Package protocol alone judges the frames.
//
// Memory is bounded: records are kept as they arrived, in slabs, with a row of
// 32 bytes for each frame. When both together exceed the budget, the oldest
// slab is removed with its rows.
package inspect

// Matches: which rows match the filter, by position.

package inspect

import "slices"

// matchList holds the indexes of the rows that match a filter, in order. Without
// a filter it is empty: then every row matches.
type matchList struct {
	filter *Filter
	rows   []uint64
	head   int // rows[:head] are gone
}

func (m *matchList) offer(w *row, i uint64) {
	if m.filter != nil && m.filter.match(w) {
		m.rows = append(m.rows, i)
	}
}

// drop removes the rows before index first.
func (m *matchList) drop(first uint64) {
	for m.head < len(m.rows) && m.rows[m.head] < first {
		m.head++
	}
	if m.head > len(m.rows)/2 {
		m.rows = m.rows[:copy(m.rows, m.rows[m.head:])]
		m.head = 0
	}
}

func (m *matchList) held() []uint64 { return m.rows[m.head:] }

// SetFilter shows only the rows that match f from now on; nil shows all.
func (in *Inspector) SetFilter(f *Filter) {
	in.matches = matchList{filter: f}
	if f == nil {
		return
	}
	for i := in.rows.first; i < in.rows.next; i++ {
		in.matches.offer(in.rows.at(i), i)
	}
}

// matched returns how many rows match the filter.
func (in *Inspector) matched() uint64 {
	if in.matches.filter == nil {
		return in.rows.next - in.rows.first
	}
	return uint64(len(in.matches.held()))
}

// rowIndex returns the index of the row at a position of the filtered list.
func (in *Inspector) rowIndex(position int) uint64 {
	if in.matches.filter == nil {
		return in.rows.first + uint64(position)
	}
	return in.matches.held()[position]
}

// Find returns the position in the filtered list of frame seq, or of the first frame
// after it that matches; -1 if there is none.
func (in *Inspector) Find(seq uint64) int {
	i := in.rowAfter(seq)
	position := int(i - in.rows.first)
	if in.matches.filter != nil {
		position, _ = slices.BinarySearch(in.matches.held(), i)
	}
	if uint64(position) >= in.matched() {
		return -1
	}
	return position
}

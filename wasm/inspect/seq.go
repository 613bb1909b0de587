// Sequence numbers: those of the capture, which count lost frames, too.

package inspect

// skip says that from a row on, sequence numbers are further ahead of rows.
type skip struct{ row, by uint64 }

// seqOf returns the number of the frame in row i.
func (in *Inspector) seqOf(i uint64) uint64 {
	low, high := 0, len(in.skips)
	for low < high {
		if mid := (low + high) / 2; in.skips[mid].row <= i {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == 0 {
		return i + 1
	}
	return i + 1 + in.skips[low-1].by
}

// rowAfter returns the row of frame seq, or of the first held frame after it; that may
// be the next row, which does not exist yet.
func (in *Inspector) rowAfter(seq uint64) uint64 {
	low, high := in.rows.first, in.rows.next
	for low < high {
		if mid := (low + high) / 2; in.seqOf(mid) < seq {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// Access to the rooms for tests.

package chat

// Queued returns how many bytes all rooms have queued for members that are behind.
func (h *Handler) Queued() int64 { return h.rooms.queued.Load() }

// Open returns the number of open rooms.
func (h *Handler) Open() int {
	h.rooms.mu.Lock()
	defer h.rooms.mu.Unlock()
	return len(h.rooms.open)
}

// Remembered returns how many bytes the histories of all rooms keep.
func (h *Handler) Remembered() int64 {
	h.rooms.histories.mu.Lock()
	defer h.rooms.histories.mu.Unlock()
	return h.rooms.histories.size
}

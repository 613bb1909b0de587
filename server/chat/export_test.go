// What tests see of the rooms.

package chat

// Held is how many bytes all rooms hold for members that are behind.
func (h *Handler) Held() int64 { return h.rooms.held.Load() }

// Open is how many rooms are.
func (h *Handler) Open() int {
	h.rooms.mu.Lock()
	defer h.rooms.mu.Unlock()
	return len(h.rooms.open)
}

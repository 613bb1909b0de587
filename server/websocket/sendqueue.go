// The send queue: prepared messages that wait for the socket.

package websocket

// sendQueue is part of the outbound half, whose mutex guards it.
type sendQueue struct {
	waiting   []*Prepared
	spare     []*Prepared // to be used again
	bytes     int
	scheduled bool // the fan-out has it, a goroutine sends it, or it was left
	left      bool // to be sent when there is no writer, and no message under way, any more
	onDrain   func()
}

// keptQueue is the longest queue, in messages, whose memory is kept for the next.
const keptQueue = 4

// queuedSize is what a message that waits takes in a queue, in bytes; the queue may be twice as
// long as what is in it. The message itself is shared by all queues.
const queuedSize = 2 * 8

// busy reports whether something waits, or is being sent.
func (q *sendQueue) busy() bool { return q != nil && (q.scheduled || len(q.waiting) > 0) }

// removeAll removes all that waits, and returns it.
func (q *sendQueue) removeAll() []*Prepared {
	batch := q.waiting
	q.waiting, q.spare, q.bytes = q.spare[:0], batch, 0
	return batch
}

// drained calls OnDrain's function; no lock is held.
func (q *sendQueue) drained() {
	if q.onDrain != nil {
		q.onDrain()
	}
}

// setOnDrain sets what is called when the queue is empty.
func (o *outbound) setOnDrain(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.makeQueue().onDrain = f
}

func (o *outbound) makeQueue() *sendQueue {
	if o.queue == nil {
		o.queue = new(sendQueue)
	}
	return o.queue
}

// queued reports whether something of the queue is not sent yet.
func (o *outbound) queued() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.queue.busy()
}

// send queues messages, which are sent without others between them. If nothing else is being sent,
// the fan-out is called, else the writer calls it.
func (o *outbound) send(messages []*Prepared) error {
	size := 0
	for _, m := range messages {
		size += len(m.frameFor(o))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.link.ended.Load() {
		return ErrClosed
	}
	q := o.makeQueue()
	if q.bytes > 0 && q.bytes+size > o.link.options.SendQueue {
		return ErrSlowReader
	}
	q.waiting = append(q.waiting, messages...)
	q.bytes += size
	for _, m := range messages {
		o.count(m)
	}
	o.scheduleQueue()
	return nil
}

// scheduleQueue gives the queue to the fan-out if something waits in it or it was left, unless there is
// a writer or a message under way: at the end of those it is called again. mu is held.
func (o *outbound) scheduleQueue() {
	q := o.queue
	if q == nil || o.writing || o.inMessage {
		return
	}
	if q.left || len(q.waiting) > 0 && !q.scheduled {
		o.addToFanout()
	}
}

// addToFanout gives the queue to the fan-out; mu is held.
func (o *outbound) addToFanout() {
	o.queue.scheduled, o.queue.left = true, false
	allQueues.add(o)
}

// sendQueued implements queueSender.
func (o *outbound) sendQueued() (stayed bool) {
	if !o.link.direct() { // any write may wait
		go o.drainQueue()
		return false
	}
	more, stayed := o.sendSome(true)
	switch {
	case stayed && more:
		o.drainQueue()
	case more:
		allQueues.add(o)
	}
	return stayed
}

// drainQueue sends until nothing is queued.
func (o *outbound) drainQueue() {
	for more := true; more; {
		more, _ = o.sendSome(false)
	}
}

// sendSome sends all that is queued at present. If there is a writer or a message under way, it
// leaves the queue to be sent at the end of those. more says that the caller has to go on, stayed
// that a sender of the fan-out had to wait.
func (o *outbound) sendSome(fanning bool) (more, stayed bool) {
	o.mu.Lock()
	ended := o.link.ended.Load()
	if !ended && (o.writing || o.inMessage) {
		o.queue.left = true
		o.mu.Unlock()
		return false, false
	}
	if !ended {
		o.writing, o.fanning = true, fanning
		o.sendBatch()
		stayed = fanning && !o.fanning
		o.fanning = false
	}
	more = o.moreQueued()
	if !ended {
		o.release()
	}
	o.mu.Unlock()
	if !more {
		o.queue.drained()
	}
	return more, stayed
}

// moreQueued reports whether the goroutine that has the queue has to send more. If not, it has the
// queue no longer, and calls OnDrain's function. mu is held.
func (o *outbound) moreQueued() bool {
	q := o.queue
	if len(q.waiting) > 0 && !o.link.ended.Load() {
		return true
	}
	q.scheduled = false
	if len(q.waiting) == 0 && cap(q.spare) > keptQueue {
		q.waiting, q.spare = nil, nil
	}
	return false
}

// leaveQueue leaves the queue to the writer, which the caller is, if something is in it and nothing
// else sends it: release has it sent and OnDrain's function called. mu is held.
func (o *outbound) leaveQueue() {
	if q := o.queue; len(q.waiting) > 0 && !q.scheduled {
		q.scheduled, q.left = true, true
	}
}

// queueLeft reports whether the queue was left to the writer, and may be sent now. mu is held.
func (o *outbound) queueLeft() bool {
	return o.queue != nil && o.queue.left && (!o.inMessage || o.link.ended.Load())
}

// sendQueueLeft sends what is queued if the queue was left to the writer, which the caller is. mu is
// held, but not meanwhile.
func (o *outbound) sendQueueLeft() {
	if !o.queueLeft() {
		return
	}
	if !o.link.ended.Load() {
		o.sendBatch()
	}
	q := o.queue
	if q.left = o.moreQueued(); !q.left {
		go q.drained()
	}
}

// count counts a message in the queue; the first queue that it waits in counts its bytes.
func (o *outbound) count(m *Prepared) {
	if b := o.link.options.Memory; b != nil {
		o.link.keep(queuedSize)
		if m.queues.Add(1) == 1 {
			b.AddShared(int64(len(m.wire)))
		}
	}
}

// uncount counts messages that have left the queue.
func (o *outbound) uncount(batch []*Prepared) {
	b := o.link.options.Memory
	if b == nil {
		return
	}
	o.link.letGo(int64(len(batch)) * queuedSize)
	for _, m := range batch {
		if m.queues.Add(-1) == 0 {
			b.SubShared(int64(len(m.wire)))
		}
	}
}

// stopQueue empties the queue of a connection that has ended and returns what was in it. The
// fan-out calls OnDrain's function.
func (o *outbound) stopQueue() (unsent []*Prepared) {
	q := o.queue
	if q == nil {
		return nil
	}
	unsent = q.waiting
	q.waiting, q.spare, q.bytes = nil, nil, 0
	if len(unsent) > 0 && !q.scheduled || q.left && !o.writing {
		o.addToFanout()
	}
	return unsent
}

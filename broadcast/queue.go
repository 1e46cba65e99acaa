package broadcast

// queue is the frames that wait for the next write of one connection.
type queue struct {
	frames []Frame
	bytes  int
	inline [2]Frame // backing array of frames while there are few
}

// maxSpareFrames is the largest capacity of frames that a spare queue keeps.
const maxSpareFrames = 64

// coalesceBytes is the largest number of bytes that are coalesced into one write.
const coalesceBytes = 64 << 10

// enqueue appends f to the queue of s.
func (l *Loop) enqueue(s *Subscriber, f Frame) {
	q := s.queue
	if q == nil {
		if s.dead {
			return // its subscriptions are being removed
		}
		q = l.acquireQueue()
		s.queue = q
		if !s.dirty {
			s.dirty = true
			l.dirty = append(l.dirty, s)
		}
	}
	q.frames = append(q.frames, f)
	q.bytes += len(f)
	l.queued += len(f)
}

// Flush writes the queue of s, with one write if it fits coalesceBytes.
func (l *Loop) Flush(s *Subscriber) {
	q := s.queue
	if q == nil {
		return
	}
	s.queue = nil
	l.queued -= q.bytes
	if s.directory != nil {
		counters := s.directory.of(l)
		counters[FramesOut] += uint64(len(q.frames))
		counters[BytesOut] += uint64(q.bytes)
	}
	l.counters.Frames += uint64(len(q.frames))
	if len(q.frames) == 1 {
		l.writeTo(s, q.frames[0])
	} else {
		l.writeCoalesced(s, q.frames)
	}
	l.releaseQueue(q)
}

func (l *Loop) writeTo(s *Subscriber, p []byte) {
	l.counters.Writes++
	s.conn.Write(p)
}

// writeCoalesced writes frames through the scratch buffer. A frame that is larger than the buffer gets its own write.
func (l *Loop) writeCoalesced(s *Subscriber, frames []Frame) {
	buf := l.scratch[:0]
	for _, f := range frames {
		if len(buf)+len(f) > coalesceBytes && len(buf) > 0 {
			l.writeTo(s, buf)
			buf = buf[:0]
			if s.dead {
				return
			}
		}
		if len(f) > coalesceBytes {
			l.writeTo(s, f)
			if s.dead {
				return
			}
			continue
		}
		buf = append(buf, f...)
	}
	if len(buf) > 0 {
		l.writeTo(s, buf)
	}
	l.scratch = buf[:0]
}

// discard drops the queue of s.
func (l *Loop) discard(s *Subscriber) {
	if q := s.queue; q != nil {
		s.queue = nil
		l.queued -= q.bytes
		l.releaseQueue(q)
	}
}

func (l *Loop) acquireQueue() *queue {
	n := len(l.spare)
	if n == 0 {
		q := &queue{}
		q.frames = q.inline[:0]
		return q
	}
	q := l.spare[n-1]
	l.spare[n-1] = nil
	l.spare = l.spare[:n-1]
	l.spareUnused = min(l.spareUnused, n-1)
	return q
}

func (l *Loop) releaseQueue(q *queue) {
	clear(q.frames)
	q.frames, q.bytes = q.frames[:0], 0
	if cap(q.frames) > maxSpareFrames {
		q.frames = q.inline[:0]
	}
	l.spare = append(l.spare, q)
}

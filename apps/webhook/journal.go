package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// journalName is the file in the directory of the state, and growth how many bytes it may become larger than what it amounts to.
const (
	journalName = "webhooks.journal"
	growth      = 4 << 20
)

// journal is what waits as a file has it: see record. A nil journal writes nothing. Guarded by the Dispatcher's lock.
type journal struct {
	path    string
	lock    *os.File
	file    *os.File
	pending bytes.Buffer // lines that are not in the file yet
	size    int          // of the file, in bytes
	compact int          // its size when it was last rewritten
	torn    bool         // writing to it has failed
	here    map[presence]bool
}

// openJournal opens the journal of a directory and returns what is in it. One process at a time has it.
func openJournal(dir string) (*journal, *saved, error) {
	path := filepath.Join(dir, journalName)
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator names the directory
	if err != nil {
		return nil, nil, fmt.Errorf("webhook: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, nil, fmt.Errorf("webhook: another server keeps its state in %s; give each a directory of its own: %w", dir, err)
	}
	j := &journal{path: path, lock: lock, here: make(map[presence]bool)}
	s := &saved{}
	old, err := os.Open(path) //nolint:gosec // as above
	if errors.Is(err, fs.ErrNotExist) {
		return j, s, nil
	}
	if err == nil {
		err = s.read(old)
		_ = old.Close()
	}
	if err != nil {
		j.close()
		return nil, nil, fmt.Errorf("webhook: the state in %s cannot be used; move it away to begin anew: %w", path, err)
	}
	return j, s, nil
}

func (j *journal) close() {
	if j == nil {
		return
	}
	if j.file != nil {
		_ = j.file.Close()
	}
	_ = j.lock.Close() // and with it goes the lock
}

// rewrite begins the file anew, in one step.
func (j *journal) rewrite(all func(emit func(record))) error {
	j.pending.Reset()
	for p := range j.here {
		j.add(record{App: p.app, Here: p.record()})
	}
	all(j.add)
	next, err := os.OpenFile(j.path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	size := j.pending.Len()
	if _, err = j.pending.WriteTo(next); err == nil {
		err = os.Rename(j.path+".new", j.path)
	}
	if err != nil {
		_ = next.Close()
		return fmt.Errorf("webhook: %w", err)
	}
	if j.file != nil {
		_ = j.file.Close()
	}
	j.file, j.size, j.compact, j.torn = next, size, size, false
	return nil
}

// grown reports that a new file would be much smaller, or that this one may end in the middle of a line.
func (j *journal) grown() bool { return j.torn || j.size > 2*j.compact+growth }

// flush writes pending lines. They survive the process then, not the machine.
func (j *journal) flush() error {
	if j.pending.Len() == 0 {
		return nil
	}
	n, err := j.file.Write(j.pending.Bytes())
	j.size += n
	j.pending.Reset()
	if err != nil {
		j.torn = true
		return fmt.Errorf("webhook: %w", err)
	}
	return nil
}

func (j *journal) add(r record) {
	if j != nil {
		_ = json.NewEncoder(&j.pending).Encode(r) // a record can always be encoded
	}
}

func (j *journal) item(n name, i *Item) {
	if j != nil {
		j.add(record{App: n.app, URL: n.url, Item: recordOf(i)})
	}
}

func (j *journal) batch(n name, b *Batch) {
	if j != nil {
		j.add(record{App: n.app, URL: n.url, Batch: &batchRecord{b.ID, b.First, refs(b.Items)}})
	}
}

func (j *journal) done(n name, b *Batch) {
	if j != nil {
		j.add(record{App: n.app, URL: n.url, Done: b.ID})
	}
}

func (j *journal) gone(n name, items []*Item) {
	if j != nil && len(items) > 0 {
		j.add(record{App: n.app, URL: n.url, Gone: refs(items)})
	}
}

// presence notes who is there, of whom nobody can ask a process that was killed.
func (j *journal) presence(app string, e *Event) {
	if j == nil {
		return
	}
	p := presence{app: app, channel: e.Channel, user: e.User, member: e.Kind == MemberAdded || e.Kind == MemberRemoved}
	switch e.Kind {
	case ChannelOccupied, MemberAdded:
		j.here[p] = true
		j.add(record{App: app, Here: p.record()})
	case ChannelVacated, MemberRemoved:
		delete(j.here, p)
		j.add(record{App: app, Away: p.record()})
	}
}

func (p presence) record() *subjectRecord {
	r := &subjectRecord{Channel: p.channel}
	if p.member {
		r.User = &p.user
	}
	return r
}

func formatRef(n uint64) string { return strconv.FormatUint(n, 10) }

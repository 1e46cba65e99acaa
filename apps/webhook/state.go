package webhook

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// returnTime is how long those who were there when a process ended have to come back before it is told that they are gone.
const returnTime = 30 * time.Second

// record is one line of what is written down: each changes what the lines before it say. A state that is saved, one that is handed over, and
// the journal are such lines.
type record struct {
	App   string         `json:"app"`
	URL   string         `json:"url,omitempty"`
	Item  *itemRecord    `json:"item,omitempty"`  // waits for the URL
	Batch *batchRecord   `json:"batch,omitempty"` // is on its way to it
	Done  string         `json:"done,omitempty"`  // a batch is not any longer
	Gone  []string       `json:"gone,omitempty"`  // items are not told after all
	Here  *subjectRecord `json:"here,omitempty"`  // a channel has subscribers, or a member is there
	Mark  bool           `json:"mark,omitempty"`  // all that is known has been written
	Away  *subjectRecord `json:"away,omitempty"`  // the opposite
}

type itemRecord struct {
	Ref     string          `json:"ref"`
	Kind    string          `json:"kind"`
	Channel string          `json:"channel,omitempty"`
	User    string          `json:"user,omitempty"`
	Lane    string          `json:"lane,omitempty"` // if it is not the channel
	Due     time.Time       `json:"due"`
	Mute    bool            `json:"mute,omitempty"`
	Text    json.RawMessage `json:"text"`
}

type batchRecord struct {
	ID    string    `json:"id"`
	First time.Time `json:"first"`
	Refs  []string  `json:"refs"`
}

type subjectRecord struct {
	Channel string  `json:"channel"`
	User    *string `json:"user,omitempty"` // nil: the channel itself
}

func recordOf(i *Item) *itemRecord {
	r := &itemRecord{Ref: i.Ref, Kind: i.Kind.String(), Channel: i.Channel, User: i.User, Due: i.Due, Mute: i.Mute, Text: i.Text}
	if i.Lane != i.Channel {
		r.Lane = i.Lane
	}
	return r
}

func (r *itemRecord) item() (*Item, bool) {
	k, ok := ParseKind(r.Kind)
	i := &Item{Ref: r.Ref, Kind: k, Channel: r.Channel, User: r.User, Lane: r.Lane, Due: r.Due, Mute: r.Mute, Text: r.Text}
	if i.Lane == "" {
		i.Lane = i.Channel
	}
	return i, ok
}

func refs(items []*Item) []string {
	list := make([]string, len(items))
	for n, i := range items {
		list[n] = i.Ref
	}
	return list
}

// records calls emit with everything that is known of what waits, batches that are on their way first.
func (d *Dispatcher) records(emit func(record)) {
	for _, e := range d.endpoints {
		n := e.name()
		for _, b := range e.flying {
			for _, i := range b.Items {
				emit(record{App: n.app, URL: n.url, Item: recordOf(i)})
			}
			emit(record{App: n.app, URL: n.url, Batch: &batchRecord{b.ID, b.First, refs(b.Items)}})
		}
		for _, i := range e.queue.waiting() {
			emit(record{App: n.app, URL: n.url, Item: recordOf(i)})
		}
	}
}

// Left is how many events have yet to be told, each counted for every URL.
func (d *Dispatcher) Left() (events int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records(func(r record) {
		if r.Item != nil {
			events++
		}
	})
	return events
}

// Save writes what has yet to be told, for Restore. Call it after Close.
func (d *Dispatcher) Save(w io.Writer) (err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	buffered := bufio.NewWriter(w)
	enc := json.NewEncoder(buffered)
	d.records(func(r record) {
		if err == nil {
			err = enc.Encode(r)
		}
	})
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return fmt.Errorf("webhook: saving what has yet to be told: %w", err)
	}
	return nil
}

// saved is what records amount to.
type saved struct {
	endpoints map[name]*savedEndpoint
	here      map[presence]bool
}

type savedEndpoint struct {
	items   []*Item          // in order; those that are not in waiting are gone
	waiting map[string]*Item // by ref
	batches []*Batch
}

// presence is a channel that has subscribers, or a member of one.
type presence struct {
	app, channel, user string
	member             bool
}

func (r *subjectRecord) presence(app string) presence {
	p := presence{app: app, channel: r.Channel}
	if r.User != nil {
		p.user, p.member = *r.User, true
	}
	return p
}

// errRecord says that what was saved has something else in it.
var errRecord = errors.New("webhook: a line that was not written by this program")

// read takes in records up to the end of r.
func (s *saved) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		if _, err := s.line(lines); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// line takes in one record, and reports whether it is the mark. The error is io.EOF at the end; a last line that is cut off, as a process leaves
// it that is killed, does not count.
func (s *saved) line(lines *bufio.Reader) (mark bool, err error) {
	line, err := lines.ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		return false, io.EOF
	}
	if err != nil {
		return false, fmt.Errorf("webhook: reading what has yet to be told: %w", err)
	}
	var rec record
	if json.Unmarshal(line, &rec) != nil {
		return false, errRecord
	}
	return rec.Mark, s.apply(&rec)
}

func (s *saved) at(n name) *savedEndpoint {
	if s.endpoints == nil {
		s.endpoints, s.here = make(map[name]*savedEndpoint), make(map[presence]bool)
	}
	e := s.endpoints[n]
	if e == nil {
		e = &savedEndpoint{waiting: make(map[string]*Item)}
		s.endpoints[n] = e
	}
	return e
}

func (s *saved) apply(r *record) error {
	e := s.at(name{r.App, r.URL})
	switch {
	case r.Item != nil:
		i, ok := r.Item.item()
		if !ok || !json.Valid(i.Text) {
			return errRecord
		}
		e.items = append(e.items, i)
		e.waiting[i.Ref] = i
	case r.Batch != nil:
		e.batches = append(e.batches, &Batch{ID: r.Batch.ID, First: r.Batch.First, Items: e.pick(r.Batch.Refs)})
	case r.Done != "":
		e.batches = slices.DeleteFunc(e.batches, func(b *Batch) bool { return b.ID == r.Done })
	case r.Gone != nil:
		e.pick(r.Gone)
	case r.Here != nil:
		s.here[r.Here.presence(r.App)] = true
	case r.Away != nil:
		delete(s.here, r.Away.presence(r.App))
	}
	return nil
}

// pick removes and returns the items of these refs.
func (e *savedEndpoint) pick(refs []string) (picked []*Item) {
	for _, ref := range refs {
		if i := e.waiting[ref]; i != nil {
			picked = append(picked, i)
			delete(e.waiting, ref)
		}
	}
	return picked
}

package sysctl

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// directive is one statement of nginx's configuration, with what it contains.
type directive struct {
	name  string
	args  []string
	block []*directive // of a block; the files of an include are in its place
	body  int          // byte behind the { of a block, 0 without one

	file     string
	line     int
	from, to int // bytes from its name to behind its ; or }
}

func (d *directive) where() string { return fmt.Sprintf("%s:%d", d.file, d.line) }

// arg is an argument, "" when it is not there.
func (d *directive) arg(i int) string {
	if d == nil || i >= len(d.args) {
		return ""
	}
	return d.args[i]
}

// find is the last directive of that name directly in the block: for nearly all of nginx's there may be only one.
func (d *directive) find(name string) *directive {
	all := d.all(name)
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

func (d *directive) all(name string) []*directive {
	var found []*directive
	if d == nil {
		return nil
	}
	for _, in := range d.block {
		if in.name == name {
			found = append(found, in)
		}
	}
	return found
}

// Limits that keep a file that includes itself, or is hostile, from taking the program down.
const (
	maxIncludeDepth = 16
	maxBlockDepth   = 64
	maxNginxFiles   = 4096
)

// nginxParser reads a file and what it includes.
type nginxParser struct {
	reader
	dir   string // of the main file: relative includes begin there
	files int
}

// parseNginx reads the file into one block that has everything.
func parseNginx(r reader, file string) (*directive, error) {
	p := &nginxParser{reader: r, dir: path.Dir(file)}
	block, err := p.file(file, 0)
	return &directive{block: block, file: file, line: 1}, err
}

func (p *nginxParser) file(name string, depth int) ([]*directive, error) {
	if p.files++; depth > maxIncludeDepth || p.files > maxNginxFiles {
		return nil, fmt.Errorf("%s: is included too deep or too often; does a file include itself?", name)
	}
	text, err := p.text(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", name, reason(err))
	}
	f := &nginxFile{nginxParser: p, name: name, depth: depth, lexer: nginxLexer{src: text, line: 1}}
	block, err := f.block(nil, 0)
	if err != nil {
		return nil, err
	}
	return block, nil
}

// nginxFile is one file while it is read.
type nginxFile struct {
	*nginxParser
	name  string
	depth int // of includes
	lexer nginxLexer
}

func (f *nginxFile) wrong(line int, what string) error {
	return fmt.Errorf("%s, line %d: %s", f.name, line, what)
}

// block reads directives up to the } that ends the block of owner, or up to the end of the file if there is no owner.
func (f *nginxFile) block(owner *directive, depth int) ([]*directive, error) {
	if depth > maxBlockDepth {
		return nil, f.wrong(owner.line, "blocks are nested too deep")
	}
	var found []*directive
	for {
		t, ok, err := f.lexer.next()
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s, %w", f.name, err)
		case !ok && owner != nil:
			return nil, f.wrong(owner.line, owner.name+" is not closed with }")
		case !ok:
			return found, nil
		case t.mark == '}' && owner != nil:
			owner.to = t.to
			return found, nil
		case t.mark != 0:
			return nil, f.wrong(t.line, "there is a "+string(t.mark)+" too many")
		}
		d, err := f.directive(t, depth)
		if err != nil {
			return nil, err
		}
		if d.name != "include" {
			found = append(found, d)
			continue
		}
		in, err := f.include(d)
		if err != nil {
			return nil, err
		}
		found = append(found, in...)
	}
}

// directive reads the rest of one whose name has been read.
func (f *nginxFile) directive(name nginxToken, depth int) (*directive, error) {
	d := &directive{name: name.text, file: f.name, line: name.line, from: name.from}
	for {
		t, ok, err := f.lexer.next()
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s, %w", f.name, err)
		case !ok, t.mark == '}':
			return nil, f.wrong(d.line, d.name+" is not ended with ;")
		case t.mark == ';':
			d.to = t.to
			return d, nil
		case t.mark == '{' && strings.HasSuffix(d.name, "_by_lua_block"):
			if err := f.lexer.raw(); err != nil {
				return nil, fmt.Errorf("%s, %w", f.name, err)
			}
			d.to = f.lexer.at
			return d, nil
		case t.mark == '{':
			d.body = t.to
			d.block, err = f.block(d, depth+1)
			return d, err
		}
		d.args = append(d.args, t.text)
	}
}

// include reads the files that one names. A pattern may match none; a name must exist.
func (f *nginxFile) include(d *directive) ([]*directive, error) {
	name := d.arg(0)
	if !path.IsAbs(name) {
		name = path.Join(f.dir, name)
	}
	names := []string{name}
	if strings.ContainsAny(name, "*?[") {
		names = f.glob(name)
	}
	var found []*directive
	for _, n := range names {
		in, err := f.file(n, f.depth+1)
		if err != nil {
			return nil, err
		}
		found = append(found, in...)
	}
	return found, nil
}

// glob finds files as a shell does: a * does not stand for a dot at the beginning. They are sorted.
func (r reader) glob(pattern string) []string {
	matches, _ := fs.Glob(r.root, inRoot(pattern))
	var found []string
	for _, m := range matches {
		if !strings.HasPrefix(path.Base(m), ".") || strings.HasPrefix(path.Base(pattern), ".") {
			found = append(found, "/"+m)
		}
	}
	return found
}

package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is a config file, flattened: "servers.reverb.port", "apps.apps[0].key". Nulls are left out, since Laravel
// writes them for what is not set.
type document struct {
	name     string
	values   map[string]value
	apps     []origin            // one for each application, its key being the path
	elements map[string][]origin // of the other lists, by path
	texts    map[string][]entry  // of the mappings whose keys anybody may choose, by path
	groups   map[string]bool
	ignored  []string // keys that concern PHP alone
	merges   int
	problems []error
}

func readDocument(name string, src []byte) document {
	d := document{
		name: name, values: make(map[string]value), groups: make(map[string]bool),
		elements: make(map[string][]origin), texts: make(map[string][]entry),
	}
	root, line, err := parseTree(src)
	if err != nil {
		d.problem(origin{key: name, line: line}, "%v", err)
		return d
	}
	if root == nil {
		return d
	}
	if root.Kind != yaml.MappingNode {
		d.problem(origin{key: name}, "is not in the shape of Laravel's config('reverb'); it needs the keys servers and apps")
		return d
	}
	d.walk(root, "", "", 0)
	return d
}

// walk reads one node. path is its full name, pattern the same with "[]" for the elements of lists.
func (d *document) walk(n *yaml.Node, path, pattern string, line int) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.ShortTag() == "!!null" && n.Kind == yaml.ScalarNode {
		return
	}
	at := origin{path, d.name, line}
	switch keys[pattern] {
	case group, open:
		d.walkGroup(n, path, pattern, at)
	case list:
		d.walkList(n, path, pattern, at)
	case texts:
		d.walkTexts(n, path, at)
	case scalar:
		if v, ok := d.scalar(n, at); ok {
			d.values[path] = v
		}
	case hosts:
		if v, ok := d.list(n, at); ok {
			d.values[path] = v
		}
	case phpOnly:
		if !slices.Contains(d.ignored, pattern) {
			d.ignored = append(d.ignored, pattern)
		}
	}
}

func (d *document) walkGroup(n *yaml.Node, path, pattern string, at origin) {
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		return // PHP's empty array
	}
	if n.Kind != yaml.MappingNode {
		d.problem(at, "is not a mapping; put its keys below it")
		return
	}
	d.groups[path] = true
	for _, p := range d.pairs(n, path) {
		switch child := join(pattern, p.key); {
		case keys[child] != unknown:
			d.walk(p.value, join(path, p.key), child, p.line)
		case keys[pattern] == group:
			at := origin{join(path, printable(p.key)), d.name, p.line}
			if meant := nearest(p.key, siblings(pattern)); meant != "" {
				d.problem(at, "unknown key; did you mean %s?", meant)
			} else {
				d.problem(at, "unknown key; known here are %s", strings.Join(siblings(pattern), ", "))
			}
		}
	}
}

func (d *document) walkList(n *yaml.Node, path, pattern string, at origin) {
	element := func(n *yaml.Node, path string, line int) {
		here := origin{path, d.name, line}
		if pattern == "apps.apps" {
			d.apps = append(d.apps, here)
		} else {
			d.elements[at.key] = append(d.elements[at.key], here)
		}
		d.walk(n, path, pattern+"[]", line)
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for i, child := range n.Content {
			element(child, fmt.Sprintf("%s[%d]", path, i), child.Line)
		}
	case yaml.MappingNode: // a PHP array with names in place of numbers
		for _, p := range d.pairs(n, path) {
			element(p.value, join(path, printable(p.key)), p.line)
		}
	default:
		d.problem(at, "is not a list; write each as an element with %s", strings.Join(siblings(pattern+"[]"), ", "))
	}
}

// entry is one of a mapping whose keys anybody may choose.
type entry struct {
	name string
	value
}

func (d *document) walkTexts(n *yaml.Node, path string, at origin) {
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		return // PHP's empty array
	}
	if n.Kind != yaml.MappingNode {
		d.problem(at, "is not a mapping of names to texts")
		return
	}
	for _, p := range d.pairs(n, path) {
		for p.value.Kind == yaml.AliasNode {
			p.value = p.value.Alias
		}
		if v, ok := d.scalar(p.value, origin{join(path, printable(p.key)), d.name, p.line}); ok {
			d.texts[path] = append(d.texts[path], entry{p.key, v})
		}
	}
}

func (d *document) scalar(n *yaml.Node, at origin) (value, bool) {
	if n.Kind != yaml.ScalarNode {
		d.problem(at, "is a list or mapping; give one value")
		return value{}, false
	}
	return value{text: n.Value, from: at}, true
}

func (d *document) list(n *yaml.Node, at origin) (v value, ok bool) {
	if n.Kind == yaml.ScalarNode {
		return value{text: n.Value, from: at}, true
	}
	v = value{isList: true, from: at}
	children, ok := d.children(n, at)
	if !ok {
		d.problem(at, "is not a list")
		return v, false
	}
	for i, child := range children {
		for child.Kind == yaml.AliasNode {
			child = child.Alias
		}
		if element, ok := d.scalar(child, origin{fmt.Sprintf("%s[%d]", at.key, i), at.place, child.Line}); ok {
			v.list = append(v.list, element)
		}
	}
	return v, true
}

// children are the elements of a list. PHP's JSON has an object with numbers for keys where elements were taken out of a list
// (array_filter), in order.
func (d *document) children(n *yaml.Node, at origin) (children []*yaml.Node, ok bool) {
	switch n.Kind {
	case yaml.SequenceNode:
		return n.Content, true
	case yaml.MappingNode:
		for _, p := range d.pairs(n, at.key) {
			if strings.Trim(p.key, "0123456789") != "" {
				return nil, false
			}
			children = append(children, p.value)
		}
		return children, true
	}
	return nil, false
}

type pair struct {
	key   string
	value *yaml.Node
	line  int
}

// pairs lists a mapping's entries with YAML's merge keys (<<) resolved: the mapping's own entries win.
func (d *document) pairs(n *yaml.Node, path string) []pair {
	const mostMerges = 1000 // an anchor may merge itself
	var own, merged []pair
	has := func(ps []pair, key string) bool {
		return slices.ContainsFunc(ps, func(p pair) bool { return p.key == key })
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.ShortTag() == "!!merge":
			if d.merges++; d.merges <= mostMerges {
				merged = append(merged, d.merged(v, path)...)
			}
		case has(own, k.Value):
			d.problem(origin{join(path, printable(k.Value)), d.name, k.Line}, "is given twice; remove one")
		default:
			own = append(own, pair{k.Value, v, k.Line})
		}
	}
	for _, p := range merged {
		if !has(own, p.key) {
			own = append(own, p)
		}
	}
	return own
}

func (d *document) merged(n *yaml.Node, path string) []pair {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.MappingNode {
		return d.pairs(n, path)
	}
	d.problem(origin{join(path, "<<"), d.name, n.Line}, "merges something that is not a mapping; name the anchor of one")
	return nil
}

// notes returns one line that names the keys of the file that concern PHP alone.
func (d *document) notes() []string {
	if len(d.ignored) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: ignored, since it concerns PHP alone: %s", d.name, strings.Join(d.ignored, ", "))}
}

func (d *document) problem(at origin, format string, args ...any) {
	d.problems = append(d.problems, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...)))
}

// printable returns a key as an error may show it. A text that does not look like a key may be a misplaced secret.
func printable(key string) string {
	if len(key) > 40 || !variableName.MatchString(strings.ReplaceAll(key, "-", "_")) {
		return "(key)"
	}
	return key
}

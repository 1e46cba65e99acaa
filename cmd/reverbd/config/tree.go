package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseTree parses YAML or JSON. With an error comes its line, or 0. Errors carry nothing of the file's text.
//
// JSON goes through encoding/json, although it is nearly YAML: PHP's json_encode writes "\/" and surrogate pairs, and
// the YAML parser takes neither.
func parseTree(src []byte) (root *yaml.Node, line int, err error) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if first := bytes.TrimSpace(src); len(first) > 0 && first[0] == '{' {
		root, line, err = parseJSON(src)
		if err == nil {
			return root, 0, nil
		}
		if flow, _, yamlErr := parseYAML(src); yamlErr == nil {
			return flow, 0, nil // {a: b} is YAML too
		}
		return nil, line, err
	}
	return parseYAML(src)
}

func parseYAML(src []byte) (*yaml.Node, int, error) {
	d := yaml.NewDecoder(bytes.NewReader(src))
	var doc, more yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, 0, nil
	} else if err != nil {
		line, text := cleanYAMLError(err)
		return nil, line, errors.New("is not valid YAML: " + text)
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, 0, errors.New("has a second document, or text behind the first; keep one")
	}
	if len(doc.Content) == 0 {
		return nil, 0, nil
	}
	return doc.Content[0], 0, nil
}

var (
	yamlLine   = regexp.MustCompile(`line (\d+): `)
	yamlQuoted = regexp.MustCompile(`'.*'|".*"|\x60.*\x60`)
)

// cleanYAMLError takes the line out of the parser's error, and whatever the parser quotes from the file.
func cleanYAMLError(err error) (line int, text string) {
	text = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = strings.Replace(text, m[0], "", 1)
	}
	return line, yamlQuoted.ReplaceAllString(text, "...") + "; check the indentation and the quotes there"
}

// jsonTree builds the nodes of the YAML parser from JSON, with line numbers.
type jsonTree struct {
	*json.Decoder
	src  []byte
	seen int64 // up to here newlines are counted
	line int
}

func parseJSON(src []byte) (*yaml.Node, int, error) {
	t := &jsonTree{Decoder: json.NewDecoder(bytes.NewReader(src)), src: src, line: 1}
	t.UseNumber()
	n, err := t.node(0)
	if err == nil {
		if _, err = t.Token(); errors.Is(err, io.EOF) {
			return n, 0, nil
		}
		err = errors.New("there is text behind its end")
	}
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		t.count(syntax.Offset)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		t.count(int64(len(src)))
		err = errors.New("it ends too early; a brace or a quote is not closed")
	default:
		t.count(t.InputOffset())
	}
	return nil, t.line, errors.New("is not valid JSON: " + err.Error())
}

func (t *jsonTree) node(depth int) (*yaml.Node, error) {
	if depth > 100 {
		return nil, errors.New("it is nested too deeply")
	}
	token, err := t.Token()
	if err != nil {
		return nil, err
	}
	t.count(t.InputOffset())
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: t.line}
	switch v := token.(type) {
	case nil:
		n.Tag = "!!null"
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(v)
	case json.Number:
		n.Tag, n.Value = "!!int", v.String()
	case string:
		n.Tag, n.Value = "!!str", v
	case json.Delim:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		if v == '[' {
			n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		}
		for t.More() {
			child, err := t.node(depth + 1)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		_, err = t.Token() // the closing delimiter
	}
	return n, err
}

// count moves the line number to the byte offset.
func (t *jsonTree) count(offset int64) {
	offset = min(offset, int64(len(t.src)))
	if offset > t.seen {
		t.line += bytes.Count(t.src[t.seen:offset], []byte("\n"))
		t.seen = offset
	}
}

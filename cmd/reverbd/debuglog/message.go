package debuglog

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

const (
	maxMessage = 200 // characters of a message that are shown
	maxString  = 60  // characters of one string in a message that is too long
	maxDecoded = 64 << 10
)

// appendJSON appends the message as indented JSON. A message that would be too long has its long strings cut first, so
// that its shape stays visible, and then its end.
func (l *Log) appendJSON(b, payload []byte) []byte {
	decoded := len(payload) <= maxDecoded && json.Valid(payload)
	text := string(payload[:min(len(payload), maxDecoded)])
	if decoded {
		text = indent(decodeData(payload))
		if utf8.RuneCountInString(text) > maxMessage {
			text = cutStrings(text)
		}
	}
	// The only newlines that are let through are those of the indentation. Escapes make the text longer again.
	text = string(appendSafe(nil, shorten(text, maxMessage), decoded))
	for line := range strings.SplitSeq(shorten(text, maxMessage), "\n") {
		b = append(b, "  "...)
		b = append(b, line...)
		b = append(b, '\n')
	}
	return append(b, '\n')
}

func indent(message []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, message, "", "    ") != nil {
		return string(message)
	}
	return out.String()
}

// decodeData replaces data, and channel_data within it, by the JSON that these strings hold, as Reverb shows them.
func decodeData(message []byte) []byte {
	return replaceMember(message, "data", func(data []byte) []byte {
		return replaceMember(unwrap(data), "channel_data", unwrap)
	})
}

// unwrap returns the object or list that a JSON string holds, or raw as it is.
func unwrap(raw []byte) []byte {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return raw
	}
	if s = strings.TrimSpace(s); s == "" || s[0] != '{' && s[0] != '[' || !json.Valid([]byte(s)) {
		return raw
	}
	return []byte(s)
}

// replaceMember passes one member of a JSON object through replace and keeps the order of all. Anything but an object
// is returned as it is.
func replaceMember(object []byte, name string, replace func([]byte) []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(object))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return object
	}
	out := []byte{'{'}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return object
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return object
		}
		if key == name {
			value = replace(value)
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		quoted, _ := json.Marshal(key)
		out = append(out, quoted...)
		out = append(out, ':')
		out = append(out, value...)
	}
	return append(out, '}')
}

// cutStrings shortens the long strings of indented JSON.
func cutStrings(text string) string {
	var out strings.Builder
	for text != "" {
		open := strings.IndexByte(text, '"')
		if open < 0 {
			break
		}
		end := open + 1
		for end < len(text) && text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(text))
		out.WriteString(text[:open+1])
		out.WriteString(shorten(text[open+1:end], maxString))
		text = text[end:]
		if text != "" {
			out.WriteByte('"')
			text = text[1:]
		}
	}
	out.WriteString(text)
	return out.String()
}

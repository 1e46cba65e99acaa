package eventloop

import (
	"bytes"
	"strings"
)

// checkHead makes the checks of a request's head that RFC 9112 asks of a server and http.ReadRequest does not make, and some that
// it leaves to the server: where two parsers may disagree on where a request ends, a proxy in front takes for one request what the
// server takes for two. So what is ambiguous is refused. TestRFC9112 has the rules one by one.
//
// head ends with its empty line. A lone LF ends a line, too (RFC 9112 section 2.2).
func checkHead(head []byte) *requestError {
	line, rest := cutLine(head)
	minor, err := checkRequestLine(line)
	if err != nil {
		return err
	}
	f := framing{http10: minor == '0'}
	for {
		if line, rest = cutLine(rest); len(line) == 0 {
			return f.check()
		}
		colon := bytes.IndexByte(line, ':')
		// A line that begins with white space continues the one before (obs-fold, section 5.2), or hides a field (section 2.2);
		// white space in front of the colon hides one, too (section 5.1). Neither is in a token.
		if colon < 1 || !only(line[:colon], inToken) || !only(line[colon+1:], inFieldValue) {
			return errBadRequest
		}
		if !f.add(line[:colon], bytes.Trim(line[colon+1:], " \t")) {
			return errBadRequest
		}
	}
}

// cutLine returns the first line of p without its end.
func cutLine(p []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(p, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'}), rest
}

// checkRequestLine returns the minor version, as a digit (RFC 9112 sections 2.3 and 3).
func checkRequestLine(line []byte) (minor byte, err *requestError) {
	method, rest, _ := bytes.Cut(line, []byte{' '})
	target, version, ok := bytes.Cut(rest, []byte{' '})
	if !ok || len(method) == 0 || !only(method, inToken) {
		return 0, errBadRequest
	}
	const prefix = "HTTP/"
	if len(version) != len(prefix)+3 || string(version[:len(prefix)]) != prefix {
		return 0, errBadRequest
	}
	major, dot, minor := version[5], version[6], version[7]
	if !isDigit(major) || dot != '.' || !isDigit(minor) {
		return 0, errBadRequest
	}
	if major != '1' {
		return 0, errVersion
	}
	if !checkTarget(string(method), target) {
		return 0, errBadRequest
	}
	return minor, nil
}

// checkTarget reports whether the target has one of the four forms (RFC 9112 section 3.2).
func checkTarget(method string, target []byte) bool {
	if !only(target, inTarget) {
		return false
	}
	switch {
	case len(target) == 0:
		return false
	case target[0] == '/':
		return true
	case method == "CONNECT":
		return true // authority-form, which net/http takes apart
	case string(target) == "*":
		return method == "OPTIONS"
	}
	scheme, _, absolute := strings.Cut(string(target), "://")
	return absolute && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}

// framing is the fields that say whom a request is for and where it ends.
type framing struct {
	http10           bool
	hosts            int
	lengths, codings int    // lines
	coding           []byte // the last of them
}

// add takes one field in, and reports whether it may be.
func (f *framing) add(name, value []byte) bool {
	switch len(name) {
	case len("Host"):
		if strings.EqualFold(string(name), "Host") {
			f.hosts++
			return len(value) > 0 && only(value, inHost)
		}
	case len("Content-Length"):
		if strings.EqualFold(string(name), "Content-Length") {
			f.lengths++
			return len(value) > 0 && only(value, inDigits)
		}
	case len("Transfer-Encoding"):
		if strings.EqualFold(string(name), "Transfer-Encoding") {
			f.codings, f.coding = f.codings+1, value
		}
	}
	return true
}

// check is called when all fields are known (RFC 9112 sections 3.2, 6.1 and 6.3).
func (f *framing) check() *requestError {
	switch {
	case f.hosts > 1 || f.hosts == 0 && !f.http10:
		return errBadRequest
	case f.lengths > 1:
		return errBadRequest
	case f.codings == 0:
		return nil
	case f.codings > 1 || f.lengths > 0 || f.http10:
		return errBadRequest
	}
	return checkCoding(string(f.coding))
}

// checkCoding takes chunked alone. Chunked at the end, and once, says at least where the request would end: 501. Anything else is
// a request without an end.
func checkCoding(list string) *requestError {
	if strings.EqualFold(list, "chunked") {
		return nil
	}
	codings := strings.Split(strings.ToLower(list), ",")
	for i, coding := range codings {
		if last := i == len(codings)-1; (strings.TrimSpace(coding) == "chunked") != last {
			return errBadRequest
		}
	}
	return errTransferCoding
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// Where a byte may stand in a head, as bits.
const (
	inPath       = 1 << iota // of the fast path: not encoded, and no delimiter
	inQuery                  // of the fast path: inPath, and what encoding and pairs need
	inToken                  // RFC 9110 section 5.6.2
	inValue                  // of the fast path: visible ASCII, spaces and tabs
	inFieldValue             // RFC 9110 section 5.5: inValue, and bytes beyond ASCII
	inTarget                 // no space, no control character, no fragment
	inHost                   // RFC 3986 section 3.2.2 and a port
	inDigits
)

// only reports whether all of p may stand there.
func only(p []byte, where byte) bool {
	for _, b := range p {
		if bytesIn[b]&where == 0 {
			return false
		}
	}
	return true
}

// bytesIn is where each byte may stand.
var bytesIn = func() (table [256]byte) {
	mark := func(where byte, bytes string) {
		for i := range len(bytes) {
			table[bytes[i]] |= where
		}
	}
	for b := range 256 {
		switch {
		case isDigit(byte(b)):
			table[b] = inPath | inQuery | inToken | inValue | inFieldValue | inTarget | inHost | inDigits
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z':
			table[b] = inPath | inQuery | inToken | inValue | inFieldValue | inTarget | inHost
		case b > ' ' && b < 0x7f && b != '#':
			table[b] = inValue | inFieldValue | inTarget
		case b > 0x7f:
			table[b] = inFieldValue | inTarget
		case b == ' ', b == '\t', b == '#':
			table[b] = inValue | inFieldValue
		}
	}
	mark(inPath, "/-._~")
	mark(inQuery, "/-._~%&=+,:;[]")
	mark(inToken, "!#$%&'*+-.^_`|~")
	mark(inHost, "-._~!$&'()*+,;=%:[]")
	return table
}()

package listen

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Address is an address to listen on: a host and a port, or a unix socket.
type Address struct {
	Host string // an address without brackets, or a name; "" is every address of the machine
	Port int

	Path  string      // of a unix socket, which has no host and no port
	Mode  fs.FileMode // of its file
	Owner string      // "user", "user:group" or ":group", names or numbers; "" is the user and the group of the process
}

// defaultMode lets the group of the file connect: connect(2) needs the permission to write.
const defaultMode fs.FileMode = 0o660

// Parse reads an address as it is configured: 127.0.0.1:8080, [::1]:8080, :8080, unix:/run/reverbd.sock or
// unix:/run/reverbd.sock?mode=0660&owner=www-data:www-data.
func Parse(s string) (Address, error) {
	if rest, ok := strings.CutPrefix(s, "unix:"); ok {
		return parseUnix(rest)
	}
	host, text, err := net.SplitHostPort(s)
	if err != nil {
		return Address{}, errors.New("is not an address to listen on; write 127.0.0.1:8080, [::1]:8080 or unix:/run/reverbd.sock")
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return Address{}, errors.New("has no port from 1 to 65535 after the last colon")
	}
	if strings.ContainsAny(host, "/?@ ") {
		return Address{}, errors.New("has no host before the last colon; give an IP address or a name")
	}
	return Address{Host: host, Port: int(port)}, nil
}

func parseUnix(s string) (Address, error) {
	path, query, _ := strings.Cut(s, "?")
	a := Address{Path: strings.TrimPrefix(path, "//"), Mode: defaultMode}
	switch {
	case !filepath.IsAbs(a.Path) || strings.HasSuffix(a.Path, "/"):
		return Address{}, errors.New("does not have the absolute path of a file after unix:; write unix:/run/reverbd.sock")
	case len(a.Path) > maxPath:
		return Address{}, fmt.Errorf("has a path of %d bytes; a socket's may have %d", len(a.Path), maxPath)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return Address{}, errors.New("cannot be read after the ?; write ?mode=0660&owner=user:group")
	}
	for name, value := range values {
		switch name {
		case "mode":
			mode, err := strconv.ParseUint(value[0], 8, 32)
			if err != nil || mode > 0o777 {
				return Address{}, errors.New("has a mode that is not one of a file; write it in octal, such as mode=0660")
			}
			a.Mode = fs.FileMode(mode)
		case "owner":
			if _, _, err := ownerIDs(value[0]); err != nil {
				return Address{}, err
			}
			a.Owner = value[0]
		default:
			return Address{}, fmt.Errorf("has %q after the ?; known are mode and owner", name)
		}
	}
	return a, nil
}

// maxPath is the longest path of a unix socket in bytes. Linux takes 107 (unix(7)), other systems a few less.
const maxPath = 103

// String is the address as Parse reads it, without mode and owner.
func (a Address) String() string {
	if a.Path != "" {
		return "unix:" + a.Path
	}
	return net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
}

// Families are the addresses to listen on for this one: localhost is 127.0.0.1 and ::1, since clients try either first, and net would
// listen on one of them alone. All but the first may not exist on this machine: see NoFamily.
func (a Address) Families() []Address {
	if a.Path != "" || a.Host != "localhost" {
		return []Address{a}
	}
	return []Address{{Host: "127.0.0.1", Port: a.Port}, {Host: "::1", Port: a.Port}}
}

// NoFamily reports whether Open failed because the machine has no address of that family.
func NoFamily(err error) bool {
	return errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.EAFNOSUPPORT)
}

// Open listens on the address. The error for an address that is in use names it.
func (a Address) Open(ctx context.Context) (net.Listener, error) {
	if a.Path != "" {
		return openUnix(ctx, a)
	}
	return openTCP(ctx, a)
}

// Close closes listeners, which may have been closed before.
func Close(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}

// ownerIDs are the numbers of a user and a group, and -1 for what owner does not name.
func ownerIDs(owner string) (uid, gid int, err error) {
	name, group, _ := strings.Cut(owner, ":")
	uid, gid = -1, -1
	if name != "" {
		if uid, err = strconv.Atoi(name); err != nil {
			u, err := user.Lookup(name)
			if err != nil {
				return 0, 0, fmt.Errorf("names the user %q, which this system does not know", name)
			}
			uid, _ = strconv.Atoi(u.Uid)
		}
	}
	if group != "" {
		if gid, err = strconv.Atoi(group); err != nil {
			g, err := user.LookupGroup(group)
			if err != nil {
				return 0, 0, fmt.Errorf("names the group %q, which this system does not know", group)
			}
			gid, _ = strconv.Atoi(g.Gid)
		}
	}
	return uid, gid, nil
}

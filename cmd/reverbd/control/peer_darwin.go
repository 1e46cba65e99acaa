package control

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerOf returns the process id and user of the other end.
func peerOf(c *net.UnixConn) (pid, uid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	var cred *unix.Xucred
	e := raw.Control(func(fd uintptr) {
		if cred, err = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED); err == nil {
			pid, err = unix.GetsockoptInt(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERPID)
		}
	})
	if e != nil {
		return 0, 0, e
	}
	if err != nil {
		return 0, 0, err
	}
	return pid, int(cred.Uid), nil
}

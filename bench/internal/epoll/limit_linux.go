package epoll

import "golang.org/x/sys/unix"

// DescriptorLimit returns this process's soft limit of open descriptors.
func DescriptorLimit() (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	return int(min(limit.Cur, 1<<30)), nil
}

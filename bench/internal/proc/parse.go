package proc

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

var errFormat = errors.New("proc: not what this file looks like")

// tick is the unit of the times in /proc/PID/stat: USER_HZ, which is 100 on every architecture that Go runs on.
const tick = time.Second / 100

// Indexes of fields of /proc/PID/stat behind the program's name (in proc(5), which counts from 1, the name is field 2).
const (
	statUser   = 14 - 3
	statSystem = 15 - 3
)

// parseStat reads the processor times of /proc/PID/stat.
func parseStat(text []byte) (user, system time.Duration, err error) {
	name := bytes.LastIndexByte(text, ')') // the name may contain spaces and brackets
	fields := bytes.Fields(text[name+1:])
	if name < 0 || len(fields) <= statSystem {
		return 0, 0, fmt.Errorf("%w: stat", errFormat)
	}
	userTicks, err1 := number(fields[statUser])
	systemTicks, err2 := number(fields[statSystem])
	return time.Duration(userTicks) * tick, time.Duration(systemTicks) * tick, errors.Join(err1, err2)
}

// parseField reads the number behind name, in files with a line for each name such as status and smaps_rollup.
func parseField(text []byte, name string) (int64, error) {
	for line := range bytes.Lines(text) {
		rest, found := bytes.CutPrefix(line, []byte(name+":"))
		if !found {
			continue
		}
		if fields := bytes.Fields(rest); len(fields) > 0 {
			return number(fields[0])
		}
	}
	return 0, fmt.Errorf("%w: no %s", errFormat, name)
}

// parseStatm reads the resident memory of /proc/PID/statm, in pages.
func parseStatm(text []byte) (int64, error) {
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0, fmt.Errorf("%w: statm", errFormat)
	}
	return number(fields[1])
}

// parseSchedstat reads the processor time of /proc/PID/task/TID/schedstat, in nanoseconds.
func parseSchedstat(text []byte) (int64, error) {
	fields := bytes.Fields(text)
	if len(fields) != 3 {
		return 0, fmt.Errorf("%w: schedstat", errFormat)
	}
	return number(fields[0])
}

func number(text []byte) (int64, error) {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errFormat, err)
	}
	return n, nil
}

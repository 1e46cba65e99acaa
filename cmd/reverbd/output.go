package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"reverbd/cmd/reverbd/logwriter"
)

// output is where a server writes for people: the log goes to standard error, the start line and --debug to standard output.
// Neither blocks, and a reader that has gone away is no reason to end.
type output struct {
	log, trace *logwriter.Writer
}

// openOutput is called once, before anything is logged.
func openOutput() *output {
	// Without it a write to standard output or error whose reader has gone ends a Go program. It is not ignored by the system, so
	// that programs started from here do not ignore it either.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return &output{
		log:   logwriter.New(os.Stderr, lostLog),
		trace: logwriter.New(os.Stdout, lostTrace),
	}
}

// close writes out what is waiting, for a second each at most.
func (o *output) close() {
	_ = o.trace.Close()
	_ = o.log.Close()
}

// lost is the number of lines that nobody has been able to read.
func (o *output) lost() int64 { return o.log.Lost() + o.trace.Lost() }

// logger writes lines for people to standard error.
func (o *output) logger(level zap.AtomicLevel) *zap.Logger {
	return zap.New(zapcore.NewCore(logEncoder(), o.log, level))
}

func logEncoder() zapcore.Encoder {
	enc := zap.NewDevelopmentEncoderConfig()
	enc.EncodeTime = zapcore.ISO8601TimeEncoder
	enc.CallerKey = zapcore.OmitKey
	return zapcore.NewConsoleEncoder(enc)
}

// lostLog is the line of the log that tells of lost lines.
func lostLog(dst []byte, lines int64, err error) []byte {
	fields := []zapcore.Field{zap.Int64("lines", lines)}
	if err != nil {
		fields = append(fields, zap.NamedError("because", err))
	}
	entry := zapcore.Entry{Level: zapcore.WarnLevel, Time: time.Now(), Message: "lines of this log are lost: nobody took them in time"}
	buf, encodeErr := logEncoder().EncodeEntry(entry, fields)
	if encodeErr != nil {
		return dst
	}
	defer buf.Free()
	return append(dst, buf.Bytes()...)
}

// lostTrace is the same for --debug.
func lostTrace(dst []byte, lines int64, _ error) []byte {
	return fmt.Appendf(dst, "  (%d lines are not shown: nobody took them in time)\n", lines)
}

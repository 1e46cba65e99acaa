// Package baseline is a bare epoll server: it makes only the system calls that any server must make for the bytes of a run, and so
// shows the least that a run costs on this machine. It speaks no protocol: each message that it reads holds the bytes to write and
// the number of the list of sockets to write them to.
//
//   - A connection costs an accept, a read and a write for the handshake, a read and a write for each subscription.
//   - A published event costs a read and a write for the request, and a write for each subscriber.
//   - A whisper costs a read, and a write for each other subscriber.
//
// The calls bypass Go's scheduler (RawSyscall), on threads that do nothing else, with the garbage collector off, and nothing is
// allocated once all clients are connected. A C program would not do less.
//
// A message is a header of 8 bytes (kind, 0, number of items: 16 bits, size of the whole message: 32 bits), the items, and
// padding up to its size. An item is a list's number (32 bits), a length (32 bits), and bytes to write. Numbers are little endian.
// Input that begins with G is a handshake.
package baseline

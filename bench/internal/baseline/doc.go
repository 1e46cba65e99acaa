// Package baseline is the least that any server on this machine must spend to do what a run asks for: a program that makes
// the system calls, for the same bytes, and nothing else. It speaks no protocol: what it is sent holds the bytes to write
// and the number of the list of sockets to write them to.
//
//   - A connection costs an accept, a read and a write for the handshake, a read and a write for each subscription.
//   - A published event costs a read and a write for the request, and a write for each subscriber.
//   - A whisper costs a read, and a write for each other subscriber.
//
// Calls are made without Go's scheduler (RawSyscall), by threads that do nothing else, with the garbage collector off, and
// nothing is allocated once everybody is connected: a C program would not do less.
//
// A message is a header of 8 bytes (kind, 0, number of items: 16 bits, size of the whole message: 32 bits), the items, and
// whatever fills it up to its size. An item is a list's number (32 bits), a length (32 bits), and bytes to write.
// Numbers are little endian. A handshake is what begins with G.
package baseline

// Package crew is the clients of a run, shared out among several processes: the one that measures has a share, and starts
// the program again for each other one.
//
// A process is told what to do on its standard input, and answers on its standard output, in lines of JSON. Several times in
// a hundredth of a second at most it also tells how far it is. It ends when its input does. All processes read the same
// clock, so that a message which one sends can be timed by another.
package crew

// Package workers runs the clients of a run in several processes. The process that measures has one share of the connections,
// and starts the program again for each other share.
//
// A worker process reads requests on its standard input and writes responses on its standard output, as lines of JSON. Beside
// the responses it reports its progress, at most every 5 ms and only when that has changed. It ends when its input ends. All
// processes read the same clock, so that one of them can time a message that another one sent.
package workers

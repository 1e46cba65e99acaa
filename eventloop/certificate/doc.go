// Package certificate reads the certificate of a server and its key from files, and reads them again when they have changed, without
// a connection noticing.
package certificate

// Package certificate reads the certificate and the key of a server from files, and reads them again when they have changed. Open
// connections are not affected.
package certificate

// Package config turns flags, the environment, a .env file and a config file into the one Config that the server is
// started with.
//
// The names are Reverb's. For every single value the order of sources is: flag, environment, .env, config file,
// default. A value remembers where it came from, so that an error names the key, the place and the fix, and all
// errors are reported at once. Nothing here reads the process environment or the working directory by itself, and
// nothing ever prints an application's secret.
package config

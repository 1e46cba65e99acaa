// Package page writes a report as one HTML page that needs nothing else: its style is in it, and its plots are SVG of our
// own. It follows the reader's choice of light or dark.
package page

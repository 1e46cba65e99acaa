// Package page writes a report as one self-contained HTML page: the style and the plots (SVG) are in it. It follows the reader's
// choice of a light or dark theme.
package page

// Package assets holds the scripts, styles and fonts that pages load, as `make assets` builds them into dist from src and npm's packages.
package assets

import "embed"

// Files are below dist. Without `make assets` there are none.
//
//go:embed all:dist
var Files embed.FS

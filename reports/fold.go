package reports

// Fold is the form of s in which it is stored for search and looked for.
func Fold(s string) string { panic("being written") }

// Terms splits a query into at most eight distinct folded terms.
func Terms(query string) []string { panic("being written") }

package backend

import "regexp"

var idForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// ValidID reports whether text can be the ID of a portfolio, transaction or key: a
// UUID in lower case.
func ValidID(text string) bool { return idForm.MatchString(text) }

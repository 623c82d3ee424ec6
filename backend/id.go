package backend

// idLength is the length of a UUID in text.
const idLength = 36

// ValidID reports whether text can be the ID of a portfolio, transaction or key: a
// UUID in lower case.
func ValidID(text string) bool {
	if len(text) != idLength {
		return false
	}
	for i := range len(text) {
		switch c := text[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}

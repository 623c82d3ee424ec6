package backend

import (
	"bytes"
	"encoding/json"
)

// Superseded reports whether a stored valuation of a day differs from v, the
// valuation of that day by what is known now: then an entry, a price or a rate was
// corrected since. Members that only one of them has are not compared, because a
// valuation gains members as the service does.
func (v Valuation) Superseded(stored []byte) (bool, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return false, err
	}
	before, err := decodeExact(stored)
	if err != nil {
		return false, err
	}
	now, err := decodeExact(text)
	return !agree(before, now), err
}

// decodeExact decodes JSON and keeps numbers as they are written.
func decodeExact(text []byte) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&value)
	return value, err
}

// agree reports whether decoded JSON values are equal in the members that both have.
func agree(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, isObject := b.(map[string]any)
		for name, value := range a {
			if other, has := b[name]; has && !agree(value, other) {
				return false
			}
		}
		return isObject
	case []any:
		b, isArray := b.([]any)
		if !isArray || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !agree(a[i], b[i]) {
				return false
			}
		}
		return true
	}
	return isScalar(b) && a == b
}

func isScalar(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

package layout

import (
	"errors"

	"portfolio/backend"
)

// fieldProblems collects what is wrong with one value.
type fieldProblems []error

func (p *fieldProblems) add(path, got, want string) {
	*p = append(*p, &backend.FieldError{Path: path, Got: got, Want: want})
}

func (p *fieldProblems) join(err error) {
	if err != nil {
		*p = append(*p, err)
	}
}

func (p fieldProblems) err() error { return errors.Join(p...) }

// fieldErrors lists the FieldErrors of an error that may join several.
func fieldErrors(err error) []*backend.FieldError {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*backend.FieldError
		for _, e := range joined.Unwrap() {
			all = append(all, fieldErrors(e)...)
		}
		return all
	}
	if e := (*backend.FieldError)(nil); errors.As(err, &e) {
		return []*backend.FieldError{e}
	}
	return nil
}

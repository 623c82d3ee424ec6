package http

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"portfolio/backend"
)

// CodePreconditionRequired is the code of a change that does not say of which
// version it is.
const CodePreconditionRequired backend.Code = "precondition_required"

// maxRetries bounds how often a change of any version is tried again after another
// one came first.
const maxRetries = 5

// etag returns a version as HTTP carries it.
func etag(version int64) string { return fmt.Sprintf(`"%d"`, version) }

// precondition is the value of If-Match (RFC 9110, section 13.1.1): the versions
// that a request may change.
type precondition struct {
	text string // as it was sent
	any  bool   // *
	tags []string
}

// tagForm matches an entity tag, and what may follow it in a list.
var tagForm = regexp.MustCompile(`^((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")[ \t]*(,[ \t,]*|$)`)

// ifMatch reads If-Match, which every change needs: nobody can overwrite what they
// have not seen.
func ifMatch(r *http.Request) (precondition, error) {
	c := precondition{text: strings.Join(r.Header.Values("If-Match"), ", ")}
	rest := strings.Trim(c.text, " \t,")
	switch rest {
	case "":
		return c, &backend.Error{Code: CodePreconditionRequired,
			Message: "If-Match: got nothing, want the ETag of the version to change"}
	case "*":
		c.any = true
		return c, nil
	}
	for rest != "" {
		tag := tagForm.FindStringSubmatch(rest)
		if tag == nil {
			return c, wrong("If-Match", c.text, `entity tags such as "3", separated by commas, or *`)
		}
		c.tags = append(c.tags, tag[1])
		rest = rest[len(tag[0]):]
	}
	return c, nil
}

// allows returns an error unless the precondition holds for a version. Weak tags
// match no version.
func (c precondition) allows(version int64) error {
	if c.any || slices.Contains(c.tags, etag(version)) {
		return nil
	}
	return &backend.Error{
		Code:    backend.CodeVersionConflict,
		Message: fmt.Sprintf("If-Match: got %.64s, want %s: it was changed in the meantime", c.text, etag(version)),
	}
}

// change calls do with the current version if the precondition allows it.
func (c precondition) change(current func() (version int64, err error), do func(version int64) error) error {
	for try := 1; ; try++ {
		version, err := current()
		if err != nil {
			return err
		}
		if err := c.allows(version); err != nil {
			return err
		}
		err = do(version)
		if !c.any || try == maxRetries || publicError(err).Code != backend.CodeVersionConflict {
			return err
		}
	}
}

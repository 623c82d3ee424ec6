package http

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

const (
	maxJSON = 256 << 10 // of a body: 500 quotes are some 100 KB
	maxCSV  = 4 << 20   // 10,000 rows of 400 bytes
	// csvTimeout lets a file come in over a slow line, 1.7 Mbit/s.
	csvTimeout = 19 * time.Second
	pageLimit  = 50 // entries of a page, unless the caller says otherwise
)

// CodePreconditionRequired is the code of a change that does not say of which
// version it is.
const CodePreconditionRequired backend.Code = "precondition_required"

// number is a decimal that JSON carries as a string: a JSON number would pass
// through floating point at most clients.
type number struct{ decimal.Decimal }

// Longer or differently written numbers cannot be right, whatever they say.
var numberForm = regexp.MustCompile(`^-?[0-9]{1,30}(\.[0-9]{1,30})?$`)

func (n *number) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil || !numberForm.MatchString(s) {
		return &backend.FieldError{Path: "number", Got: fmt.Sprintf("%.40s", text), Want: `a decimal as a string, such as "12.50"`}
	}
	return n.UnmarshalText([]byte(s))
}

// decode reads a body of one JSON value, strictly: no unknown member, nothing behind.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	body, err := readBody(w, r, maxJSON, bodyTimeout)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return undecodable(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return &backend.Error{Code: backend.CodeInvalidRequest, Message: "body: got something behind the JSON value, want one value"}
	}
	return nil
}

// undecodable says what is wrong with a body in the words of JSON, not of Go.
func undecodable(err error) error {
	problem := &backend.FieldError{Path: "body", Got: "no valid JSON", Want: "one JSON object"}
	var field *backend.FieldError
	var kind *json.UnmarshalTypeError
	var moment *time.ParseError
	switch {
	case errors.As(err, &field):
		problem = field
	case errors.As(err, &kind):
		problem = &backend.FieldError{Path: kind.Field, Got: "a JSON " + kind.Value, Want: "another type"}
	case errors.As(err, &moment):
		problem = &backend.FieldError{Path: "time", Got: fmt.Sprintf("%.40s", moment.Value), Want: "an RFC 3339 time"}
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		name, _ := strconv.Unquote(strings.TrimPrefix(err.Error(), "json: unknown field "))
		problem = &backend.FieldError{Path: fmt.Sprintf("%.40q", name), Got: "a member of that name", Want: "only those of the OpenAPI document"}
	case strings.HasPrefix(err.Error(), "date: "):
		problem = &backend.FieldError{Path: "date", Got: "something else", Want: "a day such as 2026-02-28"}
	}
	return invalid(problem)
}

// invalid gives what is wrong with a request its code. Nil stays nil.
func invalid(err error) error {
	if err == nil {
		return nil
	}
	return &backend.Error{Code: backend.CodeInvalidRequest, Message: strings.ReplaceAll(err.Error(), "\n", "; "), Err: err}
}

func wrong(path, got, want string) error {
	return invalid(&backend.FieldError{Path: path, Got: fmt.Sprintf("%.64q", got), Want: want})
}

// query reads query parameters and refuses those it is not asked for: a
// misspelt as_of must not give today's numbers.
func query(r *http.Request, known ...string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, wrong("query", r.URL.RawQuery, "name=value, percent-encoded")
	}
	for name, given := range values {
		found := false
		for _, k := range known {
			found = found || k == name
		}
		if !found {
			return nil, wrong("query", name, "only "+strings.Join(append([]string{"these"}, known...), " "))
		}
		if len(given) > 1 {
			return nil, wrong(name, strings.Join(given, ","), "one value")
		}
	}
	return values, nil
}

// page reads where in a list a call wants to go on.
func page(values url.Values) (backend.Page, error) {
	p := backend.Page{After: values.Get("after"), Limit: pageLimit}
	if len(p.After) > 512 {
		return p, wrong("after", p.After, "next of the page before")
	}
	if text := values.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > backend.MaxPage {
			return p, wrong("limit", text, fmt.Sprintf("1–%d", backend.MaxPage))
		}
		p.Limit = n
	}
	return p, nil
}

// paged answers with the part of a list that a call asks for.
func paged[T any](w http.ResponseWriter, r *http.Request, fetch func(backend.Page) (items []T, next string, err error)) error {
	values, err := query(r, "after", "limit")
	if err != nil {
		return err
	}
	p, err := page(values)
	if err != nil {
		return err
	}
	items, next, err := fetch(p)
	if err != nil {
		return err
	}
	return replyJSON(w, http.StatusOK, listOf(items, next))
}

// list is a part of a list.
type list[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"` // for after; null at the end
}

func listOf[T any](items []T, next string) list[T] {
	l := list[T]{Items: items}
	if items == nil {
		l.Items = []T{}
	}
	if next != "" {
		l.Next = &next
	}
	return l
}

// asOf reads the time that an answer is about: a day means its close, nothing
// means now, the zero time.
func asOf(values url.Values, now time.Time) (time.Time, error) {
	text := values.Get("as_of")
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if day, dayErr := backend.ParseDate(text); dayErr == nil {
		// The close of today is still to come: what is known of it is now.
		if day == backend.DateOf(now) {
			return time.Time{}, nil
		}
		at, err = backend.Close(day), nil
	}
	if err != nil || at.After(now) || at.Year() < 1900 {
		return time.Time{}, wrong("as_of", text, "a day or an RFC 3339 time from 1900 to now")
	}
	return at.UTC(), nil
}

// date reads a day that has to be there.
func date(values url.Values, name string) (backend.Date, error) {
	d, err := backend.ParseDate(values.Get(name))
	if err != nil {
		return 0, wrong(name, values.Get(name), "a day such as 2026-02-28")
	}
	return d, nil
}

// etag is how HTTP carries a version.
func etag(version int64) string { return fmt.Sprintf(`"%d"`, version) }

// matching reads the version that a change is of. A change that would overwrite
// what its author has not seen is not possible.
func matching(r *http.Request) (int64, error) {
	text := r.Header.Get("If-Match")
	if text == "" {
		return 0, &backend.Error{Code: CodePreconditionRequired, Message: "If-Match: got none, want the ETag of the version to change"}
	}
	unquoted, err := strconv.Unquote(text)
	if err != nil {
		return 0, wrong("If-Match", text, `an ETag such as "3"`)
	}
	version, err := strconv.ParseInt(unquoted, 10, 64)
	if err != nil || version < 1 {
		return 0, wrong("If-Match", text, `an ETag such as "3"`)
	}
	return version, nil
}

// pathID reads an id of the path. One that cannot be is one that is not there.
func pathID(r *http.Request, name string) (string, error) {
	id := r.PathValue(name)
	if !backend.ValidID(id) {
		return "", &backend.Error{Code: backend.CodeNotFound, Message: "there is nothing with this id"}
	}
	return id, nil
}

// idempotencyKey reads the key that makes a retried call the same call; "" if none.
func idempotencyKey(r *http.Request) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	if key != "" && (!identifier(key) || len(key) > backend.MaxIdempotencyKey) {
		return "", wrong("Idempotency-Key", key, fmt.Sprintf("1–%d printable ASCII characters", backend.MaxIdempotencyKey))
	}
	return key, nil
}

func replyJSON(w http.ResponseWriter, status int, value any) error {
	writeJSON(w, status, "application/json", value)
	return nil
}

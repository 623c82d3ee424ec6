package http

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"portfolio/backend"
)

const (
	maxJSON = 256 << 10 // of a body: 500 quotes are some 100 KB
	maxCSV  = 4 << 20   // 10,000 rows of 400 bytes
	// csvTimeout is enough for the largest file at 1.7 Mbit/s.
	csvTimeout = 19 * time.Second
	pageLimit  = 50 // entries of a page by default
)

// invalid returns an error about a request with its code, and nil for nil.
func invalid(err error) error {
	if err == nil {
		return nil
	}
	return &backend.Error{Code: backend.CodeInvalidRequest,
		Message: strings.ReplaceAll(err.Error(), "\n", "; "), Err: err}
}

// wrong reports one wrong value of a request, quoted.
func wrong(path, got, want string) error { return wrongField(path, fmt.Sprintf("%.64q", got), want) }

// wrongField reports what is wrong with one field of a request.
func wrongField(path, got, want string) error {
	return invalid(&backend.FieldError{Path: path, Got: got, Want: want})
}

// query reads query parameters and refuses unknown ones: a misspelled as_of must not
// return today's numbers.
func query(r *http.Request, known ...string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, wrong("query", r.URL.RawQuery, "name=value pairs, percent-encoded")
	}
	for name, given := range values {
		if !slices.Contains(known, name) {
			return nil, wrong("query", name, "only "+cmp.Or(strings.Join(known, ", "), "a path"))
		}
		if len(given) > 1 {
			return nil, wrong(name, strings.Join(given, ","), "one value")
		}
	}
	return values, nil
}

// page reads which page of a list is requested.
func page(values url.Values) (backend.Page, error) {
	p := backend.Page{After: values.Get("after"), Limit: pageLimit}
	if len(p.After) > 512 {
		return p, wrong("after", p.After, "next of the previous page")
	}
	if text := values.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > backend.MaxPage {
			return p, wrong("limit", text, fmt.Sprintf("a number from 1 to %d", backend.MaxPage))
		}
		p.Limit = n
	}
	return p, nil
}

// paged answers with the page of a list that is requested.
func paged[T any](w http.ResponseWriter, r *http.Request,
	fetch func(backend.Page) (items []T, next string, err error)) error {
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

// list is one page of a list.
type list[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"` // where the next page begins; null on the last one
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

// asOf reads the time that a request is about: a day means its close, and absence
// means now, which is the zero time.
func asOf(values url.Values, now time.Time, zone *time.Location) (time.Time, error) {
	text := values.Get("as_of")
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if day, dayErr := backend.ParseDate(text); dayErr == nil {
		// Today has not closed yet, so the newest values are those of now.
		if day == backend.DateIn(now, zone) {
			return time.Time{}, nil
		}
		at, err = backend.CloseIn(day, zone), nil
	}
	if err != nil || at.After(now) || at.Year() < 1900 {
		return time.Time{}, wrong("as_of", text, "a day or an RFC 3339 time between 1900 and now")
	}
	return at.UTC(), nil
}

// date reads a required day.
func date(values url.Values, name string) (backend.Date, error) {
	d, err := backend.ParseDate(values.Get(name))
	if err != nil || d < backend.MinDate {
		return 0, wrong(name, values.Get(name), "a day such as 2026-02-28, from "+backend.MinDate.String())
	}
	return d, nil
}

// idempotencyKey reads the key under which a retried call returns the first answer;
// it is "" if there is none.
func idempotencyKey(r *http.Request) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	if key != "" && (!identifier(key) || len(key) > backend.MaxIdempotencyKey) {
		return "", wrong("Idempotency-Key", key,
			fmt.Sprintf("1–%d printable ASCII characters", backend.MaxIdempotencyKey))
	}
	return key, nil
}

// markReplayed tells the client that the answer is that of an earlier call.
func markReplayed(w http.ResponseWriter, replayed bool) {
	if replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
}

func replyJSON(w http.ResponseWriter, status int, value any) error {
	writeJSON(w, status, "application/json", value)
	return nil
}

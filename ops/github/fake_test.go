package github

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

const (
	token     = "ghs_secretSECRETsecret"
	otherUser = "somebody"
	repo      = "/repos/acme/portfolio"
)

// fake answers as GitHub's API does, as far as this package asks: 30 to a page
// unless asked for more and never over 100, issues with the pull requests among
// them, 404 for a wrong token's repository, 422 for what is too long.
type fake struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	next     int
	comments []*comment
	issues   []*issue
	labels   []string
	calls    []string // METHOD path
	// answer, if set, is called first; if it returns true, the request is answered.
	answer func(w http.ResponseWriter, r *http.Request, call int) bool
}

type user struct {
	Login string `json:"login"`
}

type comment struct {
	ID    int    `json:"id"`
	Body  string `json:"body"`
	User  user   `json:"user"`
	URL   string `json:"html_url"`
	issue int
}

type issue struct {
	Number int               `json:"number"`
	Title  string            `json:"title"`
	Body   string            `json:"body"`
	State  string            `json:"state"`
	Reason string            `json:"state_reason,omitempty"`
	Labels []map[string]any  `json:"labels"`
	User   user              `json:"user"`
	Pull   map[string]string `json:"pull_request,omitempty"`
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t: t, next: 100}
	mux := http.NewServeMux()
	f.serveComments(mux)
	f.serveIssues(mux)
	f.serveLabels(mux)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.calls = append(f.calls, r.Method+" "+r.URL.Path)
		switch {
		case f.answer != nil && f.answer(w, r, len(f.calls)):
		case r.Header.Get("Authorization") != "Bearer "+token:
			f.write(w, http.StatusUnauthorized, map[string]string{"message": "Bad credentials"})
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) serveComments(mux *http.ServeMux) {
	mux.HandleFunc("GET "+repo+"/issues/{n}/comments", func(w http.ResponseWriter, r *http.Request) {
		number, _ := strconv.Atoi(r.PathValue("n"))
		page(f, w, r, slices.DeleteFunc(slices.Clone(f.comments), func(c *comment) bool { return c.issue != number }))
	})
	mux.HandleFunc("POST "+repo+"/issues/{n}/comments", func(w http.ResponseWriter, r *http.Request) {
		number, _ := strconv.Atoi(r.PathValue("n"))
		if in := f.body(w, r); in != nil {
			f.created(w, f.comment(number, author, in["body"].(string)))
		}
	})
	mux.HandleFunc("PATCH "+repo+"/issues/comments/{id}", func(w http.ResponseWriter, r *http.Request) {
		i := slices.IndexFunc(f.comments, func(c *comment) bool { return strconv.Itoa(c.ID) == r.PathValue("id") })
		if in := f.body(w, r); in != nil && i >= 0 {
			f.comments[i].Body = in["body"].(string)
			f.write(w, http.StatusOK, f.comments[i])
		}
	})
}

// serveIssues serves issues and, among them, pull requests.
func (f *fake) serveIssues(mux *http.ServeMux) {
	mux.HandleFunc("GET "+repo+"/issues", func(w http.ResponseWriter, r *http.Request) {
		page(f, w, r, slices.DeleteFunc(slices.Clone(f.issues), func(i *issue) bool {
			return i.State != r.URL.Query().Get("state") || !hasLabel(i, r.URL.Query().Get("labels"))
		}))
	})
	mux.HandleFunc("POST "+repo+"/issues", func(w http.ResponseWriter, r *http.Request) {
		if in := f.body(w, r); in != nil {
			f.created(w, f.issue(author, in["title"].(string), in["body"].(string), in["labels"].([]any)[0].(string)))
		}
	})
	mux.HandleFunc("PATCH "+repo+"/issues/{n}", func(w http.ResponseWriter, r *http.Request) {
		i := slices.IndexFunc(f.issues, func(i *issue) bool { return strconv.Itoa(i.Number) == r.PathValue("n") })
		if in := f.body(w, r); in != nil && i >= 0 {
			set := func(field *string, name string) {
				if text, ok := in[name].(string); ok {
					*field = text
				}
			}
			set(&f.issues[i].Body, "body")
			set(&f.issues[i].State, "state")
			set(&f.issues[i].Reason, "state_reason")
			f.write(w, http.StatusOK, f.issues[i])
		}
	})
	mux.HandleFunc("GET "+repo+"/pulls", func(w http.ResponseWriter, r *http.Request) {
		page(f, w, r, slices.DeleteFunc(slices.Clone(f.issues), func(i *issue) bool {
			return i.Pull == nil || i.State != r.URL.Query().Get("state")
		}))
	})
}

func (f *fake) serveLabels(mux *http.ServeMux) {
	mux.HandleFunc("GET "+repo+"/labels/{name}", func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(f.labels, r.PathValue("name")) {
			f.write(w, http.StatusNotFound, map[string]string{"message": "Not Found"})
			return
		}
		f.write(w, http.StatusOK, map[string]string{"name": r.PathValue("name")})
	})
	mux.HandleFunc("POST "+repo+"/labels", func(w http.ResponseWriter, r *http.Request) {
		if in := f.body(w, r); in != nil {
			f.labels = append(f.labels, in["name"].(string))
			f.created(w, in)
		}
	})
}

func hasLabel(i *issue, name string) bool {
	return slices.ContainsFunc(i.Labels, func(l map[string]any) bool { return l["name"] == name })
}

func (f *fake) comment(number int, login, body string) *comment {
	f.next++
	c := &comment{ID: f.next, Body: body, User: user{login},
		URL: fmt.Sprintf("https://github.test/c/%d", f.next), issue: number}
	f.comments = append(f.comments, c)
	return c
}

func (f *fake) issue(login, title, body string, labels ...string) *issue {
	f.next++
	i := &issue{Number: f.next, Title: title, Body: body, State: "open", User: user{login}, Labels: []map[string]any{}}
	for _, l := range labels {
		i.Labels = append(i.Labels, map[string]any{"name": l})
	}
	f.issues = append(f.issues, i)
	return i
}

// body decodes a request; nil after it was refused.
func (f *fake) body(w http.ResponseWriter, r *http.Request) map[string]any {
	var in map[string]any
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		f.write(w, http.StatusBadRequest, map[string]string{"message": "Problems parsing JSON"})
		return nil
	}
	if text, _ := in["body"].(string); utf8.RuneCountInString(text) > 65536 {
		f.write(w, http.StatusUnprocessableEntity,
			map[string]any{"message": "Validation Failed",
				"errors": []map[string]string{{"message": "Body is too long (maximum is 65536 characters)"}}})
		return nil
	}
	return in
}

func (f *fake) created(w http.ResponseWriter, v any) { f.write(w, http.StatusCreated, v) }

func (f *fake) write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.t.Error(err)
	}
}

// page writes one page and links the next, as GitHub does.
func page[T any](f *fake, w http.ResponseWriter, r *http.Request, all []T) {
	number, size := 1, 30
	if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil {
		number = n
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("per_page")); err == nil {
		size = min(n, 100)
	}
	from, to := min((number-1)*size, len(all)), min(number*size, len(all))
	if to < len(all) {
		next := *r.URL
		query := next.Query()
		query.Set("page", strconv.Itoa(number+1))
		next.RawQuery = query.Encode()
		w.Header().Set("Link", fmt.Sprintf(`<%s%s>; rel="next"`, f.URL, next.String()))
	}
	f.write(w, http.StatusOK, append([]T{}, all[from:to]...))
}

// environ is what GitHub sets for a run on a pull request.
func (f *fake) environ(t *testing.T) map[string]string {
	t.Helper()
	event := filepath.Join(t.TempDir(), "event.json")
	require.NoError(t, os.WriteFile(event, []byte(`{"action":"opened","number":7,"pull_request":{"number":7,"head":{"sha":"0123456789abcdef0123456789abcdef01234567"}}}`), 0o600))
	return map[string]string{
		"GITHUB_API_URL": f.URL, "GITHUB_REPOSITORY": "acme/portfolio", "GITHUB_TOKEN": token, "GITHUB_EVENT_PATH": event,
		"GITHUB_SERVER_URL": "https://github.test", "GITHUB_RUN_ID": "42",
	}
}

// client works on the fake and sleeps by noting it.
func (f *fake) client(t *testing.T) (*Client, *[]time.Duration, *strings.Builder) {
	t.Helper()
	var log strings.Builder
	c, err := New(f.environ(t), &log)
	require.NoError(t, err)
	return c, slept(c), &log
}

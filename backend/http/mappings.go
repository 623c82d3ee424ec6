package http

import (
	"context"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"portfolio/backend"
	"portfolio/backend/layout"
)

// mappingName is the name of a mapping's name in paths.
const mappingName = "mapping"

var mappingForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Imports keeps imports, and the mappings of an owner by their names.
type Imports interface {
	backend.Imports
	// Mapping returns a mapping; CodeNotFound if there is none of that name.
	Mapping(ctx context.Context, owner, name string) (*layout.Mapping, error)
	// PutMapping keeps a mapping under a name, in place of one that is there.
	PutMapping(ctx context.Context, by backend.Principal, name string, m layout.Mapping) error
	// DeleteMapping forgets a mapping. One that is not there is CodeNotFound.
	DeleteMapping(ctx context.Context, by backend.Principal, name string) error
}

func (a *api) getMapping(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	if _, err := query(r); err != nil {
		return err
	}
	m, err := a.Imports.Mapping(ctx, by.Owner, r.PathValue(mappingName))
	if err != nil {
		return err
	}
	return replyJSON(w, http.StatusOK, m)
}

func (a *api) putMapping(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	if _, err := query(r); err != nil {
		return err
	}
	name := r.PathValue(mappingName)
	var m layout.Mapping
	problems, err := decode(w, r, &m)
	if err != nil {
		return err
	}
	if !mappingForm.MatchString(name) {
		problems.addAll("", &backend.FieldError{Path: "name", Got: name, Want: "1–64 letters, digits and ._-, a letter or digit first"})
	}
	problems.addAll("", m.Validate())
	if err := problems.err(); err != nil {
		return err
	}
	if err := a.Imports.PutMapping(ctx, by, name, m); err != nil {
		return err
	}
	return replyJSON(w, http.StatusOK, m)
}

func (a *api) deleteMapping(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	if _, err := query(r); err != nil {
		return err
	}
	if err := a.Imports.DeleteMapping(ctx, by, r.PathValue(mappingName)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// suggestions lists the symbols that differ from one in their signs alone.
func suggestions(symbol string, held map[string]bool) []string {
	list := []string{}
	for other := range held {
		if other != "" && other != symbol && letters(other) == letters(symbol) {
			list = append(list, other)
		}
	}
	slices.Sort(list)
	return list
}

func letters(symbol string) string {
	return strings.NewReplacer(" ", "", ".", "", "-", "", "/", "").Replace(symbol)
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

package http

import (
	"context"
	"maps"
	"net/http"
	"regexp"
	"slices"

	"portfolio/backend"
	"portfolio/backend/layout"
)

// mappingName is the name of a mapping's name in paths.
const mappingName = "mapping"

var mappingForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Imports stores imports, and the mappings of an owner by their names.
type Imports interface {
	backend.Imports
	// Mapping returns the mapping of a name, or an error with CodeNotFound.
	Mapping(ctx context.Context, owner, name string) (*layout.Mapping, error)
	// PutMapping stores a mapping under a name and replaces an existing one.
	PutMapping(ctx context.Context, by backend.Principal, name string, m layout.Mapping) error
	// DeleteMapping deletes a mapping, or returns an error with CodeNotFound.
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
		problems.addAll("", &backend.FieldError{Path: "name", Got: name,
			Want: "1–64 letters, digits and ._-, a letter or digit first"})
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

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

package http

import (
	"context"
	"net/http"

	"portfolio/backend"
	"portfolio/backend/source"
)

// Sources reports the states of the sources of prices.
type Sources interface {
	// SourceStatuses returns the status of each source that is asked, in the order of
	// the settings. It names only symbols that the owner has entries of.
	SourceStatuses(ctx context.Context, owner string) ([]source.Status, error)
}

func (a *api) listSources(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	if _, err := query(r); err != nil {
		return err
	}
	statuses, err := a.Sources.SourceStatuses(ctx, by.Owner)
	if err != nil {
		return err
	}
	return replyJSON(w, http.StatusOK, listOf(statuses, ""))
}

package http

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"portfolio/backend"
)

// keyOutput shows a new key, this once: only its hash is stored.
type keyOutput struct {
	backend.APIKey
	Key string `json:"key"`
}

type keyInput struct {
	Label     string          `json:"label"`
	Scopes    []backend.Scope `json:"scopes"`
	Sources   []string        `json:"sources,omitempty" nullable:"true"`
	ExpiresAt *time.Time      `json:"expires_at,omitempty" nullable:"true"`
}

func (a *api) createKey(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	var in keyInput
	problems, err := decode(w, r, &in)
	if err != nil {
		return err
	}
	now := a.Now().UTC()
	k := backend.APIKey{Owner: by.Owner, Label: in.Label, Scopes: in.Scopes, Sources: in.Sources,
		CreatedAt: now, ExpiresAt: in.ExpiresAt}
	problems.addAll("", k.Validate())
	// Only the command line creates keys that may write any source.
	if slices.Contains(k.Scopes, backend.ScopeFeed) && k.Sources == nil {
		problems.add("sources", "none", fmt.Sprintf("the sources that the feed may write, 1–%d", backend.MaxSources))
	}
	if k.ExpiresAt != nil && !k.ExpiresAt.After(now) {
		problems.add("expires_at", k.ExpiresAt.Format(time.RFC3339), "a time in the future, or none")
	}
	if err := problems.err(); err != nil {
		return err
	}
	if err := by.Grant(k); err != nil {
		return err
	}
	secret := backend.NewSecret()
	k, err = a.APIKeys.CreateKey(ctx, by, k, backend.HashSecret(secret))
	if err != nil {
		return err
	}
	return replyJSON(w, http.StatusCreated, keyOutput{APIKey: k, Key: secret})
}

func (a *api) listKeys(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	return paged(w, r, func(p backend.Page) ([]backend.APIKey, string, error) {
		return a.APIKeys.ListKeys(ctx, by.Owner, p)
	})
}

func (a *api) revokeKey(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	if err := a.APIKeys.RevokeKey(ctx, by, r.PathValue(keyID), a.Now().UTC()); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *api) audit(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	return paged(w, r, func(p backend.Page) ([]backend.AuditEntry, string, error) {
		return a.APIKeys.Audit(ctx, by.Owner, p)
	})
}

type ticketOutput struct {
	Ticket    string    `json:"ticket"`
	ExpiresAt time.Time `json:"expires_at"`
	URL       string    `json:"url"` // of the WebSocket, without the ticket
}

// issueTicket creates a ticket that opens one WebSocket: wss://…/prod?ticket=….
func (a *api) issueTicket(ctx context.Context, w http.ResponseWriter, _ *http.Request, by backend.Principal) error {
	out := ticketOutput{Ticket: backend.NewSecret(),
		ExpiresAt: a.Now().UTC().Add(backend.TicketLifetime), URL: a.Socket}
	if err := a.Tickets.IssueTicket(ctx, by, backend.HashSecret(out.Ticket), out.ExpiresAt); err != nil {
		return err
	}
	return replyJSON(w, http.StatusCreated, out)
}

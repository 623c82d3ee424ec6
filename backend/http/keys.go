package http

import (
	"context"
	"net/http"
	"time"

	"portfolio/backend"
)

// secretOutput is shown once: what is kept of the secret is its hash.
type keyOutput struct {
	backend.APIKey
	Key string `json:"key"`
}

type keyInput struct {
	Label     string          `json:"label"`
	Scopes    []backend.Scope `json:"scopes"`
	ExpiresAt *time.Time      `json:"expires_at"`
}

func (a *api) createKey(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	var in keyInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	now := a.Now().UTC()
	k := backend.APIKey{Owner: by.Owner, Label: in.Label, Scopes: in.Scopes, CreatedAt: now, ExpiresAt: in.ExpiresAt}
	if err := invalid(k.Validate()); err != nil {
		return err
	}
	if k.ExpiresAt != nil && !k.ExpiresAt.After(now) {
		return wrong("expires_at", k.ExpiresAt.Format(time.RFC3339), "a time to come, or none")
	}
	// A key cannot make one that may more than itself.
	for _, scope := range k.Scopes {
		if !by.May(scope) {
			return &backend.Error{Code: backend.CodeForbidden, Message: "the key lacks the scope " + string(scope) + " itself"}
		}
	}
	secret := backend.NewSecret()
	k, err := a.APIKeys.CreateKey(ctx, by, k, backend.HashSecret(secret))
	if err != nil {
		return err
	}
	return replyJSON(w, http.StatusCreated, keyOutput{APIKey: k, Key: secret})
}

func (a *api) listKeys(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	return paged(w, r, func(p backend.Page) ([]backend.APIKey, string, error) { return a.APIKeys.ListKeys(ctx, by.Owner, p) })
}

func (a *api) revokeKey(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	id, err := pathID(r, "key")
	if err != nil {
		return err
	}
	if err := a.APIKeys.RevokeKey(ctx, by, id, a.Now().UTC()); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *api) audit(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	return paged(w, r, func(p backend.Page) ([]backend.AuditEntry, string, error) { return a.APIKeys.Audit(ctx, by.Owner, p) })
}

type ticketOutput struct {
	Ticket    string    `json:"ticket"`
	ExpiresAt time.Time `json:"expires_at"`
}

// issueTicket gives a ticket that opens one WebSocket: wss://…/prod?ticket=….
func (a *api) issueTicket(ctx context.Context, w http.ResponseWriter, _ *http.Request, by backend.Principal) error {
	out := ticketOutput{Ticket: backend.NewSecret(), ExpiresAt: a.Now().UTC().Add(backend.TicketLifetime)}
	if err := a.Tickets.IssueTicket(ctx, by, backend.HashSecret(out.Ticket), out.ExpiresAt); err != nil {
		return err
	}
	return replyJSON(w, http.StatusCreated, out)
}

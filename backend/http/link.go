package http

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"portfolio/backend"
)

// linkOutput is a link that signs in once.
type linkOutput struct {
	Path      string    `json:"path"` // relative to the page
	ExpiresAt time.Time `json:"expires_at"`
}

// linkHash keeps the codes of links apart from WebSocket tickets, with which they are
// stored: they live as long, are used once and end with their key.
func linkHash(code string) backend.SecretHash { return backend.HashSecret("sign-in link " + code) }

// createLink creates a link that signs in once with the caller's key, on this machine.
func (a *api) createLink(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	if err := localOnly(r); err != nil {
		return err
	}
	code, expires := backend.NewSecret(), a.Now().UTC().Add(backend.TicketLifetime)
	if err := a.Tickets.IssueTicket(ctx, by, linkHash(code), expires); err != nil {
		return err
	}
	return replyJSON(w, http.StatusCreated, linkOutput{Path: "v1/sign-in/link?code=" + code, ExpiresAt: expires})
}

// followLink signs the person in who follows a link, and sends them to the page.
func (a *api) followLink(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	if err := localOnly(r); err != nil {
		return err
	}
	if r.Method != http.MethodGet { // HEAD must not use the link up
		return only([]string{http.MethodGet})(w, r)
	}
	values, err := query(r, "code")
	if err != nil {
		return err
	}
	by, err := a.redeem(ctx, a.clientAddress(r), linkHash(values.Get("code")))
	if err == nil {
		note(w, slog.String("key", by.KeyID))
		_, err = a.enter(ctx, w, by, backend.SignInLink)
	}
	return toPage(w, "../../", err)
}

// localOnly returns an error for a request that does not come from this machine.
func localOnly(r *http.Request) error {
	if onLoopback(r) {
		return nil
	}
	return &backend.Error{Code: backend.CodeForbidden,
		Message: "sign-in links work only on the machine that the service runs on"}
}

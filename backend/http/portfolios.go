package http

import (
	"context"
	"net/http"

	"portfolio/backend"

	"github.com/go-json-experiment/json/jsontext"
)

// portfolioInput is what a person chooses about a portfolio. PUT needs every member.
type portfolioInput struct {
	Name   string             `json:"name"`
	Base   backend.Currency   `json:"base_currency"`
	Method backend.CostMethod `json:"cost_method"`
	Shorts bool               `json:"allow_shorts"`
	Cash   bool               `json:"track_cash"`
	Zone   string             `json:"time_zone"`
}

// newPortfolioInput is a portfolioInput as POST takes it: members with a default
// may be absent.
type newPortfolioInput struct {
	Name   string             `json:"name"`
	Base   backend.Currency   `json:"base_currency"`
	Method backend.CostMethod `json:"cost_method,omitempty"`
	Shorts bool               `json:"allow_shorts,omitempty"`
	Cash   bool               `json:"track_cash,omitempty"`
	Zone   string             `json:"time_zone,omitempty"`
}

// portfolioPatch is a portfolioInput as PATCH takes it (RFC 7396): absent members
// keep their values. No member can be removed, so none can be null.
type portfolioPatch struct {
	Name   string             `json:"name,omitempty"`
	Base   backend.Currency   `json:"base_currency,omitempty"`
	Method backend.CostMethod `json:"cost_method,omitempty"`
	Shorts bool               `json:"allow_shorts,omitempty"`
	Cash   bool               `json:"track_cash,omitempty"`
	Zone   string             `json:"time_zone,omitempty"`
}

// inputOf returns what a person chose about a portfolio.
func inputOf(p backend.Portfolio) portfolioInput {
	return portfolioInput{Name: p.Name, Base: p.Base, Method: p.Method, Shorts: p.AllowShorts,
		Cash: !p.IgnoreCash, Zone: p.TimeZone}
}

// portfolio returns the input as a portfolio, or everything that is wrong with it.
func (in portfolioInput) portfolio(p *problems) (backend.Portfolio, error) {
	out := backend.Portfolio{
		Name: in.Name, Base: in.Base, TimeZone: in.Zone,
		Policy: backend.Policy{Method: in.Method, AllowShorts: in.Shorts, IgnoreCash: !in.Cash},
	}
	if in.Zone == "" && !p.paths["time_zone"] { // which would mean UTC
		p.add("time_zone", `""`, "a name of the IANA time zone database such as Europe/Berlin")
	}
	p.addAll("", out.Validate())
	return out, p.err()
}

func (a *api) createPortfolio(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	in := newPortfolioInput{Method: backend.FIFO, Cash: true, Zone: "UTC"}
	problems, err := decode(w, r, &in)
	if err != nil {
		return err
	}
	p, err := portfolioInput(in).portfolio(problems)
	if err != nil {
		return err
	}
	p, replayed, err := a.Portfolios.CreatePortfolio(ctx, by, key, p)
	if err != nil {
		return err
	}
	markReplayed(w, replayed)
	w.Header().Set("Location", "/v1/portfolios/"+p.ID)
	return replyPortfolio(w, http.StatusCreated, p)
}

func (a *api) listPortfolios(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	return paged(w, r, func(p backend.Page) ([]backend.Portfolio, string, error) {
		return a.Portfolios.ListPortfolios(ctx, by.Owner, p)
	})
}

func (a *api) getPortfolio(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	p, err := a.Portfolios.GetPortfolio(ctx, by.Owner, r.PathValue(portfolioID))
	if err != nil {
		return err
	}
	return replyPortfolio(w, http.StatusOK, p)
}

// replacePortfolio answers PUT.
func (a *api) replacePortfolio(ctx context.Context, w http.ResponseWriter, r *http.Request,
	by backend.Principal) error {
	return a.updatePortfolio(ctx, w, r, by, func(body jsontext.Value, _ backend.Portfolio) (backend.Portfolio, error) {
		var in portfolioInput
		problems := decodeValue(body, &in)
		return in.portfolio(problems)
	})
}

// patchPortfolio answers PATCH.
func (a *api) patchPortfolio(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	return a.updatePortfolio(ctx, w, r, by, func(body jsontext.Value,
		current backend.Portfolio) (backend.Portfolio, error) {
		in := portfolioPatch(inputOf(current))
		problems := decodeValue(body, &in)
		return portfolioInput(in).portfolio(problems)
	})
}

// updatePortfolio changes a portfolio into what change makes of the body and of the
// portfolio as it is.
func (a *api) updatePortfolio(
	ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal,
	change func(body jsontext.Value, current backend.Portfolio) (backend.Portfolio, error),
) error {
	condition, err := ifMatch(r)
	if err != nil {
		return err
	}
	body, err := readJSON(w, r)
	if err != nil {
		return err
	}
	var current, updated backend.Portfolio
	read := func() (int64, error) {
		current, err = a.Portfolios.GetPortfolio(ctx, by.Owner, r.PathValue(portfolioID))
		return current.Version, err
	}
	write := func(version int64) error {
		p, err := change(body, current)
		if err != nil {
			return err
		}
		p.ID, p.Version = current.ID, version
		updated, err = a.Portfolios.UpdatePortfolio(ctx, by, p)
		return err
	}
	if err := condition.change(read, write); err != nil {
		return err
	}
	return replyPortfolio(w, http.StatusOK, updated)
}

func (a *api) deletePortfolio(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	id := r.PathValue(portfolioID)
	current := func() (int64, error) {
		p, err := a.Portfolios.GetPortfolio(ctx, by.Owner, id)
		return p.Version, err
	}
	return remove(w, r, current, func(version int64) error {
		return a.Portfolios.DeletePortfolio(ctx, by, id, version)
	})
}

// remove answers a request to delete something at a version that If-Match allows.
func remove(w http.ResponseWriter, r *http.Request, current func() (int64, error), do func(version int64) error) error {
	condition, err := ifMatch(r)
	if err != nil {
		return err
	}
	if err := condition.change(current, do); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func replyPortfolio(w http.ResponseWriter, status int, p backend.Portfolio) error {
	w.Header().Set("ETag", etag(p.Version))
	return replyJSON(w, status, p)
}

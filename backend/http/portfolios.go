package http

import (
	"context"
	"net/http"

	"portfolio/backend"
)

// portfolioInput is what a person chooses about a portfolio.
type portfolioInput struct {
	Name   string             `json:"name"`
	Base   backend.Currency   `json:"base_currency"`
	Method backend.CostMethod `json:"cost_method"` // FIFO unless said otherwise
	Shorts bool               `json:"allow_shorts"`
}

func (in portfolioInput) portfolio() (backend.Portfolio, error) {
	if in.Method == "" {
		in.Method = backend.FIFO
	}
	p := backend.Portfolio{Name: in.Name, Base: in.Base, Policy: backend.Policy{Method: in.Method, AllowShorts: in.Shorts}}
	return p, invalid(p.Validate())
}

func (a *api) createPortfolio(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	var in portfolioInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	p, err := in.portfolio()
	if err != nil {
		return err
	}
	if p, err = a.Portfolios.CreatePortfolio(ctx, by, p); err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/portfolios/"+p.ID)
	return replyPortfolio(w, http.StatusCreated, p)
}

func (a *api) listPortfolios(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	return paged(w, r, func(p backend.Page) ([]backend.Portfolio, string, error) {
		return a.Portfolios.ListPortfolios(ctx, by.Owner, p)
	})
}

func (a *api) getPortfolio(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	id, err := pathID(r, "portfolio")
	if err != nil {
		return err
	}
	p, err := a.Portfolios.GetPortfolio(ctx, by.Owner, id)
	if err != nil {
		return err
	}
	return replyPortfolio(w, http.StatusOK, p)
}

func (a *api) updatePortfolio(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	id, err := pathID(r, "portfolio")
	if err != nil {
		return err
	}
	version, err := matching(r)
	if err != nil {
		return err
	}
	var in portfolioInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	p, err := in.portfolio()
	if err != nil {
		return err
	}
	p.ID, p.Version = id, version
	if p, err = a.Portfolios.UpdatePortfolio(ctx, by, p); err != nil {
		return err
	}
	return replyPortfolio(w, http.StatusOK, p)
}

func (a *api) deletePortfolio(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	id, err := pathID(r, "portfolio")
	if err != nil {
		return err
	}
	version, err := matching(r)
	if err != nil {
		return err
	}
	if err := a.Portfolios.DeletePortfolio(ctx, by, id, version); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func replyPortfolio(w http.ResponseWriter, status int, p backend.Portfolio) error {
	w.Header().Set("ETag", etag(p.Version))
	return replyJSON(w, status, p)
}

package http

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"portfolio/backend"
)

// Tracker computes what portfolios hold and are worth. The zero time means now. The
// error for another owner's portfolio has CodeNotFound.
type Tracker interface {
	Holdings(ctx context.Context, owner, id string, asOf time.Time) (backend.Ledger, error)
	Valuation(ctx context.Context, owner, id string, asOf time.Time) (backend.Valuation, error)
	Performance(ctx context.Context, owner, id string, from, to backend.Date) (backend.Performance, error)
	History(ctx context.Context, owner, id string, from, to backend.Date) ([]backend.DayValue, error)
}

func (a *api) holdings(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	id, at, err := a.portfolioAsOf(r)
	if err != nil {
		return err
	}
	l, err := a.Tracker.Holdings(ctx, by.Owner, id, at)
	if err != nil {
		return err
	}
	return replyJSON(w, http.StatusOK, l)
}

// Days stores the valuations of portfolios at the close of past days.
type Days interface {
	// Day returns the stored valuation of a portfolio as JSON, and whether there is
	// one.
	Day(ctx context.Context, portfolio string, day backend.Date) (text []byte, kept bool, err error)
}

// daysTimeout is how long reading a stored day may take before the valuation is
// computed instead.
const daysTimeout = 2 * time.Second

func (a *api) valuation(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	id, at, err := a.portfolioAsOf(r)
	if err != nil {
		return err
	}
	if day := backend.DateOf(at); !at.IsZero() && at.Equal(backend.Close(day)) {
		text, kept, err := a.keptDay(ctx, w, by.Owner, id, day)
		if err != nil {
			return err
		}
		if kept {
			return replyJSON(w, http.StatusOK, json.RawMessage(text))
		}
	}
	v, err := a.Tracker.Valuation(ctx, by.Owner, id, at)
	if err != nil {
		return err
	}
	return replyJSON(w, http.StatusOK, v)
}

// keptDay returns the stored valuation of one of the owner's portfolios. A day that
// cannot be read counts as not stored.
func (a *api) keptDay(ctx context.Context, w http.ResponseWriter, owner, id string, day backend.Date) (text []byte, kept bool, err error) {
	p, err := a.Portfolios.GetPortfolio(ctx, owner, id)
	if err != nil {
		return nil, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, daysTimeout)
	defer cancel()
	text, kept, err = a.Days.Day(ctx, p.ID, day)
	if err != nil {
		note(w, slog.Any("daysError", err))
	}
	return text, kept, nil
}

func (a *api) portfolioAsOf(r *http.Request) (id string, at time.Time, err error) {
	values, err := query(r, "as_of")
	if err != nil {
		return "", at, err
	}
	at, err = asOf(values, a.Now())
	return r.PathValue(portfolioID), at, err
}

// performanceOutput omits the return that was not requested.
type performanceOutput struct {
	backend.Performance
	TimeWeighted  *backend.Return `json:"time_weighted,omitempty"`
	MoneyWeighted *backend.Return `json:"money_weighted,omitempty"`
}

func (a *api) performance(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	id, values, from, to, err := a.period(r, "method")
	if err != nil {
		return err
	}
	method := values.Get("method")
	if method != "" && method != "time_weighted" && method != "money_weighted" {
		return wrong("method", method, "time_weighted, money_weighted, or nothing for both")
	}
	p, err := a.Tracker.Performance(ctx, by.Owner, id, from, to)
	if err != nil {
		return err
	}
	out := performanceOutput{Performance: p}
	if method != "money_weighted" {
		out.TimeWeighted = &p.TimeWeighted
	}
	if method != "time_weighted" {
		out.MoneyWeighted = &p.MoneyWeighted
	}
	return replyJSON(w, http.StatusOK, out)
}

func (a *api) history(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	id, values, from, to, err := a.period(r, "interval")
	if err != nil {
		return err
	}
	if interval := values.Get("interval"); interval != "" && interval != "1d" {
		return wrong("interval", interval, "1d")
	}
	if to-from >= backend.MaxDays {
		return wrong("from", from.String(), fmt.Sprintf("a day less than %d days before to", backend.MaxDays))
	}
	days, err := a.Tracker.History(ctx, by.Owner, id, from, to)
	if err != nil {
		return err
	}
	return replyJSON(w, http.StatusOK, listOf(days, ""))
}

// period reads from and to, which must be in order and not in the future.
func (a *api) period(r *http.Request, also string) (id string, values url.Values, from, to backend.Date, err error) {
	id = r.PathValue(portfolioID)
	if values, err = query(r, "from", "to", also); err != nil {
		return id, nil, 0, 0, err
	}
	if from, err = date(values, "from"); err != nil {
		return id, nil, 0, 0, err
	}
	if to, err = date(values, "to"); err != nil {
		return id, nil, 0, 0, err
	}
	if to > backend.DateOf(a.Now()) || from > to {
		err = wrong("to", to.String(), "a day between from and today")
	}
	return id, values, from, to, err
}

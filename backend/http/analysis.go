package http

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"portfolio/backend"
)

// Tracker computes what portfolios hold and are worth. The zero time means now. The
// error for another owner's portfolio has CodeNotFound.
type Tracker interface {
	Holdings(ctx context.Context, owner, id string, asOf time.Time) (backend.Ledger, error)
	Valuation(ctx context.Context, owner, id string, asOf time.Time) (backend.Valuation, error)
	// ValuationJSON returns the valuation as of now as a line of JSON, which must not
	// be changed.
	ValuationJSON(ctx context.Context, owner, id string) ([]byte, error)
	// Name returns the name of the instrument of a symbol, "" if none is known.
	Name(symbol string) string
	// Closes returns how many closing prices a history or a performance reads, or for the
	// empty id a summary; from 0 is from inception.
	Closes(ctx context.Context, owner, id string, from, to backend.Date) (int, error)
	Performance(ctx context.Context, owner, id string, from, to backend.Date) (backend.Performance, error)
	History(ctx context.Context, owner, id string, from, to backend.Date) ([]backend.DayValue, error)
	// Samples returns how many prices the values within a day are computed from.
	Samples(ctx context.Context, owner, id string) (int, error)
	// Intraday returns the values within today or the day before.
	Intraday(ctx context.Context, owner, id string, day backend.Date) ([]backend.MomentValue, error)
	// Parts measures the holdings of a portfolio, or its currencies, and the whole.
	Parts(ctx context.Context, owner, id string, from, to backend.Date,
		byCurrency bool) (backend.Performance, []backend.Part, error)
	// Summary measures all portfolios of an owner.
	Summary(ctx context.Context, owner string, base backend.Currency, from, to backend.Date) (backend.Summary, error)
}

// holdingsOutput says that the holdings are derived from the entries as they are now:
// no past ones are stored.
type holdingsOutput struct {
	backend.Ledger
	Recomputed bool `json:"recomputed"`
}

func (a *api) holdings(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	values, err := query(r, "as_of")
	if err != nil {
		return err
	}
	id, at, _, err := a.portfolioAsOf(ctx, r, values, by)
	if err != nil {
		return err
	}
	l, err := a.Tracker.Holdings(ctx, by.Owner, id, at)
	if err != nil {
		return err
	}
	return replyJSON(w, http.StatusOK, holdingsOutput{Ledger: l, Recomputed: true})
}

// portfolioAsOf reads what an answer is about. Only for a past time is the portfolio
// read, whose time zone says when a day closes.
func (a *api) portfolioAsOf(ctx context.Context, r *http.Request, values url.Values,
	by backend.Principal) (id string, at time.Time, zone *time.Location, err error) {
	id, zone = r.PathValue(portfolioID), time.UTC
	if values.Get("as_of") != "" {
		p, err := a.Portfolios.GetPortfolio(ctx, by.Owner, id)
		if err != nil {
			return "", at, nil, err
		}
		zone = p.Location()
	}
	at, err = asOf(values, a.Now(), zone)
	return id, at, zone, err
}

// performanceOutput omits the return that was not requested.
type performanceOutput struct {
	backend.Performance
	TimeWeighted  *backend.Return `json:"time_weighted,omitempty"`
	MoneyWeighted *backend.Return `json:"money_weighted,omitempty"`
	Parts         []partOutput    `json:"parts,omitempty"`
}

// partOutput is performanceOutput for a holding or a currency.
type partOutput struct {
	backend.Part
	TimeWeighted  *backend.Return `json:"time_weighted,omitempty"`
	MoneyWeighted *backend.Return `json:"money_weighted,omitempty"`
}

// inception stands for the day before the first entry.
const inception = "inception"

func (a *api) performance(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	id, values, from, to, err := a.period(ctx, r, by, "method", "by")
	if err != nil {
		return err
	}
	parts := values.Get("by")
	if parts != "" && parts != "holding" && parts != "currency" {
		return wrong("by", parts, "holding, currency, or nothing for only the whole")
	}
	method := values.Get("method")
	if method != "" && method != "time_weighted" && method != "money_weighted" {
		return wrong("method", method, "time_weighted, money_weighted, or nothing for both")
	}
	if err := a.charge(ctx, w, by.Owner, id, from, to); err != nil {
		return err
	}
	if parts == "" {
		p, err := a.Tracker.Performance(ctx, by.Owner, id, from, to)
		if err != nil {
			return err
		}
		return replyJSON(w, http.StatusOK, performanceOf(p, method))
	}
	p, list, err := a.Tracker.Parts(ctx, by.Owner, id, from, to, parts == "currency")
	if err != nil {
		return err
	}
	out := performanceOf(p, method)
	out.Parts = make([]partOutput, len(list))
	for i, part := range list {
		out.Parts[i] = partOutput{Part: part}
		out.Parts[i].TimeWeighted, out.Parts[i].MoneyWeighted = chosen(method, part.Results)
	}
	return replyJSON(w, http.StatusOK, out)
}

func performanceOf(p backend.Performance, method string) performanceOutput {
	out := performanceOutput{Performance: p}
	out.TimeWeighted, out.MoneyWeighted = chosen(method, p.Results)
	return out
}

// chosen returns the returns that were asked for.
func chosen(method string, r backend.Results) (timeWeighted, moneyWeighted *backend.Return) {
	if method != "money_weighted" {
		timeWeighted = &r.TimeWeighted
	}
	if method != "time_weighted" {
		moneyWeighted = &r.MoneyWeighted
	}
	return timeWeighted, moneyWeighted
}

// summary answers what all portfolios of the owner do together.
func (a *api) summary(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	values, err := query(r, "base", "from", "to")
	if err != nil {
		return err
	}
	base := backend.Currency(values.Get("base"))
	if !base.Valid() {
		return wrong("base", string(base), "a code of ISO 4217 such as EUR")
	}
	from, to := backend.Date(0), backend.DateOf(a.Now())
	if text := values.Get("from"); text != "" && text != inception {
		if from, err = date(values, "from"); err != nil {
			return err
		}
	}
	if values.Get("to") != "" {
		if to, err = date(values, "to"); err != nil {
			return err
		}
	}
	// Some portfolio may be in a time zone where it is tomorrow already.
	if to > backend.DateOf(a.Now())+1 || from >= to {
		return wrong("to", to.String(), "a day between from and today")
	}
	if err := a.charge(ctx, w, by.Owner, "", from, to); err != nil {
		return err
	}
	s, err := a.Tracker.Summary(ctx, by.Owner, base, from, to)
	if err != nil {
		return err
	}
	return replyJSON(w, http.StatusOK, s)
}

func (a *api) history(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	id, values, from, to, err := a.period(ctx, r, by, "interval")
	if err != nil {
		return err
	}
	switch interval := values.Get("interval"); interval {
	case "", "1d":
	case "5m":
		if from != to {
			return wrong("to", to.String(), "the day of from, with the interval 5m")
		}
		return a.intraday(ctx, w, by.Owner, id, from)
	default:
		return wrong("interval", interval, "1d or 5m")
	}
	if err := bounded(from, to); err != nil {
		return err
	}
	if err := a.charge(ctx, w, by.Owner, id, from, to); err != nil {
		return err
	}
	days, err := a.Tracker.History(ctx, by.Owner, id, from, to)
	if err != nil {
		return err
	}
	writeText(w, http.StatusOK, "application/json", historyText(days, (*backend.DayValue).AppendJSON))
	return nil
}

// intraday answers with the values within a day.
func (a *api) intraday(ctx context.Context, w http.ResponseWriter, owner, id string, day backend.Date) error {
	samples, err := a.Tracker.Samples(ctx, owner, id)
	if err != nil {
		return err
	}
	if err := a.chargeFor(ctx, w, samples); err != nil {
		return err
	}
	moments, err := a.Tracker.Intraday(ctx, owner, id, day)
	if err != nil {
		return err
	}
	writeText(w, http.StatusOK, "application/json", historyText(moments, (*backend.MomentValue).AppendJSON))
	return nil
}

// historyText is a page with all values. Recomputed says that they are derived from the
// entries and prices as they are now, not from the stored valuations.
func historyText[T any](values []T, appendJSON func(*T, []byte) []byte) []byte {
	const each = 160 // bytes, of a value
	out := append(make([]byte, 0, each*(len(values)+1)), `{"items":`...)
	out = backend.AppendList(out, values, appendJSON)
	return append(out, `,"next":null,"recomputed":true}`+"\n"...)
}

// period reads from and to, which lie in order and not in the future. From may be
// inception, which is 0, where by is among the other parameters.
func (a *api) period(ctx context.Context, r *http.Request, by backend.Principal,
	also ...string) (id string, values url.Values, from, to backend.Date, err error) {
	id = r.PathValue(portfolioID)
	if values, err = query(r, append([]string{"from", "to"}, also...)...); err != nil {
		return id, nil, 0, 0, err
	}
	if values.Get("from") != inception || !slices.Contains(also, "by") {
		if from, err = date(values, "from"); err != nil {
			return id, nil, 0, 0, err
		}
	}
	if to, err = date(values, "to"); err != nil {
		return id, nil, 0, 0, err
	}
	p, err := a.Portfolios.GetPortfolio(ctx, by.Owner, id)
	if err != nil {
		return id, nil, 0, 0, err
	}
	return id, values, from, to, ordered(from, to, p.Today(a.Now()))
}

// ordered returns an error unless a period ends today at the latest, and does not end
// before it begins.
func ordered(from, to, today backend.Date) error {
	if to > today || from > to {
		return wrong("to", to.String(), "a day between from and today")
	}
	return nil
}

// bounded returns an error if a period has more days than one answer can have.
func bounded(from, to backend.Date) error {
	if to-from >= backend.MaxDays {
		return wrong("from", from.String(), fmt.Sprintf("a day less than %d days before to", backend.MaxDays))
	}
	return nil
}

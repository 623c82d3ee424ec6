package http

import (
	"context"
	"errors"
	"net/http"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// transactionInput is what a person records of a transaction. Members that its kind
// does not have are absent.
type transactionInput struct {
	Kind     backend.Kind     `json:"kind"`
	Date     backend.Date     `json:"date"`
	Symbol   string           `json:"symbol,omitempty"`
	Quantity *number          `json:"quantity,omitempty"`
	Price    *number          `json:"price,omitempty"`
	Amount   *number          `json:"amount,omitempty"`
	Currency backend.Currency `json:"currency,omitempty"`
	Fee      *number          `json:"fee,omitempty"`
	Ratio    *backend.Ratio   `json:"ratio,omitempty"`
	Note     string           `json:"note,omitempty"`

	Time         backend.Clock    `json:"time,omitempty"`
	Tax          *number          `json:"tax,omitempty"`
	FeeCurrency  backend.Currency `json:"fee_currency,omitempty"`
	ToAmount     *number          `json:"to_amount,omitempty"`
	ToCurrency   backend.Currency `json:"to_currency,omitempty"`
	Acquired     backend.Date     `json:"acquired,omitempty"`
	ToSymbol     string           `json:"to_symbol,omitempty"`
	CostFraction *number          `json:"cost_fraction,omitempty"`
	Lots         []lotInput       `json:"lots,omitempty"`
	Transfer     string           `json:"transfer,omitempty"`
}

// lotInput names units by the day they were acquired on.
type lotInput struct {
	Date     backend.Date `json:"date"`
	Quantity number       `json:"quantity"`
}

// transactionOutput is a transaction as it is stored.
type transactionOutput struct {
	ID         string    `json:"id"`
	Sequence   int64     `json:"sequence"`
	Version    int64     `json:"version"`
	RecordedAt time.Time `json:"recorded_at"`
	transactionInput
}

// transaction returns the input as a transaction that can be recorded on a day, the
// portfolio's today, or everything that is wrong with it.
func (in transactionInput) transaction(p *problems, today backend.Date) (backend.Transaction, error) {
	given := func(n *number) decimal.Decimal {
		if n == nil {
			return decimal.Decimal{}
		}
		return n.Decimal
	}
	t := backend.Transaction{
		Kind: in.Kind, Date: in.Date, Symbol: in.Symbol, Currency: in.Currency, Note: in.Note,
		Quantity: given(in.Quantity), Price: given(in.Price), Amount: given(in.Amount), Fee: given(in.Fee),
	}
	t.Time, t.Tax, t.FeeCurrency, t.Acquired = in.Time, given(in.Tax), in.FeeCurrency, in.Acquired
	t.ToAmount, t.ToCurrency, t.ToSymbol = given(in.ToAmount), in.ToCurrency, in.ToSymbol
	t.CostFraction, t.Transfer = given(in.CostFraction), in.Transfer
	for _, l := range in.Lots {
		t.Lots = append(t.Lots, backend.LotChoice{Date: l.Date, Quantity: l.Quantity.Decimal})
	}
	if in.Ratio != nil {
		t.Ratio = *in.Ratio
	}
	t = t.InMajorUnits()
	p.addAll("", recordable(t, today))
	return t, p.err()
}

// recordable reports everything that is wrong with a transaction to record on a day.
func recordable(t backend.Transaction, today backend.Date) error {
	return errors.Join(t.Validate(), t.ValidateDates(today))
}

// outputOf returns an entry with the members that its kind has.
func outputOf(e backend.Entry) transactionOutput {
	out := transactionOutput{
		ID: e.ID, Sequence: e.Sequence, Version: e.Version, RecordedAt: e.RecordedAt,
		transactionInput: transactionInput{
			Kind: e.Kind, Date: e.Date, Symbol: e.Symbol, Currency: e.Currency, Note: e.Note, Time: e.Time,
			FeeCurrency: e.FeeCurrency, ToCurrency: e.ToCurrency, Acquired: e.Acquired,
			ToSymbol: e.ToSymbol, Transfer: e.Transfer,
		},
	}
	shown := func(m backend.Member, d decimal.Decimal) *number {
		if e.Kind.Needs(m) || e.Kind.Has(m) && !d.IsZero() {
			return &number{d}
		}
		return nil
	}
	out.Quantity, out.Price = shown(backend.HasQuantity, e.Quantity), shown(backend.HasPrice, e.Price)
	out.Amount, out.Tax = shown(backend.HasAmount, e.Amount), shown(backend.HasTax, e.Tax)
	out.ToAmount, out.CostFraction = shown(backend.HasTo, e.ToAmount), shown(backend.HasCostFraction, e.CostFraction)
	if e.Kind.Has(backend.HasFee) {
		out.Fee = &number{e.Fee}
	}
	if e.Kind.Has(backend.HasRatio) {
		out.Ratio = &e.Ratio
	}
	for _, l := range e.Lots {
		out.Lots = append(out.Lots, lotInput{Date: l.Date, Quantity: number{l.Quantity}})
	}
	return out
}

func (a *api) recordTransaction(ctx context.Context, w http.ResponseWriter, r *http.Request,
	by backend.Principal) error {
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	t, err := a.readTransaction(ctx, w, r, by)
	if err != nil {
		return err
	}
	portfolio := r.PathValue(portfolioID)
	entries, replayed, err := a.Portfolios.Record(ctx, by, portfolio, key, []backend.Transaction{t})
	if err != nil {
		return err
	}
	markReplayed(w, replayed)
	w.Header().Set("Location", "/v1/portfolios/"+portfolio+"/transactions/"+entries[0].ID)
	return replyEntry(w, http.StatusCreated, entries[0])
}

// readTransaction reads a transaction of a portfolio from a request's body.
func (a *api) readTransaction(ctx context.Context, w http.ResponseWriter, r *http.Request,
	by backend.Principal) (backend.Transaction, error) {
	var in transactionInput
	problems, err := decode(w, r, &in)
	if err != nil {
		return backend.Transaction{}, err
	}
	p, err := a.Portfolios.GetPortfolio(ctx, by.Owner, r.PathValue(portfolioID))
	if err != nil {
		return backend.Transaction{}, err
	}
	return in.transaction(problems, p.Today(a.Now()))
}

func (a *api) listTransactions(ctx context.Context, w http.ResponseWriter, r *http.Request,
	by backend.Principal) error {
	return paged(w, r, func(p backend.Page) ([]transactionOutput, string, error) {
		entries, next, err := a.Portfolios.ListEntries(ctx, by.Owner, r.PathValue(portfolioID), p)
		items := make([]transactionOutput, len(entries))
		for i, e := range entries {
			items[i] = outputOf(e)
		}
		return items, next, err
	})
}

func (a *api) getTransaction(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	e, err := a.Portfolios.GetEntry(ctx, by.Owner, r.PathValue(portfolioID), r.PathValue(transactionID))
	if err != nil {
		return err
	}
	return replyEntry(w, http.StatusOK, e)
}

func (a *api) updateTransaction(ctx context.Context, w http.ResponseWriter, r *http.Request,
	by backend.Principal) error {
	condition, err := ifMatch(r)
	if err != nil {
		return err
	}
	t, err := a.readTransaction(ctx, w, r, by)
	if err != nil {
		return err
	}
	t.ID = r.PathValue(transactionID)
	var updated backend.Entry
	err = condition.change(a.entryVersion(ctx, r, by), func(version int64) (err error) {
		e := backend.Entry{Transaction: t, Version: version}
		updated, err = a.Portfolios.UpdateEntry(ctx, by, r.PathValue(portfolioID), e)
		return err
	})
	if err != nil {
		return err
	}
	return replyEntry(w, http.StatusOK, updated)
}

func (a *api) deleteTransaction(ctx context.Context, w http.ResponseWriter, r *http.Request,
	by backend.Principal) error {
	return remove(w, r, a.entryVersion(ctx, r, by), func(version int64) error {
		return a.Portfolios.DeleteEntry(ctx, by, r.PathValue(portfolioID), r.PathValue(transactionID), version)
	})
}

// entryVersion returns a function that reads the current version of the transaction
// that a request is about.
func (a *api) entryVersion(ctx context.Context, r *http.Request, by backend.Principal) func() (int64, error) {
	return func() (int64, error) {
		e, err := a.Portfolios.GetEntry(ctx, by.Owner, r.PathValue(portfolioID), r.PathValue(transactionID))
		return e.Version, err
	}
}

func replyEntry(w http.ResponseWriter, status int, e backend.Entry) error {
	w.Header().Set("ETag", etag(e.Version))
	return replyJSON(w, status, outputOf(e))
}

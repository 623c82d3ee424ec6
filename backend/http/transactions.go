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
}

// transactionOutput is a transaction as it is stored.
type transactionOutput struct {
	ID         string    `json:"id"`
	Sequence   int64     `json:"sequence"`
	Version    int64     `json:"version"`
	RecordedAt time.Time `json:"recorded_at"`
	transactionInput
}

// transaction returns the input as a transaction that can be recorded at now, or
// everything that is wrong with it.
func (in transactionInput) transaction(p *problems, now time.Time) (backend.Transaction, error) {
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
	if in.Ratio != nil {
		t.Ratio = *in.Ratio
	}
	p.addAll("", recordable(t, now))
	return t, p.err()
}

// recordable reports everything that is wrong with a transaction to record at now.
func recordable(t backend.Transaction, now time.Time) error {
	return errors.Join(t.Validate(), t.Date.ValidateRange("date", now))
}

// outputOf returns an entry with the members that its kind has.
func outputOf(e backend.Entry) transactionOutput {
	out := transactionOutput{
		ID: e.ID, Sequence: e.Sequence, Version: e.Version, RecordedAt: e.RecordedAt,
		transactionInput: transactionInput{Kind: e.Kind, Date: e.Date, Symbol: e.Symbol, Currency: e.Currency, Note: e.Note},
	}
	switch e.Kind {
	case backend.Split:
		out.Ratio = &e.Ratio
	case backend.Buy, backend.Sell:
		out.Quantity, out.Price, out.Fee = &number{e.Quantity}, &number{e.Price}, &number{e.Fee}
	case backend.Fee:
		out.Amount = &number{e.Amount}
	default:
		out.Amount, out.Fee = &number{e.Amount}, &number{e.Fee}
	}
	return out
}

func (a *api) recordTransaction(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	t, err := a.readTransaction(w, r)
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

// readTransaction reads a transaction from a request's body.
func (a *api) readTransaction(w http.ResponseWriter, r *http.Request) (backend.Transaction, error) {
	var in transactionInput
	problems, err := decode(w, r, &in)
	if err != nil {
		return backend.Transaction{}, err
	}
	return in.transaction(problems, a.Now())
}

func (a *api) listTransactions(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
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

func (a *api) updateTransaction(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	condition, err := ifMatch(r)
	if err != nil {
		return err
	}
	t, err := a.readTransaction(w, r)
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

func (a *api) deleteTransaction(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
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

package http

import (
	"context"
	"net/http"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// transactionInput is what a person says of a transaction. Members that mean
// nothing with its kind are left out.
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

// transactionOutput is a transaction as it is kept.
type transactionOutput struct {
	ID         string    `json:"id"`
	Sequence   int64     `json:"sequence"`
	Version    int64     `json:"version"`
	RecordedAt time.Time `json:"recorded_at"`
	transactionInput
}

// transaction gives the domain's; its error is about the transaction by itself.
func (in transactionInput) transaction() (backend.Transaction, error) {
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
	return t, invalid(t.Validate())
}

// written leaves out what means nothing with the entry's kind.
func written(e backend.Entry) transactionOutput {
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
	id, err := pathID(r, "portfolio")
	if err != nil {
		return err
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	var in transactionInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	t, err := in.transaction()
	if err != nil {
		return err
	}
	entries, replayed, err := a.Portfolios.Record(ctx, by, id, key, []backend.Transaction{t})
	if err != nil {
		return err
	}
	if replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	w.Header().Set("Location", "/v1/portfolios/"+id+"/transactions/"+entries[0].ID)
	return replyEntry(w, http.StatusCreated, entries[0])
}

func (a *api) listTransactions(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	id, err := pathID(r, "portfolio")
	if err != nil {
		return err
	}
	return paged(w, r, func(p backend.Page) ([]transactionOutput, string, error) {
		entries, next, err := a.Portfolios.ListEntries(ctx, by.Owner, id, p)
		items := make([]transactionOutput, len(entries))
		for i, e := range entries {
			items[i] = written(e)
		}
		return items, next, err
	})
}

func (a *api) getTransaction(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	portfolio, id, err := transactionPath(r)
	if err != nil {
		return err
	}
	e, err := a.Portfolios.GetEntry(ctx, by.Owner, portfolio, id)
	if err != nil {
		return err
	}
	return replyEntry(w, http.StatusOK, e)
}

func (a *api) updateTransaction(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	portfolio, id, err := transactionPath(r)
	if err != nil {
		return err
	}
	version, err := matching(r)
	if err != nil {
		return err
	}
	var in transactionInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	t, err := in.transaction()
	if err != nil {
		return err
	}
	t.ID = id
	e, err := a.Portfolios.UpdateEntry(ctx, by, portfolio, backend.Entry{Transaction: t, Version: version})
	if err != nil {
		return err
	}
	return replyEntry(w, http.StatusOK, e)
}

func (a *api) deleteTransaction(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	portfolio, id, err := transactionPath(r)
	if err != nil {
		return err
	}
	version, err := matching(r)
	if err != nil {
		return err
	}
	if err := a.Portfolios.DeleteEntry(ctx, by, portfolio, id, version); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func transactionPath(r *http.Request) (portfolio, id string, err error) {
	if portfolio, err = pathID(r, "portfolio"); err != nil {
		return "", "", err
	}
	id, err = pathID(r, "transaction")
	return portfolio, id, err
}

func replyEntry(w http.ResponseWriter, status int, e backend.Entry) error {
	w.Header().Set("ETag", etag(e.Version))
	return replyJSON(w, status, written(e))
}

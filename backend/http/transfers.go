package http

import (
	"context"
	"net/http"

	"portfolio/backend"
)

// transferInput moves units between two portfolios of an owner.
type transferInput struct {
	From     string       `json:"from"`
	To       string       `json:"to"`
	Date     backend.Date `json:"date"`
	Symbol   string       `json:"symbol"`
	Quantity number       `json:"quantity"`
}

// transferOutput has the entries of both sides.
type transferOutput struct {
	Out []transactionOutput `json:"out"` // in the portfolio that the units left
	In  []transactionOutput `json:"in"`  // one for each lot
}

func (a *api) transfer(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	var in transferInput
	problems, err := decode(w, r, &in)
	if err != nil {
		return err
	}
	t := backend.Transfer{From: in.From, To: in.To, Date: in.Date, Symbol: in.Symbol, Quantity: in.Quantity.Decimal}
	problems.addAll("", t.Validate())
	if err := problems.err(); err != nil {
		return err
	}
	p, err := a.Portfolios.GetPortfolio(ctx, by.Owner, t.From)
	if err != nil {
		return err
	}
	if err := invalid(t.Date.ValidateRange("date", p.Today(a.Now()))); err != nil {
		return err
	}
	left, came, replayed, err := a.Portfolios.Transfer(ctx, by, key, t)
	if err != nil {
		return err
	}
	markReplayed(w, replayed)
	return replyJSON(w, http.StatusCreated, transferOutput{Out: outputsOf(left), In: outputsOf(came)})
}

func outputsOf(entries []backend.Entry) []transactionOutput {
	list := make([]transactionOutput, len(entries))
	for i, e := range entries {
		list[i] = outputOf(e)
	}
	return list
}

package http

import (
	"context"
	"net/http"
	"slices"

	"portfolio/backend"
)

// effectInput is a change of one transaction: Transaction is recorded, replaces the one
// with the ID Replace, or, where it is absent, that one is deleted.
type effectInput struct {
	Transaction *transactionInput `json:"transaction,omitempty"`
	Replace     string            `json:"replace,omitempty"`
}

// effectOutput says what a change would do.
type effectOutput struct {
	Before   heldOutput  `json:"before"`
	After    *heldOutput `json:"after"`    // null where the portfolio cannot be so
	Problems []string    `json:"problems"` // why it cannot be
}

type heldOutput struct {
	Holdings []backend.Holding           `json:"holdings"`
	Cash     map[backend.Currency]number `json:"cash"`
}

// previewChange answers what a change of a transaction would do, without recording it.
func (a *api) previewChange(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	if _, err := query(r); err != nil {
		return err
	}
	var in effectInput
	problems, err := decode(w, r, &in)
	if err != nil {
		return err
	}
	p, before, err := a.Portfolios.Load(ctx, by.Owner, r.PathValue(portfolioID))
	if err != nil {
		return err
	}
	var change *backend.Transaction
	if in.Transaction != nil {
		t, err := in.Transaction.transaction(problems, p.Today(a.Now()))
		if err != nil {
			return err
		}
		change = &t
	} else if in.Replace == "" {
		problems.add("transaction", "none", "a transaction, or the ID of one to delete in replace")
	}
	if err := problems.err(); err != nil {
		return err
	}
	after, err := changed(before, in.Replace, change)
	if err != nil {
		return err
	}
	out := effectOutput{Problems: []string{}}
	if out.Before, err = a.held(ctx, p, before); err != nil {
		return err
	}
	if held, err := a.held(ctx, p, after); err == nil {
		out.After = &held
	} else if refused, err := derivationProblems(err); err != nil {
		return err
	} else {
		for _, problem := range refused[:min(len(refused), maxProblems)] {
			out.Problems = append(out.Problems, problem.Problem)
		}
	}
	return replyJSON(w, http.StatusOK, out)
}

// changed returns a portfolio's transactions after the one with an ID was replaced or,
// for nil, deleted. The empty ID adds one.
func changed(all []backend.Transaction, id string, t *backend.Transaction) ([]backend.Transaction, error) {
	after, last := slices.Clone(all), int64(0)
	for _, other := range all {
		last = max(last, other.Sequence)
	}
	if id == "" {
		added := *t
		added.ID, added.Sequence = "the transaction", last+1
		return append(after, added), nil
	}
	i := slices.IndexFunc(after, func(t backend.Transaction) bool { return t.ID == id })
	if i < 0 {
		return nil, &backend.Error{Code: backend.CodeNotFound, Message: "replace: there is no such transaction"}
	}
	if t == nil {
		return slices.Delete(after, i, i+1), nil
	}
	replacement := *t
	replacement.ID, replacement.Sequence = id, after[i].Sequence
	after[i] = replacement
	return after, nil
}

// held derives what a portfolio with these transactions holds.
func (a *api) held(ctx context.Context, p backend.Portfolio, all []backend.Transaction) (heldOutput, error) {
	through := p.Today(a.Now())
	for _, t := range all {
		through = max(through, t.Date)
	}
	ledger, err := backend.Derive(ctx, p.Policy, all, through)
	if err != nil {
		return heldOutput{}, err
	}
	out := heldOutput{Holdings: []backend.Holding{}, Cash: map[backend.Currency]number{}}
	out.Holdings = append(out.Holdings, ledger.Holdings...)
	for currency, amount := range ledger.Cash {
		out.Cash[currency] = number{amount}
	}
	return out, nil
}

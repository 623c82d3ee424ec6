package http

import (
	"bytes"
	"context"
	"net/http"
	"slices"

	"portfolio/backend"
)

// importOutput reports what an import did or, as a dry run, would do.
type importOutput struct {
	DryRun   bool         `json:"dry_run"`
	Rows     int          `json:"rows"`     // with a transaction
	Recorded int          `json:"recorded"` // 0 in a dry run
	Problems []rowProblem `json:"problems"` // the first 100; nothing is recorded if there are any
}

func (a *api) importTransactions(ctx context.Context, w http.ResponseWriter, r *http.Request,
	by backend.Principal) error {
	values, err := query(r, "dry_run")
	if err != nil {
		return err
	}
	dryRun := values.Get("dry_run") == "true"
	if text := values.Get("dry_run"); text != "" && text != "true" && text != "false" {
		return wrong("dry_run", text, "true or false")
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	body, err := readBody(w, r, maxCSV, csvTimeout)
	if err != nil {
		return err
	}
	id := r.PathValue(portfolioID)
	p, err := a.Portfolios.GetPortfolio(ctx, by.Owner, id)
	if err != nil {
		return err
	}
	txs, rows, problems := readCSV(body, p.Today(a.Now()))
	out := importOutput{DryRun: dryRun, Rows: rows}
	if len(problems) == 0 {
		var replayed bool
		if dryRun {
			err = a.derivable(ctx, by.Owner, id, txs)
		} else {
			var entries []backend.Entry
			entries, replayed, err = a.Portfolios.Record(ctx, by, id, key, txs)
			out.Recorded = len(entries)
		}
		if problems, err = derivationProblems(err); err != nil {
			return err
		}
		markReplayed(w, replayed)
	}
	out.Problems = problems[:min(len(problems), maxProblems)]
	switch {
	case dryRun:
		return replyJSON(w, http.StatusOK, out)
	case len(problems) > 0:
		return &rowsError{out}
	}
	return replyJSON(w, http.StatusCreated, out)
}

// derivable returns the error that recording transactions would return.
func (a *api) derivable(ctx context.Context, owner, id string, txs []backend.Transaction) error {
	p, all, err := a.Portfolios.Load(ctx, owner, id)
	if err != nil {
		return err
	}
	_, err = a.derive(ctx, p, all, txs)
	return err
}

// derive returns the ledger, without lots, that a portfolio with all would have once txs were recorded
// as well, through the last of their days or today.
func (a *api) derive(ctx context.Context, p backend.Portfolio, all, txs []backend.Transaction) (backend.Ledger, error) {
	last, through := int64(0), backend.DateOf(a.Now())
	for _, t := range all {
		last, through = max(last, t.Sequence), max(through, t.Date)
	}
	all = slices.Grow(slices.Clip(all), len(txs))
	for i, t := range txs {
		t.Sequence = last + int64(i) + 1
		all, through = append(all, t), max(through, t.Date)
	}
	return backend.DeriveTotals(ctx, p.Policy, all, through)
}

func (a *api) exportTransactions(ctx context.Context, w http.ResponseWriter, r *http.Request,
	by backend.Principal) error {
	if _, err := query(r); err != nil {
		return err
	}
	_, txs, err := a.Portfolios.Load(ctx, by.Owner, r.PathValue(portfolioID))
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := writeCSV(&text, txs); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="transactions.csv"`)
	_, _ = text.WriteTo(w) // the client may be gone
	return nil
}

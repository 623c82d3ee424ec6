package http

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"portfolio/backend"
	"portfolio/backend/layout"
)

// importID is the name of an import's ID in paths.
const importID = "import"

// confirmTries is how often a confirmation is tried while others change the portfolio.
const confirmTries = 3

func (a *api) previewImport(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	id := r.PathValue(portfolioID)
	values, err := query(r, "layout", "mapping", "decimal", "date_format", "time_zone")
	if err != nil {
		return err
	}
	body, err := readBody(w, r, layout.MaxBytes, csvTimeout)
	if err != nil {
		return err
	}
	p, all, err := a.Portfolios.Load(ctx, by.Owner, id)
	if err != nil {
		return err
	}
	options := layout.Options{Layout: values.Get("layout"), Decimal: values.Get("decimal"),
		DateFormat: values.Get("date_format")}
	if options.Portfolio, err = time.LoadLocation(p.TimeZone); err != nil {
		return err
	}
	if name := values.Get("time_zone"); name != "" {
		if options.TimeZone, err = time.LoadLocation(name); err != nil || name == "Local" {
			return wrong("time_zone", name, "a name of the IANA time zone database such as Europe/Zurich")
		}
	}
	if name := values.Get("mapping"); name != "" {
		if options.Mapping, err = a.Imports.Mapping(ctx, by.Owner, name); err != nil {
			return err
		}
	}
	result, err := layout.Read(body, options)
	if err != nil {
		return invalid(err)
	}
	known, err := a.known(ctx, by.Owner, id, all)
	if err != nil {
		return err
	}
	out, entries := preview(result, known, p.Today(a.Now()))
	if err := a.project(ctx, p, all, entries, &out); err != nil {
		return err
	}
	if out.UnknownSymbols, err = a.unknownSymbols(ctx, all, result); err != nil {
		return err
	}
	stored, err := a.Imports.CreateImport(ctx, by,
		backend.Import{Portfolio: id, Layout: result.Layout, Entries: entries})
	if err != nil {
		return err
	}
	out.ID, out.ExpiresAt = stored.ID, stored.ExpiresAt
	w.Header().Set("Location", "/v1/portfolios/"+id+"/imports/"+stored.ID)
	return replyJSON(w, http.StatusCreated, out)
}

// known lists what duplicates of a portfolio's entries are recognised by.
func (a *api) known(ctx context.Context, owner, portfolio string, all []backend.Transaction) ([]layout.Known, error) {
	origins, err := a.Imports.Origins(ctx, owner, portfolio)
	if err != nil {
		return nil, err
	}
	known := make([]layout.Known, len(all))
	for i, t := range all {
		o, imported := origins[t.ID]
		if !imported {
			o.Content = layout.Transaction{Transaction: t}.Content()
		}
		known[i] = layout.Known{Issuer: o.Issuer, BrokerID: o.BrokerID, Content: o.Content}
	}
	return known, nil
}

func (a *api) confirmImport(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	if _, err := query(r); err != nil {
		return err
	}
	portfolio := r.PathValue(portfolioID)
	for try := 1; ; try++ {
		i, err := a.Imports.GetImport(ctx, by.Owner, portfolio, r.PathValue(importID))
		if err != nil {
			return err
		}
		p, all, err := a.Portfolios.Load(ctx, by.Owner, portfolio)
		if err != nil {
			return err
		}
		known, err := a.known(ctx, by.Owner, portfolio, all)
		if err != nil {
			return err
		}
		recorded, err := a.Imports.ConfirmImport(ctx, by, i, p.Version, stillNew(i, known))
		if conflict := (*backend.Error)(nil); errors.As(err, &conflict) &&
			conflict.Code == backend.CodeVersionConflict && try < confirmTries {
			continue
		}
		if problems, err := derivationProblems(err); err != nil {
			return err
		} else if len(problems) > 0 {
			return &rowsError{importOutput{Rows: len(i.Entries), Problems: problems[:min(len(problems), maxProblems)]}}
		}
		return replyJSON(w, http.StatusOK, map[string]int{"recorded": recorded})
	}
}

// stillNew lists the entries of a preview that were new and have not been recorded meanwhile.
func stillNew(i backend.Import, known []layout.Known) []backend.Imported {
	var rows []layout.Row
	for k, e := range i.Entries {
		if k == 0 || e.Transaction.ID != i.Entries[k-1].Transaction.ID { // the first of its row
			rows = append(rows, layout.Row{})
		}
		row := &rows[len(rows)-1]
		row.Transactions = append(row.Transactions,
			layout.Transaction{Transaction: e.Transaction, BrokerID: e.Origin.BrokerID})
	}
	var list []backend.Imported
	for k, duplicate := range slices.Concat(layout.Duplicates(i.Layout, rows, known)...) {
		if !duplicate && !i.Entries[k].Duplicate {
			list = append(list, i.Entries[k])
		}
	}
	return list
}

func (a *api) deleteImport(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	if _, err := query(r); err != nil {
		return err
	}
	if err := a.Imports.DeleteImport(ctx, by, r.PathValue(portfolioID), r.PathValue(importID)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

package http

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"portfolio/backend"
	"portfolio/backend/layout"
)

// importID is the name of an import's ID in paths.
const importID = "import"

// confirmTries is how often a confirmation is tried while others change the portfolio.
const confirmTries = 3

// previewOutput says what an import would record.
type previewOutput struct {
	ID             string            `json:"id"`
	Layout         string            `json:"layout"` // "" if it was not recognised
	ExpiresAt      time.Time         `json:"expires_at"`
	New            int               `json:"new"`        // transactions that a confirmation records
	Duplicates     int               `json:"duplicates"` // transactions that the portfolio has
	Questions      []layout.Question `json:"questions"`
	IgnoredColumns []string          `json:"ignored_columns"`
	Rows           []previewRow      `json:"rows"`
	UnknownSymbols []unknownSymbol   `json:"unknown_symbols"`
	After          *previewAfter     `json:"after"`    // null where the portfolio cannot be so
	Problems       []rowProblem      `json:"problems"` // why it cannot be
}

// previewRow is a row of the file and what it becomes.
type previewRow struct {
	Row          int                  `json:"row"`
	Transactions []previewTransaction `json:"transactions"`
	Duplicate    bool                 `json:"duplicate"` // the portfolio has all of its transactions
	Problems     []layout.Problem     `json:"problems"`
	PartOf       int                  `json:"part_of,omitempty"`
	Skipped      string               `json:"skipped,omitempty"`
}

type previewTransaction struct {
	transactionInput
	ISIN     string `json:"isin,omitempty"`
	Name     string `json:"name,omitempty"`
	BrokerID string `json:"broker_id,omitempty"`
}

// unknownSymbol is one that has no price and that the portfolio did not have.
type unknownSymbol struct {
	Symbol      string   `json:"symbol"`
	ISIN        string   `json:"isin,omitempty"`
	Name        string   `json:"name,omitempty"`
	Suggestions []string `json:"suggestions"` // symbols of the portfolio that it may be
}

// previewAfter is what the portfolio would hold.
type previewAfter struct {
	Holdings []previewHolding            `json:"holdings"`
	Cash     map[backend.Currency]number `json:"cash"`
}

type previewHolding struct {
	Symbol   string           `json:"symbol"`
	Quantity number           `json:"quantity"`
	Cost     number           `json:"cost"`
	Currency backend.Currency `json:"currency"`
}

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
	options := layout.Options{Layout: values.Get("layout"), Decimal: values.Get("decimal"), DateFormat: values.Get("date_format")}
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
	out, entries := preview(result, known, a.Now())
	if err := a.project(ctx, p, all, entries, &out); err != nil {
		return err
	}
	if out.UnknownSymbols, err = a.unknownSymbols(ctx, all, result); err != nil {
		return err
	}
	kept, err := a.Imports.CreateImport(ctx, by, backend.Import{Portfolio: id, Layout: result.Layout, Entries: entries})
	if err != nil {
		return err
	}
	out.ID, out.ExpiresAt = kept.ID, kept.ExpiresAt
	w.Header().Set("Location", "/v1/portfolios/"+id+"/imports/"+kept.ID)
	return replyJSON(w, http.StatusCreated, out)
}

// known lists a portfolio's entries as duplicates are recognised by.
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

// preview describes a file, and returns what it would record. A date that no entry
// may have is a problem of its row.
func preview(r layout.Result, known []layout.Known, now time.Time) (previewOutput, []backend.Imported) {
	out := previewOutput{
		Layout: r.Layout, Questions: r.Questions, IgnoredColumns: r.Ignored, Rows: make([]previewRow, len(r.Rows)), Problems: []rowProblem{},
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		for _, t := range row.Transactions {
			for _, e := range fieldErrors(t.Date.ValidateRange("date", now)) {
				row.Problems = append(row.Problems, layout.Problem{Column: e.Path, Got: e.Got, Want: e.Want})
			}
		}
		if len(row.Problems) > 0 {
			row.Transactions = nil
		}
	}
	var entries []backend.Imported
	for i, duplicate := range layout.Duplicates(r.Layout, r.Rows, known) {
		row := r.Rows[i]
		shown := previewRow{
			Row: row.Row, Transactions: []previewTransaction{}, Problems: row.Problems, PartOf: row.PartOf, Skipped: row.Skipped,
			Duplicate: len(duplicate) > 0 && !slices.Contains(duplicate, false),
		}
		for j, t := range row.Transactions {
			shown.Transactions = append(shown.Transactions, previewTransaction{
				transactionInput: outputOf(backend.Entry{Transaction: t.Transaction}).transactionInput,
				ISIN:             t.ISIN, Name: t.Name, BrokerID: t.BrokerID,
			})
			if duplicate[j] {
				out.Duplicates++
				continue
			}
			out.New++
			t.ID = "row " + strconv.Itoa(row.Row)
			entries = append(entries, backend.Imported{Transaction: t.Transaction, Origin: backend.Origin{
				Issuer: layout.Issuer(r.Layout), BrokerID: t.BrokerID, Content: t.Content(),
			}})
		}
		out.Rows[i] = shown
	}
	return out, entries
}

// project says what the portfolio would be, or why it cannot be so.
func (a *api) project(ctx context.Context, p backend.Portfolio, all []backend.Transaction, entries []backend.Imported, out *previewOutput) error {
	last, through := int64(0), backend.DateOf(a.Now())
	for _, t := range all {
		last, through = max(last, t.Sequence), max(through, t.Date)
	}
	for i, e := range entries {
		t := e.Transaction
		t.Sequence = last + int64(i) + 1
		all, through = append(all, t), max(through, t.Date)
	}
	ledger, err := backend.Derive(ctx, p.Policy, all, through)
	if err != nil {
		problems, err := derivationProblems(err)
		out.Problems = problems[:min(len(problems), maxProblems)]
		return err
	}
	after := previewAfter{Holdings: []previewHolding{}, Cash: map[backend.Currency]number{}}
	for _, h := range ledger.Holdings {
		if !h.Quantity.IsZero() {
			after.Holdings = append(after.Holdings, previewHolding{h.Symbol, number{h.Quantity}, number{h.Cost}, h.Currency})
		}
	}
	for currency, amount := range ledger.Cash {
		after.Cash[currency] = number{amount}
	}
	out.After = &after
	return nil
}

// unknownSymbols lists the symbols of a file that the portfolio has not had and
// that have no price. One that the portfolio may have under another name, because
// it differs in its signs alone, is suggested.
func (a *api) unknownSymbols(ctx context.Context, all []backend.Transaction, r layout.Result) ([]unknownSymbol, error) {
	held := map[string]bool{}
	for _, t := range all {
		held[t.Symbol] = t.Symbol != ""
	}
	unknown := map[string]unknownSymbol{}
	for _, row := range r.Rows {
		for _, t := range row.Transactions {
			if _, seen := unknown[t.Symbol]; t.Symbol != "" && !held[t.Symbol] && !seen {
				unknown[t.Symbol] = unknownSymbol{Symbol: t.Symbol, ISIN: t.ISIN, Name: t.Name, Suggestions: suggestions(t.Symbol, held)}
			}
		}
	}
	symbols := sorted(unknown)
	prices, err := a.Market.Prices(ctx, symbols, nil, time.Time{})
	if err != nil {
		return nil, err
	}
	list := []unknownSymbol{}
	for _, symbol := range symbols {
		if _, priced := prices.Quotes[symbol]; !priced {
			list = append(list, unknown[symbol])
		}
	}
	return list, nil
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
		if conflict := (*backend.Error)(nil); errors.As(err, &conflict) && conflict.Code == backend.CodeVersionConflict && try < confirmTries {
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

// stillNew lists the entries of a preview that nobody recorded meanwhile.
func stillNew(i backend.Import, known []layout.Known) []backend.Imported {
	var rows []layout.Row
	for k, e := range i.Entries {
		if k == 0 || e.Transaction.ID != i.Entries[k-1].Transaction.ID { // of another row
			rows = append(rows, layout.Row{})
		}
		row := &rows[len(rows)-1]
		row.Transactions = append(row.Transactions, layout.Transaction{Transaction: e.Transaction, BrokerID: e.Origin.BrokerID})
	}
	var list []backend.Imported
	for k, duplicate := range slices.Concat(layout.Duplicates(i.Layout, rows, known)...) {
		if !duplicate {
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

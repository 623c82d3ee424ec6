package http

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"portfolio/backend"
	"portfolio/backend/layout"
)

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
	After          *previewAfter     `json:"after"`    // null if the entries are not possible
	Problems       []rowProblem      `json:"problems"` // why they are not
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

// unknownSymbol is a symbol without a price that the portfolio has not had.
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

// preview describes a file, and returns its transactions. A date out of range is a problem
// of its row.
func preview(r layout.Result, known []layout.Known, today backend.Date) (previewOutput, []backend.Imported) {
	out := previewOutput{
		Layout: r.Layout, Questions: r.Questions, IgnoredColumns: r.Ignored, Rows: make([]previewRow, len(r.Rows)),
		Problems: []rowProblem{},
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		for _, t := range row.Transactions {
			for _, e := range fieldErrors(t.ValidateDates(today)) {
				row.Problems = append(row.Problems, layout.Problem{Column: e.Path, Got: e.Got, Want: e.Want})
			}
		}
		if len(row.Problems) > 0 {
			row.Transactions = nil
		}
	}
	most := 0
	for _, row := range r.Rows {
		most += len(row.Transactions)
	}
	entries := make([]backend.Imported, 0, most)
	for i, duplicate := range layout.Duplicates(r.Layout, r.Rows, known) {
		row := r.Rows[i]
		shown := previewRow{
			Row: row.Row, Transactions: []previewTransaction{}, Problems: row.Problems,
			PartOf: row.PartOf, Skipped: row.Skipped,
			Duplicate: len(duplicate) > 0 && !slices.Contains(duplicate, false),
		}
		for j, t := range row.Transactions {
			shown.Transactions = append(shown.Transactions, previewTransaction{
				transactionInput: outputOf(backend.Entry{Transaction: t.Transaction}).transactionInput,
				ISIN:             t.ISIN, Name: t.Name, BrokerID: t.BrokerID,
			})
			if duplicate[j] {
				out.Duplicates++
			} else {
				out.New++
			}
			t.ID = "row " + strconv.Itoa(row.Row)
			entries = append(entries, backend.Imported{
				Transaction: t.Transaction,
				Origin:      backend.Origin{Issuer: layout.Issuer(r.Layout), BrokerID: t.BrokerID, Content: t.Content()},
				Duplicate:   duplicate[j],
			})
		}
		out.Rows[i] = shown
	}
	return out, entries
}

// project adds to out what the portfolio would hold, or why the entries are not
// possible.
func (a *api) project(ctx context.Context, p backend.Portfolio, all []backend.Transaction, entries []backend.Imported,
	out *previewOutput) error {
	txs := make([]backend.Transaction, 0, out.New)
	for _, e := range entries {
		if !e.Duplicate {
			txs = append(txs, e.Transaction)
		}
	}
	ledger, err := a.derive(ctx, p, all, txs)
	if err != nil {
		problems, err := derivationProblems(err)
		out.Problems = problems[:min(len(problems), maxProblems)]
		return err
	}
	after := previewAfter{Holdings: []previewHolding{}, Cash: map[backend.Currency]number{}}
	for _, h := range ledger.Holdings {
		if !h.Quantity.IsZero() {
			after.Holdings = append(after.Holdings,
				previewHolding{h.Symbol, number{h.Quantity}, number{h.Cost}, h.Currency})
		}
	}
	for currency, amount := range ledger.Cash {
		after.Cash[currency] = number{amount}
	}
	out.After = &after
	return nil
}

// unknownSymbols lists the symbols of a file that the portfolio has not had and
// that have no price, each with the symbols of the portfolio, and of instruments with
// that alias or ISIN, that may be the same.
func (a *api) unknownSymbols(ctx context.Context, all []backend.Transaction, r layout.Result) ([]unknownSymbol, error) {
	held := map[string]bool{}
	for _, t := range all {
		held[t.Symbol] = t.Symbol != ""
	}
	unknown := map[string]unknownSymbol{}
	for _, row := range r.Rows {
		for _, t := range row.Transactions {
			if _, seen := unknown[t.Symbol]; t.Symbol != "" && !held[t.Symbol] && !seen {
				unknown[t.Symbol] = unknownSymbol{Symbol: t.Symbol, ISIN: t.ISIN, Name: t.Name,
					Suggestions: suggestions(t.Symbol, held)}
			}
		}
	}
	symbols := sorted(unknown)
	texts := slices.Clone(symbols)
	for _, u := range unknown {
		if u.ISIN != "" {
			texts = append(texts, u.ISIN)
		}
	}
	instruments, err := a.Instruments.SymbolsOf(ctx, texts)
	if err != nil {
		return nil, err
	}
	for symbol, u := range unknown {
		u.Suggestions = append(u.Suggestions, slices.Concat(instruments[symbol], instruments[u.ISIN])...)
		slices.Sort(u.Suggestions)
		u.Suggestions = slices.DeleteFunc(slices.Compact(u.Suggestions), func(s string) bool { return s == symbol })
		unknown[symbol] = u
	}
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

// suggestions lists the held symbols that differ from one only in punctuation.
func suggestions(symbol string, held map[string]bool) []string {
	list := []string{}
	for other := range held {
		if other != "" && other != symbol && letters(other) == letters(symbol) {
			list = append(list, other)
		}
	}
	slices.Sort(list)
	return list
}

func letters(symbol string) string {
	return strings.NewReplacer(" ", "", ".", "", "-", "", "/", "").Replace(symbol)
}

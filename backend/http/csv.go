package http

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// CodeInvalidRows is the code of an import in which rows are wrong.
const CodeInvalidRows backend.Code = "invalid_rows"

// maxRowProblems bounds what an answer says of a file in which all is wrong.
const maxRowProblems = 100

// csvColumns are those of an import and an export. An import may leave out any
// but the first two, and order them as it likes.
var csvColumns = []string{"date", "kind", "symbol", "quantity", "price", "amount", "currency", "fee", "ratio_new", "ratio_old", "note"}

// rowProblem is what is wrong with one row.
type rowProblem struct {
	Row     int    `json:"row"` // its line in the file, the header's is 1; 0 is the file as a whole
	Problem string `json:"problem"`
}

// importOutput says what an import did or, as a dry run, would do.
type importOutput struct {
	DryRun   bool         `json:"dry_run"`
	Rows     int          `json:"rows"`     // that hold a transaction
	Recorded int          `json:"recorded"` // 0 in a dry run
	Problems []rowProblem `json:"problems"` // the first 100; with any nothing is recorded
}

func (a *api) importTransactions(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	id, err := pathID(r, "portfolio")
	if err != nil {
		return err
	}
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
	txs, lines, problems := readCSV(body)
	if len(problems) == 0 {
		if problems, err = a.derivable(ctx, by.Owner, id, txs, lines); err != nil {
			return err
		}
	}
	out := importOutput{DryRun: dryRun, Rows: len(lines), Problems: problems[:min(len(problems), maxRowProblems)]}
	if dryRun {
		return replyJSON(w, http.StatusOK, out)
	}
	if len(problems) > 0 {
		return &rowsError{out}
	}
	entries, replayed, err := a.Portfolios.Record(ctx, by, id, key, txs)
	if err != nil {
		return err
	}
	if replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	out.Recorded = len(entries)
	return replyJSON(w, http.StatusCreated, out)
}

// rowsError is an import that was refused for its rows.
type rowsError struct{ importOutput }

func (e *rowsError) Error() string {
	return fmt.Sprintf("row %d: %s", e.Problems[0].Row, e.Problems[0].Problem)
}

func (e *rowsError) Unwrap() error {
	return &backend.Error{Code: CodeInvalidRows, Message: "nothing was recorded: " + e.Error()}
}

// derivable derives the portfolio with the new transactions and says of which
// rows that cannot be. Record does it again, against what is there by then.
func (a *api) derivable(ctx context.Context, owner, id string, txs []backend.Transaction, lines []int) ([]rowProblem, error) {
	p, all, err := a.Portfolios.Load(ctx, owner, id)
	if err != nil {
		return nil, err
	}
	last, through := int64(0), backend.DateOf(a.Now())
	for _, t := range all {
		last, through = max(last, t.Sequence), max(through, t.Date)
	}
	for i, t := range txs {
		t.ID, t.Sequence = "row "+strconv.Itoa(lines[i]), last+int64(i)+1
		all, through = append(all, t), max(through, t.Date)
	}
	problems := []rowProblem{}
	_, err = backend.Derive(p.Policy, all, through)
	for _, e := range split(err) {
		row := 0
		text := e.Error()
		if after, ok := strings.CutPrefix(text, "row "); ok {
			if number, rest, ok := strings.Cut(after, " "); ok {
				row, _ = strconv.Atoi(number) // our own
				_, text, _ = strings.Cut(rest, ": ")
			}
		}
		problems = append(problems, rowProblem{row, text})
	}
	return problems, nil
}

// split lists joined errors.
func split(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, split(e)...)
		}
		return all
	}
	return []error{err}
}

// readCSV reads a file and all that is wrong with it. With problems the
// transactions are not whole. Lines gives the line of each.
func readCSV(body []byte) (txs []backend.Transaction, lines []int, problems []rowProblem) {
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff")))) // as spreadsheets begin it
	reader.FieldsPerRecord = -1                                                        // said by row below
	header, err := reader.Read()
	if err != nil {
		return nil, nil, []rowProblem{{1, "got no header, want " + strings.Join(csvColumns, ",")}}
	}
	columns := slices.Clone(header)
	for i, name := range columns {
		columns[i] = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(csvColumns, columns[i]) || slices.Contains(columns[:i], columns[i]) {
			return nil, nil, []rowProblem{{1, fmt.Sprintf("column: got %.40q, want each of %s once at most", name, strings.Join(csvColumns, ","))}}
		}
	}
	if !slices.Contains(columns, "date") || !slices.Contains(columns, "kind") {
		return nil, nil, []rowProblem{{1, "columns: got no date or no kind, want both"}}
	}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return txs, lines, append(problems, rowProblem{csvLine(err), "got no valid CSV (RFC 4180), want it"})
		}
		line, _ := reader.FieldPos(0)
		switch {
		case len(lines) == backend.MaxImport:
			return txs, lines, append(problems, rowProblem{line, fmt.Sprintf("got more rows, want at most %d", backend.MaxImport)})
		case len(record) != len(columns):
			problems = append(problems, rowProblem{line, fmt.Sprintf("got %d fields, want %d", len(record), len(columns))})
		default:
			t, err := row(columns, record)
			if err != nil {
				problems = append(problems, rowProblem{line, strings.ReplaceAll(err.Error(), "\n", "; ")})
			}
			txs = append(txs, t)
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		problems = append(problems, rowProblem{1, "got no rows, want one or more"})
	}
	return txs, lines, problems
}

func csvLine(err error) int {
	if wrong := (*csv.ParseError)(nil); errors.As(err, &wrong) {
		return wrong.Line
	}
	return 0
}

// row reads one transaction. An empty field is one that is not there.
func row(columns, record []string) (backend.Transaction, error) {
	var t backend.Transaction
	var problems []error
	for i, name := range columns {
		text := strings.TrimSpace(record[i])
		if text == "" {
			continue
		}
		var err error
		switch name {
		case "date":
			t.Date, err = backend.ParseDate(text)
		case "kind":
			t.Kind = backend.Kind(strings.ToUpper(text))
		case "symbol":
			t.Symbol = text
		case "quantity":
			t.Quantity, err = csvNumber(name, text)
		case "price":
			t.Price, err = csvNumber(name, text)
		case "amount":
			t.Amount, err = csvNumber(name, text)
		case "currency":
			t.Currency = backend.Currency(text)
		case "fee":
			t.Fee, err = csvNumber(name, text)
		case "ratio_new":
			t.Ratio.New, err = csvInteger(name, text)
		case "ratio_old":
			t.Ratio.Old, err = csvInteger(name, text)
		case "note":
			t.Note = disarmed.restore(record[i])
		}
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return t, err
	}
	return t, t.Validate()
}

func csvNumber(name, text string) (decimal.Decimal, error) {
	if !numberForm.MatchString(text) {
		return decimal.Decimal{}, &backend.FieldError{Path: name, Got: fmt.Sprintf("%.40q", text), Want: "a decimal such as 12.50"}
	}
	return decimal.NewFromString(text)
}

func csvInteger(name, text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, &backend.FieldError{Path: name, Got: fmt.Sprintf("%.40q", text), Want: "an integer"}
	}
	return n, nil
}

func (a *api) exportTransactions(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	id, err := pathID(r, "portfolio")
	if err != nil {
		return err
	}
	if _, err := query(r); err != nil {
		return err
	}
	_, txs, err := a.Portfolios.Load(ctx, by.Owner, id)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := writeCSV(&text, txs); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="transactions.csv"`)
	_, _ = text.WriteTo(w) // the client may be gone, which is its business
	return nil
}

// writeCSV writes transactions in the order in which they take effect, so that
// reading them again gives the same portfolio.
func writeCSV(w io.Writer, txs []backend.Transaction) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvColumns); err != nil {
		return err
	}
	txs = slices.Clone(txs)
	slices.SortFunc(txs, backend.Transaction.Compare)
	number := func(d decimal.Decimal, there bool) string {
		if !there {
			return ""
		}
		return d.String()
	}
	term := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	for _, t := range txs {
		trade, money := t.Kind == backend.Buy || t.Kind == backend.Sell, t.Kind != backend.Split
		if err := out.Write([]string{
			t.Date.String(), string(t.Kind), t.Symbol, number(t.Quantity, trade), number(t.Price, trade),
			number(t.Amount, money && !trade), string(t.Currency), number(t.Fee, !t.Fee.IsZero()),
			term(t.Ratio.New), term(t.Ratio.Old), disarmed.write(t.Note),
		}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// formula are the characters with which spreadsheets take a cell for a formula,
// and the apostrophe that keeps them from it (OWASP, "CSV Injection").
type formula string

const disarmed formula = "'=+-@\t\r"

// write puts an apostrophe before a text that would be a formula.
func (f formula) write(text string) string {
	if text != "" && strings.ContainsRune(string(f), rune(text[0])) {
		return "'" + text
	}
	return text
}

// restore takes that apostrophe away.
func (f formula) restore(text string) string {
	if len(text) > 1 && text[0] == '\'' && strings.ContainsRune(string(f), rune(text[1])) {
		return text[1:]
	}
	return text
}

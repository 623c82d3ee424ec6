package http

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// csvColumns are the columns of an import and an export. In an import they can be in
// any order, and all but the first two can be absent.
var csvColumns = []string{"date", "kind", "symbol", "quantity", "price", "amount", "currency", "fee",
	"ratio_new", "ratio_old", "note",
	"time", "tax", "fee_currency", "to_amount", "to_currency", "acquired", "to_symbol",
	"cost_fraction", "lots", "transfer"}

// readCSV reads the transactions in a file, each with an ID such as "row 7", and
// counts the rows. Today is the portfolio's. If there are problems, the transactions are
// not complete.
func readCSV(body []byte, today backend.Date) (txs []backend.Transaction, rows int, problems []rowProblem) {
	body = bytes.TrimPrefix(body, []byte("\ufeff")) // which spreadsheets write
	reader := csv.NewReader(bytes.NewReader(keepCRLF(body)))
	reader.FieldsPerRecord = -1 // checked below, by row
	header, err := reader.Read()
	if err != nil {
		return nil, 0, []rowProblem{{1, "got no header, want " + strings.Join(csvColumns, ",")}}
	}
	columns, problem := csvHeader(header)
	if problem != "" {
		return nil, 0, []rowProblem{{1, problem}}
	}
	for ; ; rows++ {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return txs, rows, append(problems, rowProblem{csvLine(err), "got invalid CSV, want RFC 4180"})
		}
		line, _ := reader.FieldPos(0)
		switch {
		case rows == backend.MaxImport:
			return txs, rows, append(problems,
				rowProblem{line, fmt.Sprintf("got more rows, want at most %d", backend.MaxImport)})
		case len(record) != len(columns):
			problems = append(problems, rowProblem{line,
				fmt.Sprintf("got %d fields, want %d", len(record), len(columns))})
		default:
			t, err := row(columns, record)
			if err == nil {
				t = t.InMajorUnits()
				err = recordable(t, today)
			}
			if err != nil {
				problems = append(problems, rowProblem{line, strings.ReplaceAll(err.Error(), "\n", "; ")})
			}
			t.ID = fmt.Sprintf("row %d", line)
			txs = append(txs, t)
		}
	}
	if rows == 0 {
		problems = append(problems, rowProblem{1, "got no rows, want at least one"})
	}
	return txs, rows, problems
}

// csvHeader returns the names of the columns, or what is wrong with them.
func csvHeader(header []string) (columns []string, problem string) {
	for _, name := range header {
		column := strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(csvColumns, column) || slices.Contains(columns, column) {
			return nil, fmt.Sprintf("column: got %.40q, want each of %s at most once", name,
				strings.Join(csvColumns, ","))
		}
		columns = append(columns, column)
	}
	if !slices.Contains(columns, "date") || !slices.Contains(columns, "kind") {
		return nil, fmt.Sprintf("columns: got %.80q, want date and kind among them", strings.Join(columns, ","))
	}
	return columns, ""
}

// keepCRLF doubles the CR before each LF in a quoted field. encoding/csv removes one,
// and with it would change a note of several lines.
func keepCRLF(body []byte) []byte {
	var out []byte
	quoted := false
	for i, b := range body {
		if b == '"' {
			quoted = !quoted
		}
		if quoted && b == '\r' && i+1 < len(body) && body[i+1] == '\n' {
			out = append(out, b)
		}
		out = append(out, b)
	}
	return out
}

// csvLine returns the line of an error in a file.
func csvLine(err error) int {
	if syntax := (*csv.ParseError)(nil); errors.As(err, &syntax) {
		return syntax.Line
	}
	return 0
}

// row reads one transaction. An empty field means that the member is absent.
func row(columns, record []string) (t backend.Transaction, err error) {
	var problems []error
	for i, name := range columns {
		text := strings.TrimSpace(record[i])
		switch {
		case name == "note":
			t.Note = disarmed.restore(record[i]) // white space counts, too
		case name == "transfer":
			t.Transfer = disarmed.restore(record[i])
		case text == "":
		default:
			problems = append(problems, csvField(&t, name, text))
		}
	}
	return t, errors.Join(problems...)
}

// csvField reads one member of a transaction.
func csvField(t *backend.Transaction, name, text string) error {
	numbers := map[string]*decimal.Decimal{
		"quantity": &t.Quantity, "price": &t.Price, "amount": &t.Amount, "fee": &t.Fee, "tax": &t.Tax,
		"to_amount": &t.ToAmount, "cost_fraction": &t.CostFraction,
	}
	if n := numbers[name]; n != nil {
		var err error
		*n, err = csvNumber(name, text)
		return err
	}
	return csvText(t, name, text)
}

// csvText reads one member that is not a decimal.
func csvText(t *backend.Transaction, name, text string) (err error) {
	switch name {
	case "date":
		t.Date, err = backend.ParseDate(text)
	case "kind":
		t.Kind = backend.Kind(strings.ToUpper(text))
	case "symbol":
		t.Symbol = text
	case "currency":
		t.Currency = backend.Currency(text)
	case "time":
		t.Time, err = backend.ParseClock(text)
	case "fee_currency":
		t.FeeCurrency = backend.Currency(text)
	case "to_currency":
		t.ToCurrency = backend.Currency(text)
	case "acquired":
		t.Acquired, err = backend.ParseDate(text)
	case "to_symbol":
		t.ToSymbol = text
	case "lots":
		t.Lots, err = csvLots(text)
	case "ratio_new":
		t.Ratio.New, err = csvInteger(name, text)
	case "ratio_old":
		t.Ratio.Old, err = csvInteger(name, text)
	}
	return err
}

// csvLots reads lots such as "2026-01-02 5; 2026-02-03 1.5".
func csvLots(text string) ([]backend.LotChoice, error) {
	var lots []backend.LotChoice
	for part := range strings.SplitSeq(text, ";") {
		day, quantity, _ := strings.Cut(strings.TrimSpace(part), " ")
		date, dayErr := backend.ParseDate(day)
		n, err := csvNumber("lots", strings.TrimSpace(quantity))
		if dayErr != nil || err != nil {
			return nil, &backend.FieldError{Path: "lots", Got: fmt.Sprintf("%.40q", text),
				Want: "days and quantities such as 2026-01-02 5; 2026-02-03 1.5"}
		}
		lots = append(lots, backend.LotChoice{Date: date, Quantity: n})
	}
	return lots, nil
}

func writeLots(lots []backend.LotChoice) string {
	parts := make([]string, len(lots))
	for i, l := range lots {
		parts[i] = l.Date.String() + " " + l.Quantity.String()
	}
	return strings.Join(parts, "; ")
}

func csvNumber(name, text string) (decimal.Decimal, error) {
	var n number
	if n.UnmarshalText([]byte(text)) != nil {
		return decimal.Decimal{}, &backend.FieldError{Path: name, Got: fmt.Sprintf("%.40q", text),
			Want: "a decimal such as 12.50"}
	}
	return n.Decimal, nil
}

func csvInteger(name, text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, &backend.FieldError{Path: name, Got: fmt.Sprintf("%.40q", text), Want: "an integer"}
	}
	return n, nil
}

// writeCSV writes transactions in the order in which they take effect, so that
// importing them results in the same portfolio.
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
		if err := out.Write([]string{
			t.Date.String(), string(t.Kind), t.Symbol,
			number(t.Quantity, t.Kind.Needs(backend.HasQuantity)), number(t.Price, t.Kind.Needs(backend.HasPrice)),
			number(t.Amount, !t.Amount.IsZero()), string(t.Currency), number(t.Fee, !t.Fee.IsZero()),
			term(t.Ratio.New), term(t.Ratio.Old), disarmed.write(t.Note),
			t.Time.String(), number(t.Tax, !t.Tax.IsZero()), string(t.FeeCurrency),
			number(t.ToAmount, !t.ToAmount.IsZero()), string(t.ToCurrency), t.Acquired.String(), t.ToSymbol,
			number(t.CostFraction, !t.CostFraction.IsZero()), writeLots(t.Lots), disarmed.write(t.Transfer),
		}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// formula is the set of characters that make a spreadsheet read a cell as a formula,
// and the apostrophe that prevents it (OWASP, "CSV Injection").
type formula string

const disarmed formula = "'=+-@\t\r"

// write returns a text with an apostrophe in front if it would be a formula.
func (f formula) write(text string) string {
	if text != "" && strings.ContainsRune(string(f), rune(text[0])) {
		return "'" + text
	}
	return text
}

// restore removes the apostrophe.
func (f formula) restore(text string) string {
	if len(text) > 1 && text[0] == '\'' && strings.ContainsRune(string(f), rune(text[1])) {
		return text[1:]
	}
	return text
}

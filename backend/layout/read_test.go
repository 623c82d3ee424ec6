package layout

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

const ownHeader = "date,kind,symbol,quantity,price,amount,currency,fee,note\n"

func read(t testing.TB, file string, o Options) Result {
	t.Helper()
	r, err := Read([]byte(file), o)
	require.NoError(t, err)
	return r
}

// transactions returns those of all rows.
func transactions(r Result) []Transaction {
	var all []Transaction
	for _, row := range r.Rows {
		all = append(all, row.Transactions...)
	}
	return all
}

func TestEncodings(t *testing.T) {
	file := ownHeader + "2026-03-02,BUY,ACME,1,40.2,,EUR,,Zürich €\n"
	for name, e := range map[string]encoding.Encoding{
		"UTF-8":                    encoding.Nop,
		"UTF-8 with a mark":        unicode.UTF8BOM,
		"UTF-16 LE with a mark":    unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
		"UTF-16 BE with a mark":    unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
		"UTF-16 LE without a mark": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
		"UTF-16 BE without a mark": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
		"Windows-1252":             charmap.Windows1252,
	} {
		for ending, text := range map[string]string{
			"LF": file, "CRLF": strings.ReplaceAll(file, "\n", "\r\n"), "CR": strings.ReplaceAll(file, "\n", "\r"),
		} {
			t.Run(name+" "+ending, func(t *testing.T) {
				encoded, err := e.NewEncoder().Bytes([]byte(text))
				require.NoError(t, err)
				r, err := Read(encoded, Options{})
				require.NoError(t, err)
				require.Len(t, transactions(r), 1, "%+v", r)
				assert.Equal(t, "Zürich €", transactions(r)[0].Note)
				assert.Equal(t, 2, r.Rows[0].Row)
			})
		}
	}
}

func TestReadRefusesOtherFiles(t *testing.T) {
	for name, c := range map[string]struct {
		file    string
		options Options
		want    string
	}{
		"empty":            {" \n", Options{}, "file: got an empty file, want CSV, JSON or XML"},
		"a spreadsheet":    {"PK\x03\x04abc", Options{}, "file: got a spreadsheet or an archive (ZIP), want CSV, JSON or XML"},
		"binary":           {"a\x00b,c\n", Options{}, "file: got a binary file, want CSV, JSON or XML"},
		"other JSON":       {`{"a":1}`, Options{}, "file: got JSON in no known layout, want"},
		"other XML":        {`<a/>`, Options{}, "file: got XML in no known layout, want"},
		"no rows":          {ownHeader, Options{}, "file: got no rows, want one or more"},
		"unknown layout":   {ownHeader, Options{Layout: "abacus"}, `layout: got "abacus", want portfolio, ghostfolio-csv`},
		"another layout":   {ownHeader, Options{Layout: "schwab"}, "file: got no header of the layout schwab, want the columns date, action"},
		"decimal":          {ownHeader, Options{Decimal: ";"}, `decimal: got ";", want "." or ","`},
		"date format":      {ownHeader, Options{DateFormat: "YYYY/DD/MM"}, `date_format: got "YYYY/DD/MM", want`},
		"delimiter":        {"sep=x\naxb\n", Options{}, "file: got the delimiter 'x', want"},
		"too many columns": {strings.Repeat("a,", maxColumns+1) + "\n", Options{}, "want at most 250"},
		"too many rows":    {ownHeader + strings.Repeat("2026-03-02,FEE,,,,1,EUR,,\n", MaxRows+1), Options{}, "file: got too many rows, want at most 10000"},
		"too many lines":   {ownHeader + strings.Repeat(",\n", maxLines+1), Options{}, "file: got too many lines, want at most 40000"},
		"too large":        {strings.Repeat("a", MaxBytes+1), Options{}, "file: got 8388609 bytes, want at most 8388608"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read([]byte(c.file), c.options)
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
			assert.True(t, errors.As(err, new(*backend.FieldError)))
		})
	}
}

func TestAnswers(t *testing.T) {
	file := "Date;Type;Value;Transaction Currency;Fees;Taxes;Shares\n03/04/2026;Deposit;1,234;EUR;;;\n"
	r := read(t, file, Options{})
	assert.Equal(t, []Question{
		{"decimal", []Choice{{".", "1,234 is 1234"}, {",", "1,234 is 1.234"}}},
		{"date_format", []Choice{{"DD/MM/YYYY", "03/04/2026 is 2026-04-03"}, {"MM/DD/YYYY", "03/04/2026 is 2026-03-04"}}},
	}, r.Questions)
	assert.Empty(t, transactions(r))
	for _, c := range []struct{ decimal, format, want string }{
		{".", "DD/MM/YYYY", "2026-04-03 1234"}, {",", "MM/DD/YYYY", "2026-03-04 1.234"},
	} {
		r := read(t, file, Options{Decimal: c.decimal, DateFormat: c.format})
		assert.Empty(t, r.Questions)
		require.Len(t, transactions(r), 1)
		got := transactions(r)[0]
		assert.Equal(t, c.want, got.Date.String()+" "+got.Amount.String())
	}
	// One row that can only be read in one way decides how all others are read.
	r = read(t, file+"31/03/2026;Deposit;0,50;EUR;;;\n", Options{})
	assert.Empty(t, r.Questions)
	require.Len(t, transactions(r), 2)
	assert.Equal(t, "2026-04-03", transactions(r)[0].Date.String())
	assert.Equal(t, "1.234", transactions(r)[0].Amount.String())
	// Rows that contradict each other decide nothing.
	r = read(t, file+"31/03/2026;Deposit;0,50;EUR;;;\n03/31/2026;Deposit;0.50;EUR;;;\n", Options{})
	assert.Len(t, r.Questions, 2)
}

func TestTimeZone(t *testing.T) {
	header := "Action,Time,ISIN,Ticker,Name,No. of shares,Price / share,Currency (Price / share),Total,Currency (Total)\n"
	sydney, err := time.LoadLocation("Australia/Sydney")
	require.NoError(t, err)
	late := header + "Deposit,2026-03-02 23:30:00,,,,,,,5.00,EUR\n"
	r := read(t, late, Options{Portfolio: sydney})
	assert.Equal(t, []Question{{"time_zone", []Choice{
		{"UTC", "2026-03-02 23:30:00 is 2026-03-03 10:30 in the portfolio"},
		{"Australia/Sydney", "2026-03-02 23:30:00 is 2026-03-02 23:30 in the portfolio"},
	}}}, r.Questions)
	for zone, want := range map[*time.Location]string{time.UTC: "2026-03-03 10:30", sydney: "2026-03-02 23:30"} {
		r := read(t, late, Options{Portfolio: sydney, TimeZone: zone})
		require.Len(t, transactions(r), 1)
		got := transactions(r)[0]
		assert.Equal(t, want, fmt.Sprint(got.Date, " ", got.Time))
	}
	// A time that is on the same day in both zones needs no answer.
	early := read(t, header+"Deposit,2026-03-02 03:30:00,,,,,,,5.00,EUR\n", Options{Portfolio: sydney})
	assert.Empty(t, early.Questions)
}

func TestMapping(t *testing.T) {
	file := "Tag;Stück;Kurs;Währung;Papier\n28.02.2026;-10;1,5;GBX;brk b\n"
	byField := Mapping{Columns: map[string]string{"date": "Tag", "quantity": "Stück", "price": "Kurs",
		"currency": "Währung", "symbol": "Papier"}}
	byColumn := Mapping{Columns: map[string]string{}}
	for field, column := range byField.Columns {
		byColumn.Columns[column] = field
	}
	for _, m := range []Mapping{byField, byColumn} {
		r := read(t, file, Options{Mapping: &m})
		require.Len(t, transactions(r), 1, "%+v", r)
		assert.Equal(t, "2026-02-28 SELL 10 @ 0.015 GBP of BRK B", brief(transactions(r)[0]))
	}
	for name, c := range map[string]struct {
		m    Mapping
		want string
	}{
		"nothing":        {Mapping{}, "columns: got 0, want 1–100 columns by field"},
		"no date":        {Mapping{Columns: map[string]string{"kind": "a", "currency": "b"}}, "columns: got no column for date, want one"},
		"no kind":        {Mapping{Columns: map[string]string{"date": "a", "currency": "b"}}, "columns: got no column for kind or quantity"},
		"unknown field":  {Mapping{Columns: map[string]string{"date": "a", "colour": "b"}}, `columns.colour: got "colour", want one of acquired, amount, `},
		"empty column":   {Mapping{Columns: map[string]string{"date": " "}}, `columns.date: got " ", want the name of a column`},
		"unknown kind":   {Mapping{Columns: byField.Columns, Kinds: map[string]string{"Kauf": "KAUF"}}, `kinds.Kauf: got "KAUF", want one of`},
		"decimal":        {Mapping{Columns: byField.Columns, Decimal: "'"}, `decimal: got "'", want "." or ","`},
		"date format":    {Mapping{Columns: byField.Columns, DateFormat: "day"}, `date_format: got "day", want DD/MM/YYYY`},
		"delimiter":      {Mapping{Columns: byField.Columns, Delimiter: "::"}, `delimiter: got "::", want`},
		"missing column": {Mapping{Columns: map[string]string{"date": "Tag", "currency": "Währung", "kind": "Art"}}, "file: got no header with art, want"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read([]byte(file), Options{Mapping: &c.m})
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
		})
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"1": "1", "-1": "-1", "+1.5": "1.5", "1-": "-1", "(1.50)": "-1.5", "\u22121.5": "-1.5",
		"1,234.50": "1234.5", "1.234,50": "1234.5", "1 234,50": "1234.5", "1'234.50": "1234.5", "1\u202f234,5": "1234.5", "1’234.5": "1234.5",
		"1.234.567": "1234567", "1,234,567": "1234567", "12,5": "12.5", "0,125": "0.125", "1234,567": "1234.567", ".5": "0.5", ",5": "0.5",
		"$420.10": "420.1", "-$630.15": "-630.15", "$-630.15": "-630.15", "($5.00)": "-5", "12,50 €": "12.5", "EUR 5": "5", "5 kr": "5", "R$ 5,10": "5.1",
		"1e-7": "0.0000001", "1.5E+3": "1500", "GBX 800.10": "800.1",
	} {
		d, missing := (&reader{survey: &survey{}}).number(text)
		assert.Empty(t, missing, text)
		assert.Equal(t, want, d.String(), text)
	}
	for _, text := range []string{
		"", "-", "five", "1.2.3,4,5", "1,2345.6", "1..2", "--1", "(1", "1e999", "1e", "5 apples", "0x10", "١", "1,23,456.7", strings.Repeat("1", 65), "NaN", "-(1)",
	} {
		_, missing := (&reader{survey: &survey{}}).number(text)
		assert.NotEmpty(t, missing, text)
	}
}

// A cell of megabytes is not a number, and no regular expression reads it.
func TestLongCell(t *testing.T) {
	used := func() time.Duration {
		var use syscall.Rusage
		require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &use))
		return time.Duration(use.Utime.Nano())
	}
	file := ownHeader + "\n2026-03-02,BUY,ACME," + strings.Repeat("9", 7<<20) + ",1,,EUR,,\n"
	before := used()
	r := read(t, file, Options{})
	assert.Less(t, used()-before, 2*time.Second)
	require.Len(t, r.Rows, 1)
	assert.NotEmpty(t, r.Rows[0].Problems)
}

func TestDates(t *testing.T) {
	for text, want := range map[string]string{
		"2026-02-28": "2026-02-28", "2026/2/8": "2026-02-08", "20260228": "2026-02-28", "28.02.2026": "2026-02-28", "28/02/2026": "2026-02-28",
		"02/28/2026": "2026-02-28", "28-02-26": "2026-02-28", "3.4.2026": "2026-04-03", "28 Feb 2026": "2026-02-28", "Feb 28, 2026": "2026-02-28",
		"28. März 2026": "2026-03-28", "2026-02-28T14:30": "2026-02-28 14:30", "2026-02-28 14:30:05.123": "2026-02-28 14:30:05",
		"20260228;143005": "2026-02-28 14:30:05", "2026-02-28T23:30:00-05:00": "2026-03-01 04:30", "02/28/2026 2:30 PM": "2026-02-28 14:30",
		"2026-02-28, 12:05 AM": "2026-02-28 00:05", "2026-02-28 16:00 EST": "2026-02-28 21:00", "2026-02-28T00:00:00.000Z": "2026-02-28", "04/04/2026": "2026-04-04",
	} {
		day, at, missing := (&reader{portfolio: time.UTC}).moment(text)
		assert.Empty(t, missing, text)
		assert.Equal(t, want, strings.TrimSpace(fmt.Sprint(day, " ", at)), text)
	}
	for _, text := range []string{
		"", "today", "2026-02-29", "2026-13-01", "31/02/2026", "13/13/2026", "28/02-2026", "2026-02-28 25:00", "2026-02-28 10:00 IST", "28 Foo 2026", "1234567", "0000-01-01",
	} {
		_, _, missing := (&reader{portfolio: time.UTC}).moment(text)
		assert.NotEmpty(t, missing, text)
	}
}

func TestOddLines(t *testing.T) {
	r := read(t, ownHeader+"\n,,,,,,,,\nTotal,,,,,5,,,\n2026-03-02,FEE,,,,1,EUR\n2026-03-02,FEE,,,,1,EUR,,,x\n2026-03-02,FEE,,\"1\"2,,1,EUR,,\n2026-03-02,FEE,,,,1,EUR,,\"two\nlines\"\n", Options{})
	assert.Equal(t, strings.Join([]string{
		`row 5: 2026-03-02 FEE amount 1 EUR`,
		`row 6: problem in "": got 10 fields, want 9 as in the header`,
		`row 7: problem in "": got a malformed row (extraneous or missing " in quoted-field), want fields as RFC 4180 quotes them`,
		`row 8: 2026-03-02 FEE amount 1 EUR note "two\nlines"`, "",
	}, "\n"), show(r))
}

// The work for a file grows with its rows and no faster, and is small for each: BenchmarkRead
// and BenchmarkPreview of the API measure the time.
func TestReadAllocatesLittleForARow(t *testing.T) {
	perRow := func(rows int) float64 {
		file := []byte(largeFile(rows))
		r, err := Read(file, Options{})
		require.NoError(t, err)
		require.Len(t, transactions(r), rows)
		return testing.AllocsPerRun(1, func() { _, _ = Read(file, Options{}) }) / float64(rows)
	}
	few, many := perRow(MaxRows/10), perRow(MaxRows)
	assert.Less(t, many, 60.0)
	assert.LessOrEqual(t, many, few)
}

func largeFile(rows int) string {
	var b strings.Builder
	b.WriteString("Action,Time,ISIN,Ticker,Name,No. of shares,Price / share,Currency (Price / share),Exchange rate,Result,Currency (Result)," +
		"Total,Currency (Total),Withholding tax,Currency (Withholding tax),Notes,ID,Currency conversion fee,Currency (Currency conversion fee)\n")
	for i := range rows {
		fmt.Fprintf(&b, "Market buy,2026-03-02 14:30:03.613,GB0000000001,ACM,\"Acme, plc\",2.5000000000,800.00,GBX,100,,,20.00,\"GBP\",,,,EOF%d,,\n", i)
	}
	return b.String()
}

func BenchmarkRead(b *testing.B) {
	file := []byte(largeFile(MaxRows))
	for b.Loop() {
		if _, err := Read(file, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestIgnoredColumnsAreListed(t *testing.T) {
	r := read(t, "date,kind,amount,currency,Kolor,Zeta\n2026-03-02,FEE,1,EUR,red,x\n", Options{})
	assert.Equal(t, []string{"Kolor", "Zeta"}, r.Ignored)
	assert.Len(t, transactions(r), 1)
}

func TestReadIsDeterministic(t *testing.T) {
	file := []byte(largeFile(10))
	first, err := Read(file, Options{})
	require.NoError(t, err)
	for range 5 {
		again, err := Read(bytes.Clone(file), Options{})
		require.NoError(t, err)
		require.Equal(t, first, again)
	}
}

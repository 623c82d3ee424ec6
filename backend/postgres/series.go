package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/shopspring/decimal"
)

// The last row before a range of days and all rows in it, as arrays: a row for each
// symbol and currency, or for each pair, which spares both sides a message for each
// price. A symbol without quotes has a row without arrays. Samples may follow the rows.
const (
	quoteSeries = quoteRows + quoteArrays
	quoteRows   = `
		select (s.place - 1)::integer, coalesce((select version from corrections where symbol = s.symbol), 0),
			q.currency, q.prices, q.times, q.fresh
		from unnest($1::text[], $2::integer[]) with ordinality s (symbol, since, place) left join lateral (
			select currency, array_agg(price) as prices, array_agg(time) as times, array_agg(fresh_until) as fresh from (
				(select price, currency, time, fresh_until from quotes
					where symbol = s.symbol and day < date '0001-01-01' - 1 + s.since order by day desc limit 1)
				union all
				(select price, currency, time, fresh_until from quotes
					where symbol = s.symbol and day between date '0001-01-01' - 1 + s.since and date '0001-01-01' - 1 + $3::integer
					order by day)`
	quoteArrays = `) r
			group by currency) q on true`
	rateSeries = rateRows + rateArrays
	rateRows   = `
		select (p.place - 1)::integer, 0::bigint, '', r.rates, r.times, r.fresh
		from unnest($1::text[], $2::text[]) with ordinality p (from_currency, to_currency, place) cross join lateral (
			select array_agg(rate) as rates, array_agg(time) as times, array_agg(fresh_until) as fresh from (
				(select rate, time, fresh_until from rates
					where from_currency = p.from_currency and to_currency = p.to_currency
						and day < date '0001-01-01' - 1 + $3::integer order by day desc limit 1)
				union all
				(select rate, time, fresh_until from rates
					where from_currency = p.from_currency and to_currency = p.to_currency
						and day between date '0001-01-01' - 1 + $3::integer and date '0001-01-01' - 1 + $4::integer
					order by day)`
	rateArrays = `) r) r
		where r.rates is not null`
)

// RateSeries implements backend.Market.
func (db *DB) RateSeries(ctx context.Context, currencies []backend.Currency, from, to backend.Date,
	each func(backend.Rate) error) error {
	return db.readRates(ctx, rateSeries, currencies, from, to, each)
}

// readRates reads the rates of all pairs between currencies with a query.
func (db *DB) readRates(ctx context.Context, sql string, currencies []backend.Currency, from, to backend.Date,
	each func(backend.Rate) error) error {
	var pairs []backend.Pair
	var sources, targets []string
	for _, a := range currencies {
		for _, b := range currencies {
			if a != b {
				pairs = append(pairs, backend.Pair{From: a, To: b})
				sources, targets = append(sources, string(a)), append(targets, string(b))
			}
		}
	}
	if len(pairs) == 0 {
		return nil
	}
	rows, _ := db.pool.Query(ctx, sql, sources, targets, from, to) // readSeries gets the error
	return outcome("read rates", readSeries(rows, func(place int, _ int64, read *backend.Closes) error {
		for i := range read.Len() {
			q := read.Quote(i)
			if err := each(backend.Rate{Pair: pairs[place], Rate: q.Price, Time: q.Time,
				FreshUntil: q.FreshUntil}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// readSeries reads rows of a place in a list, a number of corrections, a currency, and
// arrays of prices, times, and times until which the prices are fresh. It decodes them
// itself, because there are millions of numbers. The places must be in order; the rows of
// one place are merged by their times. The function may keep what it gets.
func readSeries(rows pgx.Rows, each func(place int, corrections int64, read *backend.Closes) error) error {
	defer rows.Close()
	place, corrections, read := -1, int64(0), (*backend.Closes)(nil)
	flush := func() error {
		if place < 0 {
			return nil
		}
		read.Sort()
		return each(place, corrections, read)
	}
	for rows.Next() {
		raw := rows.RawValues()
		for _, field := range rows.FieldDescriptions() {
			if field.Format != pgtype.BinaryFormatCode && field.DataTypeOID != pgtype.TextOID {
				return errors.New("read a series: got a number in text, want it in binary")
			}
		}
		next := int(int32(binary.BigEndian.Uint32(raw[0]))) //nolint:gosec // as PostgreSQL sends it
		if next < place {
			return errors.New("read a series: got rows out of order")
		}
		if next > place {
			if err := flush(); err != nil {
				return err
			}
			corrections = int64(binary.BigEndian.Uint64(raw[1])) //nolint:gosec // as PostgreSQL sends it
			place, read = next, &backend.Closes{}
		}
		if raw[3] == nil {
			continue // there are none
		}
		if err := appendPrices(read, backend.Currency(raw[2]), raw[3], raw[4], raw[5]); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return flush()
}

// appendPrices appends the elements of three arrays of the same length.
func appendPrices(read *backend.Closes, currency backend.Currency, numbers, times, fresh []byte) error {
	n, numbers, err := binaryArray(numbers)
	if err != nil {
		return err
	}
	ofTimes, times, timesErr := binaryArray(times)
	ofFresh, fresh, freshErr := binaryArray(fresh)
	if err := errors.Join(timesErr, freshErr); err != nil || ofTimes != n || ofFresh != n {
		return fmt.Errorf("read a series: got arrays of %d, %d and %d: %w", n, ofTimes, ofFresh, err)
	}
	read.Grow(n)
	for range n {
		var number, at, until []byte
		if number, numbers, err = element(numbers); err != nil {
			return err
		}
		if at, times, err = element(times); err != nil {
			return err
		}
		if until, fresh, err = element(fresh); err != nil {
			return err
		}
		if len(at) != 8 || until != nil && len(until) != 8 {
			return errors.New("read a series: got a time of a wrong length")
		}
		freshUntil := int64(0)
		if until != nil {
			freshUntil = binaryTime(until)
		}
		if short, exponent, ok := shortNumeric(number); ok {
			read.Append(binaryTime(at), freshUntil, short, exponent, currency)
			continue
		}
		price, err := binaryNumeric(number)
		if err != nil {
			return err
		}
		read.AppendExact(binaryTime(at), freshUntil, price, currency)
	}
	return nil
}

// binaryArray reads the head of a one-dimensional array as PostgreSQL sends it: the
// numbers of dimensions, whether there are nulls, the type, the length and the first
// index (see array_send in PostgreSQL's source).
func binaryArray(b []byte) (n int, elements []byte, err error) {
	const head = 20
	if len(b) < head || binary.BigEndian.Uint32(b) != 1 {
		return 0, nil, errors.New("array: got another number of dimensions, want 1")
	}
	return int(binary.BigEndian.Uint32(b[12:])), b[head:], nil
}

// element reads an element of an array, nil for null, which follows its length.
func element(b []byte) (value, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, errors.New("array: got its end, want an element")
	}
	n := int(int32(binary.BigEndian.Uint32(b))) //nolint:gosec // as PostgreSQL sends it
	switch b = b[4:]; {
	case n < 0:
		return nil, b, nil
	case n > len(b):
		return nil, nil, errors.New("array: got its end, want an element")
	}
	return b[:n], b[n:], nil
}

// microsecondsTo2000 is the time between the epochs of Unix and of PostgreSQL.
const microsecondsTo2000 = 946_684_800_000_000

// binaryTime returns a time in microseconds since 1970.
func binaryTime(b []byte) int64 {
	return int64(binary.BigEndian.Uint64(b)) + microsecondsTo2000 //nolint:gosec // as PostgreSQL sends it
}

// shortNumeric is binaryNumeric for a number of at most 16 decimal digits that is not
// below zero, as nearly all are: it allocates nothing.
func shortNumeric(b []byte) (n int64, exponent int32, ok bool) {
	if len(b) < 8 || binary.BigEndian.Uint16(b[4:]) != 0 {
		return 0, 0, false
	}
	digits := int(binary.BigEndian.Uint16(b))
	if digits > 4 || len(b) != 8+2*digits {
		return 0, 0, false
	}
	for i := range digits {
		n = n*10_000 + int64(binary.BigEndian.Uint16(b[8+2*i:]))
	}
	weight := int32(int16(binary.BigEndian.Uint16(b[2:]))) //nolint:gosec // as PostgreSQL sends it
	return n, 4 * (weight - int32(digits) + 1), true
}

// binaryNumeric decodes a numeric as PostgreSQL sends it: numbers of digits in
// base 10,000 and of those before the point, a sign, and the digits (see
// numeric_send in PostgreSQL's source).
func binaryNumeric(b []byte) (decimal.Decimal, error) {
	if len(b) < 8 {
		return decimal.Decimal{}, fmt.Errorf("numeric: got %d bytes, want 8 or more", len(b))
	}
	digits := int(binary.BigEndian.Uint16(b))
	weight := int(int16(binary.BigEndian.Uint16(b[2:]))) //nolint:gosec // as PostgreSQL sends it
	sign := binary.BigEndian.Uint16(b[4:])
	if sign > 0x4000 || len(b) != 8+2*digits {
		return decimal.Decimal{}, errors.New("numeric: got infinity or a wrong length")
	}
	var n decimal.Decimal
	for first := 0; first < digits; first += 4 { // 16 decimal digits fit an int64
		var part int64
		last := min(first+4, digits)
		for i := first; i < last; i++ {
			part = part*10_000 + int64(binary.BigEndian.Uint16(b[8+2*i:]))
		}
		d := decimal.New(part, int32(4*(weight-last+1))) //nolint:gosec // few digits
		if first == 0 {
			n = d
		} else {
			n = n.Add(d)
		}
	}
	if sign == 0x4000 {
		n = n.Neg()
	}
	return n, nil
}

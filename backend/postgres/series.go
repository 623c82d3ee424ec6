package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/shopspring/decimal"
)

// The last row before a range of days and all rows in it, as arrays: a row for each
// symbol and currency, or for each pair, which spares both sides a message for each
// price.
const (
	quoteSeries = `
		select (s.place - 1)::integer, q.currency, q.prices, q.times, q.fresh
		from unnest($1::text[]) with ordinality s (symbol, place) cross join lateral (
			select currency, array_agg(price) as prices, array_agg(time) as times, array_agg(fresh_until) as fresh from (
				(select price, currency, time, fresh_until from quotes
					where symbol = s.symbol and day < date '0001-01-01' - 1 + $2::integer order by day desc limit 1)
				union all
				(select price, currency, time, fresh_until from quotes
					where symbol = s.symbol and day between date '0001-01-01' - 1 + $2::integer and date '0001-01-01' - 1 + $3::integer
					order by day)) r
			group by currency) q`
	rateSeries = `
		select (p.place - 1)::integer, '', r.rates, r.times, r.fresh
		from unnest($1::text[], $2::text[]) with ordinality p (from_currency, to_currency, place) cross join lateral (
			select array_agg(rate) as rates, array_agg(time) as times, array_agg(fresh_until) as fresh from (
				(select rate, time, fresh_until from rates
					where from_currency = p.from_currency and to_currency = p.to_currency
						and day < date '0001-01-01' - 1 + $3::integer order by day desc limit 1)
				union all
				(select rate, time, fresh_until from rates
					where from_currency = p.from_currency and to_currency = p.to_currency
						and day between date '0001-01-01' - 1 + $3::integer and date '0001-01-01' - 1 + $4::integer
					order by day)) r) r
		where r.rates is not null`
)

// QuoteSeries implements backend.Market.
func (db *DB) QuoteSeries(ctx context.Context, symbols []string, from, to backend.Date, each func(backend.Quote) error) error {
	if len(symbols) == 0 {
		return nil
	}
	rows, _ := db.pool.Query(ctx, quoteSeries, symbols, from, to) // readSeries gets the error
	return outcome("read quotes", readSeries(rows, func(place int, p point) error {
		return each(backend.Quote{Symbol: symbols[place], Price: p.n, Currency: backend.Currency(p.text), Time: p.at, FreshUntil: p.fresh})
	}))
}

// RateSeries implements backend.Market.
func (db *DB) RateSeries(ctx context.Context, currencies []backend.Currency, from, to backend.Date, each func(backend.Rate) error) error {
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
	rows, _ := db.pool.Query(ctx, rateSeries, sources, targets, from, to) // readSeries gets the error
	return outcome("read rates", readSeries(rows, func(place int, p point) error {
		return each(backend.Rate{Pair: pairs[place], Rate: p.n, Time: p.at, FreshUntil: p.fresh})
	}))
}

// point is one price of a series.
type point struct {
	n         decimal.Decimal
	text      string
	at, fresh time.Time // fresh is zero if until when it is fresh is not known
}

// readSeries reads rows of a place in a list, a text, and arrays of numbers, times, and
// times until which the numbers are fresh. It decodes them itself, because there are
// millions of numbers. The places must be in order; the rows of one place are merged by
// their times.
func readSeries(rows pgx.Rows, each func(place int, p point) error) error {
	defer rows.Close()
	last, points := 0, []point(nil)
	flush := func() error {
		byTime := func(a, b point) int { return a.at.Compare(b.at) }
		if !slices.IsSortedFunc(points, byTime) {
			slices.SortStableFunc(points, byTime)
		}
		for i := range points {
			if err := each(last, points[i]); err != nil {
				return err
			}
		}
		points = points[:0]
		return nil
	}
	for rows.Next() {
		raw := rows.RawValues()
		for i, field := range rows.FieldDescriptions() {
			if field.Format != pgtype.BinaryFormatCode && field.DataTypeOID != pgtype.TextOID || raw[i] == nil {
				return errors.New("read a series: got a number in text or null, want it in binary")
			}
		}
		place := int(int32(binary.BigEndian.Uint32(raw[0]))) //nolint:gosec // as PostgreSQL sends it
		if place < last {
			return errors.New("read a series: got rows out of order")
		}
		if place > last {
			if err := flush(); err != nil {
				return err
			}
			last = place
		}
		var err error
		if points, err = appendPoints(points, string(raw[1]), raw[2], raw[3], raw[4]); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return flush()
}

// appendPoints appends the elements of three arrays of the same length.
func appendPoints(points []point, text string, numbers, times, fresh []byte) ([]point, error) {
	n, numbers, err := binaryArray(numbers)
	if err != nil {
		return nil, err
	}
	ofTimes, times, timesErr := binaryArray(times)
	ofFresh, fresh, freshErr := binaryArray(fresh)
	if err := errors.Join(timesErr, freshErr); err != nil || ofTimes != n || ofFresh != n {
		return nil, fmt.Errorf("read a series: got arrays of %d, %d and %d: %w", n, ofTimes, ofFresh, err)
	}
	points = slices.Grow(points, n)
	for range n {
		var number, at, until []byte
		if number, numbers, err = element(numbers); err != nil {
			return nil, err
		}
		if at, times, err = element(times); err != nil {
			return nil, err
		}
		if until, fresh, err = element(fresh); err != nil {
			return nil, err
		}
		p := point{text: text}
		if p.n, err = binaryNumeric(number); err != nil {
			return nil, err
		}
		if len(at) != 8 || until != nil && len(until) != 8 {
			return nil, errors.New("read a series: got a time of a wrong length")
		}
		if p.at = binaryTime(at); until != nil {
			p.fresh = binaryTime(until)
		}
		points = append(points, p)
	}
	return points, nil
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

func binaryTime(b []byte) time.Time {
	return time.UnixMicro(int64(binary.BigEndian.Uint64(b)) + microsecondsTo2000).UTC() //nolint:gosec // as PostgreSQL sends it
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

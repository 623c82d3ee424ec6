package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/shopspring/decimal"
)

// The last row before a range of days and all rows in it, symbol by symbol or pair
// by pair, in the order of the primary key: nothing has to be sorted.
const (
	quoteSeries = `
		select (s.place - 1)::integer, q.price, q.currency, q.time, coalesce(q.fresh_until, q.time)
		from unnest($1::text[]) with ordinality s (symbol, place) cross join lateral (
			(select price, currency, time, fresh_until from quotes
				where symbol = s.symbol and day < date '0001-01-01' - 1 + $2::integer order by day desc limit 1)
			union all
			(select price, currency, time, fresh_until from quotes
				where symbol = s.symbol and day between date '0001-01-01' - 1 + $2::integer and date '0001-01-01' - 1 + $3::integer
				order by day)) q`
	rateSeries = `
		select (p.place - 1)::integer, r.rate, '', r.time, coalesce(r.fresh_until, r.time)
		from unnest($1::text[], $2::text[]) with ordinality p (from_currency, to_currency, place) cross join lateral (
			(select rate, time, fresh_until from rates
				where from_currency = p.from_currency and to_currency = p.to_currency
					and day < date '0001-01-01' - 1 + $3::integer order by day desc limit 1)
			union all
			(select rate, time, fresh_until from rates
				where from_currency = p.from_currency and to_currency = p.to_currency
					and day between date '0001-01-01' - 1 + $3::integer and date '0001-01-01' - 1 + $4::integer
				order by day)) r`
)

// QuoteSeries implements backend.Market.
func (db *DB) QuoteSeries(ctx context.Context, symbols []string, from, to backend.Date, each func(backend.Quote) error) error {
	if len(symbols) == 0 {
		return nil
	}
	rows, _ := db.pool.Query(ctx, quoteSeries, symbols, from, to) // readSeries gets the error
	return outcome("read quotes", readSeries(rows, func(place int, price decimal.Decimal, currency string, at, fresh time.Time) error {
		return each(backend.Quote{Symbol: symbols[place], Price: price, Currency: backend.Currency(currency), Time: at, FreshUntil: fresh})
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
	return outcome("read rates", readSeries(rows, func(place int, rate decimal.Decimal, _ string, at, fresh time.Time) error {
		return each(backend.Rate{Pair: pairs[place], Rate: rate, Time: at, FreshUntil: fresh})
	}))
}

// readSeries reads rows of a place in a list, a number, a text, a time and until when
// the number is fresh, which is zero if that is not known. It decodes them itself,
// because there are millions of them, and checks their order.
func readSeries(rows pgx.Rows, each func(place int, n decimal.Decimal, text string, at, fresh time.Time) error) error {
	defer rows.Close()
	last, before := -1, time.Time{}
	interned := map[string]string{}
	for rows.Next() {
		raw := rows.RawValues()
		for i, field := range rows.FieldDescriptions() {
			if field.Format != pgtype.BinaryFormatCode && field.DataTypeOID != pgtype.TextOID || raw[i] == nil {
				return errors.New("read a series: got a number in text or null, want it in binary")
			}
		}
		place := int(int32(binary.BigEndian.Uint32(raw[0]))) //nolint:gosec // as PostgreSQL sends it
		n, err := binaryNumeric(raw[1])
		if err != nil {
			return err
		}
		text, known := interned[string(raw[2])]
		if !known {
			text = string(raw[2])
			interned[text] = text
		}
		at, fresh := binaryTime(raw[3]), time.Time{}
		if !bytes.Equal(raw[3], raw[4]) {
			fresh = binaryTime(raw[4])
		}
		if place < last || place == last && at.Before(before) {
			return errors.New("read a series: got rows out of order")
		}
		last, before = place, at
		if err := each(place, n, text, at, fresh); err != nil {
			return err
		}
	}
	return rows.Err()
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

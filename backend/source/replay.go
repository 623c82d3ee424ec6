package source

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// replayPeriod is how often a stream has a new price of each instrument.
const replayPeriod = time.Second

// replay is a market without a provider: recorded in a file, or generated. It is
// for demonstrations and tests, works offline, and is the same every time.
type replay struct {
	now      func() time.Time
	recorded map[string][]backend.Quote // by symbol, oldest first; nil for a generated market
	levels   map[string]backend.Quote   // by symbol, around which prices move after the recorded ones
}

// newReplay opens a file of the columns time, symbol, price and currency, or a
// generated market if there is no file. A symbol such as EUR/USD is a rate. A row without
// a time has prices generated close to its own, after the last recorded one.
func newReplay(c Config) (Source, error) {
	r := &replay{now: c.Now}
	if c.File == "" {
		return r, nil
	}
	file, err := os.Open(c.File)
	if err != nil {
		return nil, fmt.Errorf("source replay: %w", err)
	}
	defer file.Close()
	if r.recorded, r.levels, err = readRecording(file); err != nil {
		return nil, fmt.Errorf("source replay: %s: %w", c.File, err)
	}
	return r, nil
}

func readRecording(file io.Reader) (recorded map[string][]backend.Quote, levels map[string]backend.Quote, err error) {
	reader := csv.NewReader(file)
	header, err := reader.Read()
	if want := []string{"time", "symbol", "price", "currency"}; err != nil || !slices.Equal(header, want) {
		return nil, nil, fmt.Errorf("header: got %.80q, want %s", strings.Join(header, ","), strings.Join(want, ","))
	}
	recorded, levels = map[string][]backend.Quote{}, map[string]backend.Quote{}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		line, _ := reader.FieldPos(0)
		q, err := readQuote(record)
		if err != nil {
			return nil, nil, fmt.Errorf("line %d: %w", line, err)
		}
		if q.Time.IsZero() {
			levels[q.Symbol] = q
		} else {
			recorded[q.Symbol] = append(recorded[q.Symbol], q)
		}
	}
	for _, quotes := range recorded {
		slices.SortStableFunc(quotes, func(a, b backend.Quote) int { return a.Time.Compare(b.Time) })
	}
	return recorded, levels, nil
}

// readQuote reads a row of a recording. Without a time the quote has none.
func readQuote(record []string) (backend.Quote, error) {
	q := backend.Quote{Symbol: record[1], Source: "replay"}
	if record[0] != "" {
		at, err := time.Parse(time.RFC3339, record[0])
		if err != nil {
			return q, fmt.Errorf("time: got %.40q, want such as 2026-03-02T14:30:00Z, or nothing", record[0])
		}
		q.Time = at.UTC()
	}
	value, ok := number(record[2])
	if !ok {
		return q, fmt.Errorf("price: got %.40q, want a decimal of more than 0", record[2])
	}
	currency, unit, ok := backend.MajorUnit(record[3])
	if _, _, pair := strings.Cut(record[1], "/"); !ok && !pair {
		return q, fmt.Errorf("currency: got %.8q, want a code of ISO 4217", record[3])
	}
	q.Price, q.Currency = value.Mul(unit), currency
	return q, nil
}

// Traits implements Source.
func (*replay) Traits() Traits {
	return Traits{Name: "replay", Latest: true, Closes: true, Rates: true, Stream: true, Base: "EUR"}
}

// at returns the price of an instrument at a time.
func (r *replay) at(i Instrument, at time.Time) (Price, bool) {
	q := backend.Quote{Symbol: i.Symbol, Currency: first(i.Currency, i.Traded, "USD"), Source: "replay", Time: at.UTC()}
	if r.recorded == nil {
		q.Price = generated(i.id(), at)
	} else {
		quotes := r.recorded[i.id()]
		next, _ := slices.BinarySearchFunc(quotes, at, func(q backend.Quote, at time.Time) int {
			if q.Time.After(at) {
				return 1
			}
			return -1
		})
		switch level, moves := r.levels[i.id()]; {
		case moves && next == len(quotes):
			q = level
			q.Price, q.Time = level.Price.Add(level.Price.Mul(decimal.New(move(i.id(), at, waves[withinADay:]), -8))), at.UTC()
		case next == 0:
			return Price{}, false
		default:
			q = quotes[next-1]
		}
		q.Symbol = i.Symbol
	}
	q.Received = r.now().UTC()
	q.FreshUntil = q.Time.Add(liveFor)
	return q, true
}

// Latest implements Source.
func (r *replay) Latest(_ context.Context, instruments []Instrument) ([]Price, error) {
	return each(instruments, func(i Instrument) ([]Price, error) {
		p, found := r.at(i, r.now())
		if !found {
			return nil, &Error{Source: "replay", Outcome: UnknownSymbol, Symbol: i.Symbol}
		}
		return []Price{p}, nil
	})
}

// Closes implements Source.
func (r *replay) Closes(_ context.Context, i Instrument, from, through backend.Date) ([]Price, error) {
	market := MarketOf(i.MIC)
	var prices []Price
	for d := from; d <= through; d++ {
		if !market.Trading(d) || market.CloseOf(d).After(r.now()) {
			continue
		}
		if p, found := r.at(i, market.CloseOf(d)); found {
			p.FreshUntil = market.FreshUntil(d).UTC()
			prices = append(prices, p)
		}
	}
	if len(prices) == 0 {
		return nil, &Error{Source: "replay", Outcome: NoPrice, Symbol: i.Symbol}
	}
	return prices, nil
}

// Rates implements Source.
func (r *replay) Rates(_ context.Context, currencies []backend.Currency, from, through backend.Date) ([]Rate, error) {
	var rates []Rate
	for d := from; d <= through; d++ {
		at := TARGET.CloseOf(d)
		if !TARGET.Trading(d) || at.After(r.now()) {
			continue
		}
		for _, c := range currencies {
			p, found := r.at(Instrument{Symbol: "EUR/" + string(c)}, at)
			if !found || c == "EUR" {
				continue
			}
			rates = append(rates, Rate{
				Pair: backend.Pair{From: "EUR", To: c}, Rate: p.Price, Source: "replay",
				Time: p.Time, Received: p.Received, FreshUntil: TARGET.FreshUntil(d).UTC(),
			})
		}
	}
	return rates, nil
}

// Actions implements Source.
func (*replay) Actions(context.Context, Instrument, backend.Date, backend.Date) ([]Action, error) {
	return nil, ErrNotOffered
}

// Stream implements Source.
func (r *replay) Stream(ctx context.Context, instruments []Instrument, receive func(Price)) error {
	ticker := time.NewTicker(replayPeriod)
	defer ticker.Stop()
	for {
		for _, i := range instruments {
			if p, found := r.at(i, r.now()); found {
				receive(p)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// wave is a movement: how long it takes and how far it goes, in ten-thousandths of the price.
type wave struct {
	period time.Duration
	height int64
}

// waves are the movements that a generated price is the sum of.
var waves = []wave{
	{90 * 24 * time.Hour, 2000}, {7 * 24 * time.Hour, 500}, {24 * time.Hour, 150},
	{time.Hour, 40}, {time.Minute, 10}, {5 * time.Second, 3},
}

// withinADay is the first of the waves that are shorter than a day.
const withinADay = 3

// whole is one in ten-thousandths.
const whole = 10_000

// generated is the price of a name at a time, 10.00 to 500.00 and its waves; of a
// rate a hundredth of that. It is computed in whole ten-thousandths.
func generated(name string, at time.Time) decimal.Decimal {
	base := (10 + noise(name, -1, 0)%490) * whole
	scale := int32(-4)
	if strings.Contains(name, "/") {
		scale = -6
	}
	return decimal.New(max(base+base*move(name, at, waves)/whole/whole, 1), scale)
}

// move is how far the waves take the price of a name at a time, in hundred-millionths of it.
func move(name string, at time.Time, waves []wave) int64 {
	sum := int64(0)
	for _, w := range waves {
		period := w.period.Milliseconds()
		n, within := at.UnixMilli()/period, at.UnixMilli()%period
		from, to := noise(name, period, n)%(2*whole)-whole, noise(name, period, n+1)%(2*whole)-whole
		sum += w.height * (from + (to-from)*within/period)
	}
	return sum
}

// noise returns a number, 0 or more, that depends only on a name, a wave and a step.
func noise(name string, wave, step int64) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name + "|" + strconv.FormatInt(wave, 10) + "|" + strconv.FormatInt(step, 10))) // never fails
	return int64(h.Sum64() >> 1)
}

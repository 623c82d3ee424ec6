package backend

import (
	"context"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// appraisal is what a timeline was worth at the close of each of some days. The
// quotes are read once, symbol by symbol, and added up as they arrive: memory grows
// with the number of days, not with days times symbols.
type appraisal struct {
	*timeline
	base   Currency
	days   []Date
	closes []session // of the days, none later than now
	by     division

	invested map[Currency]*totals // by the currency of the quotes
	state    []State
	unpriced []bool               // something that was held has no price
	crossed  map[Pair][]bool      // rates that a holding's own value needs
	own      map[string]*ownWorth // by symbol, with byHolding
	joints   map[Currency]*joint  // by the currency of trades, with byCurrency
	units    []unitFlow
	rates    rateSeries
}

// unitFlow is what units that were moved on a day were worth then.
type unitFlow struct {
	effect
	day      int // index in days
	currency Currency
	amount   decimal.Decimal
	priced   bool
}

// appraise prices a timeline. The days are in order.
func appraise(ctx context.Context, market Market, t *timeline, base Currency, days []Date, now time.Time,
	by division) (*appraisal, error) {
	a := newAppraisal(t, base, days, by)
	for i, d := range days {
		a.closes[i] = closeOf(d, t.zone)
		if a.closes[i].at.After(now) {
			a.closes[i] = session{at: now}
		}
	}
	if by == byHolding {
		a.ownDays()
	}
	if err := a.readQuotes(ctx, market); err != nil {
		return nil, err
	}
	return a, a.readRates(ctx, market)
}

// newAppraisal returns an appraisal without prices and times.
func newAppraisal(t *timeline, base Currency, days []Date, by division) *appraisal {
	return &appraisal{timeline: t, base: base, days: days, closes: make([]session, len(days)), by: by,
		invested: map[Currency]*totals{}, state: slices.Repeat([]State{StatePriced}, len(days)),
		unpriced: make([]bool, len(days)), crossed: map[Pair][]bool{}, own: map[string]*ownWorth{},
		joints: map[Currency]*joint{}}
}

// readQuotes adds up the holdings as their quotes arrive.
func (a *appraisal) readQuotes(ctx context.Context, market Market) error {
	moved := map[string][]effect{}
	for _, e := range a.effects {
		if !e.units.IsZero() {
			moved[e.priced] = append(moved[e.priced], e)
		}
	}
	moments := make([]moment, len(a.closes))
	for i, s := range a.closes {
		moments[i] = s.moment()
	}
	first, last := max(a.days[0], a.first)-1, a.days[len(a.days)-1]+1 // before its first entry it had nothing
	return market.QuoteSeries(ctx, a.symbols(), first, last, func(symbol string, closes *Closes) error {
		a.add(a.holdings[symbol], closes, moments, moved[symbol])
		return nil
	})
}

// readRates reads the rates between all currencies in use.
func (a *appraisal) readRates(ctx context.Context, market Market) (err error) {
	currencies := a.currencies(a.base)
	for c := range a.invested {
		if !slices.Contains(currencies, c) {
			currencies = append(currencies, c)
		}
	}
	a.rates, err = readRates(ctx, market.RateSeries, currencies, a.days[0]-1, a.days[len(a.days)-1]+1)
	return err
}

// add values one holding on all days, by its closes.
func (a *appraisal) add(k *track, closes *Closes, moments []moment, moved []effect) {
	p := pricing{track: k, zone: a.zone, closes: closes, factored: true}
	own, joint := a.own[k.symbol], a.joint(k.currency)
	var sums *totals // of the currency
	currency := Currency("")
	for i, d := range a.days {
		p.advance(d, moments[i])
		for len(moved) > 0 && moved[0].Date <= d {
			if moved[0].Date == d {
				a.moved(&p, moved[0], i)
			}
			moved = moved[1:]
		}
		own.note(&p, i)
		if p.quantity.IsZero() {
			continue
		}
		if joint != nil {
			joint.add(&p, i)
		}
		if p.state != a.state[i] {
			a.state[i] = worse(a.state[i], p.state)
		}
		if p.state == StateNoPrice {
			a.unpriced[i] = true
			continue
		}
		if currency != p.currency || sums == nil {
			if currency, sums = p.currency, a.invested[p.currency]; sums == nil {
				sums = newTotals(len(a.days))
				a.invested[currency] = sums
			}
		}
		p.addTo(sums, i)
		if p.currency != k.currency {
			a.cross(Pair{From: p.currency, To: k.currency}, i)
		}
	}
}

// moved records what the units that were moved on a day were worth.
func (a *appraisal) moved(p *pricing, e effect, day int) {
	f := unitFlow{effect: e, day: day, currency: p.currency, priced: p.state != StateNoPrice}
	if f.priced {
		f.amount = p.worth(f.units)
	}
	a.units = append(a.units, f)
}

func (a *appraisal) cross(pair Pair, day int) {
	if a.crossed[pair] == nil {
		a.crossed[pair] = make([]bool, len(a.days))
	}
	a.crossed[pair][day] = true
}

// rate returns the rate of a pair at the close of a day, and its state.
func (a *appraisal) rate(from, to Currency, day int) (decimal.Decimal, State) {
	if from == to {
		return decimal.NewFromInt(1), StatePriced
	}
	c := a.rates.converter(from, a.closes[day])
	r, found := c.convert(Pair{From: from, To: to})
	switch {
	case !found:
		return decimal.Zero, StateNoRate
	case !c.fresh(r):
		return r.Rate, StateStale
	}
	return r.Rate, StatePriced
}

// convert returns an amount in the base currency at the close of a day.
func (a *appraisal) convert(amount decimal.Decimal, from Currency, day int) (decimal.NullDecimal, State) {
	if amount.IsZero() {
		return decimal.NewNullDecimal(amount), StatePriced // whatever the rate is
	}
	rate, state := a.rate(from, a.base, day)
	if state == StateNoRate {
		return decimal.NullDecimal{}, state
	}
	return decimal.NewNullDecimal(amount.Mul(rate)), state
}

// value returns what everything was worth at the close of a day.
func (a *appraisal) value(day int) Worth {
	v := Worth{State: a.state[day], Invested: decimal.NewNullDecimal(decimal.Zero),
		Cash: decimal.NewNullDecimal(decimal.Zero)}
	if a.unpriced[day] {
		v.Invested = decimal.NullDecimal{}
	}
	for c, sums := range a.invested {
		invested := sums.on(day)
		if invested.Sign() == 0 {
			continue
		}
		amount, state := a.convert(trimmed(invested, moneyScale), c, day)
		v.Invested, v.State = sum(v.Invested, amount), worse(v.State, state)
	}
	for pair, needed := range a.crossed {
		if needed[day] {
			if _, state := a.rate(pair.From, pair.To, day); state != StatePriced {
				if v.State = worse(v.State, state); state == StateNoRate {
					v.Invested = decimal.NullDecimal{}
				}
			}
		}
	}
	for c := range a.cash {
		held := amountOn(a.cash[c], a.days[day])
		if held.IsZero() {
			continue
		}
		amount, state := a.convert(held, c, day)
		v.Cash, v.State = sum(v.Cash, amount), worse(v.State, state)
	}
	v.Total = sum(v.Invested, v.Cash)
	return v
}

func amountOn(list []amountAt, d Date) decimal.Decimal {
	n, _ := slices.BinarySearchFunc(list, d+1, func(a amountAt, d Date) int { return int(a.from - d) })
	if n == 0 {
		return decimal.Zero
	}
	return list[n-1].amount
}

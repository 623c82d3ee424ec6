package backend

import (
	"slices"

	"github.com/shopspring/decimal"
)

// measurement collects what the returns of a period are computed from.
type measurement struct {
	base    Currency
	closing func(Date) Prices
	entries *derivation

	start, last decimal.NullDecimal // worth at the first close, and at the latest
	in, out     decimal.NullDecimal // flows so far
	flows       []CashFlow          // the same by day
	spans       []Span
	unpriced    bool // a close or a flow has no value: the spans are not whole
}

// dayFlows are the deposits and withdrawals of a day.
type dayFlows struct {
	date    Date
	in, out Balances
}

// measure walks from the close of from to that of to, by way of the days with flows.
func (m *measurement) measure(txs []Transaction, from, to Date) error {
	zero := decimal.NewNullDecimal(decimal.Zero)
	m.in, m.out = zero, zero
	worth, err := m.worth(from, m.closing(from))
	if err != nil {
		return err
	}
	m.start, m.last = worth, worth
	at := from
	for _, flows := range flowsByDay(txs, from, to) {
		if flows.date-1 > at {
			if err := m.span(flows.date-1, zero, zero, m.closing(flows.date-1)); err != nil {
				return err
			}
		}
		prices := m.closing(flows.date)
		in, out := m.convert(flows.in, flows.date, prices), m.convert(flows.out, flows.date, prices)
		if err := m.span(flows.date, in, out, prices); err != nil {
			return err
		}
		at = flows.date
	}
	if at < to {
		return m.span(to, zero, zero, m.closing(to))
	}
	return nil
}

// span adds the time from the latest close to that of a day.
func (m *measurement) span(until Date, in, out decimal.NullDecimal, prices Prices) error {
	end, err := m.worth(until, prices)
	if err != nil {
		return err
	}
	m.unpriced = m.unpriced || !m.last.Valid || !end.Valid || !in.Valid || !out.Valid
	m.spans = append(m.spans, Span{Start: m.last.Decimal, In: in.Decimal, Out: out.Decimal, End: end.Decimal})
	m.flows = append(m.flows, CashFlow{Date: until, Amount: out.Decimal.Sub(in.Decimal)})
	m.in, m.out, m.last = sum(m.in, in), sum(m.out, out), end
	return nil
}

// worth is the value of everything at the close of a day.
func (m *measurement) worth(d Date, prices Prices) (decimal.NullDecimal, error) {
	l, err := m.entries.at(d)
	if err != nil {
		return decimal.NullDecimal{}, err
	}
	return Value(l, m.base, Close(d), prices).Total, nil
}

// convert gives the worth of flows at the close of their day.
func (m *measurement) convert(flows Balances, d Date, prices Prices) decimal.NullDecimal {
	return Value(Ledger{Through: d, Cash: flows}, m.base, Close(d), prices).Cash
}

// cashFlows are those of the investor: the opening worth goes in, the closing
// worth comes out.
func (m *measurement) cashFlows(from, to Date) []CashFlow {
	return slices.Concat(
		[]CashFlow{{Date: from, Amount: m.start.Decimal.Neg()}},
		m.flows,
		[]CashFlow{{Date: to, Amount: m.last.Decimal}},
	)
}

// flowsByDay gives the days after from and up to to that have flows, in order.
func flowsByDay(txs []Transaction, from, to Date) []dayFlows {
	days := map[Date]*dayFlows{}
	for _, tx := range txs {
		if tx.Date <= from || tx.Date > to || tx.Kind != Deposit && tx.Kind != Withdrawal {
			continue
		}
		if days[tx.Date] == nil {
			days[tx.Date] = &dayFlows{date: tx.Date, in: Balances{}, out: Balances{}}
		}
		if tx.Kind == Deposit {
			days[tx.Date].in.add(tx.Currency, tx.Amount)
		} else {
			days[tx.Date].out.add(tx.Currency, tx.Amount)
		}
	}
	var ordered []dayFlows
	for _, flows := range days {
		ordered = append(ordered, *flows)
	}
	slices.SortFunc(ordered, func(a, b dayFlows) int { return int(a.date - b.date) })
	return ordered
}

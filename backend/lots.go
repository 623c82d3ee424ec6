package backend

import "github.com/shopspring/decimal"

// CostMethod says which units a sale takes first. It is chosen per portfolio.
type CostMethod string

// The cost methods.
const (
	FIFO    CostMethod = "FIFO"    // the units held longest
	Average CostMethod = "AVERAGE" // a share of all units, at their average cost
)

// Lot is units that came together. Short lots have negative units and a
// negative cost: what the sale brought.
type Lot struct {
	Opened   Date            `json:"opened"`
	Quantity decimal.Decimal `json:"quantity"` // units
	Cost     decimal.Decimal `json:"cost"`     // currency, fees included
}

// lots are the open units of a holding, the oldest first, all of one sign.
type lots []Lot

func (l lots) quantity() decimal.Decimal {
	sum := decimal.Zero
	for _, lot := range l {
		sum = sum.Add(lot.Quantity)
	}
	return sum
}

// trade books incoming units: it closes lots of the other sign, the oldest
// first, and opens a lot with the rest. The gain is what the closed units
// brought less what they had cost, fees taken off.
func (l lots) trade(in Lot, method CostMethod) (lots, decimal.Decimal) {
	gain := decimal.Zero
	for len(l) > 0 && !in.Quantity.IsZero() && l[0].Quantity.Sign() != in.Quantity.Sign() {
		units := decimal.Min(in.Quantity.Abs(), l[0].Quantity.Abs())
		gain = gain.Sub(take(&in, units)).Sub(take(&l[0], units))
		if l[0].Quantity.IsZero() {
			l = l[1:]
		}
	}
	switch {
	case in.Quantity.IsZero():
	case method == Average && len(l) > 0:
		l[0].Quantity = l[0].Quantity.Add(in.Quantity)
		l[0].Cost = l[0].Cost.Add(in.Cost)
	default:
		l = append(l, in)
	}
	return l, gain
}

// take removes units, a positive number, from a lot and gives their cost. The
// last unit takes all cost that is left.
func take(lot *Lot, units decimal.Decimal) decimal.Decimal {
	held := lot.Quantity.Abs()
	part := lot.Cost
	if units.LessThan(held) {
		part = lot.Cost.Mul(units).DivRound(held, costScale)
	}
	if lot.Quantity.IsNegative() {
		units = units.Neg()
	}
	lot.Quantity = lot.Quantity.Sub(units)
	lot.Cost = lot.Cost.Sub(part)
	return part
}

// split turns Old units into New and leaves the cost alone. Running totals are
// rounded to MaxDecimals rather than each lot, so that the quantity after a
// split does not depend on how many lots it lies in. What is paid for a fraction
// is an entry of its own, a SELL.
func (l lots) split(ratio Ratio) lots {
	factor, divisor := decimal.NewFromInt(ratio.New), decimal.NewFromInt(ratio.Old)
	before, after := decimal.Zero, decimal.Zero
	for i := range l {
		before = before.Add(l[i].Quantity)
		total := before.Mul(factor).DivRound(divisor, MaxDecimals)
		l[i].Quantity = total.Sub(after)
		after = total
	}
	return l
}

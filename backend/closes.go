package backend

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// leastScale is the number of decimals that the prices of Closes have at least.
const leastScale = 4

// Closes are prices of one symbol, the oldest first. They take 24 bytes each rather than
// the 200 of a Quote, because a history needs millions of them. The zero value is empty.
type Closes struct {
	times      []int64           // in microseconds since 1970
	fresh      []int64           // until when they are fresh, like times; 0 where that is not known
	prices     []int64           // in 10^-scale
	exact      []decimal.Decimal // instead of prices, if one does not fit into an int64
	scale      int32
	currencies []currencyFrom // never empty, if there are prices
}

// currencyFrom is the currency of prices from an index up to the next.
type currencyFrom struct {
	index    int
	currency Currency
}

// Len is the number of prices.
func (c *Closes) Len() int { return len(c.times) }

// Size is about how many bytes they use.
func (c *Closes) Size() int {
	const each, decimals, heads = 24, 64, 256
	return heads + each*cap(c.times) + decimals*cap(c.exact)
}

// Quote returns one of the prices, without what Closes do not have.
func (c *Closes) Quote(i int) Quote {
	q := Quote{Price: c.price(i), Currency: c.currency(i), Time: time.UnixMicro(c.times[i]).UTC()}
	if c.fresh[i] != 0 {
		q.FreshUntil = time.UnixMicro(c.fresh[i]).UTC()
	}
	return q
}

func (c *Closes) price(i int) decimal.Decimal {
	if c.exact != nil {
		return c.exact[i]
	}
	return decimal.New(c.prices[i], -c.scale)
}

func (c *Closes) currency(i int) Currency {
	n := len(c.currencies) - 1
	for c.currencies[n].index > i {
		n--
	}
	return c.currencies[n].currency
}

// staleFrom is the time after which a price is stale.
func (c *Closes) staleFrom(i int) int64 {
	if c.fresh[i] == 0 {
		return c.times[i] + StaleAfter.Microseconds()
	}
	return c.fresh[i]
}

// Grow makes room for n more prices.
func (c *Closes) Grow(n int) {
	c.times, c.fresh = slices.Grow(c.times, n), slices.Grow(c.fresh, n)
	if c.exact == nil {
		c.prices = slices.Grow(c.prices, n)
	}
}

// Add adds the price of a quote.
func (c *Closes) Add(q Quote) {
	until := int64(0)
	if !q.FreshUntil.IsZero() {
		until = q.FreshUntil.UnixMicro()
	}
	if n := q.Price.Coefficient(); n.IsInt64() {
		c.Append(q.Time.UnixMicro(), until, n.Int64(), q.Price.Exponent(), q.Currency)
		return
	}
	c.AppendExact(q.Time.UnixMicro(), until, q.Price, q.Currency)
}

// Append adds n*10^exponent, the price at a time, in microseconds since 1970, that is
// fresh until another, 0 if that is not known.
func (c *Closes) Append(at, until int64, n int64, exponent int32, currency Currency) {
	scale := max(c.scale, leastScale, -exponent)
	scaled, fits := shifted(n, scale+exponent)
	if c.exact != nil || !fits || !c.rescale(scale) {
		c.AppendExact(at, until, decimal.New(n, exponent), currency)
		return
	}
	c.prices = append(c.prices, scaled)
	c.append(at, until, currency)
}

// AppendExact is Append for any price.
func (c *Closes) AppendExact(at, until int64, price decimal.Decimal, currency Currency) {
	if c.exact == nil {
		c.exact = make([]decimal.Decimal, 0, cap(c.times)+1)
		for _, n := range c.prices {
			c.exact = append(c.exact, decimal.New(n, -c.scale))
		}
		c.prices = nil
	}
	c.exact = append(c.exact, price)
	c.append(at, until, currency)
}

func (c *Closes) append(at, until int64, currency Currency) {
	if n := len(c.currencies); n == 0 || c.currencies[n-1].currency != currency {
		c.currencies = append(c.currencies, currencyFrom{len(c.times), currency})
	}
	c.times, c.fresh = append(c.times, at), append(c.fresh, until)
}

// rescale changes the scale. It returns false, and changes nothing, if a price would
// become too large.
func (c *Closes) rescale(scale int32) bool {
	if c.scale == scale {
		return true
	}
	for _, n := range c.prices {
		if _, fits := shifted(n, scale-c.scale); !fits {
			return false
		}
	}
	for i, n := range c.prices {
		c.prices[i], _ = shifted(n, scale-c.scale)
	}
	c.scale = scale
	return true
}

// shifted returns n*10^digits, and whether an int64 can have it.
func shifted(n int64, digits int32) (int64, bool) {
	if n == 0 {
		return 0, true
	}
	if digits < 0 || digits > 18 {
		return 0, false
	}
	high, low := bits.Mul64(uint64(max(n, -n)), powersOfTen[digits].Uint64()) //nolint:gosec // not negative
	if high != 0 || low > math.MaxInt64 || n == math.MinInt64 {
		return 0, false
	}
	if n < 0 {
		return -int64(low), true
	}
	return int64(low), true
}

// Reset removes all prices and keeps their room.
func (c *Closes) Reset() {
	*c = Closes{times: c.times[:0], fresh: c.fresh[:0], prices: c.prices[:0], currencies: c.currencies[:0]}
}

// AppendAll adds prices of another list, from an index up to another.
func (c *Closes) AppendAll(from *Closes, first, end int) {
	if c.Len() == 0 {
		c.scale = from.scale
	}
	if first < end && len(from.currencies) == 1 && c.exact == nil && from.exact == nil &&
		c.rescale(max(c.scale, from.scale)) && c.scale == from.scale {
		currency := from.currencies[0].currency
		if n := len(c.currencies); n == 0 || c.currencies[n-1].currency != currency {
			c.currencies = append(c.currencies, currencyFrom{len(c.times), currency})
		}
		c.times, c.fresh = append(c.times, from.times[first:end]...), append(c.fresh, from.fresh[first:end]...)
		c.prices = append(c.prices, from.prices[first:end]...)
		return
	}
	for i := first; i < end; i++ {
		if from.exact != nil {
			c.AppendExact(from.times[i], from.fresh[i], from.exact[i], from.currency(i))
		} else {
			c.Append(from.times[i], from.fresh[i], from.prices[i], -from.scale, from.currency(i))
		}
	}
}

// Since returns the index of the first price of a day (UTC) or a later one.
func (c *Closes) Since(d Date) int {
	i, _ := slices.BinarySearch(c.times, d.Midnight().UnixMicro())
	return i
}

// Sort sorts the prices by their times.
func (c *Closes) Sort() {
	if slices.IsSorted(c.times) {
		return
	}
	order := make([]int, c.Len())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(c.times[a], c.times[b]) })
	var sorted Closes
	for _, i := range order {
		sorted.AppendAll(c, i, i+1)
	}
	*c = sorted
}

package plan

import (
	_ "embed"
	"encoding/json"
	"math/big"
)

//go:embed prices.json
var pricesJSON []byte

// priceTable is prices.json: amounts are decimal USD, without taxes and discounts.
type priceTable struct {
	Date                string             `json:"date"`
	Source              string             `json:"source"`
	Region              string             `json:"region"`
	HoursPerMonth       decimal            `json:"hoursPerMonth"`
	PerHour             map[string]decimal `json:"perHour"`
	PerMonth            map[string]decimal `json:"perMonth"`
	InstanceHour        map[string]decimal `json:"instanceHour"`
	DatabaseHour        map[string]decimal `json:"databaseHour"`
	DatabaseHourMultiAZ map[string]decimal `json:"databaseHourMultiAZ"`
	ByUsage             []string           `json:"byUsage"` // types charged only by usage
	Free                []string           `json:"free"`    // types that cost nothing themselves
}

// decimal is an exact amount.
type decimal struct{ *big.Rat }

// UnmarshalJSON reads a decimal from a string, as a number would be rounded.
func (d *decimal) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	d.Rat = new(big.Rat)
	return d.UnmarshalText([]byte(s))
}

// prices is the table of the repository; a test reads it strictly.
var prices = func() priceTable {
	var t priceTable
	if err := json.Unmarshal(pricesJSON, &t); err != nil {
		panic("prices.json: " + err.Error())
	}
	return t
}()

func times(amounts ...*big.Rat) *big.Rat {
	product := big.NewRat(1, 1)
	for _, a := range amounts {
		product.Mul(product, a)
	}
	return product
}

func plus(amounts ...*big.Rat) *big.Rat {
	sum := new(big.Rat)
	for _, a := range amounts {
		sum.Add(sum, a)
	}
	return sum
}

func whole(n int64) *big.Rat { return big.NewRat(n, 1) }

// hourly returns the monthly price from an hourly one; nil if the table has none.
func hourly(table map[string]decimal, key string) *big.Rat {
	price, ok := table[key]
	if !ok {
		return nil
	}
	return times(price.Rat, prices.HoursPerMonth.Rat)
}

package layout

import (
	"fmt"
	"strings"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// Transaction is a transaction of a row, with what the file says about its
// symbol and its identity.
type Transaction struct {
	backend.Transaction
	ISIN string `json:"isin,omitempty"`
	Name string `json:"name,omitempty"` // of the security, as the file writes it
	// BrokerID identifies the transaction among all of its layout. "" if the file
	// has no such id.
	BrokerID string `json:"broker_id,omitempty"`
	// Order is the order that the transaction belongs to. Several transactions
	// may have the same one.
	Order string `json:"order,omitempty"`
}

// Content is what a transaction says, in one text: transactions with the same
// content look alike. The time of day and the note are left out, because a
// broker's files differ in them.
func (t Transaction) Content() string {
	number := func(d decimal.Decimal) string {
		text := d.String()
		if strings.Contains(text, ".") {
			text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
		}
		return text
	}
	return strings.Join([]string{
		t.Date.String(), string(t.Kind), t.Symbol,
		number(t.Quantity), number(t.Price), number(t.Amount), string(t.Currency),
		number(t.Fee), string(t.FeeCurrency), number(t.Tax), number(t.ToAmount), string(t.ToCurrency),
		t.Acquired.String(), t.ToSymbol, number(t.CostFraction), ratio(t.Ratio),
	}, "|")
}

func ratio(r backend.Ratio) string {
	if r == (backend.Ratio{}) {
		return ""
	}
	return fmt.Sprintf("%d:%d", r.New, r.Old)
}

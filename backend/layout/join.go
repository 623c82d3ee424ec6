package layout

import (
	"portfolio/backend"
)

// tax is the kind of a row that becomes the tax of another row's transaction. It
// never leaves this package.
const tax backend.Kind = "tax"

// sameDay are the parts by which a tax finds its dividend.
func sameDay(t Transaction) string {
	return t.Date.String() + "|" + t.Symbol + "|" + string(t.Currency)
}

// joinTaxes adds the rows with a tag, which are taxes, to the dividends and the
// interest that they were withheld from: those with the same key. A tax without
// one becomes a fee, and a refunded one income.
func joinTaxes(rows []*record, tag string, key func(Transaction) string) {
	income := map[string]*record{}
	for _, r := range rows {
		if len(r.Transactions) == 1 && r.tag != tag {
			if t := r.Transactions[0]; t.Kind == backend.Dividend || t.Kind == backend.Interest {
				if _, found := income[key(t)]; !found {
					income[key(t)] = r
				}
			}
		}
	}
	for _, r := range rows {
		if r.tag != tag || len(r.Transactions) != 1 {
			continue
		}
		t := &r.Transactions[0]
		if source, found := income[key(*t)]; found && !source.Transactions[0].Tax.Add(t.Tax).IsNegative() {
			source.Transactions[0].Tax = source.Transactions[0].Tax.Add(t.Tax)
			r.PartOf, r.Transactions = source.number, nil
			continue
		}
		separate(t)
		r.check()
	}
}

// separate turns a tax without income into a transaction of its own.
func separate(t *Transaction) {
	t.Kind, t.Amount = backend.Fee, t.Tax
	if t.Tax.IsNegative() {
		t.Kind, t.Amount = backend.Interest, t.Tax.Neg()
	}
	t.Tax = t.Tax.Sub(t.Tax)
}

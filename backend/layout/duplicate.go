package layout

import "strings"

// Known is a transaction that a portfolio has already.
type Known struct {
	Issuer   string // of the id, as Issuer returns it; "" if the transaction came from no file
	BrokerID string // "" if the file had none
	Content  string // of Transaction.Content
}

// Duplicates reports which transactions of a file a portfolio has already, row by
// row. A transaction with a broker's id is the one with the same id; if there is
// none, it is one with the same content that has no id of that broker. One without
// an id is one with the same content. Those are counted: three that look alike
// against two that are known make one new.
func Duplicates(layout string, rows []Row, known []Known) [][]bool {
	ids := map[string]bool{}
	alike := map[string]*occurrences{}
	of := func(content string) *occurrences {
		if alike[content] == nil {
			alike[content] = &occurrences{}
		}
		return alike[content]
	}
	issuer := Issuer(layout)
	for _, k := range known {
		if k.BrokerID == "" || k.Issuer != issuer {
			of(k.Content).anonymous++
			continue
		}
		of(k.Content).identified++
		ids[k.BrokerID] = true
	}
	result := make([][]bool, len(rows))
	for i, row := range rows {
		result[i] = make([]bool, len(row.Transactions))
		for j, t := range row.Transactions {
			same := of(t.Content())
			switch {
			case t.BrokerID == "":
				result[i][j] = same.take()
			case ids[t.BrokerID]:
				result[i][j] = true
			default:
				result[i][j] = same.takeAnonymous()
			}
		}
		for _, t := range row.Transactions { // a file may have a row twice
			if t.BrokerID != "" {
				ids[t.BrokerID] = true
			}
		}
	}
	return result
}

// Issuer returns who issued the ids in files of a layout: the CSV, JSON and XML
// files of one program have the same ones.
func Issuer(layout string) string {
	for _, form := range []string{"-csv", "-json", "-xml"} {
		if name, found := strings.CutSuffix(layout, form); found {
			return name
		}
	}
	return layout
}

// occurrences are the known transactions with one content that no transaction of
// the file has been matched to.
type occurrences struct{ anonymous, identified int }

func (o *occurrences) takeAnonymous() bool {
	if o.anonymous == 0 {
		return false
	}
	o.anonymous--
	return true
}

func (o *occurrences) take() bool {
	if o.takeAnonymous() {
		return true
	}
	if o.identified == 0 {
		return false
	}
	o.identified--
	return true
}

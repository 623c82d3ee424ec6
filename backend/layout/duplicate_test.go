package layout

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// portfolio has the transactions of imports.
type portfolio []Known

// imports adds the new transactions of a file and returns their number.
func (p *portfolio) imports(t *testing.T, file string) int {
	t.Helper()
	r := read(t, file, Options{})
	before := len(*p)
	known := append(portfolio{}, *p...)
	for i, row := range Duplicates(r.Layout, r.Rows, known) {
		for j, duplicate := range row {
			if !duplicate {
				x := r.Rows[i].Transactions[j]
				*p = append(*p, Known{Issuer: Issuer(r.Layout), BrokerID: x.BrokerID, Content: x.Content()})
			}
		}
	}
	return len(*p) - before
}

func TestDuplicatesAreCountedByOccurrence(t *testing.T) {
	row := "2026-03-02,BUY,ACME,1,40.2,,USD,,\n"
	var p portfolio
	assert.Equal(t, 2, p.imports(t, ownHeader+row+row), "two rows that look alike")
	assert.Equal(t, 0, p.imports(t, ownHeader+row+row), "the same file")
	assert.Equal(t, 1, p.imports(t, ownHeader+row+row+row), "an overlapping file with a third")
	assert.Equal(t, 0, p.imports(t, ownHeader+strings.Replace(row, "40.2,", "40.200,", 1)),
		"the same number, written otherwise")
	assert.Equal(t, 1, p.imports(t, ownHeader+strings.Replace(row, "40.2,", "40.3,", 1)), "another price")
}

func TestDuplicatesGoByTheBrokersID(t *testing.T) {
	header := "Action,Time,ISIN,Ticker,Name,No. of shares,Price / share,Currency (Price / share),Total,Currency (Total),ID\n"
	row := func(id string) string {
		return "Market buy,2026-03-02 14:30:03,US0000000001,ACM,Acme,2,8,USD,12.80,GBP," + id + "\n"
	}
	var p portfolio
	assert.Equal(t, 4, p.imports(t, header+row("A")+row("B")), "two purchases with their conversions")
	assert.Equal(t, 0, p.imports(t, header+row("B")+row("A")), "the same ones")
	assert.Equal(t, 2, p.imports(t, header+row("C")), "one that looks alike")
	assert.Equal(t, 2, p.imports(t, header+row("D")+row("D")), "one that the file has twice")
}

func TestDuplicatesOfRowsWithoutAnID(t *testing.T) {
	var p portfolio
	own := ownHeader + "2026-03-02,BUY,US0000000001,5,101.25,,USD,1,\n"
	flex := `"Buy/Sell","TradeDate","ISIN","Quantity","TradePrice","CurrencyPrimary","IBCommission","TradeID"` + "\n" +
		`"BUY","20260302","US0000000001","5","101.25","USD","-1","77"` + "\n"
	assert.Equal(t, 1, p.imports(t, own))
	assert.Equal(t, 0, p.imports(t, flex), "entered by hand before, the broker's id is new")
	p = nil
	assert.Equal(t, 1, p.imports(t, flex))
	assert.Equal(t, 0, p.imports(t, own), "imported before, from a file with ids")
	xml := `<FlexQueryResponse><Trades><Trade buySell="BUY" tradeDate="20260302" isin="US0000000001" quantity="5" tradePrice="101.25" ` +
		`currency="USD" ibCommission="-1" tradeID="77"/></Trades></FlexQueryResponse>`
	assert.Equal(t, 0, p.imports(t, xml), "the same id in the other form of the file")
}

func TestDuplicatesOfOneOrder(t *testing.T) {
	header := "Datum,Tijd,Valutadatum,Product,ISIN,Omschrijving,FX,Mutatie,,Saldo,,Order Id\n"
	row := func(order string) string {
		return `02-03-2026,15:31,02-03-2026,ACME NV,NL0000000001,"Koop 10 @ 12,5 EUR",,EUR,"-125,00",EUR,"875,00",` +
			order + "\n"
	}
	var p portfolio
	assert.Equal(t, 2, p.imports(t, header+row("o-1")+row("o-1")), "two parts of an order")
	assert.Equal(t, 0, p.imports(t, header+row("o-1")+row("o-1")))
	assert.Equal(t, 1, p.imports(t, header+row("o-2")), "another order that looks alike")
}

package http_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
)

func (f *fakes) PutInstrument(_ context.Context, _ backend.Principal, i backend.Instrument,
	_ time.Time) (backend.Instrument, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.instruments == nil {
		f.instruments = map[string]backend.Instrument{}
	}
	f.instruments[i.Symbol] = i
	return i, nil
}

func (f *fakes) GetInstrument(_ context.Context, symbol string) (backend.Instrument, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, known := f.instruments[symbol]
	if !known {
		return i, &backend.Error{Code: backend.CodeNotFound, Message: "there is no such thing"}
	}
	return i, nil
}

func (f *fakes) ListInstruments(_ context.Context, search string,
	page backend.Page) (list []backend.Instrument, next string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, symbol := range slices.Sorted(maps.Keys(f.instruments)) {
		if strings.Contains(f.instruments[symbol].Name, search) && symbol > page.After {
			list = append(list, f.instruments[symbol])
		}
	}
	if len(list) > page.Limit {
		return list[:page.Limit], list[page.Limit-1].Symbol, nil
	}
	return list, "", nil
}

func (f *fakes) InstrumentsOf(_ context.Context, symbols []string) (map[string]backend.Instrument, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := map[string]backend.Instrument{}
	for _, symbol := range symbols {
		if i, is := f.instruments[symbol]; is {
			known[symbol] = i
		}
	}
	return known, nil
}

func (f *fakes) SymbolsOf(_ context.Context, texts []string) (map[string][]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	symbols := map[string][]string{}
	for _, text := range texts {
		for _, i := range f.instruments {
			if i.ISIN == text || slices.Contains(i.Aliases, text) {
				symbols[text] = append(symbols[text], i.Symbol)
			}
		}
	}
	return symbols, nil
}

func TestInstruments(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	assert.Equal(t, 404, c.do(t, key, "GET", "/v1/instruments/BRK.B", "").Status)
	put := c.do(t, key, "PUT", "/v1/instruments/BRK.B",
		`{"name":"Berkshire Hathaway","isin":"US0846707026","mic":"XNYS","currency":"USD","asset_class":"equity","country":"US","aliases":["BRK B","BRK-B"]}`)
	assert.Equal(t, 200, put.Status, put.Body)
	assert.Equal(t, map[string]any{
		"symbol": "BRK.B", "name": "Berkshire Hathaway", "isin": "US0846707026", "mic": "XNYS", "currency": "USD", "asset_class": "equity",
		"sector": "", "country": "US", "minor_unit": 1.0, "source": "", "source_id": "", "aliases": []any{"BRK B", "BRK-B"},
	}, put.JSON)
	assert.Equal(t, put.JSON, c.do(t, key, "GET", "/v1/instruments/BRK.B", "").JSON)
	pence := c.do(t, key, "PUT", "/v1/instruments/FX%2FA", `{"name":"Acme plc","currency":"GBX"}`)
	assert.Equal(t, []any{"FX/A", "GBP", 100.0},
		[]any{pence.JSON["symbol"], pence.JSON["currency"], pence.JSON["minor_unit"]}, pence.Body)
	list := c.do(t, key, "GET", "/v1/instruments?limit=1", "")
	assert.Equal(t, "BRK.B", list.JSON["next"])
	assert.Equal(t, []any{pence.JSON}, c.do(t, key, "GET", "/v1/instruments?limit=1&after=BRK.B", "").JSON["items"])
	assert.Equal(t, []any{pence.JSON}, c.do(t, key, "GET", "/v1/instruments?search=Acme", "").JSON["items"])

	of := c.do(t, key, "GET", "/v1/instruments?symbols=NONE,FX%2FA,BRK.B,FX%2FA", "")
	assert.Equal(t, map[string]any{"items": []any{put.JSON, pence.JSON}, "next": nil}, of.JSON,
		"by symbol, only those that are known")
	assert.Equal(t, []any{}, c.do(t, key, "GET", "/v1/instruments?symbols=NONE", "").JSON["items"])
	for _, wrong := range []string{"symbols=", "symbols=acme", "symbols=A&search=A", "symbols=A&limit=1",
		"symbols=" + strings.Repeat("A,", 201)} {
		assert.Equal(t, 400, c.do(t, key, "GET", "/v1/instruments?"+wrong, "").Status, wrong)
	}

	for body, want := range map[string]string{
		`{"isin":"US0846707027"}`: "isin", `{"mic":"NYSE1"}`: "mic", `{"currency":"XXX"}`: "currency", `{"asset_class":"share"}`: "asset_class",
		`{"minor_unit":10}`: "minor_unit", `{"aliases":["brk"]}`: "aliases[0]", `{"aliases":["BRK.B"]}`: "aliases[0]", `{"country":"USA"}`: "country",
		`{"name":" x"}`: "name", `{"symbol":"A"}`: "symbol", `{"source":"\u0000"}`: "source", `{"source_id":" "}`: "source_id",
	} {
		got := c.do(t, key, "PUT", "/v1/instruments/BRK.B", body)
		assert.Equal(t, 400, got.Status, body)
		assert.Contains(t, got.Body, want, body)
	}
	assert.Equal(t, 400, c.do(t, key, "PUT", "/v1/instruments/brk", `{}`).Status)
	assert.Equal(t, 400, c.do(t, key, "GET", "/v1/instruments?limit=201", "").Status)
}

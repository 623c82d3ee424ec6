package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// books is a client of a running service that keeps portfolios.
type books struct {
	*instance
	key string
}

// portfolio creates a portfolio; more holds members besides name and base currency.
func (b books) portfolio(base, more string) string {
	var out struct{ ID string }
	b.api(b.key, http.MethodPost, "/v1/portfolios", `{"name":"values","base_currency":"`+base+`"`+more+`}`,
		http.StatusCreated, &out)
	return "/v1/portfolios/" + out.ID
}

// record records an entry, a JSON object without its braces.
func (b books) record(portfolio, entry string) {
	b.t.Helper()
	b.api(b.key, http.MethodPost, portfolio+"/transactions", "{"+entry+"}", http.StatusCreated, &struct{}{})
}

// refuse expects an entry to be refused with a message.
func (b books) refuse(portfolio, entry, message string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.base+portfolio+"/transactions",
		strings.NewReader("{"+entry+"}"))
	require.NoError(b.t, err)
	r.Header.Set("Authorization", "Bearer "+b.key)
	r.Header.Set("Content-Type", "application/json")
	a := b.send(r)
	assert.Contains(b.t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.Status, a.Body)
	assert.Contains(b.t, a.Body, message)
}

// quote writes a price, or a rate where symbol is a pair such as USD/EUR.
func (b books) quote(symbol, price, currency string, at time.Time) {
	b.t.Helper()
	body := fmt.Sprintf(`{"quotes":[{"symbol":%q,"price":%q,"currency":%q,"source":"t","time":%q}]}`, symbol, price,
		currency, at.UTC().Format(time.RFC3339))
	if from, to, pair := strings.Cut(symbol, "/"); pair {
		body = fmt.Sprintf(`{"rates":[{"from":%q,"to":%q,"rate":%q,"source":"t","time":%q}]}`, from, to, price,
			at.UTC().Format(time.RFC3339))
	}
	b.api(b.key, http.MethodPost, "/v1/quotes", body, http.StatusOK, &struct{}{})
}

type ret struct{ Value, Annualised, Method, Why *string }

type results struct {
	Start, End, In, Out, Gain *string
	TimeWeighted              ret `json:"time_weighted"`
	MoneyWeighted             ret `json:"money_weighted"`
}

type holding struct {
	Symbol, Quantity, Cost, Realised string
	Lots                             []struct{ Opened, Quantity, Cost string }
}

func (b books) holdings(portfolio string) (list map[string]holding, cash map[string]string) {
	b.t.Helper()
	var out struct {
		Holdings []holding
		Cash     map[string]string
	}
	b.api(b.key, http.MethodGet, portfolio+"/holdings", "", http.StatusOK, &out)
	list = map[string]holding{}
	for _, h := range out.Holdings {
		list[h.Symbol] = h
	}
	return list, out.Cash
}

func (b books) performance(portfolio, query string) (r results) {
	b.t.Helper()
	b.api(b.key, http.MethodGet, portfolio+"/performance?"+query, "", http.StatusOK, &r)
	return r
}

type valuation struct {
	State, Total *string
	DayChange    *string `json:"day_change"`
	Positions    []struct {
		Symbol, State string
		Base          *string `json:"base_value"`
		Cost          *string `json:"base_cost"`
		Unrealised    *string `json:"base_unrealised"`
		Price         *string `json:"price_effect"`
		Currency      *string `json:"currency_effect"`
	}
}

func (b books) valuation(portfolio string) (v valuation) {
	b.t.Helper()
	b.api(b.key, http.MethodGet, portfolio+"/valuation", "", http.StatusOK, &v)
	return v
}

// is compares numbers that may be null; "" stands for null.
func is(t *testing.T, want string, got *string, of string) {
	t.Helper()
	if got == nil {
		assert.Empty(t, want, "%s is null", of)
		return
	}
	assert.Equal(t, want, *got, of)
}

package http_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkPreview previews a broker's file of 10,000 rows over HTTP, without a database.
func BenchmarkPreview(b *testing.B) {
	var file strings.Builder
	file.WriteString("Action,Time,ISIN,Ticker,Name,No. of shares,Price / share,Currency (Price / share),Exchange rate,Result,Currency (Result)," +
		"Total,Currency (Total),Withholding tax,Currency (Withholding tax),Notes,ID,Currency conversion fee,Currency (Currency conversion fee)\n")
	for i := range 10_000 {
		fmt.Fprintf(&file, "Market buy,2025-03-02 14:30:03.613,GB0000000009,ACM,\"Acme, plc\",2.5000000000,800.00,GBX,100,,,20.00,\"GBP\",,,,EOF%d,,\n", i)
	}
	c := newClient(b)
	key := c.all(b, "ada")
	call := func(method, path, body, contentType string, status int) string {
		r, err := http.NewRequestWithContext(b.Context(), method, c.server.URL+path, strings.NewReader(body))
		require.NoError(b, err)
		r.Header.Set("Authorization", "Bearer "+key)
		r.Header.Set("Content-Type", contentType)
		response, err := http.DefaultClient.Do(r)
		require.NoError(b, err)
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		require.NoError(b, err)
		require.Equal(b, status, response.StatusCode, "%.500s", text)
		return string(text)
	}
	_, rest, _ := strings.Cut(call("POST", "/v1/portfolios", `{"name":"A","base_currency":"GBP"}`,
		"application/json", 201), `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	for b.Loop() {
		call("POST", "/v1/portfolios/"+id+"/imports", file.String(), "text/csv", 201)
	}
}

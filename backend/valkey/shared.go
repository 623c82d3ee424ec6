package valkey

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"portfolio/backend"
	"portfolio/contract/wire"

	"github.com/valkey-io/valkey-go"
)

// A value in Valkey is its time as 40 digits that compare as text, followed by JSON.
// keepNewer sets a value unless the existing one is newer, so that a late writer
// does no harm.
const (
	placeLength = 40
	keepNewer   = `
local old = redis.call('GET', KEYS[1])
if old and string.sub(old, 1, 40) > string.sub(ARGV[1], 1, 40) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`
)

// keep writes prices to Valkey, if it is available.
func (q *Quotes) keep(ctx context.Context, found map[string]price) {
	client := q.client()
	if client == nil || len(found) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, pricesTimeout)
	defer cancel()
	sets := make(valkey.Commands, 0, len(found))
	for key, p := range found {
		sets = append(sets, client.B().Eval().Script(keepNewer).Numkeys(1).Key(key).
			Arg(p.text(), strconv.FormatInt(q.jittered().Milliseconds(), 10)).Build())
	}
	for _, result := range client.DoMulti(ctx, sets...) {
		if err := result.Error(); err != nil {
			q.failed(err)
			return
		}
	}
	q.recovered()
}

// shared reads prices from Valkey. It returns none if Valkey fails.
func (q *Quotes) shared(ctx context.Context, keys []string) map[string]price {
	found := make(map[string]price, len(keys))
	client := q.client()
	if client == nil || len(keys) == 0 {
		return found
	}
	ctx, cancel := context.WithTimeout(ctx, pricesTimeout)
	defer cancel()
	values, err := valkey.MGet(client, ctx, keys)
	if err != nil {
		q.failed(err)
		return found
	}
	q.recovered()
	for key, value := range values {
		if text, err := value.ToString(); err == nil {
			if p, known := readPrice(key, text); known {
				found[key] = p
			}
		}
	}
	return found
}

// client returns the client to use, or nil while Valkey is not used after a failure.
func (q *Quotes) client() valkey.Client {
	client := q.cache.client.Load()
	q.mu.Lock()
	defer q.mu.Unlock()
	if client == nil || time.Now().Before(q.pausedUntil) {
		return nil
	}
	return *client
}

func (q *Quotes) failed(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pausedUntil = time.Now().Add(pricesPause)
	if !q.failing {
		q.failing = true
		q.log.Warn("cache failed, reading prices from the database", slog.Any("error", err))
	}
}

func (q *Quotes) recovered() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failing {
		q.failing = false
		q.log.Info("reading prices from the cache again")
	}
}

// text returns a price in the form that is stored in Valkey.
func (p price) text() string {
	var at, received time.Time
	var value any
	if p.quote != nil {
		at, received, value = p.quote.Time, p.quote.Received, p.quote
	} else {
		at, received, value = p.rate.Time, p.rate.Received, p.rate
	}
	return fmt.Sprintf("%020d%020d%s", max(0, at.UnixMicro()), max(0, received.UnixMicro()), wire.Encode(value))
}

// readPrice reads what text wrote. A value in any other form, such as that of another
// version, counts as missing.
func readPrice(key, text string) (p price, ok bool) {
	if len(text) < placeLength {
		return p, false
	}
	body := []byte(text[placeLength:])
	if len(key) > len(quotePrefix) && key[:len(quotePrefix)] == quotePrefix {
		var quote backend.Quote
		if json.Unmarshal(body, &quote) != nil || quotePrefix+quote.Symbol != key || quote.Validate() != nil {
			return p, false
		}
		return price{quote: &quote}, true
	}
	var rate backend.Rate
	if json.Unmarshal(body, &rate) != nil || pairKey(rate.Pair) != key || rate.Validate() != nil {
		return p, false
	}
	return price{rate: &rate}, true
}

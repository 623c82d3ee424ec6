package http

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"portfolio/backend"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

const (
	// guestRate and guestBurst limit the invalid keys and tickets that one address
	// may present. Valid ones do not count.
	guestRate  rate.Limit = 1 // a second
	guestBurst int        = 30
	// guestPause is when to try again after that.
	guestPause = 10 * time.Second
	// maxGuests bounds the addresses that are remembered.
	maxGuests = 10_000
)

// guests limits the invalid secrets that each address presents, so that guessing
// costs the database nothing.
type guests struct {
	limiters *lru.Cache[string, *rate.Limiter] // by address
}

func newGuests() *guests { return &guests{newCache[string, *rate.Limiter](maxGuests)} }

// admit returns an error if an address has presented too many invalid secrets.
func (g *guests) admit(address string, now time.Time) error {
	if l, found := g.limiters.Get(address); found && l.TokensAt(now) < 1 {
		return &backend.Error{Code: CodeRateLimited,
			Message: "too many invalid keys from this address; try again later"}
	}
	return nil
}

// refused counts an invalid secret.
func (g *guests) refused(address string, now time.Time) {
	l, found := g.limiters.Get(address)
	if !found {
		l = rate.NewLimiter(guestRate, guestBurst)
		g.limiters.Add(address, l)
	}
	l.AllowN(now, 1)
}

// clientAddress returns the address of a request's client. The load balancer appends
// it to X-Forwarded-For; anybody else can write anything there, so the header counts
// only if the request comes from the balancer's network.
func (a *api) clientAddress(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	address := peer.Addr().Unmap()
	if a.Balancers.IsValid() && a.Balancers.Contains(address) {
		values := r.Header.Values("X-Forwarded-For")
		if len(values) > 0 {
			last := values[len(values)-1]
			last = strings.TrimSpace(last[strings.LastIndex(last, ",")+1:])
			if client, err := netip.ParseAddr(last); err == nil {
				address = client.Unmap()
			}
		}
	}
	return network(address)
}

// network returns an address as the limits count it. One client usually has a whole
// /64 of IPv6 addresses.
func network(address netip.Addr) string {
	if address.Is6() {
		if prefix, err := address.WithZone("").Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return address.String()
}

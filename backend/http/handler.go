// Package http serves the platform over HTTP: the API below /v1 for clients with an
// API key, the signed calls of the WebSocket handler, and the health checks.
package http

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"portfolio/backend"
	pagefiles "portfolio/backend/http/page"
	"portfolio/contract/wire"
)

// Dependencies is what the handlers work with. Every field but Balancers and
// Provider is required.
type Dependencies struct {
	Log         *slog.Logger
	Metrics     Metrics
	Now         func() time.Time
	Keys        backend.Keys // sign the WebSocket handler's calls
	Replays     backend.ReplayMemory
	Connections backend.Connections
	Checks      map[string]func(context.Context) error // of what the service depends on, by name

	APIKeys    backend.APIKeys
	Sessions   backend.Sessions
	Identities backend.Identities
	Provider   backend.IdentityProvider // nil for none
	Portfolios backend.Portfolios
	Imports    Imports
	Tickets    backend.Tickets
	Tracker    Tracker
	Days       Days
	Market     Market
	Sources    Sources

	Instruments backend.Instruments
	Proposals   backend.Proposals
	Live        Live
	RateLimit   float64      // calls per second of one key at this instance
	Balancers   netip.Prefix // network of the load balancer; the zero value for none
	Socket      string       // URL of the WebSocket API, such as wss://host/prod
}

// api holds what the endpoints share.
type api struct {
	Dependencies
	readiness  readiness
	flights    flights
	histories  flights
	actions    actions
	refreshing chan struct{} // holds one element for each call that waits for fresh keys
	keyholders *keyholders
	sessions   *keyholders
	guests     *guests
	origins    *http.CrossOriginProtection
}

// Handler is the whole service.
type Handler struct {
	http.Handler
	keyholders *keyholders
	sessions   *keyholders
}

// Changed must be called with each change made at any instance. A key that was revoked
// and a session that has ended are refused from then on.
func (h *Handler) Changed(c backend.Change) {
	if c.RevokedKey != "" {
		h.keyholders.revoked(c.RevokedKey)
		h.sessions.revoked(c.RevokedKey)
	}
	if c.SignedOut != "" {
		h.sessions.signedOut(c.SignedOut)
	}
}

// Lost must be called when changes may have been missed.
func (h *Handler) Lost() {
	h.keyholders.known.Purge()
	h.sessions.known.Purge()
}

// endpoint answers a request, or returns the error to answer it with.
type endpoint func(w http.ResponseWriter, r *http.Request) error

// NewHandler returns the whole service. Every error is answered with a problem
// document (RFC 9457) that contains no internal details.
func NewHandler(d Dependencies) *Handler {
	a := &api{Dependencies: d, refreshing: make(chan struct{}, maxRefreshing), guests: newGuests()}
	a.origins = http.NewCrossOriginProtection()
	a.keyholders = newKeyholders(d, a.guests, d.APIKeys.Authenticate, invalidKey)
	a.sessions = newKeyholders(d, a.guests, d.Sessions.ResumeSession, endedSession)
	a.actions = a.newActions()
	a.readiness.checks = d.Checks
	a.readiness.log = d.Log
	mux := http.NewServeMux()
	methods := map[string][]string{} // by path
	for _, route := range a.routes() {
		mux.Handle(route.method+" "+route.path, answer(route.serve))
		methods[route.path] = append(methods[route.path], route.method)
	}
	for path, known := range methods {
		mux.Handle(path, answer(only(known)))
	}
	files := answer(file(pagefiles.New(d.Socket)))
	for _, pattern := range []string{"GET /{$}", "GET " + pagefiles.Assets, "/"} {
		mux.Handle(pattern, files)
	}
	return &Handler{Handler: a.observe(mux), keyholders: a.keyholders, sessions: a.sessions}
}

// route is one method of one path.
type route struct {
	method, path string
	serve        endpoint
}

// The names of IDs in paths. An ID of the wrong form is not found.
const (
	portfolioID   = "portfolio"
	transactionID = "transaction"
	keyID         = "key"
)

// routes lists everything that the service answers.
func (a *api) routes() []route {
	const portfolio = "/v1/portfolios/{" + portfolioID + "}"
	const transaction = portfolio + "/transactions/{" + transactionID + "}"
	return []route{
		{http.MethodGet, wire.HealthPath, health},
		{http.MethodGet, "/ready", a.ready},
		{http.MethodPost, wire.ConnectPath, a.signed(handshakeTimeout, a.connect)},
		{http.MethodPost, wire.MessagePath, a.signed(messageTimeout, a.message)},
		{http.MethodPost, wire.DisconnectPath, a.signed(handshakeTimeout, a.disconnect)},

		{http.MethodGet, "/v1/openapi.json", describe},
		{http.MethodGet, "/v1/sign-in", a.signIn},
		{http.MethodGet, "/v1/sign-in/oidc", a.beginOIDC},
		{http.MethodGet, callbackPath, a.completeOIDC},
		{http.MethodPost, "/v1/sign-in/links", a.keyed(backend.ScopeRead, a.createLink)},
		{http.MethodGet, "/v1/sign-in/link", a.followLink},
		{http.MethodPost, "/v1/session", a.startSession},
		{http.MethodGet, "/v1/session", a.session(a.describeSession)},
		{http.MethodDelete, "/v1/session", a.endSession},
		{http.MethodDelete, "/v1/sessions", a.session(a.endSessions)},
		{http.MethodGet, "/v1/portfolios", a.keyed(backend.ScopeRead, a.listPortfolios)},
		{http.MethodPost, "/v1/portfolios", a.keyed(backend.ScopeTrade, a.createPortfolio)},
		{http.MethodGet, portfolio, a.keyed(backend.ScopeRead, a.getPortfolio)},
		{http.MethodPut, portfolio, a.keyed(backend.ScopeTrade, a.replacePortfolio)},
		{http.MethodPatch, portfolio, a.keyed(backend.ScopeTrade, a.patchPortfolio)},
		{http.MethodDelete, portfolio, a.keyed(backend.ScopeTrade, a.deletePortfolio)},
		{http.MethodGet, portfolio + "/transactions", a.keyed(backend.ScopeRead, a.listTransactions)},
		{http.MethodPost, portfolio + "/transactions", a.keyed(backend.ScopeTrade, a.recordTransaction)},
		{http.MethodPost, portfolio + "/transactions.csv", a.keyed(backend.ScopeTrade, a.importTransactions)},
		{http.MethodGet, portfolio + "/transactions.csv", a.keyed(backend.ScopeRead, a.exportTransactions)},
		{http.MethodPost, portfolio + "/imports", a.keyed(backend.ScopeTrade, a.previewImport)},
		{http.MethodPost, portfolio + "/imports/{" + importID + "}/confirm",
			a.keyed(backend.ScopeTrade, a.confirmImport)},
		{http.MethodDelete, portfolio + "/imports/{" + importID + "}", a.keyed(backend.ScopeTrade, a.deleteImport)},
		{http.MethodGet, portfolio + "/proposals", a.keyed(backend.ScopeRead, a.listProposals)},
		{http.MethodPost, portfolio + "/proposals/{" + proposalID + "}/accept",
			a.keyed(backend.ScopeTrade, a.acceptProposal)},
		{http.MethodDelete, portfolio + "/proposals/{" + proposalID + "}",
			a.keyed(backend.ScopeTrade, a.refuseProposal)},
		{http.MethodGet, "/v1/mappings/{" + mappingName + "}", a.keyed(backend.ScopeRead, a.getMapping)},
		{http.MethodPut, "/v1/mappings/{" + mappingName + "}", a.keyed(backend.ScopeTrade, a.putMapping)},
		{http.MethodDelete, "/v1/mappings/{" + mappingName + "}", a.keyed(backend.ScopeTrade, a.deleteMapping)},
		{http.MethodGet, transaction, a.keyed(backend.ScopeRead, a.getTransaction)},
		{http.MethodPut, transaction, a.keyed(backend.ScopeTrade, a.updateTransaction)},
		{http.MethodDelete, transaction, a.keyed(backend.ScopeTrade, a.deleteTransaction)},
		{http.MethodPost, portfolio + "/preview", a.keyed(backend.ScopeRead, a.previewChange)},
		{http.MethodGet, portfolio + "/holdings", a.keyed(backend.ScopeRead, a.holdings)},
		{http.MethodGet, portfolio + "/valuation", a.keyed(backend.ScopeRead, a.valuation)},
		{http.MethodGet, portfolio + "/performance", a.keyed(backend.ScopeRead, a.many(a.performance))},
		{http.MethodGet, portfolio + "/history", a.keyed(backend.ScopeRead, a.many(a.history))},
		{http.MethodPost, "/v1/transfers", a.keyed(backend.ScopeTrade, a.transfer)},
		{http.MethodGet, "/v1/summary", a.keyed(backend.ScopeRead, a.many(a.summary))},
		{http.MethodGet, "/v1/quotes", a.keyed(backend.ScopeRead, a.readQuotes)},
		{http.MethodPost, "/v1/quotes", a.keyed(backend.ScopeFeed, a.writeQuotes)},
		{http.MethodGet, "/v1/quotes/{" + instrumentSymbol + "}/history", a.keyed(backend.ScopeRead, a.quoteHistory)},
		{http.MethodGet, "/v1/instruments", a.keyed(backend.ScopeRead, a.listInstruments)},
		{http.MethodGet, "/v1/instruments/{" + instrumentSymbol + "}", a.keyed(backend.ScopeRead, a.getInstrument)},
		{http.MethodPut, "/v1/instruments/{" + instrumentSymbol + "}", a.keyed(backend.ScopeFeed, a.putInstrument)},
		{http.MethodGet, "/v1/sources", a.keyed(backend.ScopeRead, a.listSources)},
		{http.MethodPost, "/v1/ws-tickets", a.keyed(backend.ScopeRead, a.issueTicket)},
		{http.MethodGet, "/v1/keys", a.keyed(backend.ScopeAdmin, a.listKeys)},
		{http.MethodPost, "/v1/keys", a.keyed(backend.ScopeAdmin, a.createKey)},
		{http.MethodDelete, "/v1/keys/{" + keyID + "}", a.keyed(backend.ScopeAdmin, a.revokeKey)},
		{http.MethodGet, "/v1/audit", a.keyed(backend.ScopeAdmin, a.audit)},
	}
}

// answer serves an endpoint and its errors.
func answer(serve endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := serve(w, r); err != nil {
			note(w, slog.String("code", string(publicError(err).Code)), slog.Any("error", err))
			writeProblem(w, err)
		}
	})
}

// health reports that the process is alive, and checks nothing else: if it depended on
// the database, the load balancer would replace every instance at once when the
// database fails.
func health(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, "application/json", map[string]string{"status": "ok"})
	return nil
}

func only(methods []string) endpoint {
	allowed := strings.Join(methods, ", ")
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Allow", allowed)
		return &backend.Error{Code: backend.CodeMethodNotAllowed, Message: "got another method, want " + allowed}
	}
}

// file serves the page's files, and nothing else.
func file(files *pagefiles.Handler) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !files.Serve(w, r) {
			return &backend.Error{Code: backend.CodeNotFound, Message: "nothing is at this path"}
		}
		return nil
	}
}

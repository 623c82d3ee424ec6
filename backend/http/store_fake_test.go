package http_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"portfolio/backend"
)

// memory is an implementation of the service's stores for tests of the handlers.
type memory struct {
	mu         sync.Mutex
	keys       map[backend.SecretHash]backend.APIKey
	tickets    map[backend.SecretHash]backend.Principal
	sessions   map[backend.SecretHash]session
	portfolios map[string]backend.Portfolio
	entries    map[string][]backend.Entry // by portfolio, in order of recording
	answers    map[string][]backend.Entry // by idempotency key
	created    map[string]backend.Portfolio
	prices     backend.Prices
	imports    imports
	names      map[string]string // of instruments, by symbol
	lookups    int               // of keys
	last       int
}

func newMemory() *memory {
	return &memory{
		keys: map[backend.SecretHash]backend.APIKey{}, tickets: map[backend.SecretHash]backend.Principal{},
		sessions:   map[backend.SecretHash]session{},
		portfolios: map[string]backend.Portfolio{}, entries: map[string][]backend.Entry{},
		answers: map[string][]backend.Entry{},
		created: map[string]backend.Portfolio{},
		imports: newImports(),
		prices:  backend.Prices{Quotes: map[string]backend.Quote{}, Rates: map[backend.Pair]backend.Rate{}},
	}
}

func (m *memory) id() string {
	m.last++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", m.last)
}

func (m *memory) CreateKey(_ context.Context, _ backend.Principal, k backend.APIKey,
	hash backend.SecretHash) (backend.APIKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k.ID = m.id()
	m.keys[hash] = k
	return k, nil
}

func (m *memory) Authenticate(_ context.Context, hash backend.SecretHash, now time.Time) (backend.Principal, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lookups++
	k, known := m.keys[hash]
	if !known || k.RevokedAt != nil || k.ExpiresAt != nil && !now.Before(*k.ExpiresAt) {
		return backend.Principal{}, &backend.Error{Code: backend.CodeUnauthenticated, Message: "the key is not valid"}
	}
	return backend.Principal{KeyID: k.ID, Owner: k.Owner, Scopes: k.Scopes, Sources: k.Sources,
		ExpiresAt: k.ExpiresAt}, nil
}

func (m *memory) ListKeys(_ context.Context, owner string,
	_ backend.Page) (keys []backend.APIKey, next string, err error) {
	for _, k := range m.keys {
		if k.Owner == owner {
			keys = append(keys, k)
		}
	}
	return keys, "", nil
}

func (m *memory) RevokeKey(_ context.Context, by backend.Principal, id string, now time.Time) error {
	for hash, k := range m.keys {
		if k.ID == id && k.Owner == by.Owner {
			k.RevokedAt = &now
			m.keys[hash] = k
			return nil
		}
	}
	return missing()
}

func (m *memory) Audit(_ context.Context, owner string, _ backend.Page) ([]backend.AuditEntry, string, error) {
	return []backend.AuditEntry{{ID: 1, At: now, KeyID: "k", Action: "portfolio.create", Subject: owner,
		After: map[string]string{"name": "A"}}}, "", nil
}

func missing() error {
	return &backend.Error{Code: backend.CodeNotFound, Message: "nothing has this ID"}
}

func (m *memory) CreatePortfolio(_ context.Context, by backend.Principal, key string,
	p backend.Portfolio) (backend.Portfolio, bool, error) {
	if done, known := m.created[key]; known && key != "" {
		return done, true, nil
	}
	p.ID, p.Owner, p.Version, p.CreatedAt, p.UpdatedAt = m.id(), by.Owner, 1, now, now
	m.portfolios[p.ID], m.created[key] = p, p
	return p, false, nil
}

func (m *memory) GetPortfolio(_ context.Context, owner, id string) (backend.Portfolio, error) {
	if p, known := m.portfolios[id]; known && p.Owner == owner {
		return p, nil
	}
	return backend.Portfolio{}, missing()
}

func (m *memory) ListPortfolios(_ context.Context, owner string,
	page backend.Page) (list []backend.Portfolio, next string, err error) {
	for _, p := range m.portfolios {
		if p.Owner == owner && p.ID > page.After {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b backend.Portfolio) int {
		return int(a.CreatedAt.Sub(b.CreatedAt)) + compare(a.ID, b.ID)
	})
	if len(list) > page.Limit {
		list = list[:page.Limit]
		next = list[page.Limit-1].ID
	}
	return list, next, nil
}

func compare(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

func (m *memory) at(owner, id string, version int64) (backend.Portfolio, error) {
	p, err := m.GetPortfolio(context.Background(), owner, id)
	if err == nil && p.Version != version {
		err = &backend.Error{Code: backend.CodeVersionConflict, Message: "it was changed in the meantime"}
	}
	return p, err
}

func (m *memory) UpdatePortfolio(_ context.Context, by backend.Principal,
	p backend.Portfolio) (backend.Portfolio, error) {
	was, err := m.at(by.Owner, p.ID, p.Version)
	if err != nil {
		return p, err
	}
	p.Owner, p.CreatedAt, p.UpdatedAt, p.Version = was.Owner, was.CreatedAt, now, p.Version+1
	m.portfolios[p.ID] = p
	return p, nil
}

func (m *memory) DeletePortfolio(_ context.Context, by backend.Principal, id string, version int64) error {
	if _, err := m.at(by.Owner, id, version); err != nil {
		return err
	}
	delete(m.portfolios, id)
	return nil
}

func (m *memory) Record(_ context.Context, by backend.Principal, id, key string,
	txs []backend.Transaction) ([]backend.Entry, bool, error) {
	p, err := m.GetPortfolio(context.Background(), by.Owner, id)
	if err != nil {
		return nil, false, err
	}
	if done, known := m.answers[key]; known && key != "" {
		return done, true, nil
	}
	all := m.transactions(id)
	var entries []backend.Entry
	for _, t := range txs {
		named := t
		t.ID, t.Sequence = m.id(), int64(m.last)
		if named.Sequence = t.Sequence; named.ID == "" {
			named.ID = t.ID
		}
		all = append(all, named)
		entries = append(entries, backend.Entry{Transaction: t, Version: 1, RecordedAt: now})
	}
	if _, err := backend.Derive(context.Background(), p.Policy, all, backend.DateOf(now)+1000); err != nil {
		return nil, false, err
	}
	m.entries[id] = append(m.entries[id], entries...)
	m.answers[key] = entries
	return entries, false, nil
}

func (m *memory) transactions(id string) (all []backend.Transaction) {
	for _, e := range m.entries[id] {
		all = append(all, e.Transaction)
	}
	return all
}

func (m *memory) find(owner, portfolio, id string) (int, error) {
	if _, err := m.GetPortfolio(context.Background(), owner, portfolio); err != nil {
		return 0, err
	}
	i := slices.IndexFunc(m.entries[portfolio], func(e backend.Entry) bool { return e.ID == id })
	if i < 0 {
		return 0, missing()
	}
	return i, nil
}

func (m *memory) GetEntry(_ context.Context, owner, portfolio, id string) (backend.Entry, error) {
	i, err := m.find(owner, portfolio, id)
	if err != nil {
		return backend.Entry{}, err
	}
	return m.entries[portfolio][i], nil
}

func (m *memory) ListEntries(_ context.Context, owner, portfolio string,
	page backend.Page) ([]backend.Entry, string, error) {
	if _, err := m.GetPortfolio(context.Background(), owner, portfolio); err != nil {
		return nil, "", err
	}
	from, _ := strconv.Atoi(page.After)
	all := m.entries[portfolio]
	to := min(from+page.Limit, len(all))
	next := ""
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next, nil
}

func (m *memory) UpdateEntry(_ context.Context, by backend.Principal, portfolio string,
	e backend.Entry) (backend.Entry, error) {
	i, err := m.find(by.Owner, portfolio, e.ID)
	if err != nil {
		return e, err
	}
	was := m.entries[portfolio][i]
	if was.Version != e.Version {
		return e, &backend.Error{Code: backend.CodeVersionConflict, Message: "it was changed in the meantime"}
	}
	e.Sequence, e.RecordedAt, e.Version = was.Sequence, was.RecordedAt, was.Version+1
	m.entries[portfolio][i] = e
	return e, nil
}

func (m *memory) DeleteEntry(_ context.Context, by backend.Principal, portfolio, id string, version int64) error {
	i, err := m.find(by.Owner, portfolio, id)
	if err != nil {
		return err
	}
	if m.entries[portfolio][i].Version != version {
		return &backend.Error{Code: backend.CodeVersionConflict, Message: "it was changed in the meantime"}
	}
	m.entries[portfolio] = slices.Delete(m.entries[portfolio], i, i+1)
	return nil
}

func (m *memory) Load(_ context.Context, owner, id string) (backend.Portfolio, []backend.Transaction, error) {
	p, err := m.GetPortfolio(context.Background(), owner, id)
	return p, m.transactions(id), err
}

func (m *memory) IssueTicket(_ context.Context, p backend.Principal, hash backend.SecretHash, _ time.Time) error {
	m.tickets[hash] = p
	return nil
}

func (m *memory) RedeemTicket(_ context.Context, hash backend.SecretHash, _ time.Time) (backend.Principal, error) {
	p, known := m.tickets[hash]
	delete(m.tickets, hash)
	if !known {
		return p, &backend.Error{Code: backend.CodeUnauthenticated, Message: "the ticket is not valid"}
	}
	return p, nil
}

package http_test

import (
	"context"
	"maps"
	"time"

	"portfolio/backend"
)

// session is a session in memory. The real store's tests are about its ends.
type session struct {
	backend.Principal
	how backend.SignIn
}

func (m *memory) StartSession(_ context.Context, by backend.Principal, how backend.SignIn, hash backend.SecretHash,
	now time.Time) (backend.Principal, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	by.SessionID = m.id()
	if end := now.Add(backend.SessionLifetime); by.ExpiresAt == nil || end.Before(*by.ExpiresAt) {
		by.ExpiresAt = &end
	}
	m.sessions[hash] = session{by, how}
	return by, nil
}

func (m *memory) ResumeSession(_ context.Context, hash backend.SecretHash, now time.Time) (backend.Principal, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, known := m.sessions[hash]
	good := false
	for _, k := range m.keys {
		good = good || k.ID == s.KeyID && k.RevokedAt == nil
	}
	if !known || !good || !now.Before(*s.ExpiresAt) {
		return backend.Principal{}, &backend.Error{Code: backend.CodeUnauthenticated, Message: "the session has ended"}
	}
	return s.Principal, nil
}

func (m *memory) EndSession(_ context.Context, by backend.Principal) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.sessions, func(_ backend.SecretHash, s session) bool { return s.SessionID == by.SessionID })
	return nil
}

func (m *memory) EndSessions(_ context.Context, by backend.Principal) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.sessions, func(_ backend.SecretHash, s session) bool { return s.Owner == by.Owner })
	return nil
}

func (m *memory) IdentityKey(ctx context.Context, i backend.Identity, at time.Time) (backend.Principal, error) {
	hash := backend.HashSecret(i.Issuer + " " + i.Subject)
	if _, known := m.keys[hash]; !known {
		if _, err := m.CreateKey(ctx, backend.Principal{},
			backend.APIKey{Owner: i.Owner, Label: i.Subject, Scopes: i.Scopes}, hash); err != nil {
			return backend.Principal{}, err
		}
	}
	return m.Authenticate(ctx, hash, at)
}

package main

import (
	"context"
	"time"

	"portfolio/backend"
	"portfolio/backend/oidc"
	"portfolio/backend/secret"
	"portfolio/contract/setting"
)

// newProvider returns the identity provider of valid settings, nil for none.
func newProvider(s setting.SignIn, client secret.Client) (backend.IdentityProvider, error) {
	if s == (setting.SignIn{}) {
		return nil, nil //nolint:nilnil // there is none
	}
	owners, err := setting.ParseOwners("OIDC_OWNERS", s.Owners)
	if err != nil {
		return nil, err
	}
	c := oidc.Config{Issuer: s.Issuer, ClientID: s.ClientID, Owners: owners, Now: time.Now}
	if s.SecretARN != "" {
		reader := secret.NewReader(client, s.SecretARN, 0)
		// Sign-ins are rare, so that each reads the secret as it is then.
		c.Secret = func(ctx context.Context) (string, error) {
			keys, err := reader.Refresh(ctx)
			if err != nil {
				return "", err
			}
			return string(keys[0]), nil
		}
	}
	return oidc.New(c), nil
}

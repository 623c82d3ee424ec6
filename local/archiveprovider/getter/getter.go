// Package getter replaces github.com/hashicorp/go-getter with the names that Terraform's
// plugin SDK uses. The SDK would download other providers with it, which the archive
// provider never asks for. The real one brings the clients of S3 and of Google Cloud
// Storage along, half of everything that would be compiled.
package getter

import (
	"errors"
	"net/http"
)

// HttpGetter configures downloads over HTTP.
type HttpGetter struct {
	Client *http.Client
	Netrc  bool
}

// Getters are the means of downloading, by URL scheme.
var Getters = map[string]any{}

// Get always returns an error.
func Get(_, source string) error {
	return errors.New(source + ": this provider downloads nothing")
}

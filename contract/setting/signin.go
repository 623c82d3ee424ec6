package setting

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SignIn holds the settings for an OpenID Connect provider that signs people in at the
// page. The zero value is for none.
type SignIn struct {
	Issuer    string // OIDC_ISSUER
	ClientID  string // OIDC_CLIENT_ID
	SecretARN string // OIDC_CLIENT_SECRET_ARN; "" for a client without a secret
	Owners    string // OIDC_OWNERS
}

// Problems returns every problem with the settings.
func (s SignIn) Problems() []error {
	if s == (SignIn{}) {
		return nil
	}
	var problems []error
	if !IsIssuer(s.Issuer) {
		problems = append(problems, Problem("OIDC_ISSUER", s.Issuer, IssuerForm))
	}
	if !clientIDPattern.MatchString(s.ClientID) {
		problems = append(problems, Problem("OIDC_CLIENT_ID", s.ClientID, ClientIDForm))
	}
	if s.SecretARN != "" && !secretPattern.MatchString(s.SecretARN) {
		problems = append(problems, Problem("OIDC_CLIENT_SECRET_ARN", s.SecretARN, "the ARN of a secret, or nothing"))
	}
	if _, err := ParseOwners("OIDC_OWNERS", s.Owners); err != nil {
		problems = append(problems, err)
	}
	return problems
}

// Owner says who at an identity provider is an owner, and with which scopes.
type Owner struct {
	Subject string   `json:"subject,omitempty"` // of one person; "" for a group
	Group   string   `json:"group,omitempty"`   // of which everyone is the owner
	Owner   string   `json:"owner"`
	Scopes  []string `json:"scopes"`
}

// Forms of the settings for an identity provider in words, for Problem.
const (
	IssuerForm   = "an https URL without query and fragment, as the provider's discovery document has it"
	ClientIDForm = "1–255 visible ASCII characters other than quotes, $ and \\"
	OwnersForm   = `a JSON list such as [{"subject":"ID","owner":"ada","scopes":["read","trade"]}]`
)

// maxOwners limits OIDC_OWNERS in bytes: the user data holds 16 KB with everything else.
const maxOwners = 4096

// scopes are those of the service; a test there compares them.
var scopes = []string{"read", "trade", "feed", "admin"}

var (
	clientIDPattern = regexp.MustCompile(`^[!#%&(-\[\]-_a-~]{1,255}$`)
	secretPattern   = regexp.MustCompile(`^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$`)
)

// IsIssuer reports whether text can be an identity provider's issuer: over plain HTTP it
// has to be on this machine.
func IsIssuer(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(text, `?#'"\$`+"`") || !isASCII(text) {
		return false
	}
	address, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && address.IsLoopback())
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// ParseOwners returns the owners in the value of a setting, in their order: the first
// that applies to a person counts. Its error joins every problem, one per line. Systemd
// reads the value between single quotes, where some of its releases drop backslashes.
func ParseOwners(name, text string) ([]Owner, error) {
	if len(text) > maxOwners {
		return nil, Problem(name, fmt.Sprintf("%d bytes", len(text)), fmt.Sprintf("at most %d", maxOwners))
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r > '~' || r == '\'' || r == '\\' }) {
		return nil, Problem(name, text, `ASCII without ' and \`)
	}
	var owners []Owner
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&owners)
	if _, after := decoder.Token(); err != nil || !errors.Is(after, io.EOF) || len(owners) == 0 {
		return nil, Problem(name, text, OwnersForm)
	}
	var problems []error
	for i, o := range owners {
		problem := func(field, got, want string) {
			problems = append(problems, Problem(fmt.Sprintf("%s[%d]%s", name, i, field), got, want))
		}
		if (o.Subject == "") == (o.Group == "") {
			problem("", fmt.Sprintf("subject %q and group %q", o.Subject, o.Group), "one of the two")
		}
		if strings.TrimSpace(o.Owner) == "" || utf8.RuneCountInString(o.Owner) > 100 ||
			strings.ContainsFunc(o.Owner, unicode.IsControl) {
			problem(".owner", o.Owner, "1–100 characters, not only white space")
		}
		if len(o.Scopes) == 0 {
			problem(".scopes", "", "one or more of "+strings.Join(scopes, ", "))
		}
		for _, scope := range o.Scopes {
			if !slices.Contains(scopes, scope) {
				problem(".scopes", scope, "one or more of "+strings.Join(scopes, ", "))
			}
		}
	}
	return owners, errors.Join(problems...)
}

package main

import (
	"log/slog"
	"net/url"

	"portfolio/contract/setting"

	"github.com/caarlos0/env/v11"
)

// settings are the function's environment variables.
type settings struct {
	BalancerDNS      string `env:"ALB_DNS"`            // host, or host:port
	Scheme           string `env:"ALB_SCHEME"`         // http or https
	ServerName       string `env:"ALB_SERVER_NAME"`    // a name in the load balancer's certificate
	CertificateARN   string `env:"CERTIFICATE_ARN"`    // used to look up the name if ServerName is empty
	SigningSecretARN string `env:"SIGNING_SECRET_ARN"` // the bytes of its text are the key
	LogLevel         string `env:"LOG_LEVEL" envDefault:"info"`

	level slog.Level // LogLevel, parsed
}

// loadSettings reads the environment and returns every problem with it.
func loadSettings(environ map[string]string) (settings, []error) {
	s, err := env.ParseAsWithOptions[settings](env.Options{Environment: environ})
	if err != nil {
		return s, []error{err}
	}
	var problems []error
	check := func(ok bool, name, got, want string) {
		if !ok {
			problems = append(problems, setting.Problem(name, got, want))
		}
	}
	base, err := url.Parse("http://" + s.BalancerDNS)
	check(err == nil && base.Hostname() != "" && base.Host == s.BalancerDNS, "ALB_DNS", s.BalancerDNS,
		"the load balancer's host without scheme and path")
	check(s.Scheme == "http" || s.Scheme == "https", "ALB_SCHEME", s.Scheme, "http or https")
	// No certificate contains the name that AWS assigns to a load balancer.
	check(s.Scheme != "https" || s.ServerName != "" || s.CertificateARN != "", "ALB_SERVER_NAME", s.ServerName,
		"a host name in the certificate, or CERTIFICATE_ARN to be set, when ALB_SCHEME is https")
	check(s.SigningSecretARN != "", "SIGNING_SECRET_ARN", s.SigningSecretARN, "the ARN of the signing secret")
	check(s.level.UnmarshalText([]byte(s.LogLevel)) == nil, "LOG_LEVEL", s.LogLevel, "debug, info, warn or error")
	return s, problems
}

// base returns the URL of the load balancer, without a path.
func (s settings) base() *url.URL { return &url.URL{Scheme: s.Scheme, Host: s.BalancerDNS} }

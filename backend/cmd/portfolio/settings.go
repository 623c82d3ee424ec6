package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"portfolio/contract/commandline"
	"portfolio/contract/setting"

	"github.com/caarlos0/env/v11"
)

// environment holds the service's environment variables as text. Empty means unset.
type environment struct {
	Suffix         string `env:"ENVIRONMENT_SUFFIX" help:"name of the environment"`
	Region         string `env:"AWS_REGION" help:"region of the secrets and the bucket"`
	Endpoint       string `env:"AWS_ENDPOINT_URL" help:"endpoint of an AWS emulator"`
	ListenAddress  string `env:"LISTEN_ADDRESS" envDefault:":80" help:"[IP]:port to listen on"`
	LogFile        string `env:"LOG_FILE" help:"file to append the log to; standard error if unset"`
	DBHost         string `env:"DB_HOST" help:"host of PostgreSQL, as named in its certificate"`
	DBPort         string `env:"DB_PORT" envDefault:"5432" help:"port of PostgreSQL"`
	DBName         string `env:"DB_NAME" envDefault:"portfolio" help:"name of the database"`
	DBSecretARN    string `env:"DB_SECRET_ARN" help:"ARN of the secret {\"username\",\"password\"} that the service connects with"`
	DBOwnerARN     string `env:"DB_OWNER_SECRET_ARN" help:"ARN of the secret {\"username\",\"password\"} of the database's owner, who migrates"`
	DBCAFile       string `env:"DB_CA_FILE" help:"PEM file of the authorities that sign the database's certificate"`
	CacheEndpoint  string `env:"CACHE_ENDPOINT" help:"host:port of Valkey in cluster mode with TLS"`
	CacheCAFile    string `env:"CACHE_CA_FILE" help:"PEM file of the authorities that sign Valkey's certificate; the system's if unset"`
	HistoryBucket  string `env:"HISTORY_BUCKET" help:"S3 bucket of past days"`
	WebSocketURL   string `env:"WEBSOCKET_URL" help:"URL of the WebSocket API that the page connects to"`
	SigningARN     string `env:"SIGNING_SECRET_ARN" help:"ARN of the secret that signs the WebSocket handler's calls"`
	QuoteTTL       string `env:"QUOTE_TTL" envDefault:"60s" help:"how long a quote is cached"`
	QuoteSources   string `env:"QUOTE_SOURCES" help:"sources to ask for prices, separated by commas; none if unset"`
	QuoteSecretARN string `env:"QUOTE_SOURCE_SECRET_ARN" help:"ARN of a secret with the sources' keys {\"twelvedata\",\"tiingo\"}"`
	QuoteKeys      string `env:"QUOTE_SOURCE_KEYS" help:"the sources' keys on one machine, as in that secret"`
	QuoteURLs      string `env:"QUOTE_SOURCE_URLS" help:"other addresses of sources, a JSON object by source"`
	QuoteStreams   string `env:"QUOTE_STREAMS" help:"sources whose WebSocket is used, separated by commas; none if unset"`
	QuoteInterval  string `env:"QUOTE_INTERVAL" envDefault:"60s" help:"time between two prices of a symbol while its market is open"`
	QuoteFactor    string `env:"QUOTE_MAX_FACTOR" envDefault:"1.75" help:"a price that differs from the one before by this factor or more is held back"`
	ReplayFile     string `env:"QUOTE_REPLAY_FILE" help:"recorded prices for the source replay; a generated market if unset"`
	OIDCIssuer     string `env:"OIDC_ISSUER" help:"issuer of an OpenID Connect provider that signs people in; none if unset"`
	OIDCClientID   string `env:"OIDC_CLIENT_ID" help:"ID of the client at that provider"`
	OIDCSecretARN  string `env:"OIDC_CLIENT_SECRET_ARN" help:"ARN of the secret with the client's secret, if it has one"`
	OIDCOwners     string `env:"OIDC_OWNERS" help:"maps people at the provider to owners, a JSON list of {\"subject\" or \"group\",\"owner\",\"scopes\"}"`
	PushRate       string `env:"PUSH_RATE" envDefault:"1500" help:"messages to WebSockets per second at this instance"`
	KeyRate        string `env:"KEY_RATE" envDefault:"100" help:"calls per second with one API key at this instance"`
	Balancers      string `env:"BALANCER_NETWORK" help:"network of the load balancer, whose X-Forwarded-For is trusted, such as 10.0.0.0/16"`
}

// helpWidth is what the longest name of a variable leaves of 80 columns.
const helpWidth = 53

// environmentHelp describes every environment variable and its default.
func environmentHelp() string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fields := reflect.TypeFor[environment]()
	for i := range fields.NumField() {
		tag := fields.Field(i).Tag
		name, help := tag.Get("env"), tag.Get("help")
		if value := tag.Get("envDefault"); value != "" {
			help += " (default " + value + ")"
		}
		for _, line := range commandline.Wrap(help, helpWidth) {
			fmt.Fprintf(table, "  %s\t%s\n", name, line)
			name = "" // only before the first line
		}
	}
	_ = table.Flush() // a strings.Builder accepts everything
	return text.String()
}

// settings is a valid environment.
type settings struct {
	environment
	DBPort     int
	CacheRoots *x509.CertPool // nil for the system's
	QuoteTTL   time.Duration  // how long a quote is cached
	Quotes     quoteSettings
	SignIn     setting.SignIn // zero for none
	PushRate   int            // posts to connections per second
	KeyRate    int            // calls per second of one API key at this instance
	Balancers  netip.Prefix   // zero for none
}

var (
	regionForm = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	secretForm = regexp.MustCompile(`^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+$`)
	bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	hostForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*$`)
)

// load returns the settings of an environment, or every problem with it, one line
// each: "NAME: got X, want Y".
func load(environ map[string]string) (settings, error) {
	e, err := env.ParseAsWithOptions[environment](env.Options{Environment: environ})
	if err != nil {
		return settings{}, err
	}
	s := settings{environment: e}
	var problems []error
	require := func(ok bool, name, got, want string) {
		if !ok {
			problems = append(problems, setting.Problem(name, got, want))
		}
	}
	certificates := func(name, file string) *x509.CertPool {
		pool, err := roots(file)
		if err != nil {
			problems = append(problems, setting.Problem(name, file, "a PEM file of certificates ("+err.Error()+")"))
		}
		return pool
	}
	require(setting.IsSuffix(e.Suffix), "ENVIRONMENT_SUFFIX", e.Suffix, setting.SuffixForm)
	require(regionForm.MatchString(e.Region), "AWS_REGION", e.Region, "an AWS region such as us-east-1")
	require(e.Endpoint == "" || isURL(e.Endpoint), "AWS_ENDPOINT_URL", e.Endpoint, "an http or https URL, or nothing")
	require(isListenAddress(e.ListenAddress), "LISTEN_ADDRESS", e.ListenAddress, "[IP]:port")
	require(hostForm.MatchString(e.DBHost), "DB_HOST", e.DBHost, "a host name")
	s.DBPort, err = strconv.Atoi(e.DBPort)
	require(err == nil && s.DBPort > 0 && s.DBPort <= 65535, "DB_PORT", e.DBPort, "1 to 65535")
	require(secretForm.MatchString(e.DBSecretARN), "DB_SECRET_ARN", e.DBSecretARN, "the ARN of a secret")
	require(secretForm.MatchString(e.DBOwnerARN), "DB_OWNER_SECRET_ARN", e.DBOwnerARN, "the ARN of a secret")
	certificates("DB_CA_FILE", e.DBCAFile)
	host, port, err := net.SplitHostPort(e.CacheEndpoint)
	require(err == nil && hostForm.MatchString(host) && isPort(port) && port != "0", "CACHE_ENDPOINT",
		e.CacheEndpoint, "host:port")
	if e.CacheCAFile != "" {
		s.CacheRoots = certificates("CACHE_CA_FILE", e.CacheCAFile)
	}
	require(bucketForm.MatchString(e.HistoryBucket), "HISTORY_BUCKET", e.HistoryBucket, "the name of a bucket")
	require(secretForm.MatchString(e.SigningARN), "SIGNING_SECRET_ARN", e.SigningARN, "the ARN of a secret")
	require(isSocketURL(e.WebSocketURL), "WEBSOCKET_URL", e.WebSocketURL, "a ws or wss URL")
	s.QuoteTTL, err = time.ParseDuration(e.QuoteTTL)
	require(err == nil && s.QuoteTTL >= time.Second && s.QuoteTTL <= 24*time.Hour, "QUOTE_TTL", e.QuoteTTL, "1s to 24h")
	s.Quotes = loadQuotes(e, require)
	s.PushRate, err = strconv.Atoi(e.PushRate)
	require(err == nil && s.PushRate >= 1 && s.PushRate <= 100_000, "PUSH_RATE", e.PushRate, "1 to 100000 a second")
	s.KeyRate, err = strconv.Atoi(e.KeyRate)
	require(err == nil && s.KeyRate >= 1 && s.KeyRate <= 100_000, "KEY_RATE", e.KeyRate, "1 to 100000 a second")
	s.Balancers, err = netip.ParsePrefix(e.Balancers)
	require(err == nil || e.Balancers == "", "BALANCER_NETWORK", e.Balancers,
		"a network such as 10.0.0.0/16, or nothing")
	s.SignIn = setting.SignIn{Issuer: e.OIDCIssuer, ClientID: e.OIDCClientID,
		SecretARN: e.OIDCSecretARN, Owners: e.OIDCOwners}
	return s, errors.Join(append(problems, s.SignIn.Problems()...)...)
}

func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func isSocketURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "ws" || u.Scheme == "wss") && u.Host != "" && u.RawQuery == "" && u.Fragment == ""
}

// isListenAddress also accepts port 0, which stands for any free one.
func isListenAddress(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil || !isPort(port) {
		return false
	}
	_, err = netip.ParseAddr(host)
	return host == "" || err == nil
}

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

// roots reads the certificates in a file. Errors do not repeat the file's name.
func roots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file) //nolint:gosec // named by whoever runs this program
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in it")
	}
	return pool, nil
}

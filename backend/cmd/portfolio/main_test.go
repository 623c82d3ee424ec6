package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/contract/setting"
	"portfolio/local/servers"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// valid is a complete environment.
func valid(t *testing.T) map[string]string {
	authority, err := servers.NewAuthority()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, authority.PEM(), 0o600))
	return map[string]string{
		"ENVIRONMENT_SUFFIX":  "pr3522",
		"AWS_REGION":          "eu-west-1",
		"DB_HOST":             "db.example",
		"DB_OWNER_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:owner-a1b2c3",
		"DB_SECRET_ARN":       "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-a1b2c3",
		"DB_CA_FILE":          file,
		"CACHE_ENDPOINT":      "cache.example:6379",
		"HISTORY_BUCKET":      "portfolio-hist-pr3522-123456789012",
		"SIGNING_SECRET_ARN":  "arn:aws:secretsmanager:eu-west-1:123456789012:secret:signing-a1b2c3",
		"WEBSOCKET_URL":       "wss://abc.execute-api.eu-west-1.amazonaws.com/prod",
		"OIDC_ISSUER":         "https://id.example",
		"OIDC_CLIENT_ID":      "portfolio",
		"OIDC_OWNERS":         `[{"subject":"1","owner":"ada","scopes":["read"]}]`,
	}
}

func TestDefaults(t *testing.T) {
	environ := valid(t)
	for _, name := range []string{"LISTEN_ADDRESS", "DB_PORT", "DB_NAME", "QUOTE_TTL", "PUSH_RATE",
		"KEY_RATE", "CACHE_CA_FILE"} {
		environ[name] = "" // the same as unset
	}
	s, err := load(environ)
	require.NoError(t, err)
	assert.Equal(t, []any{":80", 5432, "portfolio", time.Minute, 1500, 100},
		[]any{s.ListenAddress, s.DBPort, s.DBName, s.QuoteTTL, s.PushRate, s.KeyRate})
	assert.Nil(t, s.CacheRoots, "the system's")
	assert.Empty(t, s.Quotes.Names, "no source is asked unless it is configured")
}

func TestBadEnvironment(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"ENVIRONMENT_SUFFIX", "", "ENVIRONMENT_SUFFIX: got nothing, want 1–16 of a–z, 0–9 and single inner hyphens"},
		{"ENVIRONMENT_SUFFIX", "Dev", "ENVIRONMENT_SUFFIX: got Dev, want 1–16 of a–z, 0–9 and single inner hyphens"},
		{"ENVIRONMENT_SUFFIX", "a--b", "ENVIRONMENT_SUFFIX: got a--b, want 1–16 of a–z, 0–9 and single inner hyphens"},
		{"ENVIRONMENT_SUFFIX", "a\nb", `ENVIRONMENT_SUFFIX: got "a\nb", want 1–16 of a–z, 0–9 and single inner hyphens`},
		{"AWS_REGION", "ireland", "AWS_REGION: got ireland, want an AWS region such as us-east-1"},
		{"AWS_ENDPOINT_URL", "localhost:4566", "AWS_ENDPOINT_URL: got localhost:4566, want an http or https URL, or nothing"},
		{"LISTEN_ADDRESS", "8081", "LISTEN_ADDRESS: got 8081, want [IP]:port"},
		{"LISTEN_ADDRESS", "localhost:80", "LISTEN_ADDRESS: got localhost:80, want [IP]:port"},
		{"LISTEN_ADDRESS", ":70000", "LISTEN_ADDRESS: got :70000, want [IP]:port"},
		{"DB_HOST", "db.example:5432", "DB_HOST: got db.example:5432, want a host name"},
		{"DB_PORT", "0", "DB_PORT: got 0, want 1 to 65535"},
		{"DB_PORT", "x", "DB_PORT: got x, want 1 to 65535"},
		{"DB_OWNER_SECRET_ARN", "", "DB_OWNER_SECRET_ARN: got nothing, want the ARN of a secret"},
		{"DB_SECRET_ARN", "hunter2", "DB_SECRET_ARN: got hunter2, want the ARN of a secret"},
		{"DB_CA_FILE", "", "DB_CA_FILE: got nothing, want a PEM file of certificates (no such file or directory)"},
		{"DB_CA_FILE", "main.go", "DB_CA_FILE: got main.go, want a PEM file of certificates (no certificate in it)"},
		{"CACHE_ENDPOINT", "cache.example", "CACHE_ENDPOINT: got cache.example, want host:port"},
		{"CACHE_ENDPOINT", ":6379", "CACHE_ENDPOINT: got :6379, want host:port"},
		{"CACHE_CA_FILE", "none.pem", "CACHE_CA_FILE: got none.pem, want a PEM file of certificates (no such file or directory)"},
		{"HISTORY_BUCKET", "s3://days", "HISTORY_BUCKET: got s3://days, want the name of a bucket"},
		{"SIGNING_SECRET_ARN", "arn:aws:s3:::days", "SIGNING_SECRET_ARN: got arn:aws:s3:::days, want the ARN of a secret"},
		{"OIDC_ISSUER", "", "OIDC_ISSUER: got nothing, want " + setting.IssuerForm},
		{"OIDC_CLIENT_ID", "", "OIDC_CLIENT_ID: got nothing, want " + setting.ClientIDForm},
		{"OIDC_CLIENT_SECRET_ARN", "secret", "OIDC_CLIENT_SECRET_ARN: got secret, want the ARN of a secret, or nothing"},
		{"OIDC_OWNERS", "ada", "OIDC_OWNERS: got ada, want " + setting.OwnersForm},
		{"WEBSOCKET_URL", "", "WEBSOCKET_URL: got nothing, want a ws or wss URL"},
		{"WEBSOCKET_URL", "https://abc.example/prod", "WEBSOCKET_URL: got https://abc.example/prod, want a ws or wss URL"},
		{"WEBSOCKET_URL", "wss:///prod", "WEBSOCKET_URL: got wss:///prod, want a ws or wss URL"},
		{"WEBSOCKET_URL", "wss://abc.example/prod?ticket=x", "WEBSOCKET_URL: got wss://abc.example/prod?ticket=x, want a ws or wss URL"},
		{"QUOTE_TTL", "60", "QUOTE_TTL: got 60, want 1s to 24h"},
		{"QUOTE_TTL", "-1s", "QUOTE_TTL: got -1s, want 1s to 24h"},
		{"PUSH_RATE", "0", "PUSH_RATE: got 0, want 1 to 100000 a second"},
		{"PUSH_RATE", "fast", "PUSH_RATE: got fast, want 1 to 100000 a second"},
		{"KEY_RATE", "0", "KEY_RATE: got 0, want 1 to 100000 a second"},
		{"QUOTE_SOURCES", "yahoo", "QUOTE_SOURCES: got yahoo, want " + setting.SourcesForm},
		{"QUOTE_STREAMS", "ecb,ecb", "QUOTE_STREAMS: got ecb,ecb, want " + setting.SourcesForm},
		{"QUOTE_MAX_FACTOR", "1", "QUOTE_MAX_FACTOR: got 1, want a decimal above 1, at most 1000"},
		{"QUOTE_INTERVAL", "1", "QUOTE_INTERVAL: got 1, want 1s to 24h"},
		{"QUOTE_SOURCE_SECRET_ARN", "arn", "QUOTE_SOURCE_SECRET_ARN: got arn, want the ARN of a secret, or nothing"},
		{"QUOTE_SOURCE_KEYS", "secret", `QUOTE_SOURCE_KEYS: got something else, want a JSON object of texts by source, such as {"twelvedata":"…"}`},
		{"QUOTE_SOURCE_KEYS", `{"yahoo":"secret"}`, `QUOTE_SOURCE_KEYS: got something else, want a JSON object of texts by source, such as {"twelvedata":"…"}`},
		{"QUOTE_SOURCE_URLS", `{"ecb":"ftp://x"}`, "QUOTE_SOURCE_URLS: got ftp://x for ecb, want an http or https URL"},
		{"BALANCER_NETWORK", "10.0.0.1", "BALANCER_NETWORK: got 10.0.0.1, want a network such as 10.0.0.0/16, or nothing"},
		{"LOG_FILE", "none/x.log", "LOG_FILE: got none/x.log, want a file to append to (no such file or directory)"},
	} {
		environ := valid(t)
		environ[test.name] = test.value
		err := run(t.Context(), nil, environ, &bytes.Buffer{}, &bytes.Buffer{})
		assert.EqualError(t, err, test.want)
		assert.Equal(t, 2, exitStatus(err))
	}
}

func TestAllProblemsAreReported(t *testing.T) {
	_, err := load(nil)
	require.Error(t, err)
	assert.Len(t, strings.Split(err.Error(), "\n"), 10, "one line for each variable without a default:\n%v", err)
}

func TestArguments(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"serve"}, `arguments: got "serve", want key; see portfolio --help`},
		{[]string{"kee"}, `arguments: got "kee", want a command (did you mean key?); see portfolio --help`},
		{[]string{""}, `arguments: got "", want key; see portfolio --help`},

		{[]string{"version", "--help"}, `arguments: got "version", want key; see portfolio --help`},
		{[]string{"completion", "bash", "x"},
			`arguments: got "x", want no argument; see portfolio completion bash --help`},
		{[]string{"key"}, "arguments: got no command, want create; see portfolio key --help"},
		{[]string{"key", "revoke"}, `arguments: got "revoke", want create; see portfolio key --help`},
		{[]string{"key", "creat"}, `arguments: got "creat", want a command (did you mean create?); see portfolio key --help`},
		{[]string{"key", "create", "more"}, `arguments: got "more", want no argument; see portfolio key create --help`},
		{[]string{"key", "create", "--hash"}, "arguments: unknown flag: --hash; see portfolio key create --help"},
		{[]string{"key", "create", "--owner"}, "arguments: flag needs an argument: --owner; see portfolio key create --help"},
		{[]string{"key", "create"}, "--owner: got 0 characters, want 1–100 characters of UTF-8, not only white space\n" +
			"--label: got 0 characters, want 1–100 characters of UTF-8, not only white space\n" +
			"--scopes: got none, want one or more of read, trade, feed, admin"},
		{[]string{"key", "create", "--owner", "a\n", "--label", "x", "--scopes", "read,root,"}, "--owner: got a control character, want none\n" +
			"--scopes[1]: got \"root\", want read, trade, feed or admin\n" +
			"--scopes[2]: got \"\", want read, trade, feed or admin"},
		{[]string{"--port"}, "arguments: unknown flag: --port; see portfolio --help"},
	} {
		err := run(t.Context(), test.args, nil, &bytes.Buffer{}, &bytes.Buffer{})
		assert.EqualError(t, err, test.want)
		assert.Equal(t, 2, exitStatus(err))
	}
}

// Help and completion are printed to standard output and succeed, without an
// environment.
func TestHelp(t *testing.T) {
	for _, test := range []struct {
		args []string
		want []string
	}{
		{[]string{"--help"}, []string{"key", "completion", "--version", "DB_HOST", "(default 1500)"}},
		{[]string{"help", "key"}, []string{"create"}},
		{[]string{"key", "create", "--help"}, []string{"--owner", "--scopes", "--label"}},
		{[]string{"completion", "bash"}, []string{"complete -o default"}},
		{[]string{"__complete", "k"}, []string{"key\tManage API keys"}},
	} {
		var stdout, stderr bytes.Buffer
		require.NoError(t, run(t.Context(), test.args, nil, &stdout, &stderr), test.args)
		for _, want := range test.want {
			assert.Contains(t, stdout.String(), want, test.args)
		}
	}
}

func TestHelpDescribesEveryVariable(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"--help"}, nil, &out, &bytes.Buffer{}))
	fields := reflect.TypeFor[environment]()
	for i := range fields.NumField() {
		assert.Regexp(t, `(?m)^  `+fields.Field(i).Tag.Get("env")+` +\S+ \S+`, out.String())
	}
}

func TestVersion(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"--version"}, nil, &out, &bytes.Buffer{}))
	assert.Regexp(t, `^portfolio sha256:[0-9a-f]{64} `+runtime.Version()+"\n$", out.String())
}

func TestPortTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	environ := valid(t)
	environ["LISTEN_ADDRESS"] = taken.Addr().String()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = run(ctx, nil, environ, &bytes.Buffer{}, &bytes.Buffer{})
	assert.EqualError(t, err, "listen tcp "+taken.Addr().String()+": bind: address already in use")
	assert.Equal(t, 1, exitStatus(err))
}

// The settings may name the service's scopes, and no others.
func TestOwnersHaveTheServicesScopes(t *testing.T) {
	for _, scope := range append(backend.Scopes, "root") {
		_, err := setting.ParseOwners("X", `[{"subject":"1","owner":"ada","scopes":["`+string(scope)+`"]}]`)
		assert.Equal(t, slices.Contains(backend.Scopes, scope), err == nil, scope)
	}
}

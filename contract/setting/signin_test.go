package setting

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseOwners(t *testing.T) {
	got, err := ParseOwners("X", ` [ {"subject":"1234","owner":"ada","scopes":["read","trade"]},
		{"group":"family","owner":"the smiths","scopes":["read"]} ] `)
	require.NoError(t, err)
	assert.Equal(t, []Owner{
		{Subject: "1234", Owner: "ada", Scopes: []string{"read", "trade"}},
		{Group: "family", Owner: "the smiths", Scopes: []string{"read"}},
	}, got)
}

func TestBadOwners(t *testing.T) {
	for text, want := range map[string]string{
		``:          "X: got nothing, want " + OwnersForm,
		`[]`:        "X: got [], want " + OwnersForm,
		`ada`:       "X: got ada, want " + OwnersForm,
		`{"a":1}`:   `X: got {"a":1}, want ` + OwnersForm,
		`[{"x":1}]`: `X: got [{"x":1}], want ` + OwnersForm,
		`[{"subject":"1","owner":"ada","scopes":["read"]}] []`:          `X: got [{"subject":"1","owner":"ada","scopes":["read"]}] [], want ` + OwnersForm,
		`[{"owner":"ada","scopes":["read"]}]`:                           `X[0]: got subject "" and group "", want one of the two`,
		`[{"subject":"1","group":"g","owner":"ada","scopes":["read"]}]`: `X[0]: got subject "1" and group "g", want one of the two`,
		`[{"subject":"1","owner":" ","scopes":["read"]}]`:               `X[0].owner: got " ", want 1–100 characters, not only white space`,
		`[{"subject":"1","owner":"ada","scopes":[]}]`:                   "X[0].scopes: got nothing, want one or more of read, trade, feed, admin",
		`[{"subject":"1","owner":"ada","scopes":["root"]}]`:             "X[0].scopes: got root, want one or more of read, trade, feed, admin",
		`[{"subject":"1","owner":"Zoë","scopes":["read"]}]`:             `X: got [{"subject":"1","owner":"Zoë","scopes":["read"]}], want ASCII without ' and \`,
		`[{"subject":"1","owner":"O'Neill","scopes":["read"]}]`:         `X: got [{"subject":"1","owner":"O'Neill","scopes":["read"]}], want ASCII without ' and \`,
		strings.Repeat(" ", 4097):                                       "X: got 4097 bytes, want at most 4096",
	} {
		_, err := ParseOwners("X", text)
		assert.EqualError(t, err, want)
	}
	_, err := ParseOwners("X", `[{"owner":"","scopes":["a"]},{"group":"g","owner":"b","scopes":["c"]}]`)
	assert.Len(t, strings.Split(err.Error(), "\n"), 4, "all at once")
}

func TestIsIssuer(t *testing.T) {
	for _, good := range []string{
		"https://accounts.google.com", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abc123", "https://id.example/realms/home",
		"https://auth.example/application/o/portfolio/", "http://localhost:9000/oidc", "http://127.0.0.1:9000/oidc", "http://[::1]:9000",
	} {
		assert.True(t, IsIssuer(good), good)
	}
	for _, bad := range []string{
		"", "accounts.google.com", "http://id.example", "https://", "https://id.example?x=1", "https://id.example#x", "https://u:p@id.example",
		"https://id.example/'", "https://id.example/ä", "https://id.example/ x", "ftp://id.example", "http://localhost.example",
	} {
		assert.False(t, IsIssuer(bad), bad)
	}
}

const secretARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:portfolio-oidc-dev-a1b2c3"

func TestSignInProblems(t *testing.T) {
	const owners = `[{"subject":"1","owner":"ada","scopes":["read"]}]`
	good := SignIn{Issuer: "https://id.example", ClientID: "portfolio", SecretARN: secretARN, Owners: owners}
	for _, id := range []string{"portfolio", "1234-abc.apps.googleusercontent.com", "7mh2k&x[1]"} {
		good.ClientID = id
		assert.Empty(t, good.Problems(), id)
	}
	assert.Empty(t, SignIn{}.Problems())
	assert.Empty(t, SignIn{Issuer: good.Issuer, ClientID: "x", Owners: owners}.Problems(), "a client without a secret")
	for _, id := range []string{"", "a b", "a'b", `a"b`, `a\b`, "a$b", "a\nb", "ä", strings.Repeat("x", 256)} {
		bad := good
		bad.ClientID = id
		require.Len(t, bad.Problems(), 1, id)
		assert.True(t, strings.HasPrefix(bad.Problems()[0].Error(), "OIDC_CLIENT_ID: got "), bad.Problems()[0])
	}
	var texts []string
	for _, problem := range (SignIn{SecretARN: "arn:aws:s3:::x"}).Problems() {
		texts = append(texts, problem.Error())
	}
	assert.Equal(t, []string{
		"OIDC_ISSUER: got nothing, want " + IssuerForm,
		"OIDC_CLIENT_ID: got nothing, want " + ClientIDForm,
		"OIDC_CLIENT_SECRET_ARN: got arn:aws:s3:::x, want the ARN of a secret, or nothing",
		"OIDC_OWNERS: got nothing, want " + OwnersForm,
	}, texts)
}

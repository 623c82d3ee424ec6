package servers_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"portfolio/local/servers"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"
)

// statement is a statement of an IAM policy.
type statement struct {
	Sid                      string `json:",omitempty"`
	Effect, Action, Resource string
	Condition                map[string]map[string]string `json:",omitempty"`
}

func allow(action, resource string) statement {
	return statement{Effect: "Allow", Action: action, Resource: resource}
}

func allowIf(action, key, value string) statement {
	operator := "StringEquals"
	if key == "kms:ResourceAliases" || strings.HasPrefix(key, "route53:") { // have several values
		operator = "ForAnyValue:StringEquals"
	}
	return statement{"", "Allow", action, "*", map[string]map[string]string{operator: {key: value}}}
}

// account is an emulated account, seen by its root.
type account struct{ aws.Config }

func newAccount(t *testing.T) account { return newRecordedAccount(t, "") }

func newRecordedAccount(t *testing.T, recording string) account {
	t.Helper()
	e, err := servers.StartEmulator(t.Context(), servers.EmulatorConfig{EnforceIAM: true, Recording: recording})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Stop()) })
	return account{aws.Config{
		Region: "us-east-1", BaseEndpoint: &e.URL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}}
}

const anyoneMayAssume = `{"Version":"2012-10-17",` +
	`"Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`

// as returns the account as seen by a new role with these rights.
func (a account) as(t *testing.T, name string, rights ...statement) aws.Config {
	t.Helper()
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": rights})
	require.NoError(t, err)
	client := iam.NewFromConfig(a.Config)
	role, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: &name, AssumeRolePolicyDocument: aws.String(anyoneMayAssume),
	})
	require.NoError(t, err)
	_, err = client.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: &name, PolicyName: aws.String("rights"), PolicyDocument: aws.String(string(text)),
	})
	require.NoError(t, err)
	session, err := sts.NewFromConfig(a.Config).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: role.Role.Arn, RoleSessionName: aws.String("test"),
	})
	require.NoError(t, err)
	c := a.Config
	c.Credentials = credentials.NewStaticCredentialsProvider(
		*session.Credentials.AccessKeyId, *session.Credentials.SecretAccessKey, *session.Credentials.SessionToken)
	return c
}

// allowsAndDenies makes a call with two roles, whose names begin with id.
func (a account) allowsAndDenies(t *testing.T, id string, allowed, denied []statement,
	call func(c aws.Config, n string) error) {
	t.Helper()
	var refusal smithy.APIError
	err := call(a.as(t, id+"-denied", denied...), id)
	require.ErrorAs(t, err, &refusal)
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && refusal.ErrorCode() == "UnknownError" {
		// Route 53's client cannot read the emulator's answer.
		require.Equal(t, http.StatusForbidden, response.HTTPStatusCode())
	} else {
		require.Contains(t, []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"},
			refusal.ErrorCode(), refusal.ErrorMessage())
	}
	require.NoError(t, call(a.as(t, id+"-allowed", allowed...), id))
}

// roleName returns the letters of a test's name, which AWS accepts as a name.
func roleName(test string) string {
	var name []byte
	for _, c := range []byte(strings.ToLower(test)) {
		if c >= 'a' && c <= 'z' {
			name = append(name, c)
		}
	}
	return string(name)
}

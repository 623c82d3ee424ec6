package stacks

import (
	"fmt"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/secretsmanagersecret"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/secretsmanagersecretversion"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

// These versions are incremented to replace a secret: write-only arguments are sent only
// when their version changes. The master user's password and the secret that holds it
// share one number, so that neither changes without the other. The service gives its own
// user a new password when it reads one.
const (
	passwordVersion        = 1
	servicePasswordVersion = 1
	signingKeyVersion      = 1
)

// secretProps configures a secret whose value Terraform generates and does not keep.
type secretProps struct {
	NamePrefix   string
	Description  string
	KeyARN       *string // customer-managed KMS key, nil for aws/secretsmanager
	RecoveryDays int     // 0 or 7–30
	Version      int
	// Value returns the secret's text for the Terraform expression of a password.
	Value func(password string) string
}

// newSecret creates a secret with a random value that is in neither plan nor state.
// CDKTF has no ephemeral blocks, so the random password is an override of the stack;
// name is its name there.
func newSecret(scope constructs.Construct, id, name string,
	p secretProps) secretsmanagersecretversion.SecretsmanagerSecretVersion {
	scope = constructs.NewConstruct(scope, &id)
	addEphemeral(scope, "aws_secretsmanager_random_password", name, map[string]any{
		"password_length": 32,
		// RDS refuses / @ " and space; other punctuation breaks connection strings and shells.
		"exclude_punctuation":        true,
		"require_each_included_type": true,
	})
	secret := secretsmanagersecret.NewSecretsmanagerSecret(scope, jsii.String("secret"),
		&secretsmanagersecret.SecretsmanagerSecretConfig{
			// The name of a deleted secret cannot be used for days; a generated one is always free.
			NamePrefix:           jsii.String(p.NamePrefix + "-"),
			Description:          &p.Description,
			KmsKeyId:             p.KeyARN,
			RecoveryWindowInDays: jsii.Number(p.RecoveryDays),
		})
	return secretsmanagersecretversion.NewSecretsmanagerSecretVersion(scope, jsii.String("version"),
		&secretsmanagersecretversion.SecretsmanagerSecretVersionConfig{
			SecretId: secret.Id(),
			SecretStringWo: jsii.String(p.Value("ephemeral.aws_secretsmanager_random_password." +
				name + ".random_password")),
			SecretStringWoVersion: jsii.Number(p.Version),
		})
}

// databaseSecret is the secret with the database's master password.
type databaseSecret struct {
	ARN      *string
	Password *string // Terraform expression, ephemeral: only for password_wo
	Version  cdktf.ITerraformDependable
}

// newDatabaseSecret writes {username, password}. The ephemeral password differs on
// every run, so RDS's is read back from the version that was written; the reference
// to its version ID defers that until it exists.
func newDatabaseSecret(scope constructs.Construct, p DatabaseProps) databaseSecret {
	version := newSecret(scope, "credentials", "database", secretProps{
		NamePrefix:   p.Names.DatabaseSecret,
		Description:  "Master user of the holdings database",
		KeyARN:       p.KeyARN,
		RecoveryDays: p.SecretRecoveryDays,
		Version:      passwordVersion,
		Value:        func(password string) string { return credentials(databaseUser, password) },
	})
	addEphemeral(scope, "aws_secretsmanager_secret_version", "database", map[string]any{
		"secret_id":  *version.SecretId(),
		"version_id": *version.VersionId(),
	})
	return databaseSecret{
		ARN:      version.SecretId(),
		Password: jsii.String("${jsondecode(ephemeral.aws_secretsmanager_secret_version.database.secret_string).password}"),
		Version:  version,
	}
}

// newServiceSecret writes the {username, password} that the service connects with. No
// resource has this password: the service creates the user, as the master user.
func newServiceSecret(scope constructs.Construct,
	p DatabaseProps) secretsmanagersecretversion.SecretsmanagerSecretVersion {
	return newSecret(scope, "service-credentials", "service", secretProps{
		NamePrefix:   p.Names.DatabaseServiceSecret,
		Description:  "The service's user of the holdings database",
		KeyARN:       p.KeyARN,
		RecoveryDays: p.SecretRecoveryDays,
		Version:      servicePasswordVersion,
		Value:        func(password string) string { return credentials(serviceUser, password) },
	})
}

// credentials returns a Terraform expression of the JSON {username, password}.
func credentials(username, password string) string {
	return fmt.Sprintf("${jsonencode({username = %q, password = %s})}", username, password)
}

func addEphemeral(scope constructs.Construct, kind, name string, arguments map[string]any) {
	cdktf.TerraformStack_Of(scope).AddOverride(jsii.String("ephemeral."+kind+"."+name), arguments)
}

package preflight

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	acmtypes "github.com/aws/aws-sdk-go-v2/service/acm/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

func (e *environment) secretChecks() []check {
	var checks []check
	for _, name := range []string{e.Names.SigningSecret, e.Names.DatabaseSecret, e.Names.DatabaseServiceSecret} {
		checks = append(checks, check{what: "secrets " + name,
			find: func(ctx context.Context) ([]Finding, error) { return e.pendingSecrets(ctx, name) }})
	}
	return checks
}

// generated matches what Terraform appends to a name prefix. It distinguishes the secrets
// of suffix "a-b" from those of "a".
var generated = regexp.MustCompile(`^-\d{18}[0-9a-f]{8}$`)

// pendingSecrets finds secrets that are scheduled for deletion. One that is in the state
// is a fault: Terraform would create another in its place, with a new password. Any
// other was left by a destroy, and does not block a generated name.
func (e *environment) pendingSecrets(ctx context.Context, name string) ([]Finding, error) {
	pages := secretsmanager.NewListSecretsPaginator(secretsmanager.NewFromConfig(e.aws),
		&secretsmanager.ListSecretsInput{
			IncludePlannedDeletion: aws.Bool(true),
			Filters:                []types.Filter{{Key: types.FilterNameStringTypeName, Values: []string{name}}}, // a prefix
		})
	var findings []Finding
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return findings, err
		}
		for _, secret := range page.SecretList {
			rest, ours := strings.CutPrefix(aws.ToString(secret.Name), name)
			if !ours || secret.DeletedDate == nil || rest != "" && !generated.MatchString(rest) {
				continue
			}
			f := Finding{
				What: "secret " + *secret.Name,
				Got:  "pending deletion since " + secret.DeletedDate.UTC().Format(time.DateOnly),
				Want: "none pending",
				Fix: "`aws secretsmanager delete-secret --force-delete-without-recovery --secret-id " + *secret.ARN +
					"`",
			}
			switch {
			case e.owned.Has("aws_secretsmanager_secret", "name", *secret.Name):
				f.Want = "the secret that the state has"
				f.Fix = "`aws secretsmanager restore-secret --secret-id " + *secret.ARN + "`"
			case rest != "":
				f.Harmless = true
				f.Fix += " to remove it; the next deploy generates another name"
			}
			findings = append(findings, f)
		}
	}
	return findings, nil
}

// certificateChecks checks what the settings name, if they name anything.
func (e *environment) certificateChecks() []check {
	switch {
	case e.Certificate.ARN != "":
		return []check{{what: "certificate " + e.Certificate.ARN, find: e.certificate}}
	case e.Certificate.DomainName != "":
		return []check{{what: "hosted zone " + e.Certificate.HostedZoneID, find: e.hostedZone}}
	}
	return nil
}

// certificate checks the certificate; config has already checked its region.
func (e *environment) certificate(ctx context.Context) ([]Finding, error) {
	f := Finding{What: "certificate " + e.Certificate.ARN, Want: "an issued one in " + e.Region,
		Fix: "set CERTIFICATE_ARN to one that `aws acm list-certificates --certificate-statuses ISSUED --region " +
			e.Region + "` lists"}
	out, err := acm.NewFromConfig(e.aws).DescribeCertificate(ctx,
		&acm.DescribeCertificateInput{CertificateArn: &e.Certificate.ARN})
	if absent(err) {
		f.Got = "none"
		return []Finding{f}, nil
	}
	if err != nil {
		return nil, err
	}
	c := out.Certificate
	switch end := aws.ToTime(c.NotAfter); {
	case c.Status == acmtypes.CertificateStatusPendingValidation:
		f.Got = string(c.Status)
		f.Fix = "make the DNS records that `aws acm describe-certificate --certificate-arn " +
			e.Certificate.ARN + "` shows, and wait"
	case c.Status != acmtypes.CertificateStatusIssued:
		f.Got = string(c.Status)
	case c.NotAfter != nil && !end.After(time.Now()):
		f.Got = "one that expired " + end.UTC().Format(time.DateOnly)
	default:
		return nil, nil
	}
	return []Finding{f}, nil
}

func (e *environment) hostedZone(ctx context.Context) ([]Finding, error) {
	f := Finding{What: "hosted zone " + e.Certificate.HostedZoneID,
		Want: "a public one that holds " + e.Certificate.DomainName,
		Fix:  "set HOSTED_ZONE_ID to one that `aws route53 list-hosted-zones` lists, or change DOMAIN_NAME"}
	out, err := route53.NewFromConfig(e.aws).GetHostedZone(ctx,
		&route53.GetHostedZoneInput{Id: &e.Certificate.HostedZoneID})
	if absent(err) {
		f.Got = "none"
		return []Finding{f}, nil
	}
	if err != nil {
		return nil, err
	}
	zone := strings.TrimSuffix(aws.ToString(out.HostedZone.Name), ".")
	switch domain := e.Certificate.DomainName; {
	case out.HostedZone.Config != nil && out.HostedZone.Config.PrivateZone:
		f.Got = "a private one"
	case domain != zone && !strings.HasSuffix(domain, "."+zone):
		f.Got = "the zone of " + zone
	default:
		return nil, nil
	}
	return []Finding{f}, nil
}

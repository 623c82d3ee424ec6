package preflight

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	r53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// planted is a fault of an account. plant returns how to remove it, and the settings
// that are part of it.
type planted struct {
	name  string
	plant func(t *testing.T, c cloud) (undo func(), settings map[string]string)
	want  []string // start of each line; "zone ID" has the planted one's
}

// Each fault is found and nothing else, and nothing once it is gone.
func TestFindsEachFaultPlanted(t *testing.T) {
	c := newCloud(t)
	for _, fault := range slices.Concat(bucketFaults(), accountFaults(), nameFaults(), recordedFaults()) {
		t.Run(fault.name, func(t *testing.T) {
			undo, settings := fault.plant(t, c)
			report := c.run(t, settings)
			undo()
			var want []string
			for _, line := range fault.want {
				want = append(want, strings.Replace(line, "zone ID:", "zone "+settings["HOSTED_ZONE_ID"]+":", 1))
			}
			expect(t, report, want)
			assert.Equal(t, len(fault.want), report.Faults())
		})
	}
	c.clean(t)
}

func set(settings ...string) func(*testing.T, cloud) (func(), map[string]string) {
	return func(*testing.T, cloud) (func(), map[string]string) {
		all := map[string]string{}
		for i := 0; i < len(settings); i += 2 {
			all[settings[i]] = settings[i+1]
		}
		return func() {}, all
	}
}

func object(key, body string) func(*testing.T, cloud) (func(), map[string]string) {
	return func(t *testing.T, c cloud) (func(), map[string]string) { return c.put(t, key, body), nil }
}

func bucketFaults() []planted {
	return []planted{
		{
			"no state bucket", set("TERRAFORM_STATE_BUCKET", "preflight-absent", "TERRAFORM_STATE_BUCKET_REGION", "eu-west-1"),
			[]string{"state bucket preflight-absent: got none, want one in eu-west-1; fix: `aws s3api create-bucket --bucket preflight-absent --region eu-west-1 --create-bucket-configuration LocationConstraint=eu-west-1`"},
		},
		{
			"state bucket elsewhere", set("TERRAFORM_STATE_BUCKET_REGION", "eu-west-1"),
			[]string{"state bucket preflight-states: got region us-east-1, want eu-west-1; fix: set TERRAFORM_STATE_BUCKET_REGION=us-east-1"},
		},
		{
			"state bucket without versions",
			func(t *testing.T, c cloud) (func(), map[string]string) {
				c.version(t, s3types.BucketVersioningStatusSuspended)
				return func() { c.version(t, s3types.BucketVersioningStatusEnabled) }, nil
			},
			[]string{"state bucket preflight-states: got versioning Suspended, want Enabled; fix: `aws s3api put-bucket-versioning"},
		},
		{
			"state bucket open by a policy",
			func(t *testing.T, c cloud) (func(), map[string]string) {
				c.block(t, false)
				return func() { c.block(t, true) }, nil
			},
			[]string{"state bucket preflight-states: got a public access block with gaps, want all public access blocked; fix: `aws s3api put-public-access-block"},
		},
		{
			"state bucket open",
			func(t *testing.T, c cloud) (func(), map[string]string) {
				_, err := c.s3().DeletePublicAccessBlock(t.Context(),
					&s3.DeletePublicAccessBlockInput{Bucket: aws.String(stateBucket)})
				require.NoError(t, err)
				return func() { c.block(t, true) }, nil
			},
			[]string{"state bucket preflight-states: got no public access block"},
		},
		{
			"lock held", object("pr7/portfolio-pr7.tfstate.tflock",
				`{"ID":"8a1c-77","Operation":"OperationTypeApply","Who":"ci@runner-9","Version":"1.13.4","Created":"2026-01-02T03:04:05.6Z"}`),
			[]string{"lock of pr7/portfolio-pr7.tfstate: got ci@runner-9 since 2026-01-02T03:04:05.6Z for OperationTypeApply, ID 8a1c-77, want no lock; fix: wait, or `terraform force-unlock 8a1c-77` in cdktf.out/stacks/portfolio-pr7 when that run is dead; then look again"},
		},
		{
			"lock held by a run that is making things", // which are not leftovers
			func(t *testing.T, c cloud) (func(), map[string]string) {
				undoLock := c.put(t, "pr7/portfolio-pr7.tfstate.tflock", `{"ID":"8a1c-77"}`)
				undo := makeTopic(t, c.aws("us-east-1"), "portfolio-alarms-pr7")
				return func() { require.NoError(t, undo()); undoLock() }, nil
			},
			[]string{"lock of pr7/portfolio-pr7.tfstate: got "},
		},
		{
			"lock of something else", object("pr7/portfolio-pr7.tfstate.tflock", "mine"),
			[]string{"lock of pr7/portfolio-pr7.tfstate: got one that is not Terraform's"},
		},
		{
			"lock with a command", object("pr7/portfolio-pr7.tfstate.tflock", `{"ID":"$(id)"}`),
			[]string{"lock of pr7/portfolio-pr7.tfstate: got one that is not Terraform's"},
		},
		{
			"lock that a terminal obeys", object("pr7/portfolio-pr7.tfstate.tflock", `{"ID":"8a1c-77","Who":"\u001b[2Jme"}`),
			[]string{"lock of pr7/portfolio-pr7.tfstate: got one that is not Terraform's"},
		},
		{
			"state of an old version", object("pr7/portfolio-pr7.tfstate", `{"version": 3, "modules": []}`),
			[]string{"state pr7/portfolio-pr7.tfstate: got version 3, want a Terraform state of version 4; fix: restore an earlier version"},
		},
		{
			"state cut short", object("pr7/portfolio-pr7.tfstate", `{"version": 4, "resour`),
			[]string{"state pr7/portfolio-pr7.tfstate: got a text that is not a Terraform state, want a Terraform state of version 4; fix: restore an earlier version"},
		},
	}
}

func accountFaults() []planted {
	const secret = "portfolio-signing-key-pr7-202601020304050600000000a1"
	certificate := "arn:aws:acm:us-east-1:000000000000:certificate/00000000-1111-2222-3333-444444444444"
	return []planted{
		{
			"secret in use deleted",
			func(t *testing.T, c cloud) (func(), map[string]string) {
				undoState := c.put(t, "pr7/portfolio-pr7.tfstate",
					stateOf("aws_secretsmanager_secret", map[string]any{"name": secret}))
				undo := c.deletedSecret(t, secret)
				return func() { undo(); undoState() }, nil
			},
			[]string{"secret " + secret + ": got pending deletion since "},
		},
		{
			"secret of the same name deleted",
			func(t *testing.T, c cloud) (func(), map[string]string) {
				return c.deletedSecret(t, "portfolio-holdings-db-pr7"), nil
			},
			[]string{"secret portfolio-holdings-db-pr7: got pending deletion since "},
		},
		{
			"no certificate", set("CERTIFICATE_ARN", certificate),
			[]string{"certificate " + certificate +
				": got none, want an issued one in us-east-1; fix: set CERTIFICATE_ARN"},
		},
		{
			"no hosted zone", set("DOMAIN_NAME", "pf.example.com", "HOSTED_ZONE_ID", "Z0123456789ABC"),
			[]string{"hosted zone Z0123456789ABC: got none, want a public one that holds pf.example.com; fix: set HOSTED_ZONE_ID"},
		},
		{"zone of another domain", zone("notexample.com", false), []string{"hosted zone ID: got the zone of notexample.com, want a public one that holds pf.example.com"}},
		{"private zone", zone("example.com", true), []string{"hosted zone ID: got a private one, want a public one that holds pf.example.com"}},
		{"no Elastic IP left", addressesTaken, []string{"quota of Elastic IPs in us-east-1: got 5 (AWS's default, as Service Quotas has no answer), 4 of them used outside this environment, want 2 free"}},
		{"no VPC left", vpcsTaken, []string{"quota of VPCs in us-east-1: got 5 (AWS's default, as Service Quotas has no answer), 5 of them used outside this environment, want 1 free"}},
		{"no internet gateway left", gatewaysTaken, []string{"quota of internet gateways in us-east-1: got 5 (AWS's default, as Service Quotas has no answer), 5 of them used outside this environment, want 1 free"}},
	}
}

// deletedSecret makes a secret that waits for its deletion.
func (c cloud) deletedSecret(t *testing.T, name string) (undo func()) {
	t.Helper()
	client := secretsmanager.NewFromConfig(c.aws("us-east-1"))
	_, err := client.CreateSecret(t.Context(),
		&secretsmanager.CreateSecretInput{Name: &name, SecretString: aws.String("-")})
	require.NoError(t, err)
	_, err = client.DeleteSecret(t.Context(),
		&secretsmanager.DeleteSecretInput{SecretId: &name, RecoveryWindowInDays: aws.Int64(7)})
	require.NoError(t, err)
	return func() {
		_, err := client.DeleteSecret(t.Context(),
			&secretsmanager.DeleteSecretInput{SecretId: &name, ForceDeleteWithoutRecovery: aws.Bool(true)})
		require.NoError(t, err)
	}
}

// zone is a hosted zone that is to hold pf.example.com.
func zone(name string, private bool) func(*testing.T, cloud) (func(), map[string]string) {
	return func(t *testing.T, c cloud) (func(), map[string]string) {
		client := route53.NewFromConfig(c.aws("us-east-1"))
		in := &route53.CreateHostedZoneInput{Name: &name, CallerReference: &name,
			HostedZoneConfig: &r53types.HostedZoneConfig{PrivateZone: private}}
		if private {
			in.VPC = &r53types.VPC{VPCId: aws.String("vpc-00000001"), VPCRegion: r53types.VPCRegionUsEast1}
		}
		out, err := client.CreateHostedZone(t.Context(), in)
		require.NoError(t, err)
		id := strings.TrimPrefix(*out.HostedZone.Id, "/hostedzone/")
		return func() {
			_, err := client.DeleteHostedZone(t.Context(), &route53.DeleteHostedZoneInput{Id: &id})
			require.NoError(t, err)
		}, map[string]string{"DOMAIN_NAME": "pf.example.com", "HOSTED_ZONE_ID": id}
	}
}

// undoAll undoes in the reverse order.
func undoAll(undo []func()) func() {
	return func() {
		for i := len(undo) - 1; i >= 0; i-- {
			undo[i]()
		}
	}
}

func addressesTaken(t *testing.T, c cloud) (func(), map[string]string) {
	client := ec2.NewFromConfig(c.aws("us-east-1"))
	var undo []func()
	for range 4 {
		a, err := client.AllocateAddress(t.Context(), &ec2.AllocateAddressInput{Domain: ec2types.DomainTypeVpc})
		require.NoError(t, err)
		undo = append(undo, func() {
			_, err := client.ReleaseAddress(t.Context(), &ec2.ReleaseAddressInput{AllocationId: a.AllocationId})
			require.NoError(t, err)
		})
	}
	return undoAll(undo), nil
}

// vpcsTaken adds to the default VPC.
func vpcsTaken(t *testing.T, c cloud) (func(), map[string]string) {
	client := ec2.NewFromConfig(c.aws("us-east-1"))
	var undo []func()
	for range 4 {
		v, err := client.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")})
		require.NoError(t, err)
		undo = append(undo, func() {
			_, err := client.DeleteVpc(t.Context(), &ec2.DeleteVpcInput{VpcId: v.Vpc.VpcId})
			require.NoError(t, err)
		})
	}
	return undoAll(undo), nil
}

// gatewaysTaken adds to the default VPC's.
func gatewaysTaken(t *testing.T, c cloud) (func(), map[string]string) {
	client := ec2.NewFromConfig(c.aws("us-east-1"))
	var undo []func()
	for range 4 {
		g, err := client.CreateInternetGateway(t.Context(), &ec2.CreateInternetGatewayInput{})
		require.NoError(t, err)
		undo = append(undo, func() {
			_, err := client.DeleteInternetGateway(t.Context(),
				&ec2.DeleteInternetGatewayInput{InternetGatewayId: g.InternetGateway.InternetGatewayId})
			require.NoError(t, err)
		})
	}
	return undoAll(undo), nil
}

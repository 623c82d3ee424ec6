// Command copies synthesizes one stack that holds the platform's five constructs
// as many times as its argument says. It cannot be deployed: names repeat. The
// benchmark uses it to see how time grows with the number of resources.
package main

import (
	"fmt"
	"os"
	"strconv"
	"testing/fstest"

	"portfolio/config"
	"portfolio/fastsynth"
	"portfolio/stacks"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	archive "github.com/cdktf/cdktf-provider-archive-go/archive/v10/provider"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/dataawscalleridentity"
	aws "github.com/cdktf/cdktf-provider-aws-go/aws/v19/provider"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	defer jsii.Close()
	if len(args) != 1 {
		return fmt.Errorf("arguments: got %d, want the number of copies", len(args))
	}
	copies, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	c, err := config.Load(map[string]string{}, fstest.MapFS{})
	if err != nil {
		return err
	}
	fastsynth.Enable()
	app := cdktf.NewApp(nil)
	stack := cdktf.NewTerraformStack(app, jsii.String("copies"))
	cdktf.NewS3Backend(stack, &cdktf.S3BackendConfig{Bucket: &c.State.Bucket, Key: &c.State.Key})
	aws.NewAwsProvider(stack, jsii.String("aws"), &aws.AwsProviderConfig{Region: &c.Region})
	archive.NewArchiveProvider(stack, jsii.String("archive"), nil)
	account := dataawscalleridentity.NewDataAwsCallerIdentity(stack, jsii.String("account"), nil).AccountId()
	for i := range copies {
		newCopy(constructs.NewConstruct(stack, jsii.Sprintf("copy-%d", i)), c, account)
	}
	app.Synth()
	return nil
}

// newCopy connects the constructs as stacks.NewPlatform does, except for the keys.
func newCopy(scope constructs.Construct, c config.Config, account *string) {
	logs := stacks.LogProps{RetentionDays: c.LogRetentionDays}
	network := stacks.NewNetwork(scope, "network", stacks.NetworkProps{
		Names: c.Names, Region: c.Region, Network: c.Network, Logs: logs,
	})
	database := stacks.NewDatabase(scope, "database", stacks.DatabaseProps{
		Names: c.Names, Account: account, Network: network,
		Database: c.Database, Cache: c.Cache, Buckets: c.Buckets,
		SecretRecoveryDays: c.SecretRecoveryDays, Logs: logs,
	})
	socket := stacks.NewSocket(scope, "api", c.Names)
	compute := stacks.NewCompute(scope, "compute", stacks.ComputeProps{
		Names: c.Names, Region: c.Region, Account: account, Network: network, Database: database, Socket: socket,
		Compute: c.Compute, Certificate: c.Certificate, Cache: c.Cache, Buckets: c.Buckets,
		SecretRecoveryDays: c.SecretRecoveryDays, Logs: logs, Tags: c.Tags, Emulator: c.Emulator,
	})
	api := stacks.NewAPI(socket, stacks.APIProps{
		Names: c.Names, Compute: compute, API: c.API, Certificate: c.Certificate, Logs: logs, Emulator: c.Emulator,
	})
	stacks.NewMonitoring(scope, "monitoring", stacks.MonitoringProps{
		Names: c.Names, Region: c.Region, Account: account,
		Network: network, Compute: compute, Database: database, API: api,
		Monitoring: c.Monitoring, MinSize: c.Compute.MinSize, Cache: c.Cache, AlarmEmail: c.AlarmEmail,
	})
}

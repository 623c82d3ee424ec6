package live

import (
	"bytes"
	"testing"

	"portfolio/local/platform"

	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/hashicorp/terraform-exec/tfexec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// replicas creates production's database with a read replica, plans both again and destroys
// them. The provider waits for minutes in each of these steps, so they are an environment of
// their own, which has nothing but these and what they need.
func replicas(t *testing.T, p *platform.Platform) {
	e := newProduction(t, p, "replica")
	e.settings["RDS_READ_REPLICA"], e.settings["DELETION_PROTECTION"] = "on", "off"
	folder := synthesize(t, p, e.suffix, e.settings)
	primary, replica := inStack(t, folder, "aws_db_instance.database_primary_"), inStack(t, folder, "replica")
	require.Len(t, primary, 1)
	require.Len(t, replica, 4, "the replica, its log groups and the alarm on its lag")
	var apply []tfexec.ApplyOption
	var plan []tfexec.PlanOption
	for _, address := range replica {
		apply, plan = append(apply, tfexec.Target(address)), append(plan, tfexec.Target(address))
	}
	tf := stackTerraform(t, p, platform.DeploysProduction, folder, e.settings)
	require.NoError(t, tf.Apply(t.Context(), append(apply, tfexec.Parallelism(32))...))
	onlyDrift(t, changesOf(planned(t, tf, plan...)))

	name := "portfolio-holdings-db-replica-" + e.suffix
	assert.Equal(t, database{
		DeletionProtection: false, // it can be created again
		Key:                e.database(t, databaseOf(e.suffix)).Key,
		Source:             databaseOf(e.suffix),
	}, e.database(t, name))

	var log bytes.Buffer
	require.NoError(t, tf.DestroyJSON(t.Context(), &log, tfexec.Target(primary[0])), &log)
	var destroyed []string
	for _, address := range progressOf(log.Bytes(), "delete").completed {
		if kindOf(address) == "aws_db_instance" {
			destroyed = append(destroyed, address)
		}
	}
	assert.Equal(t, append(inStack(t, folder, "aws_db_instance.database_replica_"), primary...), destroyed)
	left, err := rds.NewFromConfig(sdk(t, p)).DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{})
	require.NoError(t, err)
	for _, one := range left.DBInstances {
		assert.NotContains(t, []string{name, databaseOf(e.suffix)}, *one.DBInstanceIdentifier)
	}
}

package live

import (
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"portfolio/local/platform"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/hashicorp/terraform-exec/tfexec"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// emulatorDrift lists, by type of resource, the attributes that the emulator forgets or
// writes in another form, so that the next plan would set them again.
var emulatorDrift = map[string][]string{
	"aws_autoscaling_group": {"capacity_reservation_specification", "default_instance_warmup", "enabled_metrics", "target_group_arns"},
	"aws_cloudwatch_metric_alarm": {"actions_enabled", "alarm_actions", "alarm_description", "dimensions", "evaluate_low_sample_count_percentiles",
		"extended_statistic", "ok_actions", "period", "statistic", "treat_missing_data"},
	// The real PostgreSQL behind the platform's own listens on another port than the stack
	// names, and the provider reads port and endpoint from one field.
	"aws_db_instance": {"port"},
	"aws_flow_log":    {"deliver_cross_account_role", "iam_role_arn", "max_aggregation_interval", "tags", "tags_all"},
	"aws_s3_object":   {"tags_all"},
}

// stackTerraform returns Terraform for a stack's folder, initialized, run as a workflow.
func stackTerraform(t *testing.T, p *platform.Platform, as platform.Workflow, folder string,
	settings map[string]string) *tfexec.Terraform {
	t.Helper()
	tf, err := tfexec.NewTerraform(folder, mustLook(t, "terraform"))
	require.NoError(t, err)
	require.NoError(t, tf.SetEnv(tfexec.CleanEnv(emulated(t, p, as, settings))))
	require.NoError(t, tf.Init(t.Context(), tfexec.Reconfigure(true)))
	return tf
}

// plan is a plan, and the file that it is in.
type plan struct {
	*tfjson.Plan
	file string
}

// planned returns a plan, made without a lock.
func planned(t *testing.T, tf *tfexec.Terraform, more ...tfexec.PlanOption) plan {
	t.Helper()
	file := filepath.Join(t.TempDir(), "plan")
	_, err := tf.Plan(t.Context(), append([]tfexec.PlanOption{tfexec.Lock(false), tfexec.Out(file)}, more...)...)
	require.NoError(t, err)
	shown, err := tf.ShowPlanFile(t.Context(), file)
	require.NoError(t, err)
	return plan{shown, file}
}

// changesOf returns the known attributes that a plan would change, by address.
func changesOf(plan plan) map[string][]string {
	all := map[string][]string{}
	for _, r := range plan.ResourceChanges {
		if r.Change.Actions.NoOp() || r.Change.Actions.Read() {
			continue
		}
		before, _ := r.Change.Before.(map[string]any)
		after, _ := r.Change.After.(map[string]any)
		unknown, _ := r.Change.AfterUnknown.(map[string]any)
		attributes := []string{}
		for name := range after {
			if unknown[name] != true && !reflect.DeepEqual(before[name], after[name]) {
				attributes = append(attributes, name)
			}
		}
		slices.Sort(attributes)
		all[r.Address] = attributes
	}
	return all
}

// onlyDrift fails for every change that is not the emulator's own.
func onlyDrift(t *testing.T, changes map[string][]string) {
	t.Helper()
	for address, attributes := range changes {
		kind := kindOf(address)
		if !assert.Contains(t, emulatorDrift, kind, "%s would be changed: %v", address, attributes) {
			continue
		}
		assert.Subset(t, emulatorDrift[kind], attributes, address)
		assert.NotEmpty(t, attributes, address)
	}
}

// drifts reports drift with the plan role on the main branch, whose comparison finds at most
// the emulator's own. With a pull request's token the same role may not read the state.
func drifts(t *testing.T, p *platform.Platform) {
	out, err := runOps(t, p, platform.PlansMain, suffix, "drift", suffix)
	if err != nil {
		var status *exec.ExitError
		require.ErrorAs(t, err, &status, out)
		assert.Equal(t, 3, status.ExitCode(), out)
	}
	out, err = runOps(t, p, platform.PlansPullRequest, suffix, "drift", suffix)
	require.Error(t, err, out)
	assert.Contains(t, out, "may not be read with these credentials")
}

func keyIs(key string) func(types.Object) bool {
	return func(o types.Object) bool { return aws.ToString(o.Key) == key }
}

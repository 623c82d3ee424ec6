package stacks

import (
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/autoscalinggroup"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/autoscalingpolicy"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/launchtemplate"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

// newAutoScalingGroup keeps two to six instances that the load balancer reports as
// healthy, and replaces them one by one when the launch template changes.
func newAutoScalingGroup(scope constructs.Construct, p ComputeProps, template launchtemplate.LaunchTemplate,
	balancer loadBalancer, boot []cdktf.ITerraformDependable) autoscalinggroup.AutoscalingGroup {
	c := &autoscalinggroup.AutoscalingGroupConfig{
		Name:            &p.Names.AutoScalingGroup,
		MinSize:         jsii.Number(p.Compute.MinSize),
		MaxSize:         jsii.Number(p.Compute.MaxSize),
		DesiredCapacity: jsii.Number(p.Compute.DesiredCapacity),
		LaunchTemplate: &autoscalinggroup.AutoscalingGroupLaunchTemplate{
			Id: template.Id(),
			// A number: $Latest would never change, and no refresh would start.
			Version: cdktf.Token_AsString(template.LatestVersion(), nil),
		},
		VpcZoneIdentifier:      &p.Network.Private,
		TargetGroupArns:        &[]*string{balancer.TargetGroup.Arn()},
		HealthCheckType:        jsii.String("ELB"),
		HealthCheckGracePeriod: jsii.Number(300),
		DefaultInstanceWarmup:  jsii.Number(120),
		MetricsGranularity:     jsii.String("1Minute"),
		EnabledMetrics:         jsii.Strings(groupMetrics...),
		InstanceRefresh: &autoscalinggroup.AutoscalingGroupInstanceRefresh{
			Strategy: jsii.String("Rolling"),
			// New instances are launched before old ones are ended. No rollback: the
			// provider updates the group before the refresh, so a rollback would
			// return to the same version.
			Preferences: &autoscalinggroup.AutoscalingGroupInstanceRefreshPreferences{
				MinHealthyPercentage: jsii.Number(100),
				MaxHealthyPercentage: jsii.Number(150),
				InstanceWarmup:       jsii.String("120"),
				AutoRollback:         false,
			},
			Triggers: jsii.Strings("tag"),
		},
		WaitForCapacityTimeout: jsii.String("20m"),
		// Counted at the load balancer: a group reports every instance as healthy
		// during the grace period.
		WaitForElbCapacity: jsii.Number(p.Compute.DesiredCapacity),
		Timeouts:           &autoscalinggroup.AutoscalingGroupTimeouts{Delete: jsii.String("20m")},
		Lifecycle:          &cdktf.TerraformResourceLifecycle{IgnoreChanges: jsii.Strings("desired_capacity")},
		DependsOn:          &boot,
	}
	if p.Emulator.SkipCapacityWait {
		c.WaitForCapacityTimeout, c.WaitForElbCapacity = jsii.String("0"), nil
	}
	values := *launchTags(p)
	var tags []*autoscalinggroup.AutoscalingGroupTag
	for _, key := range sortedKeys(values) {
		tags = append(tags, &autoscalinggroup.AutoscalingGroupTag{
			Key: &key, Value: values[key], PropagateAtLaunch: true,
		})
	}
	c.Tag = tags
	return autoscalinggroup.NewAutoscalingGroup(scope, jsii.String("instances"), c)
}

// groupMetrics are published only on request.
var groupMetrics = []string{
	"GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity", "GroupInServiceInstances",
	"GroupPendingInstances", "GroupTerminatingInstances", "GroupTotalInstances",
}

// newScaling adds instances when their CPU is busy or requests are many. It waits for
// the listener: AWS refuses a target of requests until something routes to the group.
func newScaling(scope constructs.Construct, p ComputeProps,
	group autoscalinggroup.AutoscalingGroup, balancer loadBalancer) {
	policies := []struct {
		ID, Metric string
		Label      *string
		Target     float64
	}{
		{"cpu", "ASGAverageCPUUtilization", nil, p.Compute.TargetCPUPercent},
		{"requests", "ALBRequestCountPerTarget",
			jsii.String(*balancer.ARNSuffix + "/" + *balancer.TargetGroup.ArnSuffix()), p.Compute.TargetRequests},
	}
	for _, policy := range policies {
		autoscalingpolicy.NewAutoscalingPolicy(scope, jsii.String("scale-by-"+policy.ID),
			&autoscalingpolicy.AutoscalingPolicyConfig{
				Name:                 jsii.String(p.Names.AutoScalingGroup + "-" + policy.ID),
				AutoscalingGroupName: group.Name(),
				PolicyType:           jsii.String("TargetTrackingScaling"),
				TargetTrackingConfiguration: &autoscalingpolicy.AutoscalingPolicyTargetTrackingConfiguration{
					PredefinedMetricSpecification: &autoscalingpolicy.AutoscalingPolicyTargetTrackingConfigurationPredefinedMetricSpecification{
						PredefinedMetricType: &policy.Metric, ResourceLabel: policy.Label,
					},
					TargetValue: &policy.Target,
				},
				DependsOn: &[]cdktf.ITerraformDependable{balancer.Forwarding},
			})
	}
}

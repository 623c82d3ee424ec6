package platform

import (
	"context"

	"portfolio/local/servers"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// balancer registers the instances with the load balancer.
type balancer struct {
	client *elasticloadbalancingv2.Client
	group  *string // ARN of the target group
	ports  [2]int
}

func (p *Platform) balancer(ctx context.Context) (*balancer, error) {
	cfg, err := p.AWS(ctx)
	if err != nil {
		return nil, err
	}
	client := elasticloadbalancingv2.NewFromConfig(cfg)
	groups, err := client.DescribeTargetGroups(ctx, &elasticloadbalancingv2.DescribeTargetGroupsInput{
		Names: []string{p.names.TargetGroup},
	})
	if err != nil {
		return nil, err
	}
	return &balancer{client, groups.TargetGroups[0].TargetGroupArn, p.record.Ports.Services}, nil
}

// target is an instance as the emulator reaches it: by host name, not by instance ID. The
// names differ, because the emulator ignores the port when it compares targets.
func (b *balancer) target(i int) []elbtypes.TargetDescription {
	host := [2]string{servers.Host, "localhost"}[i]
	return []elbtypes.TargetDescription{{Id: &host, Port: aws.Int32(int32(b.ports[i]))}}
}

func (b *balancer) register(ctx context.Context, i int) error {
	_, err := b.client.RegisterTargets(ctx, &elasticloadbalancingv2.RegisterTargetsInput{
		TargetGroupArn: b.group, Targets: b.target(i),
	})
	return err
}

func (b *balancer) deregister(ctx context.Context, i int) error {
	_, err := b.client.DeregisterTargets(ctx, &elasticloadbalancingv2.DeregisterTargetsInput{
		TargetGroupArn: b.group, Targets: b.target(i),
	})
	return err
}

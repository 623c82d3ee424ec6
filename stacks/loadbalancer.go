package stacks

import (
	"portfolio/config"
	"portfolio/contract/wire"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/acmcertificate"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/acmcertificatevalidation"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/lb"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/lblistener"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/lbtargetgroup"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/route53record"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

const (
	httpPort  = 80
	httpsPort = 443
)

// loadBalancer is the entrance of the platform.
type loadBalancer struct {
	DNSName, ARN, ARNSuffix *string
	SecurityGroup           *string
	TargetGroup             lbtargetgroup.LbTargetGroup
	Forwarding              lblistener.LbListener // the listener that reaches the target group
}

// newLoadBalancer creates an internet-facing Application Load Balancer. With a
// certificate it serves HTTPS and redirects HTTP to it; without one, it serves only HTTP.
func newLoadBalancer(scope constructs.Construct, p ComputeProps, logs bucket) loadBalancer {
	id := "load-balancer"
	scope = constructs.NewConstruct(scope, &id)
	group := newSecurityGroup(scope, "security-group", p.Names.LoadBalancerSecurityGroup, "Load balancer", p.Network)
	allowIn(scope, "http", group, rule{Description: "HTTP from the internet", From: httpPort, CIDR: internet})
	allowIn(scope, "https", group, rule{Description: "HTTPS from the internet", From: httpsPort, CIDR: internet})

	balancer := lb.NewLb(scope, jsii.String("alb"), &lb.LbConfig{
		Name:                     &p.Names.LoadBalancer,
		LoadBalancerType:         jsii.String("application"),
		Internal:                 false,
		Subnets:                  &p.Network.PublicSubnets,
		SecurityGroups:           &[]*string{group},
		DropInvalidHeaderFields:  true,
		DesyncMitigationMode:     jsii.String("defensive"),
		EnableDeletionProtection: p.Compute.DeletionProtection,
		IdleTimeout:              jsii.Number(wire.BalancerIdleTimeout.Seconds()),
		AccessLogs: &lb.LbAccessLogs{
			Bucket: logs.Name, Prefix: jsii.String(albLogPrefix), Enabled: true,
		},
		// The load balancer writes a test file at once, so the bucket's policy comes first.
		DependsOn: dependsOn(p.Network.Ingress, logs.Ready),
	})
	targets := newTargetGroup(scope, p)
	return loadBalancer{
		DNSName: balancer.DnsName(), ARN: balancer.Arn(), ARNSuffix: balancer.ArnSuffix(),
		SecurityGroup: group,
		TargetGroup:   targets,
		Forwarding:    newListeners(scope, p.Certificate, balancer, targets),
	}
}

func newTargetGroup(scope constructs.Construct, p ComputeProps) lbtargetgroup.LbTargetGroup {
	return lbtargetgroup.NewLbTargetGroup(scope, jsii.String("targets"), &lbtargetgroup.LbTargetGroupConfig{
		Name:                &p.Names.TargetGroup,
		Port:                jsii.Number(httpPort),
		Protocol:            jsii.String("HTTP"),
		TargetType:          jsii.String("instance"),
		VpcId:               p.Network.VPCID,
		DeregistrationDelay: jsii.Sprintf("%.0f", wire.DeregistrationDelay.Seconds()),
		HealthCheck: &lbtargetgroup.LbTargetGroupHealthCheck{
			Enabled:            true,
			Path:               jsii.String(wire.HealthPath), // only liveness: an unreachable database must not end the fleet
			Protocol:           jsii.String("HTTP"),
			Matcher:            jsii.String("200"),
			Interval:           jsii.Number(30),
			Timeout:            jsii.Number(5),
			HealthyThreshold:   jsii.Number(2),
			UnhealthyThreshold: jsii.Number(3),
		},
		Stickiness: &lbtargetgroup.LbTargetGroupStickiness{
			Enabled: true, Type: jsii.String("lb_cookie"), CookieDuration: jsii.Number(86400),
		},
	})
}

// newListeners returns the listener that forwards to the target group.
func newListeners(scope constructs.Construct, c config.Certificate, balancer lb.Lb,
	targets lbtargetgroup.LbTargetGroup) lblistener.LbListener {
	forward := []*lblistener.LbListenerDefaultAction{{Type: jsii.String("forward"), TargetGroupArn: targets.Arn()}}
	if !c.HTTPS() {
		return lblistener.NewLbListener(scope, jsii.String("http"), &lblistener.LbListenerConfig{
			LoadBalancerArn: balancer.Arn(),
			Port:            jsii.Number(httpPort),
			Protocol:        jsii.String("HTTP"),
			DefaultAction:   forward,
		})
	}
	certificate := &c.ARN
	if c.DomainName != "" {
		certificate = newCertificate(scope, c)
		newAlias(scope, c, balancer)
	}
	lblistener.NewLbListener(scope, jsii.String("http"), &lblistener.LbListenerConfig{
		LoadBalancerArn: balancer.Arn(),
		Port:            jsii.Number(httpPort),
		Protocol:        jsii.String("HTTP"),
		DefaultAction: []*lblistener.LbListenerDefaultAction{{
			Type: jsii.String("redirect"),
			Redirect: &lblistener.LbListenerDefaultActionRedirect{
				Port: jsii.String("443"), Protocol: jsii.String("HTTPS"), StatusCode: jsii.String("HTTP_301"),
			},
		}},
	})
	return lblistener.NewLbListener(scope, jsii.String("https"), &lblistener.LbListenerConfig{
		LoadBalancerArn: balancer.Arn(),
		Port:            jsii.Number(httpsPort),
		Protocol:        jsii.String("HTTPS"),
		SslPolicy:       jsii.String("ELBSecurityPolicy-TLS13-1-2-Res-2021-06"),
		CertificateArn:  certificate,
		DefaultAction:   forward,
	})
}

// newCertificate validates the domain by DNS and returns the ARN once the
// certificate is issued: a listener refuses one that is not.
func newCertificate(scope constructs.Construct, c config.Certificate) *string {
	certificate := acmcertificate.NewAcmCertificate(scope, jsii.String("certificate"),
		&acmcertificate.AcmCertificateConfig{
			DomainName:       &c.DomainName,
			ValidationMethod: jsii.String("DNS"),
			Lifecycle:        &cdktf.TerraformResourceLifecycle{CreateBeforeDestroy: jsii.Bool(true)},
		})
	// One name, hence one record: a plan cannot loop over values it does not know.
	proof := certificate.DomainValidationOptions().Get(jsii.Number(0))
	record := route53record.NewRoute53Record(scope, jsii.String("certificate-proof"),
		&route53record.Route53RecordConfig{
			ZoneId:         &c.HostedZoneID,
			Name:           proof.ResourceRecordName(),
			Type:           proof.ResourceRecordType(),
			Records:        &[]*string{proof.ResourceRecordValue()},
			Ttl:            jsii.Number(60),
			AllowOverwrite: true, // another environment may have validated the same name
		})
	return acmcertificatevalidation.NewAcmCertificateValidation(scope, jsii.String("certificate-issued"),
		&acmcertificatevalidation.AcmCertificateValidationConfig{
			CertificateArn:        certificate.Arn(),
			ValidationRecordFqdns: &[]*string{record.Fqdn()},
			// Validation in a zone that is not delegated never ends; the default is 75 minutes.
			Timeouts: &acmcertificatevalidation.AcmCertificateValidationTimeouts{Create: jsii.String("15m")},
		}).CertificateArn()
}

func newAlias(scope constructs.Construct, c config.Certificate, balancer lb.Lb) {
	route53record.NewRoute53Record(scope, jsii.String("alias"), &route53record.Route53RecordConfig{
		ZoneId: &c.HostedZoneID,
		Name:   &c.DomainName,
		Type:   jsii.String("A"),
		Alias: &route53record.Route53RecordAlias{
			Name: balancer.DnsName(), ZoneId: balancer.ZoneId(), EvaluateTargetHealth: true,
		},
	})
}

// dependsOn joins dependencies in the form that resources take.
func dependsOn(many []cdktf.ITerraformDependable, more ...cdktf.ITerraformDependable) *[]cdktf.ITerraformDependable {
	all := append(append([]cdktf.ITerraformDependable{}, many...), more...)
	return &all
}

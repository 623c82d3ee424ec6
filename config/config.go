// Package config reads the app's environment variables into a complete, valid
// description of a platform. It uses neither CDKTF nor AWS clients: what it returns
// is plain Go, known before anything is built.
package config

import (
	"fmt"
	"time"

	"portfolio/contract/setting"
)

// RegionFile overrides AWS_REGION if it exists. It holds the name of one region;
// surrounding white space is ignored.
const RegionFile = "lib/AWS_REGION"

// Project is the value of the tag Project on everything of this project.
const Project = "portfolio-tracking"

// Config describes one environment of the platform completely: constructs set
// no defaults of their own.
type Config struct {
	Names       Names
	Region      string // AWS region, e.g. "eu-west-1"
	State       State
	Release     Release
	Certificate Certificate
	Quotes      Quotes
	SignIn      setting.SignIn    // at an OpenID Connect provider; the zero value for none
	AlarmEmail  string            // receives alarms; "" for none
	Tags        map[string]string // on every resource that can have tags
	FixedTags   map[string]string // those of Tags that are the same in every deploy of the environment
	Boundary    string            // ARN of the permissions boundary of every role; empty means none
	Emulator    Emulator
	Profile
}

// State locates the environment's Terraform state.
type State struct {
	Bucket string // exists before the first deploy; versioned and private
	Region string // of the bucket; the platform's may differ
	Key    string // object key, one per environment
}

// Release identifies what was deployed and by whom. It is kept in the state, where
// people and programs find it.
type Release struct {
	Commit  string // of this repository, or "unknown"
	Profile string // name of the profile
	Author  string // of the commit
}

// Certificate describes how the load balancer gets TLS: an ARN of an issued
// certificate, or a domain and the hosted zone in which to validate it. With neither
// the load balancer serves plain HTTP.
type Certificate struct {
	ARN          string // ACM, in the platform's region
	DomainName   string // of the load balancer; needs HostedZoneID
	HostedZoneID string // public Route 53 zone that holds DomainName
}

// HTTPS reports whether the load balancer has a certificate.
func (c Certificate) HTTPS() bool { return c.ARN != "" || c.DomainName != "" }

// Quotes says which sources the service asks for prices and rates.
type Quotes struct {
	Sources   []string // by name; the first that has an instrument's prices is asked; empty for none
	Streams   []string // those whose WebSocket is used
	SecretARN string   // Secrets Manager, the sources' keys {"twelvedata":"…"}; "" for none
	Interval  time.Duration
}

// Emulator holds the few settings that differ when AWS_ENDPOINT_URL names an
// emulator. Its zero value means AWS.
type Emulator struct {
	PathStyleS3          bool   // bucket names in the path: an emulator has no wildcard DNS
	SkipCapacityWait     bool   // no instances start, so none can become healthy
	FunctionProxyAddress string // HTTP proxy through which the Lambda reaches the load balancer
}

// Warnings lists what is valid but may be a mistake, one line each.
func (c Config) Warnings() []string {
	var warnings []string
	if !c.Certificate.HTTPS() {
		warnings = append(warnings, "certificate: none given, so the load balancer serves plain HTTP; "+
			"set CERTIFICATE_ARN, or DOMAIN_NAME and HOSTED_ZONE_ID")
	}
	if !c.Network.CIDR.Addr().IsPrivate() {
		warnings = append(warnings, fmt.Sprintf("network.cidr: %s lies outside RFC 1918 (172.16.0.0/12 ends at "+
			"172.31.255.255); public hosts in it cannot be reached from the VPC", c.Network.CIDR))
	}
	if c.Compute.AmazonLinux == AmazonLinux2 {
		warnings = append(warnings, "compute.amazonLinux: Amazon Linux 2 is past its end of life (2026-06-30); "+
			"set AMAZON_LINUX=al2023")
	}
	return warnings
}

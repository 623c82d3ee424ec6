// Package preflight finds, before an apply, what would make it fail half-way. It only
// reads, and makes its calls concurrently, so it takes seconds.
package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"portfolio/config"
	"portfolio/config/tfstate"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"
)

// Limits of one run. The account's API rate limits are shared with everything else that
// runs in it.
const (
	timeout     = 30 * time.Second
	concurrency = 16
)

// Finding is one fault and how to fix it.
type Finding struct {
	What, Got, Want, Fix string
	// Harmless is true for a finding that does not stop a deploy.
	Harmless bool
}

// String is one line: "what: got X, want Y; fix: Z".
func (f Finding) String() string {
	line := fmt.Sprintf("%s: got %s, want %s; fix: %s", f.What, f.Got, f.Want, f.Fix)
	if f.Harmless {
		line = "note: " + line
	}
	return strings.Join(strings.Fields(line), " ") // AWS's messages may have line breaks
}

// Report is what Run found, in an order that does not change from run to run.
type Report struct {
	Account  string // empty if the credentials are invalid
	Checks   int    // how many were made
	Findings []Finding
}

// Faults counts the findings that stop a deploy.
func (r Report) Faults() int {
	faults := 0
	for _, f := range r.Findings {
		if !f.Harmless {
			faults++
		}
	}
	return faults
}

// Run checks the environment that settings describe. platform and state configure AWS
// clients for the platform's region and for that of the state bucket.
func Run(ctx context.Context, settings config.Config, platform, state aws.Config) Report {
	e := &environment{
		Config:     settings,
		aws:        platform,
		buckets:    s3.NewFromConfig(platform, s3Options(settings)),
		stateStore: s3.NewFromConfig(state, s3Options(settings)),
	}
	// Without valid credentials no other call succeeds, and without the state it is
	// unknown which resources are this environment's. While another run holds the lock,
	// what it creates is not in the state yet and would look like a leftover.
	report := Report{Checks: 1}
	report.Findings = all(ctx, []check{{what: "credentials", find: e.credentials}})
	if len(report.Findings) > 0 {
		return report
	}
	report.Account = e.account
	checks := []check{
		{what: "state " + e.State.Key, find: e.readState},
		{what: "state bucket " + e.State.Bucket, find: e.stateBucket},
		{what: "lock of " + e.State.Key, find: e.lock},
	}
	report.Findings = all(ctx, checks)
	report.Checks += len(checks)
	if e.owned == nil || e.busy {
		return report
	}
	if elsewhere := e.recordedRegion(); len(elsewhere) > 0 { // the other checks would look in the wrong region
		report.Findings = append(report.Findings, elsewhere...)
		return report
	}
	checks = slices.Concat(e.nameChecks(), e.secretChecks(), e.certificateChecks(), e.quotaChecks(), e.offerChecks())
	report.Findings = slices.Concat(report.Findings, e.statefulReplaced(), all(ctx, checks))
	report.Checks += len(checks)
	return report
}

// s3Options makes S3 clients put bucket names where the endpoint expects them.
func s3Options(settings config.Config) func(*s3.Options) {
	return func(o *s3.Options) {
		o.UsePathStyle = settings.Emulator.PathStyleS3
		o.DisableLogOutputChecksumValidationSkipped = true // objects that Terraform writes have none
	}
}

// environment is what is about to be deployed.
type environment struct {
	config.Config
	aws                 aws.Config
	buckets, stateStore *s3.Client
	account, partition  string
	owned               *tfstate.State // its state; nil if that could not be read
	busy                bool           // whether its lock is held
}

// check is one question to AWS. find returns the faults that it finds, and an error if
// AWS did not answer.
type check struct {
	what     string
	find     func(context.Context) ([]Finding, error)
	optional bool // a deploy may go on without an answer
}

// all runs checks concurrently and returns their findings in the checks' order.
func all(ctx context.Context, checks []check) []Finding {
	found := make([][]Finding, len(checks))
	var group errgroup.Group
	group.SetLimit(concurrency)
	for i, c := range checks {
		group.Go(func() error {
			ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %v", timeout))
			defer cancel()
			var err error
			if found[i], err = c.find(ctx); err != nil {
				f := unchecked(c.what, err, context.Cause(ctx))
				f.Harmless = c.optional
				found[i] = append(found[i], f)
			}
			return nil
		})
	}
	_ = group.Wait() // no function returns an error
	var findings []Finding
	for _, f := range found {
		findings = append(findings, f...)
	}
	return findings
}

// unchecked returns the finding of a check without an answer; cause is not nil if it
// timed out or was cancelled.
func unchecked(what string, err, cause error) Finding {
	f := Finding{What: "could not check " + what, Got: err.Error(), Want: "an answer",
		Fix: "see that AWS can be reached, then try again"}
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		f.Want = "an answer of " + operation.Service() + " " + operation.Operation()
	}
	var refusal smithy.APIError
	switch {
	case cause != nil:
		f.Got = cause.Error()
	case errors.As(err, &refusal):
		f.Got = refusal.ErrorCode()
		if message := refusal.ErrorMessage(); message != "" && message != f.Got {
			f.Got += " (" + message + ")"
		}
		if refused(err) {
			f.Fix = "allow these credentials to make that call"
		}
	}
	return f
}

// refused reports whether the credentials lack the right to make a call. S3 answers
// HEAD requests without a body, so only the status shows it.
func refused(err error) bool {
	switch code := codeOf(err); code {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError",
		"NotAuthorized", "Forbidden":
		return true
	default:
		return false
	}
}

// absent reports whether the answer means that the resource does not exist.
func absent(err error) bool {
	code := codeOf(err)
	return strings.Contains(code, "NotFound") || strings.HasPrefix(code, "NoSuch")
}

// unsupported reports whether the endpoint does not implement the operation: an
// emulator implements only some.
func unsupported(err error) bool { return codeOf(err) == "UnknownError" }

func codeOf(err error) string {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorCode()
	}
	return ""
}

// credentials finds out whose account this is.
func (e *environment) credentials(ctx context.Context) ([]Finding, error) {
	me, err := sts.NewFromConfig(e.aws).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if code := codeOf(err); code != "" {
		return []Finding{{
			What: "credentials", Got: code, Want: "valid ones",
			Fix: "sign in again, or check AWS_PROFILE and AWS_ACCESS_KEY_ID: `aws sts get-caller-identity` shows whose they are",
		}}, nil
	}
	if err != nil {
		return nil, err
	}
	e.account, e.partition = aws.ToString(me.Account), "aws"
	if parts := strings.Split(aws.ToString(me.Arn), ":"); len(parts) > 1 {
		e.partition = parts[1]
	}
	return nil, nil
}

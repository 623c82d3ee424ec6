package preflight

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"

	"portfolio/config/tfstate"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// errNoBucket means that the state bucket is not where the settings say, which
// stateBucket reports.
var errNoBucket = errors.New("no state bucket")

// readState reads which resources belong to this environment: none before its first
// deploy. Without a bucket that is unknown: if its name is misspelled, everything that
// exists would look like a leftover.
func (e *environment) readState(ctx context.Context) ([]Finding, error) {
	text, err := e.object(ctx, e.State.Key)
	if errors.Is(err, errNoBucket) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	owned, err := tfstate.Read(text)
	if err != nil {
		got, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "got "), ", want")
		return []Finding{{
			What: "state " + e.State.Key, Got: got, Want: "a Terraform state of version 4",
			Fix: fmt.Sprintf("restore an earlier version: `aws s3api list-object-versions --bucket %s --prefix %s`",
				e.State.Bucket, e.State.Key),
		}}, nil
	}
	e.owned = &owned
	return nil, nil
}

// lockID is the form of a lock's ID, which is part of a command here.
var lockID = regexp.MustCompile(`^[0-9a-f][0-9a-f-]*$`)

func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// lock finds out who is deploying or destroying this environment, or was killed while
// doing so.
func (e *environment) lock(ctx context.Context) ([]Finding, error) {
	text, err := e.object(ctx, e.State.Key+".tflock")
	if text == nil && err == nil || errors.Is(err, errNoBucket) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e.busy = true
	var held struct{ ID, Operation, Who, Created string }
	if err := json.Unmarshal(text, &held); err != nil || !lockID.MatchString(held.ID) ||
		!printable(held.Operation+held.Who+held.Created) {
		return []Finding{{
			What: "lock of " + e.State.Key, Got: "one that is not Terraform's", Want: "none",
			Fix: fmt.Sprintf("see whose it is, then `aws s3 rm s3://%s/%s.tflock`", e.State.Bucket, e.State.Key),
		}}, nil
	}
	return []Finding{{
		What: "lock of " + e.State.Key,
		Got:  fmt.Sprintf("%s since %s for %s, ID %s", held.Who, held.Created, held.Operation, held.ID),
		Want: "no lock",
		Fix: fmt.Sprintf("wait, or `terraform force-unlock %s` in cdktf.out/stacks/%s when that run is dead; "+
			"then look again", held.ID, e.Names.Stack),
	}}, nil
}

// object reads an object of the state bucket; it returns nil if there is none.
func (e *environment) object(ctx context.Context, key string) ([]byte, error) {
	object, err := e.stateStore.GetObject(ctx, &s3.GetObjectInput{Bucket: &e.State.Bucket, Key: &key})
	switch {
	case codeOf(err) == "NoSuchBucket" || elsewhere(err) != "":
		return nil, errNoBucket
	case absent(err):
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer object.Body.Close()
	return io.ReadAll(object.Body)
}

// stateBucket checks the bucket, which has to exist before the first deploy.
func (e *environment) stateBucket(ctx context.Context) ([]Finding, error) {
	what, name := "state bucket "+e.State.Bucket, e.State.Bucket
	head, err := e.stateStore.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
	region := elsewhere(err)
	switch {
	case region != "":
	case absent(err):
		place := ""
		if e.State.Region != "us-east-1" {
			place = " --create-bucket-configuration LocationConstraint=" + e.State.Region
		}
		return []Finding{{
			What: what, Got: "none", Want: "one in " + e.State.Region,
			Fix: fmt.Sprintf("`aws s3api create-bucket --bucket %s --region %s%s`, or set TERRAFORM_STATE_BUCKET",
				name, e.State.Region, place),
		}}, nil
	case err != nil:
		return nil, err
	default:
		region = aws.ToString(head.BucketRegion)
	}
	if region != "" && region != e.State.Region {
		return []Finding{{What: what, Got: "region " + region, Want: e.State.Region,
			Fix: "set TERRAFORM_STATE_BUCKET_REGION=" + region}}, nil
	}
	version, versionErr := e.versioned(ctx, what)
	private, privateErr := e.private(ctx, what)
	return append(version, private...), errors.Join(versionErr, privateErr)
}

func (e *environment) versioned(ctx context.Context, what string) ([]Finding, error) {
	v, err := e.stateStore.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &e.State.Bucket})
	if err != nil || v.Status == types.BucketVersioningStatusEnabled {
		return nil, err
	}
	got := "no versioning"
	if v.Status != "" {
		got = "versioning " + string(v.Status)
	}
	return []Finding{{
		What: what, Got: got, Want: "Enabled",
		Fix: fmt.Sprintf("`aws s3api put-bucket-versioning --bucket %s --versioning-configuration Status=Enabled`",
			e.State.Bucket),
	}}, nil
}

func (e *environment) private(ctx context.Context, what string) ([]Finding, error) {
	block, err := e.stateStore.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &e.State.Bucket})
	if err != nil && !absent(err) {
		return nil, err
	}
	got := "no public access block"
	if err == nil {
		b := block.PublicAccessBlockConfiguration
		if aws.ToBool(b.BlockPublicAcls) && aws.ToBool(b.BlockPublicPolicy) && aws.ToBool(b.IgnorePublicAcls) &&
			aws.ToBool(b.RestrictPublicBuckets) {
			return nil, nil
		}
		got = "a public access block with gaps"
	}
	return []Finding{{
		What: what, Got: got, Want: "all public access blocked",
		Fix: fmt.Sprintf("`aws s3api put-public-access-block --bucket %s --public-access-block-configuration "+
			"BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`", e.State.Bucket),
	}}, nil
}

// elsewhere returns the region of a bucket if S3 answered that it is not in the region
// that was asked, otherwise "".
func elsewhere(err error) string {
	var response *awshttp.ResponseError
	if !errors.As(err, &response) || response.HTTPStatusCode() != 301 {
		return ""
	}
	if region := response.HTTPResponse().Header.Get("x-amz-bucket-region"); region != "" {
		return region
	}
	return "another"
}

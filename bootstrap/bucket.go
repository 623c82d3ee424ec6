package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"portfolio/config"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// inspect finds out what exists. It changes nothing.
func inspect(ctx context.Context, c config.Bootstrap) (found, error) {
	var f found
	text, err := os.ReadFile(localState)
	switch {
	case err == nil:
		if f.Local, err = readState(text); err != nil {
			return f, badInput{fmt.Errorf("%s: %w", localState, err)}
		}
	case !errors.Is(err, os.ErrNotExist):
		return f, err
	}
	client, err := newClient(ctx, c)
	if err != nil {
		return f, err
	}
	if f.Bucket, err = bucketExists(ctx, client, c.State); err != nil || !f.Bucket {
		return f, err
	}
	f.Remote, err = remoteState(ctx, client, c.State)
	return f, err
}

// identity returns the settings of AWS clients and the ID of their account.
func identity(ctx context.Context, region string) (aws.Config, string, error) {
	settings, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(region))
	if err != nil {
		return settings, "", fmt.Errorf("AWS settings: %w", err)
	}
	caller, err := sts.NewFromConfig(settings).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return settings, "", fmt.Errorf("AWS account: %w", err)
	}
	return settings, *caller.Account, nil
}

func newClient(ctx context.Context, c config.Bootstrap) (*s3.Client, error) {
	settings, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(c.State.Region))
	if err != nil {
		return nil, fmt.Errorf("AWS settings: %w", err)
	}
	if _, err := settings.Credentials.Retrieve(ctx); err != nil {
		return nil, badInput{fmt.Errorf("AWS credentials: got none, want those of an administrator: %w", err)}
	}
	return s3.NewFromConfig(settings, func(o *s3.Options) { o.UsePathStyle = c.Emulator.PathStyleS3 }), nil
}

// bucketExists reports whether the bucket exists and is ours. Names are global:
// S3 answers 403 for another account's bucket.
func bucketExists(ctx context.Context, client *s3.Client, state config.State) (bool, error) {
	_, err := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &state.Bucket})
	var response *smithyhttp.ResponseError
	switch {
	case err == nil:
		return true, nil
	case !errors.As(err, &response):
		return false, fmt.Errorf("state bucket: %w", err)
	}
	switch response.HTTPStatusCode() {
	case http.StatusNotFound:
		return false, nil
	case http.StatusForbidden:
		return false, badInput{fmt.Errorf("TERRAFORM_STATE_BUCKET: got %s, which belongs to another account or is "+
			"closed to these credentials, want another name", state.Bucket)}
	case http.StatusMovedPermanently, http.StatusBadRequest:
		if region := response.Response.Header.Get("x-amz-bucket-region"); region != "" && region != state.Region {
			return false, badInput{fmt.Errorf("TERRAFORM_STATE_BUCKET_REGION: got %s, want %s, the region of %s",
				state.Region, region, state.Bucket)}
		}
	}
	return false, fmt.Errorf("state bucket: %w", err)
}

// remoteState reads the bootstrap's state in the bucket; nil if there is none.
func remoteState(ctx context.Context, client *s3.Client, at config.State) (state, error) {
	object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &at.Bucket, Key: &at.Key})
	var missing *types.NoSuchKey
	if errors.As(err, &missing) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	defer object.Body.Close()
	text, err := io.ReadAll(object.Body)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	s, err := readState(text)
	if err != nil {
		return nil, fmt.Errorf("s3://%s/%s: %w", at.Bucket, at.Key, err)
	}
	return s, nil
}

// Package history keeps each portfolio's past days in an S3 bucket.
package history

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Client is what Bucket needs of *s3.Client.
type Client interface {
	HeadBucket(context.Context, *s3.HeadBucketInput, ...func(*s3.Options)) (*s3.HeadBucketOutput, error)
}

// Bucket is the bucket that history is kept in.
type Bucket struct {
	client Client
	name   string
}

// NewBucket returns the bucket called name.
func NewBucket(client Client, name string) *Bucket { return &Bucket{client: client, name: name} }

// Check reports why the bucket cannot be used now, nil if it can.
func (b *Bucket) Check(ctx context.Context) error {
	if _, err := b.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.name}); err != nil {
		return fmt.Errorf("bucket %s: %w", b.name, err)
	}
	return nil
}

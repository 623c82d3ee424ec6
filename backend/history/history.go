// Package history stores the valuation of each portfolio at the close of each day
// in an S3 bucket.
package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"

	"portfolio/backend"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Client is the part of *s3.Client that Bucket uses.
type Client interface {
	HeadBucket(context.Context, *s3.HeadBucketInput, ...func(*s3.Options)) (*s3.HeadBucketOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// Bucket is the S3 bucket that holds the history.
type Bucket struct {
	client Client
	name   string
}

// NewBucket returns the bucket called name.
func NewBucket(client Client, name string) *Bucket { return &Bucket{client: client, name: name} }

// Check returns the reason why the bucket cannot be used, or nil.
func (b *Bucket) Check(ctx context.Context) error {
	if _, err := b.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.name}); err != nil {
		return fmt.Errorf("bucket %s: %w", b.name, err)
	}
	return nil
}

const manifests = "manifests/"

func dayKey(portfolio string, day backend.Date) string {
	return "days/" + portfolio + "/" + day.String() + ".json"
}

// date is a day in a time zone of portfolios, which decides when the day closes.
type date struct {
	zone string // of the IANA time zone database
	day  backend.Date
}

// utc is the time zone whose manifests are not in a folder of their own.
const utc = "UTC"

func manifestKey(d date) string {
	if d.zone == utc {
		return manifests + d.day.String() + ".json"
	}
	return manifests + d.zone + "/" + d.day.String() + ".json"
}

// parseManifestKey reads what manifestKey writes.
func parseManifestKey(key string) (d date, err error) {
	folder, name := path.Split(strings.TrimPrefix(key, manifests))
	if d.zone = strings.TrimSuffix(folder, "/"); d.zone == "" {
		d.zone = utc
	}
	d.day, err = backend.ParseDate(strings.TrimSuffix(name, ".json"))
	return d, err
}

// Day returns the stored valuation of a portfolio at the close of a day, and
// whether there is one.
func (b *Bucket) Day(ctx context.Context, portfolio string, day backend.Date) (text []byte, found bool, err error) {
	return b.read(ctx, dayKey(portfolio, day))
}

func (b *Bucket) read(ctx context.Context, key string) (text []byte, found bool, err error) {
	object, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if missing := (*types.NoSuchKey)(nil); errors.As(err, &missing) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read %s: %w", key, err)
	}
	defer object.Body.Close()
	if text, err = io.ReadAll(object.Body); err != nil {
		return nil, false, fmt.Errorf("read %s: %w", key, err)
	}
	return text, true, nil
}

// create creates an object unless it exists, and returns the object's content: text,
// or what was stored before. Of concurrent calls only one creates it.
func (b *Bucket) create(ctx context.Context, key string, text []byte) (stored []byte, err error) {
	_, err = b.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: bytes.NewReader(text),
		ContentType: aws.String("application/json"), IfNoneMatch: aws.String("*"),
	})
	if err == nil {
		return text, nil
	}
	refused := (*awshttp.ResponseError)(nil)
	if !errors.As(err, &refused) || refused.HTTPStatusCode() != http.StatusPreconditionFailed {
		return nil, fmt.Errorf("create %s: %w", key, err)
	}
	stored, found, err := b.read(ctx, key)
	if err == nil && !found {
		err = fmt.Errorf("create %s: the object exists but cannot be read", key)
	}
	return stored, err
}

// complete returns the days that have a manifest.
func (b *Bucket) complete(ctx context.Context) (map[date]bool, error) {
	days := map[date]bool{}
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{
		Bucket: &b.name, Prefix: aws.String(manifests),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", manifests, err)
		}
		for _, object := range page.Contents {
			if d, err := parseManifestKey(aws.ToString(object.Key)); err == nil {
				days[d] = true
			}
		}
	}
	return days, nil
}

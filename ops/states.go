package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"time"

	"portfolio/config"
	"portfolio/config/tfstate"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// environment is what the state bucket says about one environment. What the state does
// not say is empty, or nil.
type environment struct {
	Suffix    string    `json:"suffix"`
	Created   time.Time `json:"created"` // oldest version since the state was last deleted
	Applied   time.Time `json:"applied"` // newest version
	Commit    string    `json:"commit,omitempty"`
	Profile   string    `json:"profile,omitempty"`
	Region    string    `json:"region,omitempty"`
	Author    string    `json:"author,omitempty"`
	Resources *int      `json:"resources"` // managed ones; nil where the state cannot be read
	Problem   string    `json:"problem,omitempty"`

	key   string
	older []string // versions before the newest, back to the last deletion
}

// empty reports whether the state is known to hold nothing.
func (e environment) empty() bool { return e.Resources != nil && *e.Resources == 0 }

// states are the state objects of all environments, in one bucket.
type states struct {
	client *s3.Client
	bucket string
}

// states loads the settings and opens the bucket that they name.
func (s session) states(ctx context.Context) (config.Config, states, error) {
	c, err := s.load()
	if err != nil {
		return c, states{}, err
	}
	sdk, err := s.aws(ctx, c.State.Region)
	if err != nil {
		return c, states{}, err
	}
	client := s3.NewFromConfig(sdk, func(o *s3.Options) {
		o.UsePathStyle = c.Emulator.PathStyleS3
		o.DisableLogOutputChecksumValidationSkipped = true // Terraform may write states without
	})
	return c, states{client, c.State.Bucket}, nil
}

// deployed returns all environments that have a state in the settings' bucket.
func (s session) deployed(ctx context.Context) ([]environment, error) {
	_, bucket, err := s.states(ctx)
	if err != nil {
		return nil, err
	}
	return bucket.list(ctx)
}

var stateKey = regexp.MustCompile(`^([^/]+)/portfolio-([^/]+)\.tfstate$`)

// suffixOf returns the suffix of a state's key, or false for any other object.
func suffixOf(key string) (string, bool) {
	match := stateKey.FindStringSubmatch(key)
	if match == nil || match[1] != match[2] || match[1] == config.BootstrapFolder {
		return "", false
	}
	return match[1], true
}

// list returns all environments that have a state, sorted by suffix.
func (s states) list(ctx context.Context) ([]environment, error) {
	found, err := s.versions(ctx)
	if err != nil {
		return nil, err
	}
	var all []environment
	for _, suffix := range slices.Sorted(maps.Keys(found)) {
		e := found[suffix]
		text, _, err := s.read(ctx, e.key, nil)
		switch missing := (*types.NoSuchKey)(nil); {
		case errors.As(err, &missing):
			continue // deleted since it was listed
		case denied(err): // the role of previews sees that there are others
			e.Problem = "its state may not be read with these credentials"
			all = append(all, *e)
			continue
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
		if err == nil {
			err = e.parse(text)
		}
		if err == nil && e.Region == "" {
			err = s.recall(ctx, e)
		}
		if err != nil { // must not hide the others
			e.Problem = "its state cannot be read: " + err.Error()
		}
		all = append(all, *e)
	}
	return all, nil
}

// denied reports whether S3 refused a call that these credentials may not make.
func denied(err error) bool {
	var refusal smithy.APIError
	return errors.As(err, &refusal) && refusal.ErrorCode() == "AccessDenied"
}

// recall looks for the release in older versions of a state: a destroy removes it
// from the newest, and what is left after one has to be looked for in its region.
func (s states) recall(ctx context.Context, e *environment) error {
	for _, id := range e.older {
		text, _, err := s.read(ctx, e.key, &id)
		if err != nil {
			return err
		}
		var before environment
		if before.parse(text) == nil && before.Region != "" {
			e.Commit, e.Profile, e.Region, e.Author = before.Commit, before.Profile, before.Region, before.Author
			return nil
		}
	}
	return nil
}

// versions finds the states that exist and when each began: a version older than
// the last deletion belongs to an earlier environment of that suffix.
func (s states) versions(ctx context.Context) (map[string]*environment, error) {
	found, deleted := map[string]*environment{}, map[string]time.Time{}
	var versions []types.ObjectVersion
	pages := s3.NewListObjectVersionsPaginator(s.client, &s3.ListObjectVersionsInput{Bucket: &s.bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("state bucket %s: %w", s.bucket, err)
		}
		for _, marker := range page.DeleteMarkers {
			if at := aws.ToTime(marker.LastModified); at.After(deleted[aws.ToString(marker.Key)]) {
				deleted[aws.ToString(marker.Key)] = at
			}
		}
		versions = append(versions, page.Versions...)
	}
	for _, version := range versions {
		key := aws.ToString(version.Key)
		if suffix, ok := suffixOf(key); ok && aws.ToBool(version.IsLatest) {
			at := aws.ToTime(version.LastModified)
			found[suffix] = &environment{Suffix: suffix, Created: at, Applied: at, key: key}
		}
	}
	for _, version := range versions {
		suffix, _ := suffixOf(aws.ToString(version.Key))
		e, at := found[suffix], aws.ToTime(version.LastModified)
		if e != nil && !aws.ToBool(version.IsLatest) && at.After(deleted[e.key]) {
			e.Created = at // versions of a key come from the newest to the oldest
			e.older = append(e.older, aws.ToString(version.VersionId))
		}
	}
	return found, nil
}

// read returns a version of a state, or the newest if version is nil.
func (s states) read(ctx context.Context, key string, version *string) (text []byte, etag *string, err error) {
	object, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key, VersionId: version})
	if err != nil {
		return nil, nil, fmt.Errorf("state %s: %w", key, err)
	}
	defer object.Body.Close()
	if text, err = io.ReadAll(object.Body); err != nil {
		return nil, nil, fmt.Errorf("state %s: %w", key, err)
	}
	return text, object.ETag, nil
}

// remove deletes the state of an environment that is destroyed, if it is still
// there and still empty: a deploy may have begun since.
func (s states) remove(ctx context.Context, e environment) error {
	text, etag, err := s.read(ctx, e.key, nil)
	if missing := (*types.NoSuchKey)(nil); errors.As(err, &missing) {
		return nil
	}
	if err != nil {
		return err
	}
	var now environment
	if err := now.parse(text); err != nil {
		return fmt.Errorf("state %s: %w", e.key, err)
	}
	if !now.empty() {
		return fmt.Errorf("state %s: got %d resources, want none: it is kept", e.key, *now.Resources)
	}
	_, err = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &e.key, IfMatch: etag})
	if err != nil {
		return fmt.Errorf("state %s: %w", e.key, err)
	}
	return nil
}

// parse reads from a state what may be printed, and nothing else.
func (e *environment) parse(text []byte) error {
	state, err := tfstate.Read(text)
	if err != nil {
		return err
	}
	count := 0
	for _, r := range state.Managed() {
		count += len(r.Instances)
		for _, instance := range r.Instances {
			if r.Address() == "terraform_data.release" && instance.Deposed == "" {
				e.release(instance.Attributes["input"])
			}
		}
	}
	e.Resources = &count
	return nil
}

// release reads what the app deployed, which it keeps in the state.
func (e *environment) release(input any) {
	typed, _ := input.(map[string]any)
	value, _ := typed["value"].(map[string]any) // next to its type
	for name, field := range map[string]*string{"commit": &e.Commit, "profile": &e.Profile,
		"region": &e.Region, "author": &e.Author} {
		*field, _ = value[name].(string)
	}
}

// Package leftovers finds what is left of an environment that should be gone: by its
// tag, and by its name through each service's own list call, since the tagging API
// lags behind and does not know every type.
package leftovers

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	tagtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
)

// Find returns what exists of the environment with this suffix in the account and
// the region of cfg, one line each, sorted. What AWS lists although it is deleted
// does not count: terminated instances, deleted NAT gateways, keys and secrets that
// are pending deletion. An error means that something could not be listed, so that
// nothing is proved.
//
// A name that ends in the suffix of two environments, as "portfolio-alb-x-pr7"
// does in those of "pr7" and "x-pr7", is found for both.
func Find(ctx context.Context, cfg aws.Config, suffix string) ([]string, error) {
	f := &finder{cfg: cfg, listed: map[string]bool{}, name: namesOf(suffix)}
	f.network(ctx)
	f.instances(ctx)
	f.data(ctx)
	f.serving(ctx)
	f.identities(ctx)
	f.watching(ctx)
	f.tagged(ctx, suffix) // last: the calls before it note what exists and what is dead
	if err := errors.Join(f.problems...); err != nil {
		return nil, err
	}
	slices.Sort(f.found)
	return slices.Compact(f.found), nil
}

// namesOf matches the names that config.Names makes: at their end there may be the
// account of a bucket, what Terraform generates for a secret, or a log's path.
func namesOf(suffix string) *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[/:])portfolio-(?:[a-z0-9-]+-)?` + regexp.QuoteMeta(suffix) +
		`(?:/.*|-[0-9]{12}|-[0-9a-f]{26})?$`)
}

type finder struct {
	cfg      aws.Config
	name     *regexp.Regexp
	found    []string
	listed   map[string]bool // every kind and name, of any environment
	dead     []string        // ids of what AWS lists although it is deleted
	problems []error
}

// addAll adds the resources whose name is one of the environment's.
func addAll[Item any](f *finder, kind string, items []Item, name func(Item) *string) {
	for _, item := range items {
		n := aws.ToString(name(item))
		f.listed[kind+" "+n] = true
		if f.name.MatchString(n) {
			f.found = append(f.found, kind+" "+n)
		}
	}
}

// unless returns the name of a resource, and nil for a dead one, whose id it notes.
func (f *finder) unless(dead bool, id, name *string) *string {
	if !dead {
		return name
	}
	f.dead = append(f.dead, aws.ToString(id))
	return nil
}

func (f *finder) failed(kind string, err error) {
	f.problems = append(f.problems, fmt.Errorf("list every %s: %w", kind, err))
}

// pager is a paginator of any of the SDK's clients.
type pager[Page, Options any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*Options)) (*Page, error)
}

// list adds the resources of all pages whose name is one of the environment's.
func list[Page, Options, Item any](
	ctx context.Context, f *finder, kind string, pages pager[Page, Options],
	items func(*Page) []Item, name func(Item) *string,
) {
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			f.failed(kind, err)
			return
		}
		addAll(f, kind, items(page), name)
	}
}

// tagged asks for everything with the tag that all resources of an environment
// have, whatever their names.
func (f *finder) tagged(ctx context.Context, suffix string) {
	keys := kms.NewFromConfig(f.cfg)
	pages := tagging.NewGetResourcesPaginator(tagging.NewFromConfig(f.cfg),
		&tagging.GetResourcesInput{TagFilters: []tagtypes.TagFilter{
			{Key: aws.String("Project"), Values: []string{"portfolio-tracking"}},
			{Key: aws.String("Environment"), Values: []string{suffix}},
		}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			f.failed("tagged resource", err)
			return
		}
		for _, resource := range page.ResourceTagMappingList {
			arn := aws.ToString(resource.ResourceARN)
			if f.isDead(arn) || f.isStale(arn) || strings.Contains(arn, ":kms:") && f.keyIsDead(ctx, keys, arn) {
				continue
			}
			f.found = append(f.found, "tagged "+arn)
		}
	}
}

func (f *finder) isDead(arn string) bool {
	return slices.ContainsFunc(f.dead, func(id string) bool { return arn == id || strings.HasSuffix(arn, "/"+id) })
}

// keyIsDead reports whether a key is gone or pending deletion, which takes a week.
func (f *finder) keyIsDead(ctx context.Context, keys *kms.Client, arn string) bool {
	out, err := keys.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &arn})
	if missing := (*kmstypes.NotFoundException)(nil); errors.As(err, &missing) {
		return true
	}
	if err != nil {
		f.failed("key "+arn, err)
		return false
	}
	return out.KeyMetadata.DeletionDate != nil
}

// Package leftovers finds what AWS has of an environment after its destruction: by its
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
	"time"

	"portfolio/config"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	tagtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
)

// Resources are what AWS has of an environment, one line each, sorted.
type Resources struct {
	Left   []string // what a destroy deletes
	Kept   []string // what a destroy of the profile leaves on purpose
	Ending []string // what AWS deletes on its own: it can still be restored, or it expires
}

// Find returns what exists of the environment with this suffix in the account and
// the region of cfg. What AWS lists although nothing of it is left does not count, such
// as terminated instances and deleted NAT gateways. An error means that something could
// not be listed, so that nothing is proved.
//
// A name that ends in the suffix of two environments, as "portfolio-alb-x-pr7"
// does in those of "pr7" and "x-pr7", is found for both.
func Find(ctx context.Context, cfg aws.Config, suffix string, profile config.Profile) (Resources, error) {
	f := &finder{
		cfg: cfg, names: config.NewNames(suffix), profile: profile,
		listed: map[string]bool{}, found: map[string]bool{}, name: namesOf(suffix),
	}
	f.network(ctx)
	f.instances(ctx)
	f.data(ctx)
	f.backups(ctx)
	f.serving(ctx)
	f.identities(ctx)
	f.watching(ctx)
	f.tagged(ctx, suffix) // last: the calls before it note what exists and what is dead
	if err := errors.Join(f.problems...); err != nil {
		return Resources{}, err
	}
	for _, list := range []*[]string{&f.resources.Left, &f.resources.Kept, &f.resources.Ending} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return f.resources, nil
}

// namesOf matches the names that config.Names makes: at their end there may be the
// account of a bucket, what Terraform generates for a secret, or a log's path.
func namesOf(suffix string) *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[/:])portfolio-(?:[a-z0-9-]+-)?` + regexp.QuoteMeta(suffix) +
		`(?:/.*|-[0-9]{12}|-[0-9a-f]{26})?$`)
}

type finder struct {
	cfg       aws.Config
	names     config.Names
	profile   config.Profile
	name      *regexp.Regexp
	resources Resources
	listed    map[string]bool // every kind and name, of any environment
	found     map[string]bool // those of them that are the environment's
	dead      []string        // ids of what AWS lists although it is deleted
	problems  []error
}

// addAll adds the resources whose owner's name is one of the environment's. A resource
// without a name is not there.
func addAll[Item any](f *finder, kind string, items []Item, name, owner func(Item) *string) {
	for _, item := range items {
		n := aws.ToString(name(item))
		if n == "" {
			continue
		}
		f.listed[kind+" "+n] = true
		if !f.name.MatchString(aws.ToString(owner(item))) {
			continue
		}
		f.found[kind+" "+n] = true
		if f.keeps(kind, n) {
			f.resources.Kept = append(f.resources.Kept, kind+" "+n)
		} else {
			f.resources.Left = append(f.resources.Left, kind+" "+n)
		}
	}
}

// keeps reports whether a destroy leaves a resource on purpose.
func (f *finder) keeps(kind, name string) bool {
	is := func(bucket string) bool { return strings.HasPrefix(name, f.names.Bucket(bucket, "")) }
	switch kind {
	case bucket:
		return is("hist") && !f.profile.Buckets.EmptyOnDestroy || is("logs") && !f.profile.Buckets.EmptyLogsOnDestroy
	case snapshot, automatedBackups:
		return f.profile.Database.FinalSnapshot
	}
	return false
}

// ends adds a resource that AWS deletes on its own at the end of its time.
func (f *finder) ends(kind, name, why string, at *time.Time) {
	if at != nil {
		why += " " + at.UTC().Format(time.DateOnly)
	}
	f.resources.Ending = append(f.resources.Ending, kind+" "+name+", "+why)
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
	listOf(ctx, f, kind, pages, items, name, name)
}

// listOf is list for resources that do not have the environment's suffix in their names:
// owner returns the name of what they belong to.
func listOf[Page, Options, Item any](
	ctx context.Context, f *finder, kind string, pages pager[Page, Options],
	items func(*Page) []Item, name, owner func(Item) *string,
) {
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			f.failed(kind, err)
			return
		}
		addAll(f, kind, items(page), name, owner)
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
			f.taggedResource(ctx, keys, aws.ToString(resource.ResourceARN))
		}
	}
}

func (f *finder) taggedResource(ctx context.Context, keys *kms.Client, arn string) {
	switch {
	case f.isDead(arn) || f.isKnown(arn):
	case strings.Contains(arn, ":kms:"):
		f.key(ctx, keys, arn)
	default:
		f.resources.Left = append(f.resources.Left, "tagged "+arn)
	}
}

func (f *finder) isDead(arn string) bool {
	return slices.ContainsFunc(f.dead, func(id string) bool { return arn == id || strings.HasSuffix(arn, "/"+id) })
}

// key adds a key, unless it is gone. The deletion of one takes a week or more.
func (f *finder) key(ctx context.Context, keys *kms.Client, arn string) {
	out, err := keys.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &arn})
	if missing := (*kmstypes.NotFoundException)(nil); errors.As(err, &missing) {
		return
	}
	switch key := arn[strings.LastIndex(arn, "/")+1:]; {
	case err != nil:
		f.failed("key "+arn, err)
	case out.KeyMetadata.DeletionDate != nil:
		f.ends("key", key, "deleted on", out.KeyMetadata.DeletionDate)
	case f.profile.CustomerKey && aws.ToString(out.KeyMetadata.Description) == f.names.DataKeyDescription():
		f.resources.Kept = append(f.resources.Kept, "key "+key)
	default:
		f.resources.Left = append(f.resources.Left, "key "+key)
	}
}

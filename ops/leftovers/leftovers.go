// Package leftovers finds what is still there of an environment that should be
// gone: by its tag, and by its name from each service's own list call, since the
// tagging API lags behind and does not know every type.
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

// Find returns what there is of the environment with this suffix in the account
// and the region of cfg, one line each, sorted. What AWS still lists although it
// is deleted does not count: terminated instances, deleted NAT gateways, keys and
// secrets that wait for the end of their recovery. An error means that something
// could not be listed, so that nothing is proved.
//
// A name that ends in the suffix of two environments, as "portfolio-alb-x-pr7"
// does in those of "pr7" and "x-pr7", is found for both.
func Find(ctx context.Context, cfg aws.Config, suffix string) ([]string, error) {
	f := &finder{ctx: ctx, cfg: cfg, name: namesOf(suffix)}
	f.network()
	f.instances()
	f.data()
	f.serving()
	f.identities()
	f.watching()
	f.tagged(suffix) // last: it needs to know what is dead
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
	ctx      context.Context
	cfg      aws.Config
	name     *regexp.Regexp
	found    []string
	dead     []string // ids of what is listed although it is deleted
	problems []error
}

// add counts a resource if its name is of the environment.
func (f *finder) add(kind string, name *string) {
	if f.name.MatchString(aws.ToString(name)) {
		f.found = append(f.found, kind+" "+*name)
	}
}

func (f *finder) failed(kind string, err error) {
	f.problems = append(f.problems, fmt.Errorf("%s: %w", kind, err))
}

// pager is a paginator of any of the SDK's clients.
type pager[Page, Options any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*Options)) (*Page, error)
}

// each visits all pages.
func each[Page, Options any](f *finder, kind string, pages pager[Page, Options], visit func(*Page)) {
	for pages.HasMorePages() {
		page, err := pages.NextPage(f.ctx)
		if err != nil {
			f.failed(kind, err)
			return
		}
		visit(page)
	}
}

// tagged asks for everything with the tag that all resources of an environment
// have, whatever their names.
func (f *finder) tagged(suffix string) {
	keys := kms.NewFromConfig(f.cfg)
	pages := tagging.NewGetResourcesPaginator(tagging.NewFromConfig(f.cfg), &tagging.GetResourcesInput{TagFilters: []tagtypes.TagFilter{
		{Key: aws.String("Project"), Values: []string{"portfolio-tracking"}},
		{Key: aws.String("Environment"), Values: []string{suffix}},
	}})
	each(f, "tags", pages, func(page *tagging.GetResourcesOutput) {
		for _, resource := range page.ResourceTagMappingList {
			arn := aws.ToString(resource.ResourceARN)
			if f.isDead(arn) || strings.Contains(arn, ":kms:") && f.keyIsDead(keys, arn) {
				continue
			}
			f.found = append(f.found, "tagged "+arn)
		}
	})
}

func (f *finder) isDead(arn string) bool {
	return slices.ContainsFunc(f.dead, func(id string) bool { return arn == id || strings.HasSuffix(arn, "/"+id) })
}

// keyIsDead reports whether a key only waits for its end, which takes a week.
func (f *finder) keyIsDead(keys *kms.Client, arn string) bool {
	out, err := keys.DescribeKey(f.ctx, &kms.DescribeKeyInput{KeyId: &arn})
	if missing := (*kmstypes.NotFoundException)(nil); errors.As(err, &missing) {
		return true
	}
	if err != nil {
		f.failed("key "+arn, err)
		return false
	}
	return out.KeyMetadata.DeletionDate != nil
}

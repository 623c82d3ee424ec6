package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/hashicorp/terraform-exec/tfexec"
)

// serviceLinkedRole is the type of what an account may have before any run.
const serviceLinkedRole = "aws_iam_service_linked_role"

// finder looks for resources that exist and are not in the state: an interrupted
// apply drops the answers to calls in flight, and AWS creates service-linked roles
// when a service is first used. Terraform would stop at their names.
type finder struct {
	client  *iam.Client
	account string
	tags    map[string]string // of our resources
}

// applyRepaired applies. If that fails and resources exist that the state lacks, it
// imports them and applies once more: AWS may carry out the last calls of an interrupted
// run after the first repair has looked for what they create.
func (w work) applyRepaired(ctx context.Context, known state) error {
	if _, err := w.repair(ctx, known); err != nil {
		return err
	}
	return retryOnce(ctx, w.tf.Apply, func() (bool, error) {
		w.tf.SetStdout(io.Discard) // or it would print the state
		text, err := w.tf.StatePull(ctx)
		w.tf.SetStdout(w.out)
		if err != nil {
			return false, err
		}
		now, err := readState([]byte(text))
		if err != nil {
			return false, err
		}
		return w.repair(ctx, now)
	})
}

// retryOnce applies, and again if that fails and repair reports that it changed the state.
func retryOnce(ctx context.Context, apply func(context.Context, ...tfexec.ApplyOption) error,
	repair func() (bool, error)) error {
	failed := apply(ctx)
	if failed == nil || ctx.Err() != nil {
		return failed
	}
	if repaired, err := repair(); err != nil || !repaired {
		return errors.Join(failed, err)
	}
	return apply(ctx)
}

// repair keeps what an interrupted run created. Tainted resources, which Terraform
// would destroy first and prevent_destroy forbids, are updated instead, and
// resources that are missing in the state are imported. known is the state, which
// is empty only before the first run. changed reports whether it changed the state.
func (w work) repair(ctx context.Context, known state) (changed bool, err error) {
	for _, address := range slices.Sorted(maps.Keys(known)) {
		if !known[address].Tainted {
			continue
		}
		if err := w.tf.Untaint(ctx, address); err != nil {
			return changed, err
		}
		changed = true
	}
	named, err := w.named()
	if err != nil {
		return changed, err
	}
	f := finder{tags: w.settings.Tags}
	for _, n := range named {
		if _, is := known[n.address]; is || len(known) == 0 && n.kind != serviceLinkedRole {
			continue
		}
		if f.client == nil {
			if err := f.connect(ctx, w.settings.Region); err != nil {
				return changed, err
			}
		}
		id, err := f.find(ctx, n)
		if err != nil {
			return changed, fmt.Errorf("%s: %w", n.address, err)
		}
		if id == "" {
			continue
		}
		fmt.Fprintf(w.out, "importing %s, which exists\n", n.address)
		if err := w.tf.Import(ctx, n.address, id); err != nil {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}

// namedResource is one that AWS refuses to create twice.
type namedResource struct{ address, kind, name string }

// named returns the named resources of the synthesized stack.
func (w work) named() ([]namedResource, error) {
	text, err := os.ReadFile(filepath.Join(w.folder, "cdk.tf.json"))
	if err != nil {
		return nil, err
	}
	var stack struct {
		Resource map[string]map[string]struct {
			Name, URL string
			Service   string `json:"aws_service_name"`
		}
	}
	if err := json.Unmarshal(text, &stack); err != nil {
		return nil, fmt.Errorf("cdk.tf.json: %w", err)
	}
	var all []namedResource
	for _, kind := range []string{"aws_iam_openid_connect_provider", "aws_iam_policy",
		"aws_iam_role", serviceLinkedRole} {
		for _, id := range slices.Sorted(maps.Keys(stack.Resource[kind])) {
			r := stack.Resource[kind][id]
			all = append(all, namedResource{kind + "." + id, kind,
				r.Name + strings.TrimPrefix(r.URL, "https://") + r.Service})
		}
	}
	return all, nil
}

func (f *finder) connect(ctx context.Context, region string) error {
	settings, account, err := identity(ctx, region)
	if err != nil {
		return err
	}
	f.client, f.account = iam.NewFromConfig(settings), account
	return nil
}

// find returns the ID by which a resource is imported, or "" if it does not exist
// or is not ours: Terraform reports the latter. A service-linked role is AWS's own
// and always usable.
func (f *finder) find(ctx context.Context, n namedResource) (string, error) {
	if n.kind == serviceLinkedRole {
		return f.findServiceLinkedRole(ctx, n.name)
	}
	var id string
	var tags []types.Tag
	var err error
	arn := "arn:aws:iam::" + f.account + ":"
	switch n.kind {
	case "aws_iam_policy":
		id = arn + "policy/" + n.name
		var out *iam.GetPolicyOutput
		if out, err = f.client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &id}); err == nil {
			tags = out.Policy.Tags
		}
	case "aws_iam_role":
		id = n.name
		var out *iam.GetRoleOutput
		if out, err = f.client.GetRole(ctx, &iam.GetRoleInput{RoleName: &id}); err == nil {
			tags = out.Role.Tags
		}
	case "aws_iam_openid_connect_provider":
		id = arn + "oidc-provider/" + n.name
		var out *iam.GetOpenIDConnectProviderOutput
		if out, err = f.client.GetOpenIDConnectProvider(ctx,
			&iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &id}); err == nil {
			tags = out.Tags
		}
	}
	if missing := (*types.NoSuchEntityException)(nil); errors.As(err, &missing) {
		return "", nil
	}
	if err != nil || !f.ours(tags) {
		return "", err
	}
	return id, nil
}

// findServiceLinkedRole returns the ARN of a service's role. A role of Auto
// Scaling's with a suffix, "_" and a word, is somebody's additional one.
func (f *finder) findServiceLinkedRole(ctx context.Context, service string) (string, error) {
	prefix := "/aws-service-role/" + service + "/"
	pages := iam.NewListRolesPaginator(f.client, &iam.ListRolesInput{PathPrefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, role := range page.Roles {
			if !strings.Contains(aws.ToString(role.RoleName), "_") {
				return aws.ToString(role.Arn), nil
			}
		}
	}
	return "", nil
}

func (f *finder) ours(tags []types.Tag) bool {
	actual := map[string]string{}
	for _, t := range tags {
		actual[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	for key, value := range f.tags {
		if actual[key] != value {
			return false
		}
	}
	return true
}

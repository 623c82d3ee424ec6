package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// An apply that is interrupted drops the answers of calls under way: what they
// made is in AWS and in no state, and the next apply stops at its name. These are
// the resources that have a name of their own to stop at.
type recovery struct {
	client  *iam.Client
	account string
	tags    map[string]string // of what is ours
}

// recover keeps what an interrupted run made: what is tainted, which Terraform
// would destroy first and prevent_destroy forbids, is brought up to date instead,
// and what it did not write down is imported. Known is the state, which is empty
// only where there was no run.
func (w work) recover(ctx context.Context, known state) error {
	if len(known) == 0 {
		return nil
	}
	for _, address := range slices.Sorted(maps.Keys(known)) {
		if !known[address].Tainted {
			continue
		}
		if err := w.tf.Untaint(ctx, address); err != nil {
			return err
		}
	}
	named, err := w.named()
	if err != nil {
		return err
	}
	r := recovery{tags: w.settings.Tags}
	for _, n := range named {
		if _, is := known[n.address]; is {
			continue
		}
		if r.client == nil {
			if err := r.connect(ctx, w.settings.Region); err != nil {
				return err
			}
		}
		id, err := r.find(ctx, n)
		if err != nil {
			return fmt.Errorf("%s: %w", n.address, err)
		}
		if id == "" {
			continue
		}
		fmt.Fprintf(w.out, "importing %s, which an interrupted run made\n", n.address)
		if err := w.tf.Import(ctx, n.address, id); err != nil {
			return err
		}
	}
	return nil
}

// namedResource is one that AWS refuses to make twice.
type namedResource struct{ address, kind, name string }

// named reads them from the synthesized stack.
func (w work) named() ([]namedResource, error) {
	text, err := os.ReadFile(filepath.Join(w.folder, "cdk.tf.json"))
	if err != nil {
		return nil, err
	}
	var stack struct {
		Resource map[string]map[string]struct{ Name, URL string }
	}
	if err := json.Unmarshal(text, &stack); err != nil {
		return nil, fmt.Errorf("cdk.tf.json: %w", err)
	}
	var all []namedResource
	for _, kind := range []string{"aws_iam_openid_connect_provider", "aws_iam_policy", "aws_iam_role"} {
		for _, id := range slices.Sorted(maps.Keys(stack.Resource[kind])) {
			r := stack.Resource[kind][id]
			all = append(all, namedResource{kind + "." + id, kind, r.Name + strings.TrimPrefix(r.URL, "https://")})
		}
	}
	return all, nil
}

func (r *recovery) connect(ctx context.Context, region string) error {
	settings, account, err := identity(ctx, region)
	if err != nil {
		return err
	}
	r.client, r.account = iam.NewFromConfig(settings), account
	return nil
}

// find gives the id to import a resource by, "" where there is none. One that is
// there and does not carry our tags is somebody else's, and Terraform says so.
func (r *recovery) find(ctx context.Context, n namedResource) (string, error) {
	var id string
	var tags []types.Tag
	var err error
	arn := "arn:aws:iam::" + r.account + ":"
	switch n.kind {
	case "aws_iam_policy":
		id = arn + "policy/" + n.name
		var out *iam.GetPolicyOutput
		if out, err = r.client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &id}); err == nil {
			tags = out.Policy.Tags
		}
	case "aws_iam_role":
		id = n.name
		var out *iam.GetRoleOutput
		if out, err = r.client.GetRole(ctx, &iam.GetRoleInput{RoleName: &id}); err == nil {
			tags = out.Role.Tags
		}
	case "aws_iam_openid_connect_provider":
		id = arn + "oidc-provider/" + n.name
		var out *iam.GetOpenIDConnectProviderOutput
		if out, err = r.client.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &id}); err == nil {
			tags = out.Tags
		}
	}
	if missing := (*types.NoSuchEntityException)(nil); errors.As(err, &missing) {
		return "", nil
	}
	if err != nil || !r.ours(tags) {
		return "", err
	}
	return id, nil
}

func (r *recovery) ours(tags []types.Tag) bool {
	there := map[string]string{}
	for _, t := range tags {
		there[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	for key, value := range r.tags {
		if there[key] != value {
			return false
		}
	}
	return true
}

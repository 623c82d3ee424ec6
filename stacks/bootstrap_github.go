package stacks

import (
	"strconv"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iamopenidconnectprovider"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iampolicy"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iamrole"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iamrolepolicyattachment"
)

const (
	// gitHubIssuer signs the tokens of workflows; its claims are condition keys.
	gitHubIssuer = "token.actions.githubusercontent.com"
	audience     = "sts.amazonaws.com"
	subjectKey   = gitHubIssuer + ":sub"
)

// GitHubProps configures what GitHub's workflows may do in the account.
type GitHubProps struct {
	Repository     string // as subjects of tokens spell it
	OwnProvider    bool   // false: the account has the identity provider already
	Account        *string
	StateBucketARN *string
}

// GitHubOutputs are ARNs; pointers are Terraform tokens.
type GitHubOutputs struct {
	PlanRole            *string
	Preview, Production DeployOutputs
}

// DeployOutputs is the role that deploys a tier, and the permissions boundary that
// it has to put on every role it makes. Both are ARNs.
type DeployOutputs struct{ Role, Boundary *string }

// NewGitHub creates the three roles that workflows of one repository assume with
// tokens instead of keys: one that reads, for pull requests and the main branch,
// and one per GitHub environment that deploys. GitHub decides who gets a token of
// an environment; whoever can push to the repository gets one of pull_request.
func NewGitHub(scope constructs.Construct, id string, p GitHubProps) GitHubOutputs {
	scope = constructs.NewConstruct(scope, &id)
	provider := "arn:aws:iam::" + *p.Account + ":oidc-provider/" + gitHubIssuer
	if p.OwnProvider {
		// AWS knows GitHub's certificate authority: a thumbprint would not count.
		provider = *iamopenidconnectprovider.NewIamOpenidConnectProvider(scope, jsii.String("provider"), &iamopenidconnectprovider.IamOpenidConnectProviderConfig{
			Url:          jsii.String("https://" + gitHubIssuer),
			ClientIdList: jsii.Strings(audience),
			Lifecycle:    kept(true),
		}).Arn()
	}
	subject := "repo:" + p.Repository + ":"
	r := rights{Account: *p.Account, States: *p.StateBucketARN}
	read := newPolicy(scope, "read", "portfolio-read", "Settings of what environments consist of, no data", r.read())

	main := subject + "ref:refs/heads/main"
	plan := newWorkflowRole(scope, "plan", workflowRole{
		Name: "portfolio-plan", Description: "Plans and changes nothing",
		Provider: provider, Subjects: []string{subject + "pull_request", main},
		Policies: []*string{read, newPolicy(scope, "plan-data", "portfolio-plan-data",
			"What a plan reads beside settings: of previews alone, but on the main branch", r.planData(main))},
	})
	deploy := func(t tier) DeployOutputs {
		boundary := newPolicy(scope, t.Name+"-boundary", "portfolio-"+t.Name+"-boundary",
			"The most that a role of these environments can have", r.boundary(t))
		policies := []*string{read}
		for _, part := range []struct {
			id, description string
			statements      []statement
		}{
			{"state", "States of these environments and no others", r.states(t)},
			{"data", "Buckets and secrets of these environments, and what is kept from all others", r.data(t)},
			{"names", "What runs under these environments' names", r.names(t)},
			{"signals", "What watches under these environments' names", r.signals(t)},
			{"network", "What has ids for names, kept apart by tags", r.unnamed(t)},
			{"roles", "Roles of these environments, within the boundary", r.roles(t, *boundary)},
		} {
			name := t.Name + "-" + part.id
			policies = append(policies, newPolicy(scope, name, "portfolio-deploy-"+name, part.description, part.statements))
		}
		return DeployOutputs{Boundary: boundary, Role: newWorkflowRole(scope, t.Name, workflowRole{
			Name: "portfolio-deploy-" + t.Name, Description: "Deploys from the GitHub environment " + t.Name,
			Provider: provider, Subjects: []string{subject + "environment:" + t.Name},
			Policies: policies, Hours: 2, // an upgrade of the database takes its time
		})}
	}
	return GitHubOutputs{PlanRole: plan, Preview: deploy(previews), Production: deploy(production)}
}

// workflowRole is a role that a workflow assumes.
type workflowRole struct {
	Name, Description string
	Provider          string   // ARN of the identity provider
	Subjects          []string // whole subjects of tokens
	Policies          []*string
	Hours             int // that a session may last, 0 for IAM's own hour
}

// newWorkflowRole returns the ARN of the role.
func newWorkflowRole(scope constructs.Construct, id string, p workflowRole) *string {
	c := &iamrole.IamRoleConfig{
		Name:        &p.Name,
		Description: &p.Description,
		AssumeRolePolicy: policyDocument(statement{
			Principal: principal("Federated", p.Provider),
			Action:    "sts:AssumeRoleWithWebIdentity",
			// Equals, not Like: a subject with a wildcard is somebody else's door.
			Condition: condition{"StringEquals": {gitHubIssuer + ":aud": audience, subjectKey: p.Subjects}},
		}),
	}
	if p.Hours > 0 {
		c.MaxSessionDuration = jsii.Number(p.Hours * 3600)
	}
	role := iamrole.NewIamRole(scope, &id, c)
	for i, policy := range p.Policies {
		iamrolepolicyattachment.NewIamRolePolicyAttachment(scope, jsii.String(id+"-"+strconv.Itoa(i)), &iamrolepolicyattachment.IamRolePolicyAttachmentConfig{
			Role: role.Name(), PolicyArn: policy,
		})
	}
	return role.Arn()
}

// newPolicy creates a managed policy and returns its ARN. A role's inline policies
// share 10,240 characters; a managed one has 6,144 of its own.
func newPolicy(scope constructs.Construct, id, name, description string, statements []statement) *string {
	return iampolicy.NewIamPolicy(scope, jsii.String(id+"-policy"), &iampolicy.IamPolicyConfig{
		Name: &name, Description: &description, Policy: policyDocument(statements...),
	}).Arn()
}

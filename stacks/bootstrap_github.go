package stacks

import (
	"strconv"

	"portfolio/config"

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
	Repository     string // as in the subjects of tokens
	OwnProvider    bool   // false if the account has the identity provider already
	Domain         config.Domain
	Account        *string
	StateBucketARN *string
}

// GitHubOutputs are ARNs; pointers are Terraform tokens.
type GitHubOutputs struct {
	PlanRole            *string
	Preview, Production DeployOutputs
}

// DeployOutputs are the ARNs of the role that deploys a tier and of the permissions
// boundary that it has to put on every role.
type DeployOutputs struct{ Role, Boundary *string }

// NewGitHub creates the three roles that the workflows of one repository assume with
// tokens instead of keys: one that plans, for pull requests and the main branch,
// and one for each GitHub environment that deploys. GitHub decides who gets a token
// of an environment; everybody who can push gets one of a pull request.
func NewGitHub(scope constructs.Construct, id string, p GitHubProps) GitHubOutputs {
	scope = constructs.NewConstruct(scope, &id)
	provider := "arn:aws:iam::" + *p.Account + ":oidc-provider/" + gitHubIssuer
	if p.OwnProvider {
		// AWS trusts GitHub's certificate authority and ignores thumbprints.
		provider = *iamopenidconnectprovider.NewIamOpenidConnectProvider(scope, jsii.String("provider"),
			&iamopenidconnectprovider.IamOpenidConnectProviderConfig{
				Url:          jsii.String("https://" + gitHubIssuer),
				ClientIdList: jsii.Strings(audience),
				Lifecycle:    kept(true),
			}).Arn()
	}
	subject := "repo:" + p.Repository + ":"
	r := rights{Account: *p.Account, States: *p.StateBucketARN, Domain: p.Domain}
	read := newPolicy(scope, "read", "portfolio-read", "Settings of this project's resources, without data", r.read())

	main := subject + "ref:refs/heads/main"
	plan := newWorkflowRole(scope, "plan", workflowRole{
		Name: "portfolio-plan", Description: "Plans, changes nothing",
		Provider: provider, Subjects: []string{subject + "pull_request", main},
		Policies: []*string{read, newPolicy(scope, "plan-data", "portfolio-plan-data",
			"Data that a plan reads: of previews, on the main branch of all environments", r.planData(main))},
	})
	deploy := func(t tier) DeployOutputs {
		boundary := newPolicy(scope, t.Name+"-boundary", "portfolio-"+t.Name+"-boundary",
			"The most that roles of these environments can have", r.boundary(t))
		policies := []*string{read}
		for _, part := range []struct {
			id, description string
			statements      []statement
		}{
			{"state", "States of these environments", r.states(t)},
			{"data", "Buckets and secrets of these environments; denies other environments", r.data(t)},
			{"names", "Resources with these environments' names", r.names(t)},
			{"signals", "Logs, alarms and topics of these environments", r.signals(t)},
			{"network", "Resources with generated IDs, separated by tags", r.unnamed(t)},
			{"roles", "Roles of these environments, with the boundary", r.roles(t, *boundary)},
			{"domain", "Certificates and records of these environments", r.domain(t)},
		} {
			if len(part.statements) == 0 {
				continue
			}
			name := t.Name + "-" + part.id
			policies = append(policies, newPolicy(scope, name, "portfolio-deploy-"+name,
				part.description, part.statements))
		}
		return DeployOutputs{Boundary: boundary, Role: newWorkflowRole(scope, t.Name, workflowRole{
			Name: "portfolio-deploy-" + t.Name, Description: "Deploys from the GitHub environment " + t.Name,
			Provider: provider, Subjects: []string{subject + "environment:" + t.Name},
			Policies: policies, Hours: 2, // an upgrade of the database takes long
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
	Hours             int // longest session, 0 for IAM's default of one hour
}

// newWorkflowRole returns the ARN of the role.
func newWorkflowRole(scope constructs.Construct, id string, p workflowRole) *string {
	c := &iamrole.IamRoleConfig{
		Name:        &p.Name,
		Description: &p.Description,
		AssumeRolePolicy: policyDocument(statement{
			Principal: principal("Federated", p.Provider),
			Action:    "sts:AssumeRoleWithWebIdentity",
			// Equals, not Like: a wildcard could admit other repositories' tokens.
			Condition: condition{"StringEquals": {gitHubIssuer + ":aud": audience, subjectKey: p.Subjects}},
		}),
	}
	if p.Hours > 0 {
		c.MaxSessionDuration = jsii.Number(p.Hours * 3600)
	}
	role := iamrole.NewIamRole(scope, &id, c)
	for i, policy := range p.Policies {
		iamrolepolicyattachment.NewIamRolePolicyAttachment(scope, jsii.String(id+"-"+strconv.Itoa(i)),
			&iamrolepolicyattachment.IamRolePolicyAttachmentConfig{
				Role: role.Name(), PolicyArn: policy,
			})
	}
	return role.Arn()
}

// newPolicy creates a managed policy and returns its ARN. All inline policies of a
// role share 10,240 characters; each managed policy has 6,144.
func newPolicy(scope constructs.Construct, id, name, description string, statements []statement) *string {
	return iampolicy.NewIamPolicy(scope, jsii.String(id+"-policy"), &iampolicy.IamPolicyConfig{
		Name: &name, Description: &description, Policy: policyDocument(statements...),
	}).Arn()
}

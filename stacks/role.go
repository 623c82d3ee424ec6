package stacks

import (
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iamrole"
)

// newRole creates a role that one AWS service assumes. boundary is the ARN of the
// permissions boundary, "" for none; CI's deploy roles cannot create a role without
// theirs.
func newRole(scope constructs.Construct, id, name, service, boundary string) iamrole.IamRole {
	c := &iamrole.IamRoleConfig{Name: &name, AssumeRolePolicy: assumeRolePolicy(service)}
	if boundary != "" {
		c.PermissionsBoundary = &boundary
	}
	return iamrole.NewIamRole(scope, &id, c)
}

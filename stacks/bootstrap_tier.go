package stacks

import "portfolio/config"

// tier is the set of environments that one deploy role is for, by patterns of
// their suffixes. Others are suffixes that the patterns match although they belong
// to another tier.
type tier struct {
	Name     string // of the GitHub environment
	Suffixes []string
	Others   []string
}

// pullRequests are the suffixes "pr<number>". IAM has no pattern for a digit, and
// "pr*" would match "production".
var pullRequests = []string{"pr0*", "pr1*", "pr2*", "pr3*", "pr4*", "pr5*", "pr6*", "pr7*", "pr8*", "pr9*"}

var (
	previews   = tier{Name: "preview", Suffixes: pullRequests}
	production = tier{Name: "production", Suffixes: []string{"*"}, Others: pullRequests}
)

// arns returns the ARNs of the names that these suffixes make.
func arns(suffixes []string, of func(n config.Names) []string) []string {
	var all []string
	for _, suffix := range suffixes {
		all = append(all, of(config.NewNames(suffix))...)
	}
	return all
}

// rights makes the statements of the deploy roles and the plan role. Resources with
// names are granted by name; every pattern contains the whole name up to the
// suffix, so that a name of one environment cannot pass for another's. Resources
// with generated IDs are separated by their tag Environment.
type rights struct {
	Account string // ID
	States  string // ARN of the state bucket
	Domain  config.Domain
}

// stateKeys are the objects of some suffixes in the state bucket whose keys end in
// end.
func (r rights) stateKeys(suffixes []string, end string) []string {
	var all []string
	for _, suffix := range suffixes {
		all = append(all, r.States+"/"+suffix+"/"+end)
	}
	return all
}

// buckets are all of some suffixes' buckets, or those of some kinds.
func (r rights) buckets(suffixes []string, kinds ...string) []string {
	if len(kinds) == 0 {
		kinds = []string{"hist", "logs", "artifacts"}
	}
	return arns(suffixes, func(n config.Names) []string {
		var all []string
		for _, kind := range kinds {
			all = append(all, "arn:aws:s3:::"+n.Bucket(kind, r.Account))
		}
		return all
	})
}

func objects(buckets []string) []string {
	var all []string
	for _, bucket := range buckets {
		all = append(all, bucket+"/*")
	}
	return all
}

func (r rights) secrets(suffixes []string) []string {
	return arns(suffixes, func(n config.Names) []string {
		// In any account: this one's roles reach no other's, and the policies are long.
		const prefix = "arn:aws:secretsmanager:*:*:secret:"
		// Terraform ends each with a hyphen and a generated number; the patterns end in *,
		// so that the database's matches DatabaseServiceSecret too.
		return []string{prefix + n.DatabaseSecret, prefix + n.SigningSecret}
	})
}

// ownedSecrets are the secrets that people create: the keys of sources of prices and the
// client's secret of an identity provider.
// Pull requests have none: whoever can push a branch could read them.
func (r rights) ownedSecrets(t tier) []string {
	if t.Name == previews.Name {
		return nil
	}
	return arns(t.Suffixes, func(n config.Names) []string {
		const prefix = "arn:aws:secretsmanager:*:*:secret:"
		return []string{prefix + n.QuoteSecret, prefix + n.SignInSecret}
	})
}

func (r rights) roleNames(suffixes []string) []string {
	return arns(suffixes, func(n config.Names) []string {
		var all []string
		for _, name := range []string{n.InstanceRole, n.FlowLogs, n.DatabaseMonitoringRole, n.WebSocketHandlerRole} {
			all = append(all, "arn:aws:iam::"+r.Account+":role/"+name)
		}
		return all
	})
}

func (r rights) profiles(suffixes []string) []string {
	return arns(suffixes, func(n config.Names) []string {
		return []string{"arn:aws:iam::" + r.Account + ":instance-profile/" + n.InstanceRole}
	})
}

// stateSettings are the settings of the bucket that every role may read.
var stateSettings = []string{
	"s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation", "s3:GetBucketVersioning",
	"s3:GetBucketPublicAccessBlock",
	"s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:GetBucketPolicy", "s3:GetBucketPolicyStatus",
}

// states lets a role write and lock its tier's states, but not delete their old
// versions, from which a lost state is restored.
func (r rights) states(t tier) []statement {
	own := r.stateKeys(t.Suffixes, "*")
	statements := []statement{
		{Sid: "StateBucket", Action: stateSettings, Resource: r.States},
		{Sid: "OwnStates", Action: []string{"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"}, Resource: own},
		{Sid: "OwnLocks", Action: "s3:DeleteObject", Resource: r.stateKeys(t.Suffixes, "*.tflock")},
		{Sid: "KeepBucket", Effect: "Deny", NotAction: stateSettings, Resource: r.States},
		{Sid: "KeepHistory", Effect: "Deny", Resource: r.States + "/*",
			Action: []string{"s3:DeleteObjectVersion", "s3:PutObjectAcl", "s3:PutObjectVersionAcl",
				"s3:BypassGovernanceRetention"}},
	}
	if t.Others == nil {
		// All other objects, in this bucket and any other.
		return append(statements,
			// ops reap deletes the state of a destroyed environment; its versions stay.
			statement{Sid: "EndOfStates", Action: "s3:DeleteObject", Resource: r.stateKeys(t.Suffixes, "*.tfstate")},
			statement{
				Sid: "NoOtherStates", Effect: "Deny", Action: objectActions,
				NotResource: append(own, objects(r.buckets(t.Suffixes))...),
			})
	}
	return append(statements, statement{
		Sid: "NoOtherStates", Effect: "Deny", Action: "s3:*",
		Resource: append(r.stateKeys(t.Others, "*"), r.States+"/bootstrap/*"),
	})
}

// objectActions read, write or delete objects of any bucket.
var objectActions = []string{"s3:GetObject*", "s3:PutObject*", "s3:DeleteObject*", "s3:RestoreObject",
	"s3:ReplicateObject", "s3:ReplicateDelete"}

package stacks

// domain lets a role of a tier validate a certificate for a name of its environments and
// point that name at a load balancer: previews have names that begin with their suffix,
// all other environments the domain itself or another name in it.
func (r rights) domain(t tier) []statement {
	if r.Domain.Name == "" {
		return nil
	}
	const types, names = "route53:ChangeResourceRecordSetsRecordTypes",
		"route53:ChangeResourceRecordSetsNormalizedRecordNames"
	of := func(suffixes []string) []string {
		var all []string
		for _, suffix := range suffixes {
			// A certificate's validation record has a name that begins with "_", before the host's.
			all = append(all, suffix+"."+r.Domain.Name, "_*."+suffix+"."+r.Domain.Name)
		}
		return all
	}
	own := of(t.Suffixes)
	if t.Others != nil {
		own = []string{r.Domain.Name, "*." + r.Domain.Name}
	}
	statements := []statement{
		{Sid: "Records", Action: "route53:ChangeResourceRecordSets", Resource: r.zone(), Condition: condition{
			"ForAllValues:StringEquals": {types: []string{"A", "CNAME"}}, "ForAllValues:StringLike": {names: own},
		}},
		{Sid: "NewCertificates", Action: []string{"acm:AddTagsToCertificate", "acm:RequestCertificate"}, Resource: "*",
			Condition: condition{"StringLike": {requestTag: t.Suffixes}}},
		{Sid: "OwnCertificates", Action: []string{"acm:AddTagsToCertificate", "acm:DeleteCertificate",
			"acm:RemoveTagsFromCertificate"}, Resource: "*",
			Condition: condition{"StringLike": {resourceTag: t.Suffixes}}},
	}
	if t.Others != nil {
		statements = append(statements, statement{Sid: "NoOtherRecords", Effect: "Deny",
			Action: "route53:ChangeResourceRecordSets", Resource: "*",
			Condition: condition{"ForAnyValue:StringLike": {names: of(t.Others)}}})
	}
	return statements
}

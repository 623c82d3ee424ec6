package preflight

import (
	"fmt"
	"slices"
	"strings"
)

// recordedRegion finds a state whose resources are in another region. Terraform would
// look for them here, find none, and create an empty environment in their place.
func (e *environment) recordedRegion() []Finding {
	recorded := e.stateRegion()
	if recorded == "" || recorded == e.Region {
		return nil
	}
	return []Finding{{
		What: "region of " + e.State.Key, Got: "AWS_REGION " + e.Region,
		Want: recorded + ", where the resources of this state are",
		Fix: fmt.Sprintf("set AWS_REGION=%s (lib/AWS_REGION takes precedence), or choose another ENVIRONMENT_SUFFIX "+
			"for %s", recorded, e.Region),
	}}
}

// stateRegion returns the region of the resources in the state, "" if it has none.
func (e *environment) stateRegion() string {
	for _, r := range e.owned.Managed() {
		for _, instance := range r.Instances {
			arn, _ := instance.Attributes["arn"].(string)
			if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && parts[0] == "arn" && parts[3] != "" {
				return parts[3]
			}
		}
	}
	return e.release("region")
}

// release returns a value that the last deploy recorded in the state, "" if there
// is none.
func (e *environment) release(name string) string {
	for _, instance := range e.instances("terraform_data") {
		input, _ := instance["input"].(map[string]any)
		value, _ := input["value"].(map[string]any) // next to its type
		if text, _ := value[name].(string); text != "" {
			return text
		}
	}
	return ""
}

// instances returns the attributes of all resources of a type in the state.
func (e *environment) instances(kind string) []map[string]any {
	var all []map[string]any
	for _, r := range e.owned.Managed() {
		if r.Type != kind {
			continue
		}
		for _, instance := range r.Instances {
			all = append(all, instance.Attributes)
		}
	}
	return all
}

// statefulReplaced finds databases and caches in the state that an apply with these
// settings would replace, because their name or their key would change.
func (e *environment) statefulReplaced() []Finding {
	var findings []Finding
	for _, kind := range []struct {
		spoken, kind, attribute string
		names                   []string
	}{
		{"database", "aws_db_instance", "identifier", []string{e.Names.Database, e.Names.DatabaseReplica}},
		{"cache", "aws_elasticache_serverless_cache", "name", []string{e.Names.Cache}},
	} {
		for _, attributes := range e.instances(kind.kind) {
			name, _ := attributes[kind.attribute].(string)
			if !slices.Contains(kind.names, name) {
				findings = append(findings, Finding{
					What: "state " + e.State.Key, Got: kind.spoken + " " + name,
					Want: kind.names[0] + ": another name would replace it",
					Fix:  "set the ENVIRONMENT_SUFFIX that the name ends with, or restore this environment's own state",
				})
				continue
			}
			findings = append(findings, e.keyReplaced(kind.spoken+" "+name, attributes)...)
		}
	}
	return findings
}

// keyReplaced compares the key of a stateful resource with the settings. The state also
// has the ARNs of keys that AWS manages: only a key that is itself in the state is a
// customer's.
func (e *environment) keyReplaced(what string, attributes map[string]any) []Finding {
	key, _ := attributes["kms_key_id"].(string)
	customer := key != "" && e.owned.Has("aws_kms_key", "arn", key)
	if replica, _ := attributes["replicate_source_db"].(string); replica != "" || customer == e.CustomerKey {
		return nil // a replica has its primary's key
	}
	f := Finding{What: what, Got: "the key of profile " + e.Release.Profile + ", which would replace it",
		Want: "its own, a key that AWS manages"}
	if customer {
		f.Want = "its own, a customer-managed key"
	}
	f.Fix = "deploy with the environment's own PORTFOLIO_PROFILE"
	if recorded := e.release("profile"); recorded != "" && recorded != e.Release.Profile {
		f.Fix = "set PORTFOLIO_PROFILE=" + recorded
	}
	f.Fix += ", or create another environment and move the data (docs/operations.md)"
	return []Finding{f}
}

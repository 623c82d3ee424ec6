package plan

import (
	"fmt"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// failedChecks lists the checks of a plan that failed or could not be evaluated, each
// with its messages.
func failedChecks(p *tfjson.Plan) []Finding {
	var found []Finding
	failed := func(status tfjson.CheckStatus) bool {
		return status == tfjson.CheckStatusFail || status == tfjson.CheckStatusError
	}
	for _, check := range p.Checks {
		instances := 0
		for _, instance := range check.Instances {
			if !failed(instance.Status) {
				continue
			}
			instances++
			address := instance.Address.ToDisplay
			if address == "" {
				address = check.Address.ToDisplay
			}
			var messages []string
			for _, problem := range instance.Problems {
				messages = append(messages, code(problem.Message))
			}
			found = append(found, checkFinding(address, instance.Status, messages))
		}
		if instances == 0 && failed(check.Status) {
			found = append(found, checkFinding(check.Address.ToDisplay, check.Status, nil))
		}
	}
	return found
}

func checkFinding(address string, status tfjson.CheckStatus, messages []string) Finding {
	text := "**failed**"
	if status == tfjson.CheckStatusError {
		text = "**could not be evaluated**"
	}
	if len(messages) > 0 {
		text += ": " + strings.Join(messages, "; ")
	}
	return ranked(address, text)
}

// invocations lists the actions that Terraform would invoke while applying: what they
// do in AWS is not shown by any resource.
func invocations(p *tfjson.Plan) []Finding {
	var found []Finding
	for _, a := range p.ActionInvocations {
		if a == nil {
			continue
		}
		text := "is invoked"
		if t := a.LifecycleActionTrigger; t != nil {
			text += fmt.Sprintf(" %s of %s", event(t.ActionTriggerEvent), code(t.TriggeringResourceAddress))
		}
		found = append(found, ranked(a.Address, text))
	}
	return found
}

// event describes a trigger's event: BeforeCreate, after_update.
func event(name string) string {
	words := strings.ToLower(strings.ReplaceAll(name, "_", ""))
	for _, when := range []string{"before", "after"} {
		if what, ok := strings.CutPrefix(words, when); ok {
			switch what {
			case "create":
				return when + " the creation"
			case "update":
				return when + " the update"
			case "destroy":
				return when + " the deletion"
			}
		}
	}
	return "by " + code(name)
}

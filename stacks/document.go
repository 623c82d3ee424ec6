package stacks

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/aws/jsii-runtime-go"
)

// statement is one statement of an IAM policy. Field order and names are IAM's.
type statement struct {
	Sid         string `json:",omitempty"`
	Effect      string `json:",omitempty"`
	Principal   any    `json:",omitempty"` // "*" or a map of kinds to identifiers
	Action      any    `json:",omitempty"`
	NotAction   any    `json:",omitempty"`
	Resource    any    `json:",omitempty"`
	NotResource any    `json:",omitempty"`
	Condition   any    `json:",omitempty"` // map of operator to map of key to one value or a list
}

// condition maps operators to keys to one value or a list.
type condition map[string]map[string]any

// policyDocument renders an IAM policy. A statement without an effect allows.
func policyDocument(statements ...statement) *string {
	for i := range statements {
		if statements[i].Effect == "" {
			statements[i].Effect = "Allow"
		}
	}
	return jsonDocument(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", statements})
}

// assumeRolePolicy lets one AWS service assume a role.
func assumeRolePolicy(service string) *string {
	return policyDocument(statement{Principal: principal("Service", service), Action: "sts:AssumeRole"})
}

func principal(kind string, id string) map[string]string { return map[string]string{kind: id} }

// jsonDocument renders v as JSON. Strings in it may contain Terraform tokens if these
// resolve to values without quotes and backslashes, as ARNs, IDs and names do.
func jsonDocument(v any) *string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Errorf("document of %T: %w", v, err)) // only a type that JSON cannot express
	}
	return jsii.String(string(bytes.TrimSpace(text.Bytes())))
}

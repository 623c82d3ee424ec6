package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	tfjson "github.com/hashicorp/terraform-json"
)

// Digest returns a digest of what a plan would change. Two plans have the same digest
// only if applying them has the same effect: drift and the time of the plan do not count.
func Digest(p *tfjson.Plan) (string, error) {
	text, err := json.Marshal([]any{p.ResourceChanges, p.OutputChanges, p.DeferredChanges, p.ActionInvocations})
	if err != nil {
		return "", fmt.Errorf("digest of the plan: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

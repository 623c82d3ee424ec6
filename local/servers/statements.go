package servers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
)

// A Statement is an allowing statement of a role's policies or of its permissions
// boundary.
type Statement struct {
	Role  string
	Layer int // 0 for the role's policies, 1 for its permissions boundary
	Sid   string
	Call  string // one that is denied without the statement, "" if every recorded call is allowed
	Text  string // the statement, the same for all roles that share a policy
}

// Statements evaluates a recording of an emulator: for each statement of each role it finds
// a call of the role that only this statement allows.
func Statements(ctx context.Context, recording string) ([]Statement, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, python(root), filepath.Join(root, "local/servers/unneeded.py"), recording)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("statements of %s: %w\n%s", recording, err, stderr.Bytes())
	}
	var all []Statement
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var s Statement
		if err := decoder.Decode(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

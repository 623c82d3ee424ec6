package platform

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// CreateKey creates an API key for an owner with the service's own command, run as on
// an instance. The scopes are separated by commas.
func (p *Platform) CreateKey(ctx context.Context, owner, label, scopes string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(p.root, machineService),
		"key", "create", "--owner", owner, "--label", label, "--scopes", scopes)
	cmd.Env, cmd.Stderr = environment(p.record.Service), &stderr
	key, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("portfolio key create: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(key)), nil
}

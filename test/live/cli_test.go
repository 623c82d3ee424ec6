package live

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"portfolio/local/platform"

	"github.com/caarlos0/env/v11"
	"github.com/stretchr/testify/require"
)

// emulated returns this process's environment with the emulator's address, the credentials
// of a workflow and the settings of a case.
func emulated(t *testing.T, p *platform.Platform, as platform.Workflow, settings map[string]string) map[string]string {
	t.Helper()
	environ := env.ToMap(os.Environ())
	for name := range own {
		delete(environ, name)
	}
	environ, err := p.As(t.Context(), as, environ)
	require.NoError(t, err)
	if rc, err := filepath.Abs(filepath.Join(root, "build/terraform/terraform.rc")); err == nil {
		if _, err := os.Stat(rc); err == nil {
			environ["TF_CLI_CONFIG_FILE"] = rc
		}
	}
	for name, value := range settings {
		environ[name] = value
	}
	return environ
}

func list(environ map[string]string) []string {
	var all []string
	for name, value := range environ {
		all = append(all, name+"="+value)
	}
	return all
}

// operator builds the operator's program when it is first called, as make deploy does, and
// returns its path.
var operator = sync.OnceValues(func() (string, error) {
	path, err := filepath.Abs(filepath.Join(root, "build/ops"))
	if err != nil {
		return "", err
	}
	out, err := exec.Command("make", "-C", root, "build/ops").CombinedOutput()
	if err != nil {
		os.Stderr.Write(out)
	}
	return path, err
})

// synthesize writes a stack, with a suffix of its name, to build/stacks, which is as deep in
// the checkout as the CLI's cdktf.out, and returns its folder.
func synthesize(t *testing.T, p *platform.Platform, name string, settings map[string]string) string {
	t.Helper()
	suffix := name[:min(len(name), 16)]
	environ := emulated(t, p, platform.Deploys(suffix), settings)
	environ["ENVIRONMENT_SUFFIX"] = suffix
	environ["CDKTF_OUTDIR"] = "build"
	out, err := platform.Synthesize(t.Context(), root, environ)
	require.NoError(t, err, string(out))
	return filepath.Join(root, "build", "stacks", "portfolio-"+environ["ENVIRONMENT_SUFFIX"])
}

func mustLook(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	require.NoError(t, err)
	return path
}

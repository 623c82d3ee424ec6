package live

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"portfolio/config/tfstate"
	"portfolio/local/platform"
	"portfolio/local/servers"

	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/hashicorp/terraform-exec/tfexec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cutDeploys deploys an environment through an interruption, a kill, and two deploys at
// the same time.
func cutDeploys(t *testing.T, p *platform.Platform, suffix string) {
	settings := maps.Clone(pullRequest)
	settings["CERTIFICATE_ARN"] = imported(t, p)
	folder := synthesize(t, p, suffix, settings)
	tf := stackTerraform(t, p, platform.DeploysPreview, folder, settings)
	interrupted := interrupt(t, p, folder, suffix)
	database := kill(t, p, folder, suffix, interrupted)
	out, err := runOps(t, p, platform.DeploysPreview, suffix, "preflight")
	require.Error(t, err, out)
	assert.Contains(t, out, "DB instance "+databaseOf(suffix)+": got one that is not in the state")
	assert.Contains(t, out, "`terraform import ADDRESS "+databaseOf(suffix)+"`")
	require.NoError(t, tf.Import(t.Context(), database, databaseOf(suffix)))
	twice(t, p, folder, suffix)

	final, ok := readState(t, p, suffix)
	require.True(t, ok)
	assert.Greater(t, final.Serial, interrupted.Serial)
	assert.Equal(t, interrupted.Lineage, final.Lineage)
	assert.Subset(t, addresses(final), addresses(interrupted))
	assert.Len(t, final.Outputs, 17)
	for name, output := range final.Outputs {
		assert.NotEmpty(t, output.Value, name)
	}
	require.NoError(t, tf.SetEnv(tfexec.CleanEnv(emulated(t, p, platform.PlansPullRequest, settings))))
	onlyDrift(t, changesOf(planned(t, tf)))
	_, locked := readObject(t, p, stateOf(suffix)+".tflock")
	assert.False(t, locked)
}

// imported returns the ARN of a certificate that was issued elsewhere.
func imported(t *testing.T, p *platform.Platform) string {
	t.Helper()
	authority, err := servers.NewAuthority()
	require.NoError(t, err)
	certificate, key, err := authority.Issue()
	require.NoError(t, err)
	out, err := acm.NewFromConfig(sdk(t, p)).ImportCertificate(t.Context(), &acm.ImportCertificateInput{
		Certificate: certificate, PrivateKey: key, CertificateChain: authority.PEM(),
	})
	require.NoError(t, err)
	return *out.CertificateArn
}

// interrupt ends a deploy as Ctrl-C does: Terraform records what it has created and
// releases the lock.
func interrupt(t *testing.T, p *platform.Platform, folder, suffix string) tfstate.State {
	first := startApply(t, p, folder)
	creations := func() progress { return progressOf(readFile(t, first.log), "create") }
	first.until(t, func() bool { return len(creations().completed) >= 30 })
	require.NoError(t, first.cmd.Process.Signal(os.Interrupt))
	require.Error(t, first.wait(), "an interrupted deploy fails")
	_, locked := readObject(t, p, stateOf(suffix)+".tflock")
	assert.False(t, locked, "an interrupted deploy keeps its lock")
	s, ok := readState(t, p, suffix)
	require.True(t, ok)
	assert.Subset(t, addresses(s), creations().completed)
	t.Logf("interrupted with %d resources in the state, begun and not recorded: %v", len(addresses(s)),
		slices.DeleteFunc(creations().started, func(address string) bool { return slices.Contains(addresses(s), address) }))
	return s
}

// kill ends a deploy as a lost machine does, while AWS creates the database, which is not
// in the state yet. What the database needs is deployed first, so that nothing else is in
// progress. The next deploy names the owner of the lock.
func kill(t *testing.T, p *platform.Platform, folder, suffix string, interrupted tfstate.State) (database string) {
	databases := inStack(t, folder, "aws_db_instance.")
	require.Len(t, databases, 1)
	database = databases[0]
	require.NotContains(t, addresses(interrupted), database)
	var needs []string
	for _, address := range named(t, folder, database) {
		needs = append(needs, "-target="+address)
	}
	first := startApply(t, p, folder, needs...)
	require.NoError(t, first.wait(), first.errors(t))
	second := startApply(t, p, folder, "-target="+database)
	instances, name := rds.NewFromConfig(sdk(t, p)), databaseOf(suffix)
	second.until(t, func() bool {
		_, err := instances.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &name})
		return err == nil
	})
	require.NoError(t, syscall.Kill(-second.cmd.Process.Pid, syscall.SIGKILL))
	require.Error(t, second.wait())
	s, ok := readState(t, p, suffix)
	require.True(t, ok)
	require.NotContains(t, addresses(s), database)

	lock, locked := readObject(t, p, stateOf(suffix)+".tflock")
	require.True(t, locked, "a killed deploy leaves its lock")
	var held lockInfo
	require.NoError(t, json.Unmarshal(lock, &held))
	namesHolder(t, p, folder, held)
	unlock := terraformCommand(t, p, folder, "force-unlock", "-force", held.ID)
	out, err := unlock.CombinedOutput()
	require.NoError(t, err, string(out))
	return database
}

// resourcesIn returns the resources of a synthesized stack, by address.
func resourcesIn(t *testing.T, folder string) map[string]string {
	t.Helper()
	var stack struct {
		Resource map[string]map[string]json.RawMessage
	}
	require.NoError(t, json.Unmarshal(readFile(t, filepath.Join(folder, "cdk.tf.json")), &stack))
	all := map[string]string{}
	for kind, resources := range stack.Resource {
		for name, resource := range resources {
			all[kind+"."+name] = string(resource)
		}
	}
	return all
}

// inStack returns the addresses of the resources of a stack that contain a text.
func inStack(t *testing.T, folder, part string) []string {
	t.Helper()
	addresses := slices.Collect(maps.Keys(resourcesIn(t, folder)))
	return slices.DeleteFunc(addresses, func(address string) bool { return !strings.Contains(address, part) })
}

// named returns the addresses of the resources that a resource of a stack refers to.
func named(t *testing.T, folder, address string) (all []string) {
	t.Helper()
	resources := resourcesIn(t, folder)
	for other := range resources {
		if strings.Contains(resources[address], other) {
			all = append(all, other)
		}
	}
	require.NotEmpty(t, all)
	return all
}

func databaseOf(suffix string) string { return "portfolio-holdings-db-" + suffix }

// namesHolder deploys while the lock is held.
func namesHolder(t *testing.T, p *platform.Platform, folder string, held lockInfo) {
	out, err := terraformCommand(t, p, folder, "apply", "-auto-approve", "-input=false", "-no-color").CombinedOutput()
	require.Error(t, err, string(out))
	assert.Contains(t, string(out), held.ID)
	assert.Contains(t, string(out), held.Who)
	assert.Contains(t, string(out), held.Created[:len("2006-01-02")])
}

// twice completes the environment with two deploys at the same time, and a third that does
// not wait for the lock.
func twice(t *testing.T, p *platform.Platform, folder, suffix string) {
	deploy := startApply(t, p, folder)
	var held lockInfo
	deploy.until(t, func() bool {
		text, locked := readObject(t, p, stateOf(suffix)+".tflock")
		return locked && json.Unmarshal(text, &held) == nil
	})
	namesHolder(t, p, folder, held)
	waiting := startApply(t, p, folder, "-lock-timeout=10m")
	require.NoError(t, deploy.wait(), deploy.errors(t))
	require.NoError(t, waiting.wait(), waiting.errors(t))
}

// apply is a terraform apply in progress.
type apply struct {
	cmd *exec.Cmd
	log string // its JSON lines
	err chan error
}

func terraformCommand(t *testing.T, p *platform.Platform, folder string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), mustLook(t, "terraform"), args...)
	cmd.Dir = folder
	cmd.Env = list(emulated(t, p, platform.DeploysPreview, pullRequest))
	return cmd
}

// startApply starts an apply in a process group of its own, which ends with the test.
func startApply(t *testing.T, p *platform.Platform, folder string, more ...string) *apply {
	t.Helper()
	a := &apply{log: filepath.Join(t.TempDir(), "log"), err: make(chan error, 1)}
	a.cmd = terraformCommand(t, p, folder,
		append([]string{"apply", "-json", "-auto-approve", "-input=false", "-parallelism=32"}, more...)...)
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	a.cmd.Cancel = func() error { return syscall.Kill(-a.cmd.Process.Pid, syscall.SIGKILL) }
	log, err := os.Create(a.log)
	require.NoError(t, err)
	a.cmd.Stdout, a.cmd.Stderr = log, log
	require.NoError(t, a.cmd.Start())
	require.NoError(t, log.Close())
	go func() { a.err <- a.cmd.Wait() }()
	return a
}

func (a *apply) wait() error { return <-a.err }

// until waits for a condition, and fails if the apply ends first.
func (a *apply) until(t *testing.T, met func() bool) {
	t.Helper()
	for !met() {
		select {
		case err := <-a.err:
			require.FailNow(t, "the apply ended early", "%v\n%s", err, a.errors(t))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// progress lists the addresses of managed resources on which an action has begun and ended.
type progress struct{ started, completed []string }

// progressOf reads Terraform's JSON lines about an action such as "create".
func progressOf(text []byte, action string) (all progress) {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var event struct {
			Type string
			Hook struct {
				Action   string
				Resource struct {
					Addr         string
					ResourceType string `json:"resource_type"`
				}
			}
		}
		if json.Unmarshal(lines.Bytes(), &event) != nil || event.Hook.Action != action || strings.HasPrefix(event.Hook.Resource.Addr, "ephemeral.") {
			continue // a partial line, or about something else
		}
		switch event.Type {
		case "apply_start":
			all.started = append(all.started, event.Hook.Resource.Addr)
		case "apply_complete":
			all.completed = append(all.completed, event.Hook.Resource.Addr)
		}
	}
	return all
}

// errors returns the errors of an apply.
func (a *apply) errors(t *testing.T) string {
	t.Helper()
	lines := strings.Split(string(readFile(t, a.log)), "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return !strings.Contains(line, `"@level":"error"`) }), "\n")
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return text
}

func kindOf(address string) string {
	kind, _, _ := strings.Cut(address, ".")
	return kind
}

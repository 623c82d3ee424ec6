package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portfolio/fastsynth/tempdir"

	"github.com/stretchr/testify/require"
)

// app is the built program, as users and the cdktf CLI start it.
var app string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	tempdir.ExitOnSignal()
	folder, err := os.MkdirTemp("", "portfolio")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	app = filepath.Join(folder, "portfolio")
	if output, err := exec.Command("go", "build", "-o", app, ".").CombinedOutput(); err != nil {
		panic(string(output))
	}
	return m.Run()
}

// start runs the app in a folder with these variables and nothing else of its
// own, and returns its exit status and standard error. Whatever it made of
// temporary files is gone by then.
func start(t *testing.T, folder string, variables ...string) (int, string) {
	t.Helper()
	temporary := t.TempDir()
	cmd := exec.Command(app)
	cmd.Dir = folder
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + temporary},
		variables...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		require.IsType(t, &exec.ExitError{}, err)
	}
	require.Empty(t, files(t, temporary))
	return cmd.ProcessState.ExitCode(), stderr.String()
}

// files are the contents of a folder by relative path.
func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, fs.WalkDir(os.DirFS(folder), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(folder, path))
		all[path] = string(text)
		return err
	}))
	return all
}

func TestBadInputWritesNothing(t *testing.T) {
	here, out := t.TempDir(), t.TempDir()
	status, stderr := start(t, here, "CDKTF_OUTDIR="+out, "ENVIRONMENT_SUFFIX=UPPER", "AWS_REGION=nowhere",
		"PORTFOLIO_PROFILE=other")
	require.Equal(t, exitBadInput, status)
	require.Equal(t, strings.Join([]string{
		"PORTFOLIO_PROFILE: got other, want preview, production, standard",
		"ENVIRONMENT_SUFFIX: got UPPER, want 1–16 of a–z, 0–9 and single inner hyphens",
		"AWS_REGION: got nowhere, want an AWS region such as eu-west-1",
		"",
	}, "\n"), stderr)
	require.Empty(t, files(t, here))
	require.Empty(t, files(t, out))
}

func TestBadRegionFileWritesNothing(t *testing.T) {
	here := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(here, "lib"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(here, "lib", "AWS_REGION"), nil, 0o644))
	status, stderr := start(t, here, "AWS_REGION=eu-west-1")
	require.Equal(t, exitBadInput, status)
	require.Equal(t, "lib/AWS_REGION: got nothing, want an AWS region such as eu-west-1\n", stderr)
	require.Equal(t, map[string]string{"lib/AWS_REGION": ""}, files(t, here))
}

// Output is a function of configuration: neither the folder nor the rest of the
// environment is in it. CDKTF_OUTDIR, the cdktf CLI's own variable, says where it goes.
func TestSynthIsTheSameEverywhere(t *testing.T) {
	first, second, out := t.TempDir(), filepath.Join(t.TempDir(), "deep", "er"), t.TempDir()
	require.NoError(t, os.MkdirAll(second, 0o755))

	status, stderr := start(t, first, "ENVIRONMENT_SUFFIX=pr3522")
	require.Zero(t, status, stderr)
	require.Contains(t, stderr, "warning: certificate: none given")
	status, stderr = start(t, second, "ENVIRONMENT_SUFFIX=pr3522", "CDKTF_OUTDIR="+out, "AWS_PROFILE=someone",
		"USER=someone")
	require.Zero(t, status, stderr)

	require.Empty(t, files(t, second), "CDKTF_OUTDIR is where it goes")
	want := files(t, filepath.Join(first, "cdktf.out"))
	require.Contains(t, want, "stacks/portfolio-pr3522/cdk.tf.json")
	require.Equal(t, want, files(t, out))
	for path, text := range want {
		require.NotContains(t, text, filepath.Dir(first), path)
	}
}

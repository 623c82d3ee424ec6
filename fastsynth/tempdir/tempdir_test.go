package tempdir

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMain(m *testing.M) {
	status := m.Run()
	Remove()
	os.Exit(status)
}

func TestCheck(t *testing.T) {
	own := folder
	defer func() { folder = own }()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	for name, c := range map[string]struct {
		parent  string
		bytes   uint64
		status  int
		problem string
	}{
		"good":         {t.TempDir(), need, 0, ""},
		"missing":      {filepath.Join(empty, "none"), need, exitBadInput, ", which does not exist, want a folder for temporary files"},
		"not a folder": {file, need, exitBadInput, ", which cannot be written to (not a directory), want a folder for temporary files"},
		"full":         {empty, 1 << 62, exitFailed, ", which is full, want 8 MB of free space"},
	} {
		t.Run(name, func(t *testing.T) {
			folder = ""
			status, problem := check(c.parent, c.bytes)
			if status != c.status || problem != c.problem {
				t.Errorf("check(%s, %d) = %d, %q, want %d, %q", c.parent, c.bytes, status, problem, c.status, c.problem)
			}
		})
	}
	left, err := os.ReadDir(empty)
	if err != nil || len(left) > 0 {
		t.Errorf("left %v, %v, want nothing", left, err)
	}
}

// Whatever is created later in the default folder is created in the process's own.
func TestFolder(t *testing.T) {
	if got := os.TempDir(); got != folder {
		t.Errorf("TempDir() = %s, want %s", got, folder)
	}
}

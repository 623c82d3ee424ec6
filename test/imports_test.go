package test

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rooms lists, for each top-level folder, the other folders that its packages may
// depend on, and whether they may depend on CDKTF. The root package is ".". The service
// and the Lambda share the contract and nothing else.
var rooms = map[string]struct {
	imports []string
	cdktf   bool
}{
	".":         {imports: []string{"config", "contract", "stacks", "fastsynth"}, cdktf: true},
	"config":    {imports: []string{"contract"}},
	"stacks":    {imports: []string{"config", "contract"}, cdktf: true},
	"fastsynth": {},
	"contract":  {},
	"lambda":    {imports: []string{"contract"}},
	"backend":   {imports: []string{"contract"}},
	"local":     {imports: []string{"config", "contract"}},
	"bootstrap": {imports: []string{"config", "contract", "stacks", "fastsynth"}, cdktf: true},
	"ops":       {imports: []string{"config", "contract"}},
}

// Tests and developers' tools may depend on everything.
var unbounded = []string{"test", "tools"}

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		room := roomOf(p.ImportPath)
		if slices.Contains(unbounded, room) {
			continue
		}
		allowed, known := rooms[room]
		if !assert.True(t, known, "%s: its folder is not in the table of imports", p.ImportPath) {
			continue
		}
		seen[room] = true
		for _, dependency := range p.Deps {
			if strings.HasPrefix(dependency, "github.com/hashicorp/terraform-cdk-go/") {
				assert.True(t, allowed.cdktf, "%s depends on CDKTF", p.ImportPath)
			}
			if !strings.HasPrefix(dependency, module+"/") {
				continue
			}
			other := roomOf(dependency)
			assert.True(t, other == room || slices.Contains(allowed.imports, other),
				"%s depends on %s, want %s and what %s holds", p.ImportPath, dependency, allowed.imports, room)
		}
	}
	assert.Len(t, seen, len(rooms), "a folder of the table has no package")
}

const module = "portfolio"

// roomOf returns the top-level folder of a package of this module.
func roomOf(importPath string) string {
	if importPath == module {
		return "."
	}
	room, _, _ := strings.Cut(strings.TrimPrefix(importPath, module+"/"), "/")
	return room
}

type goPackage struct {
	ImportPath string
	Deps       []string // direct and indirect, not of tests
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	list := exec.Command("go", "list", "-json=ImportPath,Deps", "./...")
	list.Dir = ".."
	out, err := list.Output()
	require.NoError(t, err)
	var all []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		err := decoder.Decode(&p)
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		all = append(all, p)
	}
}

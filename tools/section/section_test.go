package section_test

import (
	"os"
	"path/filepath"
	"testing"

	"portfolio/tools/section"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWrite(t *testing.T) {
	for _, test := range []struct{ name, file, text, want string }{
		{"no file", "", "# A\n\na\n", "# A\n\na\n"},
		{"after others", "# A\n\n## A1\n\na\n", "# B\n\nb\n", "# A\n\n## A1\n\na\n\n# B\n\nb\n"},
		{"the first", "# A\n\n## A1\n\na\n\n# B\n\nb\n", "# A\n\nnew\n", "# A\n\nnew\n\n# B\n\nb\n"},
		{"the last", "# A\n\na\n\n# B\n\nb\n", "# B\n\nnew\n", "# A\n\na\n\n# B\n\nnew\n"},
		{"a longer heading is another section", "# A b\n\na\n", "# A\n\nnew\n", "# A b\n\na\n\n# A\n\nnew\n"},
	} {
		path := filepath.Join(t.TempDir(), "report.md")
		if test.file != "" {
			require.NoError(t, os.WriteFile(path, []byte(test.file), 0o600))
		}
		for range 2 { // the second time changes nothing
			require.NoError(t, section.Write(path, test.text), test.name)
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, test.want, string(got), test.name)
		}
	}
	assert.Error(t, section.Write(t.TempDir(), "# A\n"), "a folder is not a file")
}

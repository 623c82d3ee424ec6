package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The README's table lists every setting with its default, and nothing else.
func TestReadmeHasEverySetting(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## Configuration\n")
	require.True(t, found)
	documented := map[string]string{} // default by variable
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+) \| ([^|]*) ?\| [^|]+ \|$`).FindAllStringSubmatch(section,
		-1) {
		for _, name := range regexp.MustCompile("`([A-Z][A-Z0-9_]+)`").FindAllStringSubmatch(row[1], -1) {
			documented[name[1]] = strings.Trim(strings.TrimSpace(row[2]), "`")
		}
	}
	for field := range reflect.TypeFor[settings]().Fields() {
		name := field.Tag.Get("env")
		given, known := documented[name]
		assert.True(t, known, "%s is not in README.md", name)
		if fallback, has := field.Tag.Lookup("envDefault"); has {
			assert.Equal(t, fallback, given, "README.md: default of %s", name)
		}
		delete(documented, name)
	}
	assert.Empty(t, documented, "README.md has settings that the app does not read")
}

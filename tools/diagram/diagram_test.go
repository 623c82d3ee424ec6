package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// If this fails, run make diagram.
func TestPictureIsCurrent(t *testing.T) {
	source := sourceOf(t, "../../"+stackFile)
	assert.Equal(t, source, read(t, "../../"+sourceFile), sourceFile)
	picture := read(t, "../../"+pictureSVG)
	assert.True(t, strings.HasSuffix(picture, mark(source)), pictureSVG+" was drawn from another source")
}

func TestEdgesAreThoseOfTheStack(t *testing.T) {
	standard, production := sourceOf(t, "../../test/testdata/standard.json"),
		sourceOf(t, "../../test/testdata/production.json")
	for _, edge := range []string{
		"internet -> vpc.public.alb: 80\n", "vpc.public.alb -> vpc.private.instances: 80\n",
		"vpc.private.instances -> vpc.private.postgres: 5432\n", "vpc.private.instances -> vpc.private.valkey: 6379–6380\n",
		"vpc.private.instances -> history\n", "vpc.private.instances -> api\n", "handler -> vpc.public.alb\n", "api -> handler\n",
	} {
		assert.Contains(t, standard, edge)
	}
	assert.NotContains(t, standard, "replica", "the standard profile has no replica")
	assert.Contains(t, production, "vpc.private.replica -> vpc.private.postgres\n")
	for _, never := range []string{"internet -> vpc.private", "handler -> vpc.private"} {
		assert.NotContains(t, standard, never)
	}
}

func sourceOf(t *testing.T, file string) string {
	t.Helper()
	s, err := parse([]byte(read(t, file)))
	require.NoError(t, err)
	return s.source()
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}
